"""Completes reviews that need nobody: asks the checks, does the platform's own tasks, writes what was done, at once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from stationmaster.core.facts import AlertFired, DiagnosisMade
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import AutomaticReview, ReviewPolicy
from stationmaster.incidents import linked, story
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.doing import doing
from stationmaster.incidents.life import Act
from stationmaster.incidents.review import measuring, store, tasks_store
from stationmaster.incidents.review.automatic import (
    PATIENCE,
    Closed,
    Complete,
    LeaveToPeople,
    Steadiness,
    WaitUntil,
    decide,
    patience,
)
from stationmaster.incidents.review.closing import Settled
from stationmaster.incidents.review.desk import Reviews, is_untouched
from stationmaster.incidents.review.durations import Measured
from stationmaster.incidents.review.evidence import Concerned, Evidence
from stationmaster.incidents.review.own_tasks import OwnTask, own_task
from stationmaster.incidents.review.reminders import NEEDLESS, REVIEW, is_of_its_runbook
from stationmaster.incidents.review.store import DRAFTER, Review
from stationmaster.incidents.review.tasks_store import Task
from stationmaster.incidents.story import Story
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.outbox import facts_of

_TICK_S, _AGAIN = 2.0, timedelta(seconds=5)
_LIMIT_S = 20.0
_NAMES: Mapping[str, str] = {"services": "service", "instances": "instance", "nodes": "node", "apis": "api"}
_Decided = tuple[int, datetime, ReviewPolicy]

log = structlog.get_logger("reviews")


@dataclass(frozen=True, slots=True)
class Completing:
    """What is left to people is not looked at again, unless the incident ends anew or another policy is declared."""

    reviews: Reviews
    _left: set[_Decided] = field(default_factory=set)
    _next: dict[int, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        database = self.reviews.ground.database
        while True:
            seen = database.committed.count
            await self.tick()
            await database.committed.beyond(seen, _TICK_S)
            await asyncio.sleep(0.5)  # one look for many commits

    async def tick(self) -> int:
        """Returns how many it completed."""
        policy = self.reviews.ground.declared.value.reviews
        if policy.automatic is AutomaticReview.NEVER:
            return 0
        now = self.reviews.ground.clock.now()
        oldest = now - PATIENCE - timedelta(seconds=policy.steady_s) - 2 * _AGAIN
        found = [each for each in await self.reviews.all(unfinished=True) if each.resolved_at >= oldest]
        ready = [each for each in found if each.drafted_at is not None and self._is_due(each, policy, now)]
        self._next.update({each.incident: now + _AGAIN for each in ready})
        return sum([await self._look(each, policy) for each in ready])

    def _is_due(self, review: Review, policy: ReviewPolicy, now: datetime) -> bool:
        decided = (review.incident, review.resolved_at, policy) in self._left
        return not decided and self._next.get(review.incident, now) <= now

    async def _look(self, review: Review, policy: ReviewPolicy) -> bool:
        now = self.reviews.ground.clock.now()
        async with self.reviews.ground.database.read() as connection:
            found = await story.read(connection, review.incident)
        closed = await self._closed(review, found)
        verdict = decide(closed, policy, now)
        match verdict:
            case LeaveToPeople():
                await self._leave(review, policy, verdict.why)
                return False
            case WaitUntil():
                self._next[review.incident] = verdict.at
                return False
        concerned = _concerned(found, closed)
        well = await self._well(review, closed, concerned, policy)
        if not well:
            return False
        settled = await self._settled(review, concerned, verdict)
        return await self._complete(review, replace(settled, well=well))

    async def _well(
        self, review: Review, closed: Closed, concerned: Concerned, policy: ReviewPolicy
    ) -> tuple[str, ...]:
        """What was found well; nothing where something is not: that is waited for a while."""
        failed = await self._failed_again(closed, concerned)
        checked = await self._checked(concerned)
        checked = replace(checked, unwell=(*checked.unwell, *await self._still_failing(concerned)))
        if not failed and not checked.unwell and checked.well:
            return checked.well
        over = self.reviews.ground.clock.now() >= patience(closed, policy)
        if failed or over or not checked.unwell:
            why = failed or "; ".join(checked.unwell) or "nothing checks what the incident was about"
            await self._leave(review, policy, why)
        return ()

    async def _settled(self, review: Review, concerned: Concerned, verdict: Complete) -> Settled:
        evidence = await self._evidence(concerned)
        async with self.reviews.ground.database.read() as connection:
            tasks = await tasks_store.of_incident(connection, review.incident)
        open_tasks = [each for each in tasks if each.done_at is None and each.key != REVIEW]
        own = {each.key: kind for each in open_tasks if (kind := _done_with(each, evidence)) is not None}
        others = [each for each in open_tasks if each.key not in own]
        for_people = [each for each in others if own_task(each.text) is None and is_of_its_runbook(each.key)]
        needless = for_people if verdict.drill else []
        return Settled(
            at=self.reviews.ground.clock.now(),
            cause=verdict.cause,
            since=review.resolved_at,
            keys=frozenset({REVIEW, *own}),
            needless_keys=frozenset(each.key for each in needless),
            needless=tuple(each.text for each in needless),
            done=tuple(f"{each.text}: {own[each.key].value}" for each in open_tasks if each.key in own),
            left=tuple(_task_words(each) for each in others if each not in needless),
            evidence=evidence,
        )

    async def _closed(self, review: Review, found: Story) -> Closed:
        measured = await self.reviews.drafting.measured(found.incident)
        work = await self.reviews.work_of(review.incident)
        async with self.reviews.ground.database.read() as connection:
            versions = await store.versions_of(connection, review.incident)
        return Closed(
            status=found.incident.status,
            resolved_at=review.resolved_at,
            measured=measured,
            lines=found.timeline,
            same_fault=await self._same_fault(measured),
            outcomes=tuple(each.outcome for each in work.runs),
            diagnosed=await self._diagnosed(review.incident, measured.began_at),
            untouched=is_untouched(versions),
        )

    async def _diagnosed(self, incident: int, since: datetime) -> str:
        made = await facts_of(self.reviews.ground.database, DiagnosisMade, since)
        found = [f"{each.likely} ({each.why})" for each in made if each.incident == incident and each.likely]
        return found[-1] if found else ""

    async def _same_fault(self, measured: Measured) -> tuple[Measured, ...]:
        if not measured.drill:
            return ()
        ground = self.reviews.ground
        services = measuring.services_of(ground.declared.value)
        found = await measuring.measured_since(ground.database, measured.began_at, services)
        return tuple(each for each in found if (each.drill, each.began_at) == (measured.drill, measured.began_at))

    async def _failed_again(self, closed: Closed, concerned: Concerned) -> str:
        """An alert since the end about something that the incident was about."""
        for fact in await facts_of(self.reviews.ground.database, AlertFired, closed.resolved_at):
            labels = fact.alert.labels
            if any(labels.get(label, "") in getattr(concerned, names) for names, label in _NAMES.items()):
                return f"it failed again: {fact.alert.summary}"
        return ""

    async def _still_failing(self, concerned: Concerned) -> tuple[str, ...]:
        """Alerts of other incidents, about the same things."""
        wanted = {label: getattr(concerned, names) for names, label in _NAMES.items() if getattr(concerned, names)}
        async with self.reviews.ground.database.read() as connection:
            found = [
                each
                for label, values in wanted.items()
                for each in await linked.firing_with(connection, {label: values})
            ]
        said = (f"{each.labels.get('alertname', 'an alert')} fires in incident #{each.number}" for each in found)
        return tuple(dict.fromkeys(said))

    async def _checked(self, concerned: Concerned) -> Steadiness:
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await self.reviews.checks_of(concerned)
        except TimeoutError:
            return Steadiness(unwell=(f"its checks took longer than {_LIMIT_S:g} s",))

    async def _evidence(self, concerned: Concerned) -> Evidence:
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await self.reviews.evidence_of(concerned)
        except TimeoutError:
            return Evidence(missing=(f"logs and numbers took longer than {_LIMIT_S:g} s",))

    async def _leave(self, review: Review, policy: ReviewPolicy, why: str) -> None:
        self._left.add((review.incident, review.resolved_at, policy))
        if not why:
            return
        key = f"review-left/{int(review.resolved_at.timestamp() * 1000)}"
        at = self.reviews.ground.clock.now()
        entry = Entry(at=at, kind="review.left", by=DRAFTER, text=f"the review is left to people: {why}", key=key)
        async with self.reviews.ground.database.write() as connection:
            await incident_store.add_entry(connection, review.incident, entry)

    async def _complete(self, review: Review, settled: Settled) -> bool:
        """All at once, unless somebody was quicker: opened it again, wrote in it, or finished it."""
        number = review.incident
        text = (await self.reviews.drafting.draft(number, settled)).text
        try:
            async with doing(self.reviews.ground, number, Act.REVIEW, DRAFTER) as act:
                standing = await store.known(act.connection, number)
                untouched = is_untouched(await store.versions_of(act.connection, number))
                if not untouched or standing.finished_at is not None or standing.resolved_at != review.resolved_at:
                    hint = "`review show` shows it"
                    raise PlatformError("not-now", "somebody works on the review", hint=hint, status=409)
                await store.write(act.connection, number, by=DRAFTER, at=act.at, text=text)
                for task in await tasks_store.of_incident(act.connection, number):
                    if task.key in settled.keys | settled.needless_keys and task.done_at is None:
                        by = DRAFTER if task.key in settled.keys else NEEDLESS
                        await tasks_store.change(act.connection, task.id, done_at=act.at, done_by=by)
                await store.finish(act.connection, number, by=DRAFTER, at=act.at)
                act.values = {"reviewed_at": act.at}
                act.said = _said(settled)
        except PlatformError as error:
            log.info("review not completed", incident=number, why=error.message)
            return False
        log.info("review completed", incident=number, cause=settled.cause, left=len(settled.left))
        return True


def _concerned(found: Story, closed: Closed) -> Concerned:
    """As its alerts say; a service that no alert of it names counts where it is the incident's own."""
    named = {
        names: frozenset(value for each in found.alerts if (value := each.labels.get(label, "")))
        for names, label in _NAMES.items()
    }
    own = frozenset({found.incident.service} - {""})
    return Concerned(
        services=named["services"] | own,
        instances=named["instances"],
        nodes=named["nodes"],
        apis=named["apis"],
        since=closed.measured.began_at,
        until=closed.resolved_at,
    )


def _done_with(task: Task, evidence: Evidence) -> OwnTask | None:
    """What is not there cannot be attached: that task is left."""
    kind = own_task(task.text)
    kept = evidence.logs and evidence.numbers and not evidence.missing
    return None if kind is OwnTask.EVIDENCE and not kept else kind


def _task_words(task: Task) -> str:
    return f"{task.text} ({task.owner or 'nobody yet'}, due {task.due_at:%Y-%m-%d %H:%M UTC})"


def _said(settled: Settled) -> str:
    left = f"{len(settled.left)} task(s) are left to people" if settled.left else "no task is left"
    done = len(settled.keys) - 1
    did = f", {done} task(s) done" if done else ""
    did += f", {len(settled.needless)} task(s) not needed in a drill" if settled.needless else ""
    return f"reviewed automatically, read by nobody: the cause is {settled.cause}{did}; {left}"
