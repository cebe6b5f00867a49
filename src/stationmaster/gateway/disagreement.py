"""Decides where nodes, registry and direct checks disagree about targets for too long."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from stationmaster.core.facts import BalancerState
from stationmaster.gateway.targets import Seen, Sighting, TargetRow


class Kind(Enum):
    STILL_SENT = "still-sent"
    """A node sends to what is out, or does not know that it drains."""
    NOT_SENT = "not-sent"
    """A node does not know a target that is in."""
    FOUND_FAILING = "found-failing"
    """Nodes find a target unhealthy, the direct check finds it well."""
    FOUND_WELL = "found-well"
    """Nodes send to a target that fails the direct check."""
    FORGOTTEN = "forgotten"
    """A target is out, but nobody holds it there and nothing is wrong with it."""
    BEHIND = "behind"
    """A node has not taken the newest configuration."""
    AWAY = "away"
    """A node is not connected to the control plane."""
    SILENT = "silent"
    """A node is connected, and its administration does not answer."""


_AFTER = {
    Kind.STILL_SENT: timedelta(seconds=3),
    Kind.NOT_SENT: timedelta(seconds=3),
    Kind.FOUND_FAILING: timedelta(seconds=10),
    Kind.FOUND_WELL: timedelta(seconds=10),
    Kind.FORGOTTEN: timedelta(seconds=30),
    Kind.BEHIND: timedelta(seconds=10),
    Kind.AWAY: timedelta(seconds=10),
    Kind.SILENT: timedelta(seconds=10),
}
"""How long a disagreement lasts before it is a finding: what is on its way is none."""
_MEND_AGAIN_AFTER = timedelta(seconds=10)
_MENDABLE = frozenset({Kind.STILL_SENT, Kind.NOT_SENT})
"""Sending the node its endpoints once more may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCheck:
    """What the platform's own check says of an instance, and since when it has said so."""

    ok: bool
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """`seen` is None when the node's administration does not answer."""

    name: str
    connected: bool
    newest: bool
    seen: Seen | None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that is compared, at one moment. `direct` goes by the name of an instance; `over` are the incidents
    that are resolved; `checked` are the virtual hosts whose targets the nodes check."""

    nodes: tuple[NodeView, ...]
    targets: tuple[TargetRow, ...]
    direct: Mapping[str, DirectCheck] = field(default_factory=dict)
    over: frozenset[int] = frozenset()
    checked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One disagreement. `since` is when it began; `resent` counts how often the node was sent its endpoints again."""

    kind: Kind
    subject: str
    text: str
    since: datetime
    node: str | None = None
    virtual_host: str | None = None
    target: str | None = None
    resent: int = 0
    resent_at: datetime | None = None

    @property
    def key(self) -> tuple[Kind, str]:
        return self.kind, self.subject


def follow(earlier: Iterable[Finding], view: View, now: datetime) -> tuple[Finding, ...]:
    """Every disagreement of this moment; one that stood before keeps its beginning."""
    known = {each.key: each for each in earlier}
    found: list[Finding] = []
    for each in _disagreements(view, now):
        before = known.get(each.key)
        kept = (before.since, before.resent, before.resent_at) if before else (now, 0, None)
        found.append(replace(each, since=kept[0], resent=kept[1], resent_at=kept[2]))
    return tuple(found)


def lasting(found: Iterable[Finding], now: datetime) -> tuple[Finding, ...]:
    """Those that have lasted too long."""
    return tuple(each for each in found if now - each.since >= _AFTER[each.kind])


def mendable(found: Iterable[Finding], now: datetime) -> tuple[Finding, ...]:
    """Those that sending once more may mend, and that were not just sent."""
    return tuple(
        each
        for each in lasting(found, now)
        if each.kind in _MENDABLE and (each.resent_at is None or now - each.resent_at >= _MEND_AGAIN_AFTER)
    )


def resent(found: Iterable[Finding], mended: Iterable[Finding], now: datetime) -> tuple[Finding, ...]:
    keys = {each.key for each in mended}
    return tuple(replace(each, resent=each.resent + 1, resent_at=now) if each.key in keys else each for each in found)


def _disagreements(view: View, now: datetime) -> Iterable[Finding]:
    for node in view.nodes:
        yield from _of_node(node, now)
        if node.seen is not None:
            yield from _placed(node, node.seen, view.targets, now)
    for row in view.targets:
        check = view.direct.get(row.instance) if row.instance else None
        if check is not None:
            yield from _judged(row, check, view, now)


