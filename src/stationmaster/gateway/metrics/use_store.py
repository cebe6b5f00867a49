"""How often API users called APIs, by the hour, as rows; and how much of what nodes have counted is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Double,
    Row,
    String,
    Table,
    cast,
    delete,
    desc,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import ApiName, NodeName, UserName
from stationmaster.gateway.metrics.uses import Pair, Uses
from stationmaster.runtime.db import Instant, metadata

api_use = Table(
    "api_use",
    metadata,
    Column("user", String(128), primary_key=True),
    Column("api", String(128), primary_key=True),
    Column("hour", Instant, primary_key=True, index=True),
    Column("requests", BigInteger, nullable=False),
    Column("client_errors", BigInteger, nullable=False),
    Column("server_errors", BigInteger, nullable=False),
)

api_use_read = Table(
    "api_use_read",
    metadata,
    Column("node", String(128), primary_key=True),
    Column("life", String(64), primary_key=True),
    Column("user", String(128), primary_key=True),
    Column("api", String(128), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("client_errors", BigInteger, nullable=False),
    Column("server_errors", BigInteger, nullable=False),
)

_DAY_S = 86_400
_COUNTS = ("requests", "client_errors", "server_errors")


class Step(Enum):
    """Into which spans of time uses are added up."""

    WHOLE = "whole"
    DAY = "day"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which uses somebody wants to see; an empty name asks for all. `until` is the moment before which they were."""

    user: str = ""
    api: str = ""
    since: datetime
    until: datetime
    step: Step = Step.WHOLE
    limit: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """`at` is when the hour or the UTC day begins; None stands for the whole span."""

    user: UserName
    api: ApiName
    at: datetime | None
    uses: Uses


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def add(connection: AsyncConnection, hour: datetime, rises: Mapping[Pair, Uses]) -> None:
    rows = [{"user": user, "api": api, "hour": hour, **_counts(uses)} for (user, api), uses in rises.items()]
    if not rows:
        return
    statement = upsert(api_use)
    sums = {name: api_use.c[name] + statement.excluded[name] for name in _COUNTS}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[api_use.c.user, api_use.c.api, api_use.c.hour], set_=sums), rows
    )


async def note_read(connection: AsyncConnection, node: NodeName, life: str, counted: Mapping[Pair, Uses]) -> None:
    """What the node had counted, in this life of one of its entrances, when it was read."""
    rows = [
        {"node": node, "user": user, "api": api, "life": life, **_counts(uses)} for (user, api), uses in counted.items()
    ]
    if not rows:
        return
    statement = upsert(api_use_read)
    new = {name: statement.excluded[name] for name in _COUNTS}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[*api_use_read.primary_key], set_=new), rows
    )


async def was_read(connection: AsyncConnection, node: NodeName, life: str) -> dict[Pair, Uses]:
    found = await connection.execute(
        select(api_use_read).where(api_use_read.c.node == node, api_use_read.c.life == life)
    )
    return {(UserName(row.user), ApiName(row.api)): _uses(row) for row in found}


async def lives(connection: AsyncConnection) -> Sequence[tuple[NodeName, str]]:
    """The nodes, and which lives of them, of which something is kept."""
    found = await connection.execute(select(api_use_read.c.node, api_use_read.c.life).distinct())
    return [(NodeName(row.node), row.life) for row in found]


async def forget(connection: AsyncConnection, over: Sequence[tuple[NodeName, str]]) -> None:
    """What was read of nodes in lives that are over."""
    for node, life in over:
        await connection.execute(delete(api_use_read).where(api_use_read.c.node == node, api_use_read.c.life == life))


async def asked(connection: AsyncConnection, question: Question) -> Sequence[UseRow]:
    """The latest span first, in it those with the most requests. Hours count whole: `since` is taken back to the
    beginning of one."""
    at = _begin(question.step).label("at")
    sums = [func.sum(api_use.c[name]).label(name) for name in _COUNTS]
    query = select(api_use.c.user, api_use.c.api, at, *sums).group_by(api_use.c.user, api_use.c.api, "at")
    query = query.where(api_use.c.hour >= hour_of(question.since), api_use.c.hour < question.until)
    for column, wanted in ((api_use.c.user, question.user), (api_use.c.api, question.api)):
        query = query.where(column == wanted) if wanted else query
    query = query.order_by(desc("at"), desc("requests"), api_use.c.user, api_use.c.api).limit(question.limit)
    return [_row(each, question.step) for each in await connection.execute(query)]


def _begin(step: Step) -> ColumnElement[int]:
    """In seconds since 1970."""
    hour = cast(type_coerce(api_use.c.hour, Double), BigInteger)
    match step:
        case Step.HOUR:
            return hour
        case Step.DAY:
            return hour - hour % _DAY_S
        case Step.WHOLE:
            return literal(0)


def _row(row: Row[Any], step: Step) -> UseRow:
    at = None if step is Step.WHOLE else datetime.fromtimestamp(row.at, UTC)
    return UseRow(user=UserName(row.user), api=ApiName(row.api), at=at, uses=_uses(row))


async def row_count(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.count()).select_from(api_use))).scalar_one())


async def oldest_hour(connection: AsyncConnection) -> datetime | None:
    oldest: datetime | None = (await connection.execute(select(func.min(api_use.c.hour)))).scalar_one_or_none()
    return oldest


async def drop_hour(connection: AsyncConnection, hour: datetime) -> int:
    """How many rows that were."""
    return (await connection.execute(delete(api_use).where(api_use.c.hour == hour))).rowcount


def _counts(uses: Uses) -> dict[str, int]:
    return {name: getattr(uses, name) for name in _COUNTS}


def _uses(row: Row[Any]) -> Uses:
    return Uses(**{name: int(getattr(row, name)) for name in _COUNTS})
