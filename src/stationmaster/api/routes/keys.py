"""API keys and client secrets of API users, revoked tokens, signing keys and the master key over REST."""

from datetime import datetime, timedelta
from typing import Annotated, TypeAlias

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire import Empty
from stationmaster.api.wire_keys import (
    ApiKeySummary,
    CipherRotated,
    CipherState,
    KeyEnd,
    KeyOrder,
    KeyRotation,
    MadeApiKey,
    MadeClientSecret,
    SecretOrder,
    SecretsEnd,
    SecretSummary,
    SigningKeyList,
    SigningKeySummary,
    TokenEnd,
    TokenRevocation,
    UserKeys,
)
from stationmaster.core.names import ApiName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys import desk
from stationmaster.keys.credentials import ApiKey, ClientSecret
from stationmaster.keys.signing import SigningKey
from stationmaster.keys.succession import known_until
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

User: TypeAlias = Annotated[str, PathParameter(max_length=255, description="An API user.")]
KeyId: TypeAlias = Annotated[str, PathParameter(max_length=64, description="The id of a key.")]
_CHANGE = {"role": Role.OPERATOR}
_MINT = {**_CHANGE, "runs": False}
"""What a run gets it prints: new secrets are given to people alone."""
_ADMIN = {"role": Role.ADMIN}


class KeyRoutes(Controller):
    path = "/api/v1/users"
    tags = ("keys",)

    @get("/{user:str}/keys", summary="A user's keys and client secrets")
    async def list_keys(self, platform: GivenPlatform, user: User) -> UserKeys:
        keys = await platform.keys.desk.keys_of(UserName(user))
        secrets = await platform.keys.desk.secrets_of(UserName(user))
        now = utc_now()
        return UserKeys(
            user=user,
            keys=tuple(_key(each, now) for each in keys),
            client_secrets=tuple(_secret(each, now) for each in secrets),
        )

    @get("/{user:str}/keys/{key_id:str}", summary="One key")
    async def show(self, platform: GivenPlatform, user: User, key_id: KeyId) -> ApiKeySummary:
        return _key(await platform.keys.desk.find_key(UserName(user), key_id), utc_now())

    @post("/{user:str}/keys", summary="A new API key", opt=_MINT)
    async def create(
        self, platform: GivenPlatform, caller: GivenCaller, user: User, data: JSONBody[KeyOrder]
    ) -> MadeApiKey:
        """The user's other keys hold as before. The key is shown this once."""
        order = desk.KeyOrder(
            scopes=tuple(map(ApiName, data.scopes)), expires_in=_span(data.expires_in_s), note=data.note
        )
        made = await platform.keys.desk.create_key(UserName(user), order, by=caller.name)
        secret = None
        if data.client_secret_if_missing:
            secret = await platform.keys.desk.create_secret(UserName(user), by=caller.name, unless_there=True)
        return MadeApiKey(
            key=_key(made.key, utc_now()),
            api_key=made.text,
            client_id=user,
            client_secret=None if secret is None else secret.text,
            pending=await _pending(platform),
        )

    @post("/{user:str}/keys/{key_id:str}/rotate", summary="A new key in the place of one", opt=_CHANGE)
    async def rotate(
        self, platform: GivenPlatform, caller: GivenCaller, user: User, key_id: KeyId, data: JSONBody[KeyRotation]
    ) -> MadeApiKey:
        """The old key holds for `overlap_s` more, so that its users can change over."""
        made = await platform.keys.desk.rotate_key(
            UserName(user),
            key_id,
            overlap=timedelta(seconds=data.overlap_s),
            expires_in=_span(data.expires_in_s),
            by=caller.name,
        )
        return MadeApiKey(
            key=_key(made.key, utc_now()),
            api_key=made.text,
            client_id=user,
            client_secret=None,
            pending=await _pending(platform),
        )

    @delete("/{user:str}/keys/{key_id:str}", summary="Revoke a key", status_code=200, opt=_CHANGE)
    async def revoke(self, platform: GivenPlatform, caller: GivenCaller, user: User, key_id: KeyId) -> KeyEnd:
        """Every node refuses it from now on."""
        ended = await platform.keys.desk.revoke_key(UserName(user), key_id, by=caller.name)
        return KeyEnd(key=_key(ended, utc_now()), pending=await _pending(platform))

    @post("/{user:str}/client-secret", summary="A new client secret", opt=_MINT)
    async def create_secret(
        self, platform: GivenPlatform, caller: GivenCaller, user: User, data: JSONBody[SecretOrder]
    ) -> MadeClientSecret:
        """Shown this once. Older ones hold for `overlap_s` more."""
        overlap = timedelta(seconds=data.overlap_s)
        made = await platform.keys.desk.create_secret(UserName(user), by=caller.name, overlap=overlap)
        if made is None:
            raise PlatformError("no-client-secret", f"{user} kept the one that it has", status=409)
        return MadeClientSecret(client_id=made.client_id, client_secret=made.text)

    @delete("/{user:str}/client-secret", summary="Revoke a user's client secrets", status_code=200, opt=_CHANGE)
    async def revoke_secrets(self, platform: GivenPlatform, caller: GivenCaller, user: User) -> SecretsEnd:
        """No more tokens for this client; those that it has hold until they expire or are revoked."""
        return SecretsEnd(user=user, revoked=await platform.keys.desk.revoke_secrets(UserName(user), by=caller.name))