def _of_node(node: NodeView, now: datetime) -> Iterable[Finding]:
    if not node.connected:
        text = f"node {node.name} is not connected to the control plane"
        yield Finding(kind=Kind.AWAY, subject=node.name, text=text, since=now, node=node.name)
        return
    if not node.newest:
        text = f"node {node.name} has not taken the newest configuration; `node show {node.name}` tells what it refuses"
        yield Finding(kind=Kind.BEHIND, subject=node.name, text=text, since=now, node=node.name)
    if node.seen is None:
        text = f"node {node.name} is connected, but its administration does not answer"
        yield Finding(kind=Kind.SILENT, subject=node.name, text=text, since=now, node=node.name)


def _placed(node: NodeView, seen: Seen, targets: tuple[TargetRow, ...], now: datetime) -> Iterable[Finding]:
    """Where a node stands against the registry. What a node lacks that is away or behind is told by that alone; what it
    goes on sending is told anyway."""
    expected = {(row.virtual_host, row.address): row for row in targets}
    for where, sighting in seen.items():
        row = expected.get(where)
        if wrong := _wrongly_held(row, sighting):
            text = f"node {node.name} still sends to {where[1]} of {where[0]} that {wrong}"
            yield _about(Kind.STILL_SENT, node, where, text, now)
    if not (node.connected and node.newest):
        return
    for where, row in expected.items():
        held = seen.get(where)
        if row.state is BalancerState.IN and row.weight and (held is None or held.draining):
            how = "holds it as draining" if held else "does not know it"
            text = f"{where[1]} of {where[0]} is in rotation, but node {node.name} {how}"
            yield _about(Kind.NOT_SENT, node, where, text, now)


def _wrongly_held(row: TargetRow | None, sighting: Sighting) -> str:
    if row is None:
        return "is not declared"
    if row.state is BalancerState.OUT or not row.weight:
        return "is out" if row.weight else "has no weight"
    if row.state is BalancerState.DRAIN and not sighting.draining:
        return "drains"
    return ""


def _about(kind: Kind, node: NodeView, where: tuple[str, str], text: str, now: datetime) -> Finding:
    subject = f"{node.name} {where[0]}/{where[1]}"
    return Finding(
        kind=kind, subject=subject, text=text, since=now, node=node.name, virtual_host=where[0], target=where[1]
    )


def _judged(row: TargetRow, check: DirectCheck, view: View, now: datetime) -> Iterable[Finding]:
    """Where the direct check of a target stands against the nodes and the registry."""
    where = (row.virtual_host, row.address)
    subject = "/".join(where)
    name = f"{row.address} of {row.virtual_host}"
    seen = {node.name: node.seen[where] for node in view.nodes if node.seen is not None and where in node.seen}
    failing = [node for node, each in seen.items() if each.failing]
    taking = [node for node, each in seen.items() if each.takes_requests]
    if check.ok and failing:
        who = "every node" if len(failing) == len(view.nodes) else f"node {', '.join(failing)}"
        why = "; ".join(dict.fromkeys(reason for node in failing for reason in seen[node].failing))
        text = f"{who} finds {name} unhealthy ({why}) while the direct check is good"
        yield _of_target(Kind.FOUND_FAILING, subject, row, text, now)
    if not check.ok and taking and row.state is BalancerState.IN:
        unchecked = "" if row.virtual_host in view.checked else "; the virtual host declares no health check"
        unchecked = f"; it is held in by {row.by} ({row.why})" if row.manual else unchecked
        text = f"{name} fails its direct check ({check.detail}) while {', '.join(taking)} sends to it{unchecked}"
        yield _of_target(Kind.FOUND_WELL, subject, row, text, now)
    if check.ok and row.state is not BalancerState.IN and not row.manual and not _has_cause(row, view):
        text = f"{name} is {row.state.value} since a change by {row.by} ({row.why}), but its direct check is good"
        yield _of_target(Kind.FORGOTTEN, subject, row, text, now)


def _has_cause(row: TargetRow, view: View) -> bool:
    return row.incident is not None and row.incident not in view.over


def _of_target(kind: Kind, subject: str, row: TargetRow, text: str, now: datetime) -> Finding:
    return Finding(kind=kind, subject=subject, text=text, since=now, virtual_host=row.virtual_host, target=row.address)
