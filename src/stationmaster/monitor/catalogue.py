"""All checks with their last answers: of instances, of APIs through gateway nodes, of APIs past them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.crossing import Crossing
from stationmaster.monitor.rules import Health, Watched, WatchState
from stationmaster.monitor.schedule import Schedule
from stationmaster.monitor.ways import Ways

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""As `monitor.promql.samples.Labels`: sorted by name, without empty values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the catalogue. `api` and `node` are those of a check through the gateway, `instance` is whom a check
    asks directly; `answer` is None where none came yet."""

    name: str
    kind: str
    url: str
    environment: str
    service: str
    state: Health
    detail: str
    since: datetime
    interval_ms: int
    answer: ProbeAnswer | None = None
    due_at: datetime | None = None
    instance: str = ""
    region: str = ""
    api: str = ""
    node: str = ""


def of_instances(
    watched: Iterable[Watched], states: Mapping[str, WatchState], details: Mapping[str, str], schedule: Schedule
) -> Iterator[Check]:
    """`details` says in words what there is to say of an instance beside its last answer."""
    for each in watched:
        name, state = each.instance.name, states[each.instance.name]
        yield Check(
            name=name,
            kind=each.check.kind.value,
            url=each.url,
            environment=each.environment,
            service=each.instance.service,
            state=state.health,
            detail=details.get(name, ""),
            since=state.since,
            interval_ms=each.check.interval_ms,
            answer=state.answers[-1] if state.answers else None,
            due_at=schedule.next_at(name),
            instance=name,
            region=each.instance.region,
        )


def of_ways(ways: Ways, now: datetime) -> Iterator[Check]:
    for crossing in ways.crossings.values():
        yield from _through(crossing, ways)
        yield from _directly(crossing, ways, now)


def _through(crossing: Crossing, ways: Ways) -> Iterator[Check]:
    for way in crossing.ways:
        state, answer = ways.states[way.name], ways.answers.get(way.name)
        place = f"; likely place: {state.diagnosis.place.value}" if state.diagnosis else ""
        yield Check(
            name=way.name,
            kind="gateway",
            url=crossing.url(way),
            environment=crossing.environment,
            service=crossing.service,
            state=state.watch.health,
            detail=f"{answer.detail}{place}" if answer else "not checked yet",
            since=state.watch.since,
            interval_ms=crossing.check.interval_ms,
            answer=answer,
            due_at=ways.schedule.next_at(crossing.api),
            api=crossing.api,
            node=way.node,
        )


def _directly(crossing: Crossing, ways: Ways, now: datetime) -> Iterator[Check]:
    """Their state is that of the newest answer: no alert comes of it, only a reason."""
    check = crossing.direct_check
    for spot in crossing.spots:
        name = f"{crossing.api}@{spot.target}"
        answer = ways.answers.get(name)
        yield Check(
            name=name,
            kind=check.kind.value,
            url=f"{check.kind.value}://{spot.address}{check.path}",
            environment=crossing.environment,
            service=crossing.service,
            state=Health.UNKNOWN if answer is None else Health.UP if answer.ok else Health.DOWN,
            detail=answer.detail if answer else "not checked yet",
            since=ways.turned.get(name, now),
            interval_ms=check.interval_ms,
            answer=answer,
            due_at=ways.schedule.next_at(crossing.api),
            instance=spot.target,
            api=crossing.api,
        )


def samples_of(checks: Iterable[Check]) -> Iterator[tuple[Labels, float]]:
    """What blackbox_exporter calls these metrics; nothing of a check that nobody makes now, or of an instance that may
    still be starting: rules would take it for dead."""
    for check in checks:
        answer = check.answer
        if answer is None or check.state is Health.HELD or (check.state is Health.UNKNOWN and not answer.ok):
            continue
        yield _labels(check, "probe_success"), float(answer.ok)
        yield _labels(check, "probe_duration_seconds"), answer.latency_ms / 1000
        if answer.status is not None:
            yield _labels(check, "probe_http_status_code"), float(answer.status)
        if answer.certificate_ends is not None:
            yield _labels(check, "probe_ssl_earliest_cert_expiry"), answer.certificate_ends.timestamp()


def _labels(check: Check, name: str) -> Labels:
    """Sorted by name, as written here."""
    labels = (
        ("__name__", name),
        ("api", check.api),
        ("check", check.kind),
        ("environment", check.environment),
        ("instance", check.instance),
        ("node", check.node),
        ("region", check.region),
        ("service", check.service),
    )
    return tuple(pair for pair in labels if pair[1])
