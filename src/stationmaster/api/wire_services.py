"""The REST API's documents about versions and the scale of services."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order

Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class DeployOrder(Order):
    """What is to run: the version of a number, or what is declared, or, in place of both, what runs now with some of
    it changed; a null in `env` takes a variable away. `within_s`: how long an instance may take to be well; `bake_s`:
    how long all have to stay well until the version is good."""

    version: int | None = None
    declared: bool = False
    command: tuple[str, ...] | None = None
    image: str | None = None
    env: dict[str, str | None] = msgspec.field(default_factory=dict)
    reason: str = ""
    within_s: Seconds = 30.0
    bake_s: Seconds = 60.0


class RollbackOrder(Order):
    """Back to the version that was good last, or to `version`, which has to have been good once."""

    version: int | None = None
    reason: str = ""
    within_s: Seconds = 30.0
    bake_s: Seconds = 60.0


class ScaleOrder(Order):
    """How many of the declared instances run."""

    instances: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    reason: str = ""


class ServicePlan(Answer):
    """What follows from an order: which instances are restarted, in which order, started or stopped."""

    service: str
    dry_run: bool
    before: int | None
    """The version until now."""
    version: int | None
    new: bool
    """The version has not run before."""
    changes: tuple[str, ...]
    restarts: tuple[str, ...]
    starts: tuple[str, ...]
    stops: tuple[str, ...]


class ServiceVersion(Answer):
    number: int
    command: tuple[str, ...]
    executor: str
    image: str
    env: dict[str, str]
    at: datetime
    by: str
    why: str
    good_at: datetime | None
    """When it had stood well for its time, last."""
    wanted: bool


class VersionedInstance(Answer):
    name: str
    version: int | None
    """None where it is not known, or where it never ran."""
    build: str
    """current, stale (it waits for its turn) or gone."""
    health: str
    held: str
    """Why it does not run."""


class Deployment(Answer):
    """How the wanted version came about and stands. `phase`: rolling, baking, good, rolling-back, rolled-back or
    stuck; `failed` is the version that was left, `told` why."""

    version: int
    source: str
    phase: str
    is_over: bool
    since: datetime
    by: str
    why: str
    failed: int | None
    told: str


class ServiceVersions(Answer):
    service: str
    deployment: Deployment | None
    versions: tuple[ServiceVersion, ...]
    instances: tuple[VersionedInstance, ...]
    scale: int
    """How many instances are to run."""