class SigningRoutes(Controller):
    path = "/api/v1"
    tags = ("keys",)

    @post("/access-tokens/revoke", summary="Revoke a token of the key service", status_code=200, opt=_CHANGE)
    async def revoke_token(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[TokenRevocation]
    ) -> TokenEnd:
        """Every node refuses it from now on."""
        token_id = await platform.keys.revoke_token(data.token, by=caller.name)
        return TokenEnd(token_id=token_id, pending=await _pending(platform))

    @get("/signing-keys", summary="The keys that sign tokens")
    async def list_signing_keys(self, platform: GivenPlatform) -> SigningKeyList:
        now = utc_now()
        return SigningKeyList(keys=tuple(_signing_key(each, now) for each in platform.keys.signing_keys.keys))

    @post("/signing-keys/rotate", summary="A new signing key", opt=_ADMIN)
    async def rotate_signing_key(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[Empty]
    ) -> SigningKeySummary:
        """It signs as soon as every gateway node knows it; what the old one signed holds until it expires."""
        return _signing_key(await platform.keys.rotate_signing_key(by=caller.name), utc_now())

    @get("/cipher", summary="The master key that secrets are sealed under", opt=_ADMIN)
    async def cipher(self, platform: GivenPlatform) -> CipherState:
        found = await platform.keys.cipher_status()
        return CipherState(
            key_id=found.key_id,
            origin=found.origin.value,
            source=found.source,
            secrets=found.secrets.all,
            stale=found.secrets.stale,
            unfinished=found.unfinished,
        )

    @post("/cipher/rotate", summary="A new master key", status_code=200, opt=_ADMIN)
    async def rotate_cipher(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[Empty]) -> CipherRotated:
        """Every stored secret is sealed anew. Cut off anywhere, the next start finishes it."""
        done = await platform.keys.rotate_master_key(by=caller.name)
        return CipherRotated(key_id=(await platform.keys.cipher_status()).key_id, secrets=done)


async def _pending(platform: Platform) -> tuple[str, ...]:
    return (await platform.gateway.publish_credentials()).pending


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _key(key: ApiKey, now: datetime) -> ApiKeySummary:
    return ApiKeySummary(
        id=key.id,
        user=key.user,
        prefix=key.prefix,
        scopes=key.scopes,
        note=key.note,
        state=key.state(now).value,
        created_at=key.term.created_at,
        expires_at=key.term.expires_at,
        revoked_at=key.term.revoked_at,
        replaced_by=key.replaced_by,
        last_used_at=key.last_used_at,
    )


def _secret(secret: ClientSecret, now: datetime) -> SecretSummary:
    term = secret.term
    return SecretSummary(
        state=secret.state(now).value,
        created_at=term.created_at,
        expires_at=term.expires_at,
        revoked_at=term.revoked_at,
    )


def _signing_key(key: SigningKey, now: datetime) -> SigningKeySummary:
    state = "waiting" if key.active_from is None else "signing" if key.signs_at(now) else "retired"
    return SigningKeySummary(
        kid=key.kid,
        algorithm=key.algorithm.value,
        state=state,
        created_at=key.created_at,
        active_from=key.active_from,
        retired_at=key.retired_at,
        known_until=known_until(key),
    )
