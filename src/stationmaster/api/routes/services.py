"""Versions of services over REST: deploy, roll back, scale, and see who runs what."""

from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_services import (
    Deployment,
    DeployOrder,
    RollbackOrder,
    ScaleOrder,
    ServicePlan,
    ServiceVersion,
    ServiceVersions,
    VersionedInstance,
)
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.deploy import Course, Terms
from stationmaster.fleet.orders import Orders, Plan, ServiceStanding, Wish
from stationmaster.fleet.version import Version
from stationmaster.platform import Platform

_OPERATOR = {"role": Role.OPERATOR}

Name: TypeAlias = Annotated[str, PathParameter(max_length=255, description="A service that the platform runs.")]
DryRun: TypeAlias = Annotated[bool, QueryParameter(description="Say what would be done, and do nothing.")]


class ServiceVersionRoutes(Controller):
    path = "/api/v1/services/{name:str}"
    tags = ("services",)

    @get("/versions", summary="Its versions, how the wanted one stands, and who runs which")
    async def versions(self, platform: GivenPlatform, name: Name) -> ServiceVersions:
        found = await _orders(platform).standing(name)
        declared = next(each for each in platform.spec.services if each.name == name)
        return ServiceVersions(
            service=name,
            deployment=_deployment(found.course) if found.course else None,
            versions=tuple(_version(each, found.course) for each in found.versions),
            instances=tuple(_instance(each.name, found) for each in declared.instances),
            scale=found.scale.instances if found.scale else len(declared.instances),
        )

    @post("/deploy", opt=_OPERATOR, summary="Move it to a version, one instance after the other, or back if that fails")
    async def deploy(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        data: JSONBody[DeployOrder],
        dry_run: DryRun = False,
    ) -> ServicePlan:
        wish = Wish(number=data.version, declared=data.declared, command=data.command, image=data.image, env=data.env)
        terms = Terms(within_s=data.within_s, bake_s=data.bake_s)
        orders = _orders(platform)
        return _plan(
            await orders.deploy(name, wish, terms, by=caller.name, why=data.reason, dry_run=dry_run), dry_run=dry_run
        )

    @post("/rollback", opt=_OPERATOR, summary="Move it back to the version that stood well last")
    async def rollback(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        data: JSONBody[RollbackOrder],
        dry_run: DryRun = False,
    ) -> ServicePlan:
        terms = Terms(within_s=data.within_s, bake_s=data.bake_s)
        orders, to = _orders(platform), data.version
        plan = await orders.rollback(name, terms, by=caller.name, why=data.reason, to=to, dry_run=dry_run)
        return _plan(plan, dry_run=dry_run)

    @post("/scale", opt=_OPERATOR, summary="Run so many of its declared instances")
    async def scale(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        data: JSONBody[ScaleOrder],
        dry_run: DryRun = False,
    ) -> ServicePlan:
        orders = _orders(platform)
        plan = await orders.scale(name, data.instances, by=caller.name, why=data.reason, dry_run=dry_run)
        return _plan(plan, dry_run=dry_run)


def _orders(platform: Platform) -> Orders:
    if platform.orders is None:
        raise PlatformError("no-orders", "nobody deploys services here", hint="ask a whole control plane", status=501)
    return platform.orders


def _plan(plan: Plan, *, dry_run: bool) -> ServicePlan:
    return ServicePlan(
        service=plan.service,
        dry_run=dry_run,
        before=plan.before,
        version=plan.version,
        new=plan.new,
        changes=plan.changes,
        restarts=plan.restarts,
        starts=plan.starts,
        stops=plan.stops,
    )


def _deployment(course: Course) -> Deployment:
    return Deployment(
        version=course.version,
        source=course.source.value,
        phase=course.phase.value,
        is_over=course.phase.is_over,
        since=course.since,
        by=course.by,
        why=course.why,
        failed=course.failed,
        told=course.told,
    )


def _version(version: Version, course: Course | None) -> ServiceVersion:
    return ServiceVersion(
        number=version.number,
        command=version.program.command,
        executor=version.program.executor.value,
        image=version.program.image,
        env=dict(version.program.env),
        at=version.at,
        by=version.by,
        why=version.why,
        good_at=version.good_at,
        wanted=course is not None and course.version == version.number,
    )


def _instance(name: str, found: ServiceStanding) -> VersionedInstance:
    seen = next((each for each in found.seen if each.name == name), None)
    return VersionedInstance(
        name=name,
        version=found.running.get(name),
        build=seen.build.value if seen else "",
        health=seen.standing.value if seen else "held",
        held=found.held.get(name, ""),
    )
