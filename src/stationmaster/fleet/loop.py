"""Keeps the declared processes alive, one by one moves them to what is declared now, and does what people ask."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

import structlog

from stationmaster.core.facts import InstanceRestarted
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ExecutorKind, Supervision
from stationmaster.fleet import scale, store
from stationmaster.fleet.executor import Executor, Running
from stationmaster.fleet.inside import Inside
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.reconcile import Crashes, missing, surplus
from stationmaster.fleet.rollout import Await, Build, Member, Replace, Standing, next_in
from stationmaster.fleet.signalling import signal_all
from stationmaster.fleet.store import Hold, Launched
from stationmaster.fleet.traffic import NoTraffic, Traffic
from stationmaster.runtime import outbox
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("fleet")

BY = "fleet"
_SUPERVISION = "supervision"
_CHANGED = "what it was started with is no longer declared"
_TICK_S = 0.25
_GRACE_S = 10.0
_WELL_WITHIN_S = 30.0
"""How long a process may take to be well before a rolling restart that waits for it is told as a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work on one process that takes a while; the next tick does not wait for it."""

    name: str
    do: Callable[[], Awaitable[None]]


class Fleet:
    """`wanted` is asked at every tick; `traffic` is set before `run` where somebody sends requests. `held` shows what
    people keep stopped, `replacing` what is being restarted on purpose and why, `problems` what could not be done, by
    the name of a process or of a group."""

    def __init__(
        self,
        database: Database,
        executor: Executor,
        wanted: Callable[[], Iterable[Launch]],
        traffic: Traffic | None = None,
    ) -> None:
        self._database = database
        self._executor = executor
        self._wanted = wanted
        self.traffic: Traffic = traffic or NoTraffic()
        self._declared = {launch.name: launch for launch in wanted()}
        self._crashes: dict[str, Crashes] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._awaited: dict[str, datetime] = {}
        self.replacing: dict[str, str] = {}
        self.processes: Cell[Mapping[str, Running]] = Cell({})
        self.held: Cell[Mapping[str, Hold]] = Cell({})
        self.problems: Cell[Mapping[str, str]] = Cell({})
        self.deaths: Counter[str] = Counter()
        self.moving: frozenset[str] = frozenset()
        """Groups in which somebody deploys: what is dead there is started, whoever would start it otherwise."""
        self.inside = Inside(database, executor, lambda name: self._find(name).name)

    @property
    def declared(self) -> tuple[Launch, ...]:
        return tuple(self._declared.values())

    async def run(self) -> None:
        """Brings what lives to what is declared, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                for job in await self.tick():
                    group.create_task(self.do(job), name=f"fleet {job.name}")
                await asyncio.sleep(_TICK_S)

    async def tick(self) -> tuple[Job, ...]:
        """Starts what is missing and says what else has to be done now."""
        alive = await self._executor.seen()
        self.processes.set(alive)
        self._declared = {launch.name: launch for launch in self._wanted()}
        async with self._database.read() as connection:
            launched, held = await store.launched(connection), await scale.held(connection, self.declared)
        self.held.set(held)
        self._forget_problems()
        launched = await self._adopted(alive, launched)
        free = [each for each in self.declared if each.name not in held and not self._busy(each.name)]
        for launch in missing([*map(self._urgent, free)], alive.keys(), launched.keys(), self._crashes, now=utc_now()):
            await self._start_missing(launch, died=launch.name in launched)
        return (*self._endings(alive, held), *await self._moves(alive, launched, held))

    async def do(self, job: Job) -> None:
        try:
            await job.do()
        except PlatformError as error:
            self._tell(job.name, f"{error.message}; {error.hint}" if error.hint else error.message)
        else:
            self._tell(job.name, "")

    async def launched(self) -> Mapping[str, datetime]:
        """When each process was started last, by name, as far as this boot goes."""
        async with self._database.read() as connection:
            return {name: each.at for name, each in (await store.launched(connection)).items()}

    async def restart(self, name: str, *, by: str, why: str, incident: int | None = None) -> Running:
        """Ends the process, if it lives, and starts it; the fact names who asked and why.

        Raises PlatformError: `unknown-instance`, `instance-held`, `not-startable`.
        """
        launch = self._find(name)
        async with self._turns[name]:
            await self._refuse_held(name)
            return await self._cycle(launch, by=by, why=why, incident=incident)

    async def replace(self, name: str, *, by: str, why: str) -> Running:
        """`restart` without a lost request: no gateway node sends to it meanwhile, and until its check is good."""
        launch = self._find(name)
        async with self._turns[name]:
            await self._refuse_held(name)
            self.replacing[name] = f"restarted by {by}: {why}"
            try:
                await self.traffic.withdraw(name, why=self.replacing[name])
                running = await self._cycle(launch, by=by, why=why)
            finally:
                del self.replacing[name]
        if by != BY:
            async with self._database.write() as connection:
                await record(connection, _change(by, "restart", name, after={"why": why, "pid": running.pid}))
        return running

    async def stop(self, name: str, *, by: str, why: str) -> bool:
        """Stops the process, without a lost request, and keeps it stopped until `start`, over restarts of all else.

        Says whether it lived. Raises PlatformError `unknown-instance`.
        """
        self._find(name)
        given = Hold(by=by, why=why, at=utc_now())
        async with self._turns[name]:
            async with self._database.write() as connection:
                await store.hold(connection, name, given)
                await record(connection, _change(by, "stop", name, after={"held": str(given)}))
                held = await scale.held(connection, self.declared)
            self.held.set(held)
            return await self._end(name, why=str(given))

    async def start(self, name: str, *, by: str, why: str) -> Running:
        """Lets go of what `stop` holds and starts the process; its targets return when its check is good."""
        launch = self._find(name)
        async with self._turns[name]:
            async with self._database.write() as connection:
                before = (await scale.held(connection, self.declared)).get(name)
                scale.refuse_beyond(before)
                if await store.release(connection, name):
                    change = _change(by, "start", name, before={"held": str(before)}, after={"why": why})
                    await record(connection, change)
                held = await scale.held(connection, self.declared)
            self.held.set(held)
            running = await self._executor.start(launch)
            await self._remember(launch, running.started_at)
            return running

    async def stop_all(self, first: Collection[str] = ()) -> None:
        """Ends every process of the platform, those in `first` before the others, and forgets that it was started;
        what people hold stays held."""
        alive = await self._executor.seen()
        for names in (alive.keys() & set(first), alive.keys() - set(first)):
            await asyncio.gather(*(self._executor.stop(name, grace_s=_GRACE_S) for name in names))
        async with self._database.write() as connection:
            await store.forget_launches(connection)

    async def crash(self, name: str) -> bool:
        """Ends the process as a crash would; says whether it lived."""
        return await self._executor.kill(self._find(name).name)

    async def impersonate(self, name: str, argv: tuple[str, ...]) -> None:
        """Lets another program run in the place of the process, under its name, until the next restart.

        Raises PlatformError `unknown-instance`, `not-startable`.
        """
        launch = self._find(name)
        if launch.executor is not ExecutorKind.PROCESS:
            hint = "kill it, hang it, or let gateway nodes answer in its place"
            raise PlatformError("no-stand-in", f"nothing can stand in for {name}: it is a container", hint=hint)
        async with self._turns[name]:
            await self._executor.stop(name, grace_s=_GRACE_S)
            running = await self._executor.start(replace(launch, argv=argv))
            await self._remember(launch, running.started_at)

    async def alive(self, name: str) -> int | None:
        """The process id of the instance; None where none lives."""
        running = (await self._executor.seen()).get(self._find(name).name)
        return None if running is None else running.pid

    async def signal(self, name: str, number: int) -> bool:
        """Sends a signal to every process of the instance; False where none lives."""
        self._find(name)
        running = (await self._executor.seen()).get(name)
        return running is not None and await asyncio.to_thread(signal_all, running.pid, number)

    async def logs(self, name: str, *, tail: int = 50) -> str:
        return await self._executor.logs(self._find(name).name, tail=tail)

    def _find(self, name: str) -> Launch:
        self._declared = {launch.name: launch for launch in self._wanted()}
        try:
            return self._declared[name]
        except KeyError:
            known = ", ".join(sorted(self._declared))
            raise PlatformError(
                "unknown-instance", f"there is no instance {name!r} here", hint=f"known are {known}", status=404
            ) from None

    def calm(self, group: str) -> None:
        """What failed before does not count, for what runs in the group from now on."""
        for launch in self.declared:
            if launch.group == group:
                self._crashes.pop(launch.name, None)
                self._tell(launch.name, "")

    def _urgent(self, launch: Launch) -> Launch:
        return replace(launch, supervision=Supervision.RESTART) if launch.group in self.moving else launch

    def _busy(self, name: str) -> bool:
        return name in self._turns and self._turns[name].locked()

    async def _adopted(self, alive: Mapping[str, Running], launched: Mapping[str, Launched]) -> Mapping[str, Launched]:
        """Takes what lives, and of which it is not known what it was started with, for what is declared."""
        known = dict(launched)
        for launch in self.declared:
            found, before = alive.get(launch.name), launched.get(launch.name)
            if found is not None and (before is None or before.digest is None) and not self._busy(launch.name):
                known[launch.name] = await self._remember(launch, before.at if before else found.started_at)
        return known

    async def _start_missing(self, launch: Launch, *, died: bool) -> None:
        """A process that had been started before is told of: what happened to it shows at its targets."""
        async with self._turns[launch.name]:
            self._crashes[launch.name] = self._crashes.get(launch.name, Crashes()).started(utc_now())
            try:
                running = await self._executor.start(launch)
            except PlatformError as error:
                # A command that cannot be run is a mistake of one service; the others start all the same.
                self._tell(launch.name, f"{error.message}; {error.hint}")
                return
            await self._remember(launch, running.started_at)
            if died:
                self.deaths[launch.name] += 1
                await self._tell_of_restart(launch, running)
        self._tell(launch.name, "")
        log.info("instance started", instance=launch.name, pid=running.pid)

    async def _tell_of_restart(self, launch: Launch, running: Running) -> None:
        why = "its process was gone"
        fact = InstanceRestarted(at=running.started_at, instance=launch.name, by=_SUPERVISION, why=why)
        async with self._database.write() as connection:
            await outbox.append(connection, fact)

    def _endings(self, alive: Mapping[str, Running], held: Mapping[str, Hold]) -> Iterator[Job]:
        """Processes that live although they are held or no longer declared."""
        for name in surplus(self.declared, alive.keys()):
            if not self._busy(name):
                yield Job(name=name, do=partial(self._retire, name))
        for name, given in held.items():
            if name in alive and name in self._declared and not self._busy(name):
                yield Job(name=name, do=partial(self._end_held, name, given))

    async def _moves(
        self, alive: Mapping[str, Running], launched: Mapping[str, Launched], held: Mapping[str, Hold]
    ) -> list[Job]:
        """The next steps of rolling restarts, and processes that are well and may take requests again."""
        withdrawn = await self.traffic.withdrawn()
        jobs = []
        free = sorted((each for each in self.declared if each.name not in held), key=lambda each: each.group)
        for group, launches in groupby(free, key=lambda each: each.group or each.name):
            members = []
            for launch in launches:
                member = self._member(launch, alive, launched.get(launch.name))
                if launch.name in withdrawn:
                    member, returning = _while_withdrawn(member)
                    if returning:
                        jobs.append(Job(name=launch.name, do=partial(self._return, launch.name)))
                members.append(member)
            jobs.extend(self._rolled(group, members))
        return jobs

    def _member(self, launch: Launch, alive: Mapping[str, Running], last: Launched | None) -> Member:
        busy = self._busy(launch.name)
        if launch.name not in alive or last is None:
            return Member(name=launch.name, build=Build.GONE, standing=Standing.DOWN, busy=busy)
        build = Build.CURRENT if last.digest == launch.digest else Build.STALE
        return Member(name=launch.name, build=build, standing=self.traffic.standing(launch.name, last.at), busy=busy)

    def _rolled(self, group: str, members: list[Member]) -> Iterator[Job]:
        match next_in(members):
            case Replace(name=name):
                self._awaited.pop(group, None)
                self._tell(group, "")
                yield Job(name=name, do=partial(self._roll, name))
            case Await(names=names, stale=stale):
                since = self._awaited.setdefault(group, utc_now())
                if (utc_now() - since).total_seconds() > _WELL_WITHIN_S:
                    text = f"the rolling restart stands still: {', '.join(names)} not well, {', '.join(stale)} wait"
                    self._tell(group, f"{text}; mend the declaration, or see the logs of {', '.join(names)}")
            case None if not any(each.busy for each in members):
                self._awaited.pop(group, None)
                self._tell(group, "")

    async def _roll(self, name: str) -> None:
        await self.replace(name, by=BY, why=_CHANGED)

    async def _retire(self, name: str) -> None:
        async with self._turns[name]:
            await self._end(name, why="no longer declared")
            async with self._database.write() as connection:
                await store.forget_launch(connection, name)
                await store.release(connection, name)
            await self._executor.forget(name)
        self._crashes.pop(name, None)

    async def _end_held(self, name: str, given: Hold) -> None:
        async with self._turns[name]:
            await self._end(name, why=str(given))
            if given.of_scale:  # when it is wanted again it is started, whoever starts what has died
                async with self._database.write() as connection:
                    await store.forget_launch(connection, name)

    async def _return(self, name: str) -> None:
        async with self._turns[name]:
            await self.traffic.restore(name, why=f"{name} runs and its check is good")

    async def _end(self, name: str, *, why: str) -> bool:
        await self.traffic.withdraw(name, why=why)
        lived = await self._executor.stop(name, grace_s=_GRACE_S)
        log.info("instance stopped", instance=name, why=why, lived=lived)
        return lived

    async def _cycle(self, launch: Launch, *, by: str, why: str, incident: int | None = None) -> Running:
        await self._executor.stop(launch.name, grace_s=_GRACE_S)
        running = await self._executor.start(launch)
        fact = InstanceRestarted(at=utc_now(), instance=launch.name, by=by, why=why, incident=incident)
        async with self._database.write() as connection:
            await store.record_launch(connection, launch.name, fact.at, launch.digest)
            await outbox.append(connection, fact)
        log.info("instance restarted", instance=launch.name, pid=running.pid, by=by, incident=incident)
        return running

    async def _remember(self, launch: Launch, at: datetime) -> Launched:
        async with self._database.write() as connection:
            await store.record_launch(connection, launch.name, at, launch.digest)
        return Launched(at=at, digest=launch.digest)

    async def _refuse_held(self, name: str) -> None:
        async with self._database.read() as connection:
            given = (await scale.held(connection, self.declared)).get(name)
        scale.refuse_beyond(given)
        if given is not None:
            hint = f"`stationmaster instance start {name}` lets it run again"
            raise PlatformError("instance-held", f"{name} was {given}", hint=hint, status=409)

    def _forget_problems(self) -> None:
        """Those of what is no longer declared."""
        named = {each.name for each in self.declared} | {each.group for each in self.declared}
        self.problems.set({name: text for name, text in self.problems.value.items() if name in named})

    def _tell(self, name: str, problem: str) -> None:
        """Shows a problem, or with an empty text that there is none; logged when it changes."""
        known = dict(self.problems.value)
        if known.pop(name, "") != problem and problem:
            log.error("fleet cannot go on", name=name, problem=problem)
        self.problems.set({**known, name: problem} if problem else known)


def _while_withdrawn(member: Member) -> tuple[Member, bool]:
    """A process that takes no requests is not well for a rolling restart; and whether it may take them again."""
    returning = member.build is Build.CURRENT and member.standing is Standing.UP and not member.busy
    standing = Standing.DOWN if member.build is Build.STALE else Standing.UNKNOWN
    return Member(name=member.name, build=member.build, standing=standing, busy=member.busy), returning


def _change(who: str, action: str, name: str, *, before: object = None, after: object = None) -> Change:
    return Change(at=utc_now(), who=who, action=action, kind="instance", name=name, before=before, after=after)
