"""Drills as they go over the wire: what may be broken, what is broken now, and what came of it."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from stationmaster.api.wire import Answer, Order
from stationmaster.core.drills import FaultKind

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class FaultShown(Answer):
    id: str
    drill: str
    kind: str
    of: str
    by: str
    began_at: datetime
    ends_at: datetime
    undone_at: datetime | None
    """None while it stands."""
    detail: str


class FaultList(Answer):
    faults: tuple[FaultShown, ...]


class FaultOrder(Order):
    """One fault; `for_s` is how long it stands at most."""

    drill: Name
    kind: FaultKind
    of: Annotated[str, msgspec.Meta(max_length=255)] = ""
    for_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 60.0
    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)] = 1000
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    sticky: bool = False


class DrillFault(Answer):
    kind: str
    of: str
    delay_ms: int
    status: int
    percent: int
    sticky: bool


class DrillShown(Answer):
    name: str
    what: str
    faults: tuple[DrillFault, ...]
    for_s: float
    api: str
    """What clients call meanwhile; empty where nothing can be called without credentials."""
    url_paths: tuple[str, ...]
    spared: bool
    """Something healthy is left: no idempotent request may be lost."""
    cured: bool
    """The platform can mend it by itself."""
    last_at: datetime | None
    last_passed: bool | None


class DrillList(Answer):
    allowed: bool
    drills: tuple[DrillShown, ...]


class DrillToken(Answer):
    """For calls in the name of the user in whose name the API is probed; empty where it is public."""

    token: str


class DrillReportOrder(Order):
    drill: Name
    began_at: datetime
    body: dict[str, Any]
    runbook: Annotated[str, msgspec.Meta(max_length=255)] = ""


class DrillReportShown(Answer):
    id: str
    drill: str
    runbook: str
    by: str
    began_at: datetime
    ended_at: datetime
    passed: bool
    body: dict[str, Any]


class DrillReportList(Answer):
    reports: tuple[DrillReportShown, ...]
