"""Reads the webhook of Alertmanager, version 4, which Grafana sends as well."""

from datetime import datetime

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake.alertmanager import Batch, moment
from stationmaster.incidents.intake.foreign import ForeignAlert, kept_url
from stationmaster.incidents.intake.pairs import NO_PAIRS, annotations, labels

SOURCE = "webhook"
_VERSIONS = ("4", "1")
"""Grafana counts its own from 1."""


class _Notified(msgspec.Struct, rename="camel", kw_only=True):
    labels: msgspec.Raw
    status: str = "firing"
    annotations: msgspec.Raw = NO_PAIRS
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = msgspec.field(default="", name="generatorURL")


class _Message(msgspec.Struct, rename="camel", kw_only=True):
    alerts: list[msgspec.Raw]
    version: str = "4"


def read(body: bytes, now: datetime) -> Batch:
    """Raises PlatformError `bad-webhook` where the body is no message of that kind."""
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "send Alertmanager's webhook, version 4"
        raise PlatformError("bad-webhook", f"the body is no webhook message: {error}", hint=hint) from error
    if message.version not in _VERSIONS:
        text = f"version {message.version[:20]!r} of the webhook is not known"
        raise PlatformError("bad-webhook", text, hint="send version 4")
    alerts: list[ForeignAlert] = []
    problems: list[str] = []
    for number, each in enumerate(message.alerts):
        try:
            alerts.append(_read_one(msgspec.json.decode(each, type=_Notified), now))
        except ValueError as error:
            problems.append(f"alert {number}: {error}")
    return Batch(alerts=tuple(alerts), problems=tuple(problems[:20]))


def _read_one(notified: _Notified, now: datetime) -> ForeignAlert:
    """It fires until the sender says that it does not: its next word may come hours later. Raises ValueError."""
    named, told = labels(notified.labels), annotations(notified.annotations)
    if notified.status not in ("firing", "resolved"):
        raise ValueError(f"status {notified.status[:20]!r} is neither firing nor resolved")
    over = notified.status == "resolved"
    ends_at = (moment(notified.ends_at) or now) if over else None
    return ForeignAlert(
        key=named.key,
        source=SOURCE,
        labels=named.pairs,
        annotations=told,
        url=kept_url(notified.generator_url),
        starts_at=moment(notified.starts_at) or now,
        ends_at=min(ends_at, now) if ends_at else None,
    )
