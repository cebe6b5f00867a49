"""The room's face in the control plane: makes keys and credentials, and shows them to key service and gateway."""

import asyncio
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ApiUser
from stationmaster.keys import store
from stationmaster.keys.bundle import Bundle, write_bundle
from stationmaster.keys.credentials import IssuedCredentials, make_credentials
from stationmaster.keys.issue import TokenTerms
from stationmaster.keys.signing import SigningAlgorithm, make_signing_key
from stationmaster.runtime.board import Cell
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeys:
    """What gateway nodes check requests with: a JWK set (JSON), and API keys in the clear by consumer."""

    jwks: str
    api_keys: tuple[tuple[UserName, str], ...] = field(repr=False)


class Keys:
    """`public` is empty until `start` has run. Users that are no longer declared keep their row and lose access."""

    def __init__(
        self,
        *,
        database: Database,
        cipher: Cipher,
        state_dir: StateDir,
        issuer: str,
        audience: str,
        users: tuple[ApiUser, ...],
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._state = state_dir
        self._terms = TokenTerms(issuer=issuer, audience=audience)
        self._users = frozenset(user.name for user in users)
        self._turn = asyncio.Lock()
        self.public: Cell[PublicKeys] = Cell(PublicKeys(jwks='{"keys": []}', api_keys=()))

    async def start(self, algorithm: SigningAlgorithm = SigningAlgorithm.RS256) -> None:
        """Makes the first signing key where there is none, writes the bundle and shows the public keys.

        Raises PlatformError when stored secrets do not open under this master key or the bundle cannot be written.
        """
        async with self._turn:
            async with self._database.read() as connection:
                known = await store.key_set(connection, self._cipher)
            first = None if known.keys else await asyncio.to_thread(make_signing_key, algorithm, utc_now())
            async with self._database.write() as connection:
                if first is not None:
                    await store.add_signing_key(connection, self._cipher, first)
                public = await self._write_bundle(connection)
            self.public.set(public)

    async def create_credentials(self, user: UserName) -> IssuedCredentials:
        """New credentials of a declared user, shown this once. The user's older client secret and API key hold no
        longer; tokens that were issued stay good until they expire.

        Raises PlatformError: `unknown-api-user`, `key-bundle-unwritable` (then nothing has changed).
        """
        if user not in self._users:
            raise PlatformError(
                "unknown-api-user",
                f"no API user is named {user!r}",
                hint=f"declared are: {', '.join(sorted(self._users)) or 'none'}",
                status=404,
            )
        issued = make_credentials(user)
        async with self._turn:
            async with self._database.write() as connection:
                await store.replace_credentials(connection, self._cipher, issued, utc_now())
                public = await self._write_bundle(connection)
            self.public.set(public)
        return issued

    async def _write_bundle(self, connection: AsyncConnection) -> PublicKeys:
        """Inside the transaction, so that a bundle that cannot be written leaves the tables as they were; should the
        commit fail after it, the next start or change writes the bundle from the tables again."""
        keys = await store.key_set(connection, self._cipher)
        known = await store.all_credentials(connection, self._cipher)
        declared = [each for each in known if each.client.user in self._users]
        clients = {each.client.client_id: each.client for each in declared}
        bundle = Bundle(terms=self._terms, keys=keys, clients=clients)
        await asyncio.to_thread(write_bundle, self._state.key_bundle, bundle, self._cipher)
        return PublicKeys(jwks=keys.jwks, api_keys=tuple((each.client.user, each.api_key) for each in declared))
