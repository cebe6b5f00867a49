"""Documents of the REST API about targets, gateway nodes and what the watchdog finds."""

from datetime import datetime

import msgspec

from stationmaster.api.wire import Answer, Order


class TargetState(Answer):
    virtual_host: str
    address: str
    instance: str | None
    weight: int
    state: str
    """in, out or drain."""
    manual: bool
    """Somebody holds it there; nothing automatic changes it until it is released (auto)."""
    by: str
    why: str
    at: datetime | None
    incident: int | None


class TargetStateList(Answer):
    targets: tuple[TargetState, ...]


class TargetOrder(Order):
    """Why, in a sentence; `force` passes the share of withdrawn targets that the platform declares."""

    reason: str
    force: bool = False


class ReleaseOrder(Order):
    """Why, in a sentence, where there is more to say than that it is over."""

    reason: str = ""


class TargetChange(Answer):
    virtual_host: str
    target: str
    state: str
    manual: bool
    by: str
    why: str
    at: datetime
    acknowledged: dict[str, float]
    """Milliseconds after which each gateway node acknowledged it."""
    pending: tuple[str, ...]


class SeenByNode(Answer):
    """Counters began with the node, or with the target's last return to it."""

    node: str
    connected: bool
    newest: bool
    answered: bool
    known: bool
    takes_requests: bool
    failing: tuple[str, ...] = ()
    failing_since: datetime | None = None
    draining: bool = False
    weight: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    under_way: int = 0
    connections: int = 0
    connect_failures: int = 0


class SeenDirectly(Answer):
    ok: bool
    detail: str
    since: datetime


class Event(Answer):
    at: datetime
    by: str
    text: str


class FoundDisagreement(Answer):
    kind: str
    text: str
    since: datetime
    node: str | None = None
    virtual_host: str | None = None
    target: str | None = None
    resent: int = 0
    """How often the node was sent its targets once more because of it."""


class TargetExplanation(Answer):
    verdict: str
    story: tuple[str, ...]
    target: TargetState
    declared_at: str
    nodes: tuple[SeenByNode, ...]
    direct: SeenDirectly | None
    incident: str
    history: tuple[Event, ...]
    findings: tuple[FoundDisagreement, ...]


class WatchdogReport(Answer):
    looked_at: datetime | None
    findings: tuple[FoundDisagreement, ...]


class GatewayNodeState(Answer):
    name: str
    listen: str
    admin: str
    pid: int | None
    state: str
    """serving, drained, starting, silent (its administration does not answer), stopped or held (somebody stopped
    it)."""
    connected: bool
    acknowledged: bool
    """The node has taken the newest configuration."""
    under_way: int
    healthy_targets: int | None
    targets: int | None
    held: str = ""
    problems: tuple[str, ...] = ()
    """What the node refuses of the configuration, and what disagrees."""


class GatewayNodeList(Answer):
    nodes: tuple[GatewayNodeState, ...]


class NodeOrder(Order):
    reason: str = msgspec.field(default="")


class NodeDone(Answer):
    name: str
    done: str
    """What was done, in words."""
