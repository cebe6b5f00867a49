"""The REST API's documents about single processes of the platform."""

from datetime import datetime

from stationmaster.api.wire import Answer, Order


class InstanceOrder(Order):
    """`reason`: why, in one sentence; it is kept and shown to everybody who looks."""

    reason: str = ""


class InstanceChange(Answer):
    """What was done to a process; its health follows in the status."""

    name: str
    action: str
    by: str
    reason: str
    pid: int | None
    at: datetime


class InstanceLog(Answer):
    name: str
    text: str
