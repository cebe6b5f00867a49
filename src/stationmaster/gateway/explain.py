"""Why a target is in its state, in sentences: declaration, hold, nodes, direct check, incident, history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.facts import BalancerState
from stationmaster.gateway.disagreement import DirectCheck, Finding
from stationmaster.gateway.targets import Sighting, TargetRow

_WORDS = {BalancerState.IN: "in rotation", BalancerState.OUT: "out", BalancerState.DRAIN: "draining"}
_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSays:
    """What one node says of the target. `answered` is False when its administration does not; `sighting` is None when
    it does not know the target."""

    node: str
    connected: bool
    newest: bool
    answered: bool
    sighting: Sighting | None
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that was done to the target or to its instance."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one target at one moment. `incident` says in words for what it was changed last, or what
    is open about its instance."""

    row: TargetRow
    declared_at: str
    checked: str
    """How the nodes check it, in words; empty where they do not."""
    nodes: tuple[NodeSays, ...]
    direct: DirectCheck | None
    history: tuple[Happened, ...]
    """The newest first."""
    findings: tuple[Finding, ...] = ()
    incident: str = ""


def verdict(evidence: Evidence) -> str:
    """One sentence: does it take requests, and if not, why."""
    row, name = evidence.row, _name(evidence.row)
    if row.state is not BalancerState.IN:
        held = f"held {row.state.value} by" if row.manual else f"{_WORDS[row.state]} because of"
        return f"{name} takes no new requests: {held} {row.by} ({row.why})"
    if not row.weight:
        return f"{name} takes no requests: its weight is 0"
    heard = [each for each in evidence.nodes if each.answered]
    taking = [each.node for each in heard if each.sighting and each.sighting.takes_requests]
    forced = f", held in by {row.by} ({row.why})" if row.manual else ""
    if not heard:
        return f"{name} is in rotation{forced}, but no node answers to say whether it takes requests"
    if not taking:
        return f"{name} is in rotation{forced}, but no node sends to it: {_why_not(heard)}"
    if len(taking) < len(heard):
        others = [each for each in heard if each.node not in taking]
        return f"{name} takes requests from {', '.join(taking)} alone{forced}: {_why_not(others)}"
    return f"{name} takes requests from every node that answers{forced}"


def story(evidence: Evidence, now: datetime) -> tuple[str, ...]:
    """The sentences behind the verdict, in the order in which a person would ask."""
    row = evidence.row
    checks = evidence.checked or "the virtual host declares no health check: nodes judge it by its answers alone"
    if evidence.checked and row.manual and row.state is BalancerState.IN:
        checks = "nodes do not check it while it is held in: they judge it by its answers alone"
    lines = [f"declared at {evidence.declared_at} with weight {row.weight}; {checks}"]
    lines.append(_last_change(row, now))
    lines += [_node(each, now) for each in evidence.nodes]
    lines.append(_direct(row, evidence.direct, now))
    if evidence.incident:
        lines.append(evidence.incident)
    lines += [f"disagreement since {_ago(each.since, now)}: {each.text}" for each in evidence.findings]
    lines += [f"{each.at:%Y-%m-%d %H:%M:%S} UTC, {each.by}: {each.text}" for each in evidence.history[:_TOLD]]
    return tuple(lines)


def _name(row: TargetRow) -> str:
    return (
        f"{row.address} ({row.instance}) of {row.virtual_host}"
        if row.instance
        else f"{row.address} of {row.virtual_host}"
    )


def _why_not(nodes: Iterable[NodeSays]) -> str:
    return "; ".join(f"{each.node}: {', '.join(_failing(each.sighting))}" for each in nodes)


def _failing(sighting: Sighting | None) -> tuple[str, ...]:
    if sighting is None:
        return ("does not know it",)
    return sighting.failing or ("drains it",)


def _last_change(row: TargetRow, now: datetime) -> str:
    if row.at is None:
        return "in rotation because nobody has ever changed it"
    held = "held by hand, until somebody releases it" if row.manual else "automatic changes apply"
    took = _receipts(row.acknowledged or {}, row.pending)
    for_incident = f" for incident #{row.incident}" if row.incident is not None else ""
    changed = f"{_WORDS[row.state]} since {_ago(row.at, now)} by {row.by}{for_incident}: {row.why}"
    return f"{changed} ({held}); acknowledged {took}"


def _receipts(acknowledged: Mapping[str, float], pending: tuple[str, ...]) -> str:
    took = ", ".join(f"by {node} after {elapsed_ms:.0f} ms" for node, elapsed_ms in sorted(acknowledged.items()))
    late = f", not in time by {', '.join(pending)}" if pending else ""
    return (took or "by no node") + late


def _node(says: NodeSays, now: datetime) -> str:
    if not says.answered:
        link = "connected" if says.connected else "not connected"
        return f"node {says.node} does not answer ({link} to the control plane)"
    behind = "" if says.newest else " [it has not taken the newest configuration]"
    sighting = says.sighting
    if sighting is None:
        return f"node {says.node} does not know it{behind}"
    since = f" since {_ago(says.failing_since, now)}" if says.failing_since and sighting.failing else ""
    state = "sends to it" if sighting.takes_requests else f"sends nothing to it: {', '.join(_failing(sighting))}{since}"
    return (
        f"node {says.node} {state}; {sighting.succeeded} requests succeeded, {sighting.failed} failed, "
        f"{sighting.timed_out} timed out, {sighting.under_way} under way, "
        f"{sighting.connect_failures} connections refused{behind}"
    )


def _direct(row: TargetRow, check: DirectCheck | None, now: datetime) -> str:
    if check is None:
        whose = f"{row.instance} has none yet" if row.instance else "it is no instance of this platform"
        return f"no direct check: {whose}"
    return f"direct check is {'good' if check.ok else 'bad'} since {_ago(check.since, now)}: {check.detail}"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC ({_span(max(0.0, (now - moment).total_seconds()))} ago)"


def _span(seconds: float) -> str:
    for limit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * limit_s:
            return f"{seconds / limit_s:.0f} {unit}"
    return f"{seconds:.0f} s"
