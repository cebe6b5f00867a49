"""A message as tests send it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stationmaster.incidents.notify.message import Message, Occasion, Shown

SINCE = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
_ALERT = Shown(
    fingerprint="f1",
    labels={"alertname": "ServiceInstanceDown", "service": "keys", "instance": "key-1"},
    summary="key-1 is down",
    firing=True,
    starts_at=SINCE,
    ends_at=None,
)
_PAGE = Message(
    occasion=Occasion.PAGE,
    key="0/0/0/1/responder/ada/mail/0",
    group="stationmaster/sample/7",
    number=7,
    title="ServiceInstanceDown: key-1 (keys, us-south)",
    severity="critical",
    urgency="high",
    status="triggered",
    service="keys",
    environment="sample",
    region="us-south",
    instance="key-1",
    url="http://127.0.0.1:8888/healthz",
    summary="key-1 is down & <gone>",
    since=SINCE,
    level=2,
    why="nobody acknowledged for 15m",
    link="http://127.0.0.1:4580/incidents/7",
    acknowledge="http://127.0.0.1:4580/i/TOKEN",
    alerts=(_ALERT,),
)


def page(**changes: Any) -> Message:
    return replace(_PAGE, **changes)
