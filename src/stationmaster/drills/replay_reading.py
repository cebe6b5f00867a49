"""Reads out of an incident's bundle which alerts it had, what each was told by, and what was broken on purpose."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from stationmaster.core.drills import OF_PROCESSES
from stationmaster.drills.replay import Told

Record = tuple[str, Mapping[str, Any]]
"""Kind and body, as the bundle has them."""

_BEFORE_IT_FIRED = timedelta(minutes=2)
"""A fault that was made so long before an alert may be its cause."""


def alerts_in(records: Iterable[Record]) -> tuple[Told, ...]:
    """In the order in which they fired; an alert that fired several times is told once, from its first beginning to
    its last end."""
    every = list(records)
    rows = {str(body["fingerprint"]): body for kind, body in every if kind == "incident_alert"}
    fired = _first_by_fingerprint(every, "AlertFired", rows)
    injected = [(moment(each["at"]), each) for each in _facts(every, "FaultInjected")]
    starts = {key: moment(fired[key]["at"]) if key in fired else moment(row["starts_at"]) for key, row in rows.items()}
    zero = min(starts.values(), default=None)
    found = []
    for key, row in sorted(rows.items(), key=lambda each: starts[each[0]]):
        if zero is not None:
            found.append(_told(row, fired.get(key, {}), starts[key], zero, injected))
    return tuple(found)


def moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))


def _told(
    row: Mapping[str, Any],
    fired: Mapping[str, Any],
    began: datetime,
    zero: datetime,
    injected: list[tuple[datetime, Mapping[str, Any]]],
) -> Told:
    labels = {str(name): str(value) for name, value in row["labels"].items()}
    evidence = str(fired.get("evidence", ""))
    rule = str(fired.get("alert", {}).get("rule", ""))
    about = {labels.get("instance", ""), labels.get("node", "")} - {""}
    causes = [each for at, each in injected if began - _BEFORE_IT_FIRED <= at <= began and each["instance"] in about]
    kinds = [str(each["fault"]) for each in causes if str(each["fault"]) in {one.value for one in OF_PROCESSES}]
    return Told(
        name=labels.get("alertname", ""),
        labels=labels,
        summary=str(row["summary"]),
        evidence=evidence,
        began_s=(began - zero).total_seconds(),
        ended_s=(moment(row["ends_at"]) - zero).total_seconds() if row.get("ends_at") else None,
        foreign=bool(rule) and evidence == f"told by {rule}",
        source=rule,
        injected=kinds[-1] if kinds else "",
    )


def _first_by_fingerprint(
    records: Iterable[Record], kind: str, wanted: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for body in _facts(records, kind):
        key = str(body["alert"]["fingerprint"])
        if key in wanted:
            found.setdefault(key, body)
    return found


def _facts(records: Iterable[Record], kind: str) -> Iterator[Mapping[str, Any]]:
    """Facts carry their moment beside what they say, or in it."""
    for name, body in records:
        if name == "fact" and body.get("kind") == kind:
            yield {"at": body.get("at"), **body["body"]}
