"""The REST API's documents, as they go over the wire."""

from datetime import datetime

import msgspec


class Answer(msgspec.Struct, kw_only=True):
    """What the API says; a client ignores fields that it does not know."""


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a client asks for; a field that the API does not know is refused."""


class InstanceStatus(Answer):
    name: str
    service: str
    region: str
    address: str
    pid: int | None
    health: str
    """up, down or unknown; unchecked where no check is declared; held where somebody stopped it."""
    detail: str

    @property
    def well(self) -> bool:
        return self.health in ("up", "unchecked", "held")


class NodeStatus(Answer):
    name: str
    listen: str
    pid: int | None
    connected: bool
    acknowledged: bool
    """The node has taken the newest configuration."""
    healthy_targets: int | None
    """Targets that the node itself finds healthy; None when it does not answer."""
    targets: int | None
    listen_tls: str | None = None
    held: str = ""
    """Who stopped it, and why."""

    @property
    def serves_all(self) -> bool:
        if self.held:
            return True
        return self.acknowledged and self.targets is not None and self.healthy_targets == self.targets


class TargetStatus(Answer):
    virtual_host: str
    address: str
    instance: str | None
    state: str
    by: str
    why: str
    manual: bool = False
    """Somebody holds it in this state."""


class PlatformStatus(Answer):
    environment: str
    pid: int
    ready: bool
    """Every node serves the newest configuration to targets that it all finds healthy, and every checked instance is
    up."""
    nodes: tuple[NodeStatus, ...]
    instances: tuple[InstanceStatus, ...]
    targets: tuple[TargetStatus, ...]
    open_incidents: int
    failing_loops: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """What the fleet could not do, and what to do about it."""


class IncidentSummary(Answer):
    number: int
    title: str
    status: str
    severity: str
    service: str
    environment: str
    opened_at: datetime
    resolved_at: datetime | None
    update_owed_since: datetime | None = None
    """Since when news are owed that were not given; None where none are."""


class TimelineEntry(Answer):
    at: datetime
    kind: str
    by: str
    text: str


class IncidentDetail(Answer):
    incident: IncidentSummary
    timeline: tuple[TimelineEntry, ...]


class IncidentList(Answer):
    incidents: tuple[IncidentSummary, ...]


class CredentialsRequest(Order):
    user: str


class Credentials(Answer):
    """Shown once; only their digests are kept in the open."""

    user: str
    client_id: str
    client_secret: str
    api_key: str


class Problem(Answer):
    """RFC 9457 problem document; `code` and `hint` are extension members."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str


class Empty(Order):
    """An empty JSON object."""
