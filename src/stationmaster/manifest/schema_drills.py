"""Drills as they stand in YAML."""

from typing import Annotated

from msgspec import Meta, field

from stationmaster.manifest.words import Document, Wait
from stationmaster.manifest.words_response import Clock


class ScheduledDrillDocument(Document, frozen=True):
    """A drill that is run again and again."""

    drill: Annotated[str, Meta(min_length=1, max_length=100, description="As `drill list` names it.")]
    every: Wait
    at: Annotated[Clock | None, Meta(description="Time of the day, UTC.")] = None


class DrillsDocument(Document, frozen=True):
    """Failures on purpose: whether they may be made here, and how long they may last."""

    allowed: Annotated[bool, Meta(description="Without it no fault is ever injected here.")] = False
    longest: Annotated[Wait, Meta(description="Then every fault is taken back, whatever happens.")] = "10m"
    schedule: Annotated[list[ScheduledDrillDocument], Meta(max_length=50)] = field(default_factory=list)
