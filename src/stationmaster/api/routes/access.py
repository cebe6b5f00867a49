"""Who may do what over REST: logins, people, machine tokens."""

import math
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from litestar import Controller, Request, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, SkipValidation

from stationmaster.access.live import Kind, Proof
from stationmaster.access.logins import Refused, Why
from stationmaster.access.passwords import generate
from stationmaster.access.people import Amendment, Standing
from stationmaster.access.roles import Role
from stationmaster.access.store import MachineToken, Person
from stationmaster.api.guard import Public, RefusalError, challenged
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire import Empty
from stationmaster.api.wire_access import (
    LoggedIn,
    Login,
    NewPassword,
    NewPerson,
    NewToken,
    PeopleShown,
    PersonChange,
    PersonMade,
    PersonShown,
    TokenMade,
    TokenShown,
    TokensShown,
    TokenState,
    WhoAmI,
)
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import utc_now

GivenProof: TypeAlias = NamedDependency[SkipValidation[Proof]]
PersonName: TypeAlias = Annotated[str, PathParameter(max_length=255)]
TokenId: TypeAlias = Annotated[str, PathParameter(max_length=64)]

_ADMINS = {"role": Role.ADMIN}
_ANY_ROLE = {"role": Role.VIEWER}


class LoginRoutes(Controller):
    path = "/api/v1"
    tags = ("access",)

    @post("/login", opt={"role": Public.ANYONE}, security=[{}], status_code=200, summary="Begin a session")
    async def login(
        self, platform: GivenPlatform, data: JSONBody[Login], request: "Request[Any, Any, State]"
    ) -> LoggedIn:
        outcome = await platform.access.login(data.name, data.password, _address(request))
        if isinstance(outcome, Refused):
            raise _refusal(outcome)
        caller = outcome.caller
        return LoggedIn(token=outcome.token, name=caller.name, role=caller.role, expires_at=outcome.expires_at)

    @post("/logout", opt=_ANY_ROLE, status_code=200, summary="End the session that asks")
    async def logout(self, platform: GivenPlatform, proof: GivenProof) -> Empty:
        if not await platform.access.logout(proof):
            raise _no_session(proof)
        return Empty()

    @get("/whoami", summary="The caller's name and role")
    async def whoami(self, proof: GivenProof) -> WhoAmI:
        caller = proof.caller
        return WhoAmI(name=caller.name, role=caller.role, proof=proof.kind.value, expires_at=proof.expires_at)

    @put("/password", opt=_ANY_ROLE, summary="Change one's own password; all other sessions end")
    async def change_password(
        self,
        platform: GivenPlatform,
        proof: GivenProof,
        data: JSONBody[NewPassword],
        request: "Request[Any, Any, State]",
    ) -> Empty:
        if proof.kind is not Kind.SESSION:
            raise _no_session(proof)
        name = proof.caller.name
        refused = await platform.access.logins.confirm(name, data.current, _address(request))
        if refused is not None:
            raise _refusal(refused)
        change = Amendment(password=data.new, keep_session=proof.digest)
        await platform.access.people.amend(name, change, by=name)
        return Empty()


class PeopleRoutes(Controller):
    path = "/api/v1/people"
    opt = _ADMINS
    tags = ("access",)

    @get(summary="Everybody who can log in")
    async def list_all(self, platform: GivenPlatform) -> PeopleShown:
        return PeopleShown(people=tuple(map(_person, await platform.access.people.all())))

    @post(summary="Make a person")
    async def create(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[NewPerson]) -> PersonMade:
        made, password = await platform.access.people.create(data.name, data.role, data.password, by=caller.name)
        return PersonMade(person=_person(made), password=password if data.password is None else None)

    @get("/{name:str}", summary="One person")
    async def show(self, platform: GivenPlatform, name: PersonName) -> PersonShown:
        return _person(await platform.access.people.find(name))

    @patch("/{name:str}", summary="Change role or password, shut out or let in again")
    async def change(
        self, platform: GivenPlatform, caller: GivenCaller, name: PersonName, data: JSONBody[PersonChange]
    ) -> PersonMade:
        if data.generate_password and data.password is not None:
            hint = "leave one of the two out"
            raise PlatformError("two-passwords", "a password is given and another is to be generated", hint=hint)
        fresh = generate() if data.generate_password else None
        asked = Amendment(role=data.role, password=fresh or data.password, standing=_standing(data.enabled))
        changed = await platform.access.people.amend(name, asked, by=caller.name)
        return PersonMade(person=_person(changed), password=fresh)

    @delete("/{name:str}", summary="Remove a person with all sessions")
    async def remove(self, platform: GivenPlatform, caller: GivenCaller, name: PersonName) -> None:
        await platform.access.people.remove(name, by=caller.name)


class TokenRoutes(Controller):
    path = "/api/v1/tokens"
    opt = _ADMINS
    tags = ("access",)

    @get(summary="Every machine token, revoked and expired ones too")
    async def list_all(self, platform: GivenPlatform) -> TokensShown:
        now = utc_now()
        return TokensShown(tokens=tuple(_token(each, now) for each in await platform.access.machines.all()))

    @post(summary="Make a machine token")
    async def create(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[NewToken]) -> TokenMade:
        now = utc_now()
        expires_at = None if data.expires_in_days is None else now + timedelta(days=data.expires_in_days)
        made, token = await platform.access.machines.create(data.name, data.role, expires_at, by=caller.name)
        return TokenMade(token=token, details=_token(made, now))

    @get("/{number:str}", summary="One machine token")
    async def show(self, platform: GivenPlatform, number: TokenId) -> TokenShown:
        return _token(await platform.access.machines.find(number), utc_now())

    @delete("/{number:str}", summary="Revoke a machine token, from the next request on")
    async def revoke(self, platform: GivenPlatform, caller: GivenCaller, number: TokenId) -> None:
        await platform.access.machines.revoke(number, by=caller.name)


def _address(request: "Request[Any, Any, State]") -> str:
    """Of the connection itself: a header may say anything."""
    return request.client.host if request.client else ""


def _refusal(refused: Refused) -> RefusalError:
    if refused.why is Why.WRONG:
        hint = "`stationmaster access reset-password` on the platform's machine helps who has lost it"
        return challenged(PlatformError("login-refused", "name or password is wrong", hint=hint, status=401))
    wait_s = math.ceil(refused.retry_after_s)
    error = PlatformError(
        "too-many-logins", "too many tries of this name or address", hint=f"wait {wait_s} s", status=429
    )
    return RefusalError(error, {"retry-after": str(wait_s)})


def _no_session(proof: Proof) -> PlatformError:
    hint = "an administrator revokes machine tokens; the tokens of files go with their files"
    return PlatformError("no-session", f"the caller shows a {proof.kind.value}, no session", hint=hint, status=409)


def _standing(enabled: bool | None) -> Standing | None:
    return None if enabled is None else Standing.ENABLED if enabled else Standing.DISABLED


def _person(person: Person) -> PersonShown:
    return PersonShown(
        name=person.name,
        role=person.role,
        enabled=person.enabled,
        created_at=person.created_at,
        created_by=person.created_by,
        last_login_at=person.last_login_at,
    )


def _token(token: MachineToken, now: datetime) -> TokenShown:
    ended = TokenState.REVOKED if token.revoked_at else TokenState.EXPIRED
    return TokenShown(
        id=token.id,
        name=token.name,
        role=token.role,
        prefix=token.prefix,
        state=TokenState.HOLDS if token.holds(now) else ended,
        created_at=token.created_at,
        created_by=token.created_by,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
