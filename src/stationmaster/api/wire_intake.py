"""The documents of intake: what was taken, routing keys, heartbeats, silences, mappings."""

from collections.abc import Mapping
from datetime import datetime

from stationmaster.api.wire import Answer, Order


class Taken(Answer):
    accepted: int
    problems: tuple[str, ...] = ()


class ForeignAlertShown(Answer):
    key: str
    source: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    updated_at: datetime
    url: str = ""
    ends_at: datetime | None = None
    """When it is over unless it is sent again; None: when somebody says so."""
    silenced_by: tuple[str, ...] = ()
    flapping: bool = False


class ForeignAlertList(Answer):
    alerts: tuple[ForeignAlertShown, ...]


class NewRoutingKey(Order):
    service: str


class RoutingKeyShown(Answer):
    id: str
    service: str
    prefix: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None


class RoutingKeyMade(Answer):
    key: RoutingKeyShown
    routing_key: str
    """Shown this once."""


class RoutingKeyList(Answer):
    keys: tuple[RoutingKeyShown, ...]


class HeartbeatOrder(Order):
    interval_s: int
    grace_s: int = 60
    service: str = ""
    severity: str = "critical"


class HeartbeatShown(Answer):
    name: str
    interval_s: int
    grace_s: int
    service: str
    severity: str
    created_by: str
    beat_at: datetime | None = None
    missed: bool = False


class HeartbeatList(Answer):
    heartbeats: tuple[HeartbeatShown, ...]


class MappingOrder(Order):
    fields: Mapping[str, str]


class MappingList(Answer):
    mappings: Mapping[str, Mapping[str, str]]


class SilenceOrder(Order):
    matchers: tuple[str, ...]
    """As Alertmanager writes them."""
    ends_at: datetime
    starts_at: datetime | None = None
    comment: str = ""
    name: str = ""
    """Makes it a maintenance window."""


class SilenceShown(Answer):
    id: str
    state: str
    """pending, active or expired."""
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    name: str = ""
    ends_soon: bool = False


class SilenceList(Answer):
    silences: tuple[SilenceShown, ...]
