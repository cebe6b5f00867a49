"""What API users lose for good when they leave: their keys and secrets at once, and their tokens also when they come
back before those have expired."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import UserName
from stationmaster.keys import store
from stationmaster.keys.credentials import ApiKey, ClientSecret
from stationmaster.runtime.audit import Change, record

SHORTEST_BAR = timedelta(days=7)
"""Foreign issuers do not say how long their tokens live."""
_BY = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A user that was declared again: until then, its tokens count if they were issued at `since_s` (seconds since
    1970) or later."""

    since_s: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What held until now, as it is afterwards."""

    api_keys: Sequence[ApiKey] = ()
    secrets: Sequence[ClientSecret] = ()


def first_second(declared_at: datetime) -> int:
    """Tokens tell whole seconds alone: the next one belongs to nobody that left before."""
    return int(declared_at.timestamp()) + 1


async def mark(connection: AsyncConnection, users: Iterable[UserName], now: datetime) -> None:
    """Keeps in mind that these users left, for whoever follows the declaration and may find them there again."""
    await store.bar_users(connection, users, now + SHORTEST_BAR)


async def revoke_all(connection: AsyncConnection, users: Iterable[UserName], now: datetime) -> Lost:
    """Revokes every key and secret of these users, with an audit entry for each that had any."""
    gone = tuple(users)
    lost = Lost(
        api_keys=await store.revoke_keys_of(connection, gone, now),
        secrets=await store.revoke_secrets_of(connection, gone, now),
    )
    keys, secrets = (Counter(each.user for each in many) for many in (lost.api_keys, lost.secrets))
    told = [
        Change(
            at=now,
            who=_BY,
            action="revoke",
            kind="credentials",
            name=user,
            before={"keys": keys[user], "client_secrets": secrets[user]},
        )
        for user in sorted({*keys, *secrets})
    ]
    await record(connection, *told)
    return lost
