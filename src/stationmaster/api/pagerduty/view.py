"""Everybody and everything that documents refer to, by name, with its id and its place under the client's base URL."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from stationmaster.access.roles import Role
from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import not_found
from stationmaster.api.pagerduty.wire import Priority, Thing, User
from stationmaster.core.response import EscalationPolicy, Override, Responder, Schedule
from stationmaster.core.spec import PlatformSpec, Service
from stationmaster.incidents.store import Incident

T = TypeVar("T", bound=Thing)

ROLES = {Role.VIEWER: "read_only_user", Role.OPERATOR: "user", Role.APPROVER: "limited_user", Role.ADMIN: "admin"}
_PAGED = "restricted_access"
"""The role of somebody who is paged and cannot log in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Somebody: a responder, somebody who may log in, or both by one name."""

    name: str
    responder: Responder | None = None
    role: Role | None = None

    @property
    def full_name(self) -> str:
        return (self.responder.full_name if self.responder is not None else "") or self.name

    @property
    def email(self) -> str:
        return "" if self.responder is None else self.responder.email


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`api` is the client's base URL, `web` where people look; `include` names what is to be written out."""

    api: str
    web: str
    spec: PlatformSpec
    overrides: tuple[Override, ...] = ()
    people: Mapping[str, Known]
    include: frozenset[str] = frozenset()

    @staticmethod
    def everybody(spec: PlatformSpec, roles: Mapping[str, Role]) -> Mapping[str, Known]:
        responders: dict[str, Responder] = {each.name: each for each in spec.responders}
        names = sorted({*responders, *roles})
        return {name: Known(name=name, responder=responders.get(name), role=roles.get(name)) for name in names}

    def user(self, known: Known) -> User:
        return User(
            **self._place("user", Kind.USER, known.name, "users", known.full_name),
            name=known.full_name,
            email=known.email,
            time_zone=known.responder.time_zone if known.responder is not None else "UTC",
            role=_PAGED if known.role is None else ROLES[known.role],
        )

    def who(self, name: str, *included_as: str) -> Thing:
        """Somebody by name: whoever is not known (a machine, the platform itself) has no place of his own."""
        known = self.people.get(person_of(name))
        if known is None:
            return Thing(id=ids.of_name(Kind.USER, name), type="user_reference", summary=name)
        if self.include.intersection(included_as):
            return self.user(known)
        return Thing(**self._place("user_reference", Kind.USER, known.name, "users", known.full_name))

    def service(self, name: str) -> Thing:
        return Thing(**self._place("service_reference", Kind.SERVICE, name, "services", name or "no service"))

    def policy(self, name: str) -> Thing:
        return Thing(**self._place("escalation_policy_reference", Kind.POLICY, name, "escalation_policies", name))

    def schedule(self, name: str) -> Thing:
        return Thing(**self._place("schedule_reference", Kind.SCHEDULE, name, "schedules", name))

    def incident(self, number: int, title: str = "") -> Thing:
        return Thing(
            id=ids.of_number(Kind.INCIDENT, number),
            type="incident_reference",
            summary=f"[#{number}] {title}".rstrip(),
            self_url=f"{self.api}/incidents/{ids.of_number(Kind.INCIDENT, number)}",
            html_url=self.page_of(number),
        )

    def page_of(self, number: int) -> str:
        return f"{self.web}/incidents/{number}"

    def priority(self, name: str) -> Priority:
        return Priority(**self._place("priority", Kind.PRIORITY, name, "priorities", name), name=name)

    def _place(self, kind_text: str, kind: Kind, name: str, path: str, summary: str) -> dict[str, Any]:
        found = ids.of_name(kind, name)
        url = f"{self.api}/{path}/{found}"
        return {"id": found, "type": kind_text, "summary": summary, "self_url": url, "html_url": url}

    def known_user(self, text: str) -> Known:
        return _found(text, Kind.USER, self.people.get)

    def known_service(self, text: str) -> Service:
        return _found(text, Kind.SERVICE, {each.name: each for each in self.spec.services}.get)

    def known_policy(self, text: str) -> EscalationPolicy:
        return _found(text, Kind.POLICY, {each.name: each for each in self.spec.escalation_policies}.get)

    def known_schedule(self, text: str) -> Schedule:
        return _found(text, Kind.SCHEDULE, {each.name: each for each in self.spec.schedules}.get)


F = TypeVar("F")


def _found(text: str, kind: Kind, find: Callable[..., F | None]) -> F:
    found = find(ids.name_of(kind, text))
    if found is None:
        raise not_found(text)
    return found


def names_of(kind: Kind, texts: Iterable[str] | None) -> tuple[str, ...] | None:
    """Of the ids of a filter."""
    return None if texts is None else tuple(ids.name_of(kind, each) for each in texts)


def person_of(by: str) -> str:
    """The name alone, where it says through whom as well: `ada (token:ci)`."""
    return by.partition(" (")[0]


def title_of(incident: Incident) -> str:
    return f"[#{incident.number}] {incident.title}"
