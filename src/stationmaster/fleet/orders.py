"""What people ask of services: another version, the one before, more or fewer instances; with a plan before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Service
from stationmaster.fleet import scale, store, version_store
from stationmaster.fleet.deploy import Course, Phase, Seen, Source, Terms
from stationmaster.fleet.deploys import Deploys, change_of
from stationmaster.fleet.inventory import group_of, launch_of
from stationmaster.fleet.store import Launched
from stationmaster.fleet.version import Program, Version, last_good, program_of, refuse_unfit, with_program
from stationmaster.fleet.version_store import Scale
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to run: version `number`, or what is declared, or what runs now with some of it changed. An `env` value
    of None takes the variable away."""

    number: int | None = None
    declared: bool = False
    command: tuple[str, ...] | None = None
    image: str | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`restarts`: the instances that would be restarted, in this order; `starts` and `stops` of a change of scale."""

    service: str
    before: int | None
    version: int | None
    new: bool = False
    changes: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStanding:
    """All that there is to know of a service: `running` says of every instance which version it runs, if one is
    known; `held` why an instance does not run."""

    course: Course | None
    versions: Sequence[Version]
    seen: Sequence[Seen]
    running: Mapping[str, int | None]
    held: Mapping[str, str]
    scale: Scale | None


class Orders:
    def __init__(self, deploys: Deploys) -> None:
        self._deploys = deploys
        self._rooms = deploys.rooms

    async def deploy(self, service: str, wish: Wish, terms: Terms, *, by: str, why: str, dry_run: bool = False) -> Plan:
        """Raises PlatformError: `unknown-service`, `unknown-version`, `bad-version`, `deploy-under-way`,
        `already-deployed`."""
        declared = self._find(service)
        async with self._deploys.turn:
            course = self._deploys.courses.get(service)
            program = self._wished(declared, wish, course)
            refuse_unfit(program)
            known = self._deploys.known(service, program)
            _refuse_needless(course, known)
            version = known or self._deploys.new_version(service, program, by=by, why=why)
            plan = self._plan(declared, course, version, new=known is None)
            if not dry_run:
                begun = self._course(declared, version.number, terms, by=by, why=why)
                await self._deploys.begin(begun, None if known else version, change_of(begun, "deploy", before=course))
        return plan

    async def rollback(
        self, service: str, terms: Terms, *, by: str, why: str, to: int | None = None, dry_run: bool = False
    ) -> Plan:
        """To the version that was good last, or to `to`, whatever is under way; one that is wanted already is left as
        it is, unless it is stuck. Raises PlatformError: `unknown-service`, `no-good-version`, `unknown-version`."""
        declared = self._find(service)
        async with self._deploys.turn:
            course = self._deploys.courses.get(service)
            versions = self._deploys.versions.get(service, {})
            if to is not None and course is not None and course.version == to and course.phase is not Phase.STUCK:
                return replace(self._plan(declared, course, versions[to], new=False), restarts=())
            number = _good(service, versions, course) if to is None else _once_good(service, versions, to)
            plan = self._plan(declared, course, versions[number], new=False)
            if not dry_run:
                begun = self._course(declared, number, terms, by=by, why=why)
                back = replace(begun, phase=Phase.ROLLING_BACK, failed=course.version if course else None, told=why)
                await self._deploys.begin(back, None, change_of(back, "rollback", before=course))
        return plan

    async def scale(self, service: str, instances: int, *, by: str, why: str, dry_run: bool = False) -> Plan:
        """So many instances run from now on, over restarts of all else; the last ones declared stop first. Raises
        PlatformError: `unknown-service`, `beyond-declared`."""
        declared = self._find(service)
        most = len(declared.instances)
        if not 0 <= instances <= most:
            hint = "declare more instances: each has a place of its own to listen"
            raise PlatformError("beyond-declared", f"{service} has {most} declared instances", hint=hint)
        given = None if instances == most else Scale(instances=instances, by=by, why=why, at=utc_now())
        launches = [each for each in self._rooms.wanted() if each.group == group_of(service)]
        async with self._rooms.database.read() as connection:
            by_hand, before = await store.held(connection), await version_store.all_scales(connection)
        after = {service: given} if given else {}
        was = scale.beyond(launches, {key: each for key, each in before.items() if key == service}, by_hand)
        will = scale.beyond(launches, after, by_hand)
        starts, stops = tuple(sorted(was.keys() - will)), tuple(sorted(will.keys() - was))
        if not dry_run:
            async with self._rooms.database.write() as connection:
                await version_store.save_scale(connection, service, given)
                for name in starts:  # so that they are started, whoever starts what has died
                    await store.forget_launch(connection, name)
                await record(connection, _scaled(service, by, why, before.get(service), instances))
        course = self._deploys.courses.get(service)
        number = course.version if course else None
        return Plan(service=service, before=number, version=number, starts=starts, stops=stops)

    async def standing(self, service: str) -> ServiceStanding:
        declared = self._find(service)
        async with self._rooms.database.read() as connection:
            launched, scales = await store.launched(connection), await version_store.all_scales(connection)
        versions = self._deploys.versions.get(service, {})
        held = self._rooms.fleet.held.value
        return ServiceStanding(
            course=self._deploys.courses.get(service),
            versions=tuple(versions.values()),
            seen=(await self._deploys.seen()).get(service, ()),
            running=self._running(declared, launched),
            held={each.name: str(held[each.name]) for each in declared.instances if each.name in held},
            scale=scales.get(service),
        )

    def _find(self, service: str) -> Service:
        services = {each.name: each for each in self._rooms.services() if each.command}
        found = next((each for name, each in services.items() if name == service), None)
        if found is None:
            hint = f"known are {', '.join(sorted(services))}"
            raise PlatformError("unknown-service", f"nothing runs a service {service!r} here", hint=hint, status=404)
        return found

    def _wished(self, declared: Service, wish: Wish, course: Course | None) -> Program:
        versions = self._deploys.versions.get(declared.name, {})
        if wish.number is not None:
            if wish.number not in versions:
                hint = f"`stationmaster service versions {declared.name}` lists them"
                message = f"{declared.name} has no version {wish.number}"
                raise PlatformError("unknown-version", message, hint=hint, status=404)
            return versions[wish.number].program
        base = program_of(declared) if wish.declared or course is None else versions[course.version].program
        env = {name: value for name, value in (dict(base.env) | dict(wish.env)).items() if value is not None}
        return replace(
            base,
            command=base.command if wish.command is None else wish.command,
            image=base.image if wish.image is None else wish.image,
            env=tuple(env.items()),
        )

    def _course(self, declared: Service, number: int, terms: Terms, *, by: str, why: str) -> Course:
        return Course(
            service=declared.name,
            version=number,
            source=Source.ORDERED,
            phase=Phase.ROLLING,
            since=utc_now(),
            declared=program_of(declared).fingerprint,
            by=by,
            why=why,
            terms=terms,
        )

    def _plan(self, declared: Service, course: Course | None, version: Version, *, new: bool) -> Plan:
        now = self._deploys.versions.get(declared.name, {}).get(course.version) if course else None
        held = self._rooms.fleet.held.value
        return Plan(
            service=declared.name,
            before=now.number if now else None,
            version=version.number,
            new=new,
            changes=tuple(_differences(now.program if now else program_of(declared), version.program)),
            restarts=tuple(each.name for each in declared.instances if each.name not in held),
        )

    def _running(self, declared: Service, launched: Mapping[str, Launched]) -> dict[str, int | None]:
        """By what each was started with; an instance that nobody started has no version."""
        found: dict[str, int | None] = {}
        for instance in declared.instances:
            digest = launched[instance.name].digest if instance.name in launched else None
            found[instance.name] = next(
                (
                    each.number
                    for each in self._deploys.versions.get(declared.name, {}).values()
                    if launch_of(with_program(declared, each.program), instance).digest == digest
                ),
                None,
            )
        return found


def _good(service: str, versions: Mapping[int, Version], course: Course | None) -> int:
    number = last_good(versions, besides=course.version if course else 0)
    if number is None:
        hint = f"`stationmaster service versions {service}` lists them; deploy one by its number"
        raise PlatformError("no-good-version", f"no other version of {service} ever stood well", hint=hint, status=409)
    return number


def _once_good(service: str, versions: Mapping[int, Version], number: int) -> int:
    found = versions.get(number)
    hint = f"`stationmaster service versions {service}` lists them"
    if found is None:
        raise PlatformError("unknown-version", f"{service} has no version {number}", hint=hint, status=404)
    if found.good_at is None:
        text = f"version {number} of {service} never stood well"
        raise PlatformError("no-good-version", text, hint=f"{hint}; `service deploy` takes any", status=409)
    return number


def _refuse_needless(course: Course | None, wished: Version | None) -> None:
    if course is None:
        return
    if course.source is Source.ORDERED and course.phase in (Phase.ROLLING, Phase.ROLLING_BACK):
        message = f"version {course.version} of {course.service} is on its way since {course.since:%H:%M:%S} UTC"
        hint = f"wait for it, or `stationmaster service rollback {course.service}`"
        raise PlatformError("deploy-under-way", message, hint=hint, status=409)
    if wished is not None and wished.number == course.version and course.phase is not Phase.STUCK:
        hint = "say what is to be different, or which version"
        message = f"{course.service} runs version {course.version} already"
        raise PlatformError("already-deployed", message, hint=hint, status=409)


def _differences(before: Program, after: Program) -> list[str]:
    found = []
    for name in ("command", "executor", "image", "directory", "mounts"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found.append(f"{name}: {_shown(old)} -> {_shown(new)}")
    old_env, new_env = dict(before.env), dict(after.env)
    changed = sorted(name for name in old_env.keys() | new_env.keys() if old_env.get(name) != new_env.get(name))
    found += [f"env {name}: {old_env.get(name, '(none)')} -> {new_env.get(name, '(none)')}" for name in changed]
    return found


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "(none)"
    return str(getattr(value, "value", value)) or "(none)"


def _scaled(service: str, by: str, why: str, before: Scale | None, instances: int) -> Change:
    return Change(
        at=utc_now(),
        who=by,
        action="scale",
        kind="service",
        name=service,
        before={"instances": before.instances} if before else None,
        after={"instances": instances, "why": why},
    )
