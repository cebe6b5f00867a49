"""The bounds of healing as they stand in YAML, for the platform and for one service."""

from typing import Annotated

from msgspec import Meta

from stationmaster.manifest.words import Document, Duration

MinTargets = Annotated[int, Meta(ge=1, le=65535, description="Never leave a virtual host with fewer targets.")]
WithdrawnPercent = Annotated[
    int, Meta(ge=0, le=100, description="Never withdraw a larger share of the targets of a virtual host.")
]
RestartsPerHour = Annotated[int, Meta(ge=0, le=3600, description="Per instance.")]
ActionsPerHour = Annotated[int, Meta(ge=0, le=36_000, description="Changes that nobody was asked for, of every kind.")]
OneChange = Annotated[bool, Meta(description="Whether a run waits while another one changes the same service.")]
StopWhenWorse = Annotated[
    bool, Meta(description="Whether nothing more is changed unasked when callers fare worse after a change.")
]
SlowStart = Annotated[Duration | None, Meta(description="Of virtual hosts that declare none of their own.")]


class HealingDocument(Document, frozen=True):
    """Bounds of what heals itself."""

    min_targets: MinTargets = 1
    max_withdrawn_percent: WithdrawnPercent = 67
    max_restarts_per_hour: RestartsPerHour = 6
    max_actions_per_hour: ActionsPerHour = 60
    one_change_at_a_time: OneChange = True
    stop_when_worse: StopWhenWorse = True
    slow_start: SlowStart = None


class ServiceHealingDocument(Document, frozen=True):
    """Bounds of one service, in place of those of `healing`."""

    min_targets: MinTargets | None = None
    max_withdrawn_percent: WithdrawnPercent | None = None
    max_restarts_per_hour: RestartsPerHour | None = None
    max_actions_per_hour: ActionsPerHour | None = None
    one_change_at_a_time: OneChange | None = None
    stop_when_worse: StopWhenWorse | None = None
    slow_start: SlowStart = None
