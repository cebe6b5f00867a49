"""Reads what Prometheus sends to an Alertmanager: the good alerts of a batch, and what is wrong with the others."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake.foreign import RESOLVE_AFTER, ForeignAlert, kept_url
from stationmaster.incidents.intake.pairs import NO_PAIRS, annotations, labels

SOURCE = "alertmanager-api"
_MOST_PROBLEMS = 20
_ZERO_YEAR = 1
"""Go writes the absence of a moment as the first of year 1."""


class PostedAlert(msgspec.Struct, rename="camel", kw_only=True):
    labels: msgspec.Raw
    annotations: msgspec.Raw = NO_PAIRS
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = msgspec.field(default="", name="generatorURL")


_BATCH = msgspec.json.Decoder(list[msgspec.Raw])
_ALERT = msgspec.json.Decoder(PostedAlert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    alerts: tuple[ForeignAlert, ...]
    problems: tuple[str, ...] = ()


def read(body: bytes, now: datetime) -> Batch:
    """Raises PlatformError `bad-alerts` where the body is no list at all."""
    try:
        raw = _BATCH.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "send a JSON list of alerts, each with labels"
        raise PlatformError("bad-alerts", f"parsing alerts failed: {error}", hint=hint) from error
    alerts: list[ForeignAlert] = []
    problems: list[str] = []
    for number, each in enumerate(raw):
        try:
            alerts.append(_read_one(each, now))
        except ValueError as error:
            problems.append(f"alert {number}: {error}")
    return Batch(alerts=tuple(alerts), problems=_some(problems))


def _read_one(raw: msgspec.Raw, now: datetime) -> ForeignAlert:
    """Raises ValueError, of which msgspec's refusals are a kind."""
    posted = _ALERT.decode(raw)
    named, told = labels(posted.labels), annotations(posted.annotations)
    ends_at = moment(posted.ends_at)
    starts_at = moment(posted.starts_at) or ends_at or now
    if ends_at is not None and ends_at < starts_at:
        raise ValueError("start time must be before end time")
    return ForeignAlert(
        key=named.key,
        source=SOURCE,
        labels=named.pairs,
        annotations=told,
        url=kept_url(posted.generator_url),
        starts_at=starts_at,
        ends_at=ends_at or now + RESOLVE_AFTER,
        is_timeout=ends_at is None,
    )


def moment(given: datetime | None) -> datetime | None:
    """In UTC; what says no zone means it. Raises ValueError where no calendar has it."""
    if given is None or given.year == _ZERO_YEAR:
        return None
    try:
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{given} is no moment that can be kept") from error


def _some(problems: list[str]) -> tuple[str, ...]:
    left = len(problems) - _MOST_PROBLEMS
    return (*problems[:_MOST_PROBLEMS], f"and {left} more") if left > 0 else tuple(problems)
