"""The documents of Alertmanager's API v2, as its clients send and await them."""

from collections.abc import Mapping
from datetime import datetime

import msgspec


class _Said(msgspec.Struct, rename="camel", kw_only=True):
    """Fields that others may add are passed over."""


class Named(_Said):
    name: str


class AlertStatus(_Said):
    state: str
    """unprocessed, active or suppressed."""
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()


class AlertSaid(_Said):
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    fingerprint: str
    receivers: tuple[Named, ...] = ()
    status: AlertStatus = msgspec.field(default_factory=lambda: AlertStatus(state="unprocessed"))
    generator_url: str = msgspec.field(default="", name="generatorURL")
    flapping: bool = False


class AlertGroupSaid(_Said):
    labels: Mapping[str, str]
    receiver: Named
    alerts: tuple[AlertSaid, ...]


class MatcherSaid(_Said):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class PostedSilence(_Said):
    matchers: tuple[MatcherSaid, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str | None = None


class SilenceStatus(_Said):
    state: str


class SilenceSaid(_Said):
    id: str
    status: SilenceStatus
    updated_at: datetime
    matchers: tuple[MatcherSaid, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    annotations: Mapping[str, str] = {}
    name: str = ""


class SilenceMade(_Said):
    silence_id: str = msgspec.field(name="silenceID")


class ClusterSaid(_Said):
    status: str = "disabled"
    peers: tuple[Named, ...] = ()
    name: str = ""


class VersionSaid(_Said):
    version: str
    branch: str = ""
    build_date: str = ""
    build_user: str = ""
    go_version: str = ""
    revision: str = ""


class ConfigSaid(_Said):
    original: str


class StatusSaid(_Said):
    cluster: ClusterSaid
    version_info: VersionSaid
    config: ConfigSaid
    uptime: datetime
