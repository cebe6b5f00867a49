"""The room's face: who may ask what, proved by files, machine tokens and sessions; tidied every half minute."""

import asyncio
import secrets
import stat
from datetime import datetime
from pathlib import Path

import structlog

from stationmaster.access import store
from stationmaster.access.bearer import LENT_PREFIX, new_token
from stationmaster.access.live import Kind, Live, Proof, SessionTerms
from stationmaster.access.logins import Logins, Outcome
from stationmaster.access.machines import Machines
from stationmaster.access.passwords import Passwords, generate
from stationmaster.access.people import People
from stationmaster.access.roles import Caller, Role
from stationmaster.access.store import Person
from stationmaster.access.throttle import LoginThrottle
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.files import create_private, write_private

log = structlog.get_logger("access")

ADMIN = "admin"
DOCTOR = "doctor"
_TIDY_S = 30.0
_SHORTEST_FILE_TOKEN = 32


class Access:
    """Nothing proves anything until `start` has run. `passwords` and `throttle` are for tests, which have no time."""

    def __init__(
        self,
        database: Database,
        state: StateDir,
        *,
        passwords: Passwords | None = None,
        throttle: LoginThrottle | None = None,
        terms: SessionTerms | None = None,
    ) -> None:
        self._database = database
        self._state = state
        self._passwords = passwords or Passwords()
        self._live = Live(terms or SessionTerms())
        self.people = People(database, self._live, self._passwords)
        self.machines = Machines(database, self._live)
        self.logins = Logins(database, self._live, self._passwords, throttle=throttle)

    async def start(self) -> str | None:
        """Takes up what is stored. At the first start it makes the administrator `admin` and returns the password,
        this once: show it, never log it.

        Raises PlatformError `token-file-unusable`.
        """
        for path, name, role in (
            (self._state.admin_token, ADMIN, Role.ADMIN),
            (self._state.doctor_token, DOCTOR, Role.VIEWER),
        ):
            self._live.know_file(await asyncio.to_thread(file_token, path), Caller(name=name, role=role))
        password = await self._first_administrator()
        async with self._database.read() as connection:
            self._live.load(
                await store.all_people(connection),
                await store.all_tokens(connection),
                await store.all_sessions(connection),
            )
        return password

    async def run(self) -> None:
        """Notes uses and drops ended sessions, for ever."""
        while True:
            await asyncio.sleep(_TIDY_S)
            await self.tidy(utc_now())

    async def tidy(self, now: datetime) -> None:
        """Writes which tokens and sessions were used, and removes the sessions that have ended."""
        ended, uses = self._live.ended(now), self._live.take_uses()
        if not ended and not uses:
            return
        async with self._database.write() as connection:
            await store.note_uses(connection, uses)
            await store.remove_sessions(connection, ended)
        self._live.forget_sessions(ended)

    def prove(self, token: str) -> Proof | None:
        """Who shows this token, and what it is; None when it proves nothing. Takes microseconds."""
        return self._live.prove(token, utc_now())

    def lend(self, name: str, role: Role, *, kind: Kind = Kind.FILE) -> str:
        """A token for one of the platform's own helpers, which proves who it is until it is taken back, or this process
        ends."""
        token = new_token(LENT_PREFIX)
        self._live.know_file(token, Caller(name=name, role=role), kind)
        return token

    def take_back(self, token: str) -> None:
        """What was lent proves nothing any more."""
        self._live.forget_file(token)

    def authenticate(self, token: str) -> Caller | None:
        proof = self.prove(token)
        return None if proof is None else proof.caller

    async def login(self, name: str, password: str, address: str) -> Outcome:
        return await self.logins.login(name, password, address)

    async def logout(self, proof: Proof) -> bool:
        return await self.logins.logout(proof)

    async def _first_administrator(self) -> str | None:
        async with self._database.read() as connection:
            if await store.all_people(connection):
                return None
        password = generate()
        hashed = await self._passwords.hash(password)
        now = utc_now()
        admin = Person(name=ADMIN, role=Role.ADMIN, password_hash=hashed, created_at=now, created_by="first start")
        made = Change(
            at=now, who="first start", action="create", kind="person", name=ADMIN, after={"role": Role.ADMIN.value}
        )
        async with self._database.write() as connection:
            await store.add_person(connection, admin)
            await record(connection, made)
        return password


def file_token(path: Path) -> str:
    """The token of a private file, made where there is none. One that others could read, or that is none, is replaced:
    who uses the file reads it anew."""
    try:
        if not path.exists():
            create_private(path, _file_line())
        token, exposed = path.read_text("utf-8", "replace").strip(), path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if exposed or len(token) < _SHORTEST_FILE_TOKEN:
            log.warning("token file replaced", file=str(path), reason="others could read it" if exposed else "no token")
            write_private(path, _file_line())
            token = path.read_text("utf-8").strip()
    except OSError as error:
        hint = "the state folder must be writable, and the file belong to the user who runs the platform"
        raise PlatformError("token-file-unusable", f"{path}: {error.strerror}", hint=hint, status=500) from error
    return token


def _file_line() -> bytes:
    return f"{secrets.token_urlsafe(32)}\n".encode()
