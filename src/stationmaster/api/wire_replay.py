"""An incident that is to happen once more, as it goes over the wire."""

from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order
from stationmaster.api.wire_drills import DrillFault, DrillShown

_Text = Annotated[str, msgspec.Meta(max_length=10_000)]


class AlertTold(Order):
    """An alert of the incident, as its bundle tells it. Seconds are those since the first; None: it did not end."""

    name: _Text
    labels: dict[str, str]
    summary: _Text
    evidence: _Text
    began_s: float
    ended_s: float | None
    foreign: bool = False
    """Another system sent it."""
    source: _Text = ""
    injected: _Text = ""
    """The kind of the fault that made it, where that was made on purpose."""


class ReplayOrder(Order):
    incident: Annotated[int, msgspec.Meta(ge=1)]
    alerts: Annotated[tuple[AlertTold, ...], msgspec.Meta(min_length=1, max_length=1000)]


class FaultMade(Answer):
    """`fault` is made `at_s` after the first, because of `alert`."""

    fault: DrillFault
    at_s: float
    alert: str


class AlertAgain(Answer):
    """To be sent through the intake once more."""

    name: str
    labels: dict[str, str]
    summary: str
    at_s: float
    ends_s: float | None


class NotReproduced(Answer):
    what: str
    why: str


class ReplayShown(Answer):
    drill: DrillShown
    faults: tuple[FaultMade, ...]
    alerts: tuple[AlertAgain, ...]
    left: tuple[NotReproduced, ...]
    expected: tuple[str, ...]
    """Names of alerts that should fire."""
    token: str
    """For calls of the drill's API; empty where it is public, or where nothing can be broken."""
