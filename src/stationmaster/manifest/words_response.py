"""The words that fields about who answers are made of, each with its form."""

from typing import Annotated

from msgspec import Meta

from stationmaster.manifest.values import LONG_DURATION_PATTERN
from stationmaster.manifest.values_response import CLOCK_PATTERN, DATE_PATTERN

Zone = Annotated[
    str,
    Meta(
        description="A time zone of the IANA database.",
        examples=["UTC", "Europe/Berlin"],
        extra={"form": "zone"},
    ),
]
Clock = Annotated[
    str,
    Meta(
        pattern=CLOCK_PATTERN,
        description="A time of the day; between quotes, because YAML may read it as a number.",
        examples=["09:00"],
        extra={"form": "clock"},
    ),
]
Day = Annotated[
    str,
    Meta(
        pattern=DATE_PATTERN,
        description="A day.",
        examples=["2026-01-05"],
        extra={"form": "date"},
    ),
]
PageTargetText = Annotated[
    str,
    Meta(
        description="Who is paged: a responder, whoever is on duty in a schedule, or a channel.",
        examples=["schedule/primary", "responder/ada", "channel/ops"],
        extra={"form": "page-target"},
    ),
]
ConditionText = Annotated[
    str,
    Meta(
        description="What reaches the level without waiting for its time: `open for 15m`, `restarts failed 2`, "
        "`runbook failed`, `data integrity`, `security`, `customer reports`, `infrastructure`, `major impact`, "
        "`severity critical`.",
        examples=["open for 15m", "restarts failed 2", "security"],
        extra={"form": "condition"},
    ),
]
MatchText = Annotated[
    str,
    Meta(
        description="A condition on a label of an alert, as Alertmanager writes it: `=`, `!=`, `=~` or `!~`.",
        examples=['service="doctor"', 'severity=~"warning|info"'],
        extra={"form": "match"},
    ),
]
Turn = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="How long a turn lasts, in whole days; 1d to 365d.",
        examples=["1d", "7d"],
        extra={"form": "turn"},
    ),
]
Delay = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="A duration in whole seconds with its unit: s, m, h or d; 0s to 30d.",
        examples=["0s", "15m"],
        extra={"form": "delay"},
    ),
]
