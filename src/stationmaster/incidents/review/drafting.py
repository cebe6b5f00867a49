"""Gathers what is known of a resolved incident and drafts its review, with the tasks that it leaves behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stationmaster.core.facts import AlertFired, IncidentOpened, RunDeclined
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import paper, story
from stationmaster.incidents.pages import Directory
from stationmaster.incidents.paper import What
from stationmaster.incidents.review import measuring, reminders, tasks_store
from stationmaster.incidents.review.closing import Settled, closing
from stationmaster.incidents.review.document import Action, Impact, Material, draft
from stationmaster.incidents.review.durations import Measured
from stationmaster.incidents.review.lessons import PageSent, lessons
from stationmaster.incidents.review.proposals import AlertSeen, Changed, Seen, propose
from stationmaster.incidents.review.tasks_store import NewTask, Task
from stationmaster.incidents.review.worked import RequestsOf, Work, WorkOf
from stationmaster.incidents.store import Incident
from stationmaster.incidents.story import Story
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The text, and the tasks as they are to be written where they do not stand yet."""

    text: str
    tasks: tuple[NewTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """Reads, and writes nothing."""

    database: Database
    spec: Callable[[], PlatformSpec]
    directory: Callable[[], Directory]
    work_of: WorkOf
    requests_of: RequestsOf

    async def draft(self, number: int, settled: Settled | None = None) -> Drafted:
        """As things stand now, or as they do when `settled` is. Raises PlatformError `unknown-incident`."""
        async with self.database.read() as connection:
            found = await story.read(connection, number)
            standing = await tasks_store.of_incident(connection, number)
        work = await self.work_of(number)
        fresh = self.tasks(found.incident, work)
        measured = await self.measured(found.incident)
        material = Material(
            number=number,
            title=found.incident.title,
            summary=found.incident.summary,
            severity=found.incident.severity,
            environment=found.incident.environment,
            measured=measured,
            lines=found.timeline,
            impact=await self._impact(found, measured),
            lessons=lessons(measured, found.timeline, _pages(found), work),
            actions=_actions(standing, fresh, settled.keys | settled.needless_keys if settled else frozenset()),
            zone=self.spec().status_page.time_zone,
            cause=settled.cause if settled else "",
            closing=closing(settled) if settled else (),
        )
        return Drafted(text=draft(material), tasks=fresh)

    async def measured(self, incident: Incident) -> Measured:
        found = await measuring.measured(
            self.database, incident.number, incident.opened_at, measuring.services_of(self.spec())
        )
        if found is not None:
            return found
        return Measured(
            number=incident.number,
            service=incident.service,
            severity=incident.severity,
            environment=incident.environment,
            began_at=incident.opened_at,
            detected_at=incident.opened_at,
            acknowledged_at=incident.acknowledged_at,
            mitigated_at=incident.mitigated_at,
            resolved_at=incident.resolved_at,
        )

    def tasks(self, incident: Incident, work: Work) -> tuple[NewTask, ...]:
        """Due times count from the resolution."""
        if incident.resolved_at is None:
            return ()
        since = incident.resolved_at
        owner = reminders.owner_of(incident.acknowledged_by, incident.policy, self.directory(), since)
        return tuple(
            NewTask(
                key=each.key,
                text=each.text,
                due_at=since + each.due_after,
                owner=each.owner or owner,
                list=each.list,
                source=each.source,
            )
            for each in reminders.wanted(incident.severity, work.runs)
        )

    async def proposals(self, incident: Incident) -> tuple[Changed, ...]:
        work = await self.work_of(incident.number)
        return propose(await self._seen(incident), work)

    async def _seen(self, incident: Incident) -> Seen:
        measured = await self.measured(incident)
        opened = await facts_of(self.database, IncidentOpened, measured.began_at)
        mine = [each.alert for each in opened if each.incident == incident.number]
        async with self.database.read() as connection:
            found = await story.read(connection, incident.number)
        prints = {each.fingerprint for each in found.alerts} | {each.fingerprint for each in mine}
        fired = await facts_of(self.database, AlertFired, measured.began_at)
        until = incident.resolved_at
        first: dict[str, AlertFired] = {}
        for each in fired:
            if each.alert.fingerprint in prints and (until is None or each.at <= until):
                first.setdefault(each.alert.fingerprint, each)
        seen = [
            AlertSeen(alert=each.alert, after_s=max(0.0, (each.at - measured.began_at).total_seconds()))
            for each in first.values()
        ]
        declined = await facts_of(self.database, RunDeclined, measured.began_at)
        by_print = {each.alert.fingerprint: each.alert for each in first.values()}
        unanswered = [
            (by_print.get(each.fingerprint) or (mine[0] if mine else None), each.why)
            for each in declined
            if each.incident == incident.number and _is_missing(each.why)
        ]
        return Seen(
            incident=incident.number,
            alerts=tuple(seen),
            unanswered=tuple((alert, why) for alert, why in unanswered if alert is not None),
        )

    async def _impact(self, found: Story, measured: Measured) -> Impact:
        spec, incident = self.spec(), found.incident
        named = [incident.service, *(each.labels.get("service", "") for each in found.alerts)]
        services = tuple(dict.fromkeys(each for each in named if each))
        dependants = tuple(each.name for each in spec.services if set(each.depends_on) & set(services))
        apis = _apis(spec, services)
        components = tuple(
            each.name
            for each in spec.status_page.components
            if set(each.services) & set(services) or set(each.apis) & set(apis)
        )
        until = incident.resolved_at or measured.detected_at
        instances = [each.labels.get("instance", "") for each in found.alerts]
        return Impact(
            services=services,
            dependants=tuple(map(str, dependants)),
            apis=apis,
            components=components,
            instances=tuple(dict.fromkeys(each for each in instances if each)),
            requests=await self.requests_of(measured.began_at, until, apis),
        )


def _is_missing(why: str) -> bool:
    """Whether there was no runbook, rather than two, or one that could not be run then and there."""
    return why.startswith("none of ")


def _apis(spec: PlatformSpec, services: Sequence[str]) -> tuple[str, ...]:
    """Those that lead to an instance of these services."""
    theirs = {each.name for service in spec.services if service.name in services for each in service.instances}
    hosts = {host.name for host in spec.virtual_hosts if any(each.instance in theirs for each in host.targets)}
    return tuple(each.name for each in spec.apis if each.virtual_host in hosts)


def _pages(found: Story) -> list[PageSent]:
    return [
        PageSent(
            to=each.page.to.name,
            due_at=each.page.due_at,
            sent_at=each.ended_at if each.state is paper.State.SENT else None,
            failed=each.state is paper.State.FAILED,
        )
        for each in found.pages
        if each.what is What.PAGE
    ]


def _actions(standing: Sequence[Task], fresh: Sequence[NewTask], settled: frozenset[str]) -> list[Action]:
    known = {each.key for each in standing} | settled
    standing = [each for each in standing if each.key not in settled]
    found = [Action(text=each.text, owner=each.owner, due_at=each.due_at) for each in standing if each.done_at is None]
    found += [Action(text=each.text, owner=each.owner, due_at=each.due_at) for each in fresh if each.key not in known]
    return sorted(found, key=lambda each: each.due_at)
