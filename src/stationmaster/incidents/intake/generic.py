"""Reads alerts out of any JSON document by a mapping: where in it the parts of an alert stand."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake.alertmanager import Batch, moment
from stationmaster.incidents.intake.foreign import ForeignAlert, cleaned, cut, kept, kept_url, wrong_with
from stationmaster.incidents.intake.paths import parse

FIELDS = ("each", "key", "alertname", "summary", "severity", "status", "resolved", "starts_at", "url")
_LABELS = "label."
_RESOLVED = "resolved,ok,up,closed,recovered,normal"
_LONGEST_LABEL = 1_024
_MOST = 10_000
_LATEST_S = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Values that begin with `$` are paths, all others stand for themselves. `each` names the list of alerts, where
    the document has several; `resolved` the words of `status` that mean an end, parted by commas."""

    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        return {name.removeprefix(_LABELS): path for name, path in self.fields.items() if name.startswith(_LABELS)}


def checked(fields: Mapping[str, str]) -> Mapped:
    """Raises PlatformError `bad-mapping`, `bad-path`."""
    odd = next((name for name in fields if name not in FIELDS and not name.startswith(_LABELS)), None)
    if odd is not None:
        hint = f"known are {', '.join(FIELDS)} and label.NAME"
        raise PlatformError("bad-mapping", f"a mapping has no {odd[:60]!r}", hint=hint)
    for value in fields.values():
        if value.startswith("$"):
            parse(value)
    return Mapped(fields=dict(fields))


def read(name: str, body: bytes, mapping: Mapped, now: datetime) -> Batch:
    """Raises PlatformError `bad-json`."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlatformError("bad-json", f"the body is no JSON: {error}", hint="send one JSON document") from error
    each = mapping.fields.get("each")
    parts = parse(each).all(document)[:_MOST] if each else [document]
    alerts: list[ForeignAlert] = []
    problems: list[str] = []
    for number, part in enumerate(parts):
        try:
            alerts.append(_read_one(name, part, mapping, now))
        except ValueError as error:
            problems.append(f"alert {number}: {error}")
    return Batch(alerts=tuple(alerts), problems=tuple(problems[:20]))


def _read_one(name: str, part: Any, mapping: Mapped, now: datetime) -> ForeignAlert:
    """Raises ValueError."""
    said = {each: _text(part, path) for each, path in mapping.fields.items() if each not in ("each", "resolved")}
    summary = said.get("summary", "")
    labels = {each: _text(part, path)[:_LONGEST_LABEL] for each, path in mapping.labels.items()}
    labels["alertname"] = cut(said.get("alertname") or summary or name, 200)
    labels.setdefault("severity", said.get("severity", ""))
    labels = cleaned(labels)
    wrong = wrong_with(labels)
    if wrong:
        raise ValueError(wrong)
    words = (mapping.fields.get("resolved") or _RESOLVED).lower().split(",")
    over = said.get("status", "").lower() in {word.strip() for word in words}
    return ForeignAlert(
        key=_key(name, said.get("key") or msgspec.json.encode(sorted(labels.items())).decode()),
        source=f"json/{name}"[:64],
        labels=labels,
        annotations=kept({"summary": summary}),
        url=kept_url(said.get("url", "")),
        starts_at=min(_moment(said.get("starts_at", "")) or now, now),
        ends_at=now if over else None,
    )


def _text(part: Any, path: str) -> str:
    value = parse(path).first(part) if path.startswith("$") else path
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _key(name: str, text: str) -> str:
    return "json-" + hashlib.sha256(f"{name}\0{text}".encode("utf-8", "replace")).hexdigest()[:32]


def _moment(text: str) -> datetime | None:
    """ISO 8601, or seconds since the epoch."""
    try:
        if text.replace(".", "", 1).isdigit():
            seconds = float(text)
            return datetime.fromtimestamp(seconds, UTC) if seconds <= _LATEST_S else None
        return moment(datetime.fromisoformat(text)) if text else None
    except ValueError:
        return None
