"""What a client wants changed of an incident: read whole and checked first, then done by the acts that there are."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from msgspec import UNSET

from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.given import Requester
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import OVER_ALREADY, CodedError, bad
from stationmaster.api.pagerduty.told_incident import TOLD
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import GivenAssignment, IncidentChange, Pointer
from stationmaster.core.response import PageTarget, TargetKind, Urgency
from stationmaster.incidents.acts import Acts, Edit
from stationmaster.incidents.finding import Beside
from stationmaster.incidents.store import Incident

URGENCIES: Mapping[str, Urgency] = {each.value: each for each in Urgency}
Step: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """One incident as it is, and what is wanted of it."""

    view: View
    acts: Acts
    requester: Requester
    incident: Incident
    beside: Beside
    change: IncidentChange

    def steps(self) -> list[Step]:
        """Nothing is done yet. Raises PlatformError for what cannot be done, and why."""
        self._refuse()
        return [*self._edit(), *self._assign(), *self._escalate(), *self._move()]

    def _refuse(self) -> None:
        change, now = self.change, TOLD[self.incident.status]
        if change.status not in (None, "triggered", "acknowledged", "resolved"):
            raise bad(f"status cannot be {change.status!r}", "write acknowledged or resolved")
        if self.incident.status.is_over and change.status is not None:
            raise CodedError(OVER_ALREADY, f"incident #{self.incident.number} is {self.incident.status.value}")
        if change.status == "triggered" and now != "triggered":
            hint = "an acknowledgement runs out by itself; `incident unack` takes it back"
            raise bad("status cannot be set to triggered", hint)
        if change.escalation_policy is not None:
            known = self.view.known_policy(change.escalation_policy.id).name
            if self.incident.policy is None or known != self.incident.policy.name:
                hint = "an incident keeps the policy with which it opened; assign somebody, or escalate"
                raise bad("escalation_policy cannot be changed", hint)

    def _edit(self) -> Iterator[Step]:
        change, incident = self.change, self.incident
        title = None if change.title in (None, incident.title) else change.title
        wanted = None if change.urgency is None else urgency_of(change.urgency)
        urgency = None if wanted is incident.urgency else wanted
        priority = None if change.priority is UNSET else priority_of(change.priority)
        priority = None if priority == incident.priority else priority
        if (title, urgency, priority) != (None, None, None):
            edit = Edit(title=title, urgency=urgency, priority=priority)
            yield partial(self.acts.edit, incident.number, edit, by=self.requester.signed)

    def _assign(self) -> Iterator[Step]:
        """Whoever has it already is not paged again."""
        known = {each.name for each in self.beside.given_to}
        for name in assignees(self.view, self.change.assignments or ()):
            if name not in known:
                to = PageTarget(kind=TargetKind.RESPONDER, name=name)
                by = self.requester
                yield partial(self.acts.assign, self.incident.number, to=to, by=by.by, why=by.why)

    def _escalate(self) -> Iterator[Step]:
        level = self.change.escalation_level
        if level is not None:
            by = self.requester
            yield partial(self.acts.escalate, self.incident.number, by=by.by, level=level, why=by.why)

    def _move(self) -> Iterator[Step]:
        by, number = self.requester, self.incident.number
        if self.change.status == "acknowledged":
            yield partial(self.acts.acknowledge, number, by=by.by, note=by.why)
        if self.change.status == "resolved":
            yield partial(self.acts.resolve, number, by=by.by, why=by.with_why(self.change.resolution))


def urgency_of(text: str) -> Urgency:
    if text not in URGENCIES:
        raise bad(f"urgency cannot be {text[:80]!r}", "write high or low")
    return URGENCIES[text]


def priority_of(given: Pointer | None) -> str:
    """None takes it away."""
    return "" if given is None else ids.name_of(Kind.PRIORITY, given.id)


def assignees(view: View, given: tuple[GivenAssignment, ...]) -> list[str]:
    """Raises PlatformError for whoever cannot be paged."""
    found = [view.known_user(each.assignee.id) for each in given]
    for each in found:
        if each.responder is None:
            raise bad(f"{each.name} cannot be paged", "responders stand in platform.yaml")
    return [each.name for each in found]
