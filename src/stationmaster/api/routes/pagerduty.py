"""PagerDuty's REST API v2 over the incidents that there are: lists of them, one, new ones, what is changed of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import PathParameter, SkipValidation

from stationmaster.access.live import Proof
from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.asked import Asked, Part, asked, body
from stationmaster.api.pagerduty.changing import URGENCIES, Changing, assignees, priority_of, urgency_of
from stationmaster.api.pagerduty.given import Requester, answer, requester, told, view_of
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import HANDLERS, bad
from stationmaster.api.pagerduty.told_incident import ASKED
from stationmaster.api.pagerduty.view import View, names_of
from stationmaster.api.pagerduty.wire import IncidentChange, ManyChanges, NewIncident, OneChange, OneIncident
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.core.response import PageTarget, TargetKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import finding
from stationmaster.incidents.by_hand import Seen, fingerprint_of, open_by_hand
from stationmaster.incidents.finding import Order, Wanted
from stationmaster.platform import Platform

GivenProof: TypeAlias = NamedDependency[SkipValidation[Proof]]
GivenId: TypeAlias = Annotated[str, PathParameter(description="An id; of an incident also its number.", max_length=400)]

TAKES_TOKEN: Final = {"token": True}
_MOST_AT_ONCE = 250
_MONTH = timedelta(days=30)
"""How far back a list reaches that names no range, as there."""
_SORTS = {"incident_number": "number", "created_at": "opened_at", "resolved_at": "resolved_at", "urgency": "urgency"}


class PagerDutyIncidentRoutes(Controller):
    path = "/pagerduty/incidents"
    opt = TAKES_TOKEN
    include_in_schema = False
    exception_handlers = HANDLERS

    @get()
    async def all(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        query = asked(request)
        window, wanted = query.window(), _wanted(query, platform.spec, platform.incidents.clock.now())
        async with platform.incidents.database.read() as connection:
            found, more, total = await finding.search(connection, wanted, window)
        shown = await told(platform, await view_of(request, platform), [each.number for each in found])
        return answer(Part(window=window, more=more, total=total).body("incidents", shown))

    @post()
    async def create(self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof) -> Response[bytes]:
        view, order = await view_of(request, platform), (await body(request, OneIncident)).incident
        by = requester(request, proof, platform.spec)
        seen, names = _seen(view, order), assignees(view, order.assignments)
        number = await open_by_hand(platform.incidents.ground, seen, by=by.signed)
        for name in names:
            to = PageTarget(kind=TargetKind.RESPONDER, name=name)
            await platform.incidents.acts.assign(number, to=to, by=by.by, why=by.why)
        return answer({"incident": (await told(platform, view, [number]))[0]}, 201)

    @put()
    async def change_many(self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof) -> Response[bytes]:
        """Nothing is done where one of them cannot be."""
        view, orders = await view_of(request, platform), (await body(request, ManyChanges)).incidents
        if not 0 < len(orders) <= _MOST_AT_ONCE:
            raise bad(f"{len(orders)} incidents are named", f"name 1 to {_MOST_AT_ONCE}")
        changes = [(ids.incident_number_of(each.id), each) for each in orders]
        await _change(platform, view, requester(request, proof, platform.spec), changes)
        return answer({"incidents": await told(platform, view, [number for number, _ in changes])})

    @get("/{own:str}")
    async def one(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view = await view_of(request, platform)
        return answer({"incident": (await told(platform, view, [ids.incident_number_of(own)]))[0]})

    @put("/{own:str}")
    async def change(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        number, view = ids.incident_number_of(own), await view_of(request, platform)
        order = (await body(request, OneChange)).incident
        await _change(platform, view, requester(request, proof, platform.spec), [(number, order)])
        return answer({"incident": (await told(platform, view, [number]))[0]})


async def _change(platform: Platform, view: View, by: Requester, changes: Sequence[tuple[int, IncidentChange]]) -> None:
    """Everything is checked before anything is done."""
    numbers = [number for number, _ in changes]
    async with platform.incidents.database.read() as connection:
        found = await finding.known(connection, numbers)
        beside = await finding.beside(connection, numbers)
    acts = platform.incidents.acts
    steps = [
        Changing(view=view, acts=acts, requester=by, incident=each, beside=beside[each.number], change=change).steps()
        for each, (_, change) in zip(found, changes, strict=True)
    ]
    for one in steps:
        for step in one:
            await step()


def _seen(view: View, order: NewIncident) -> Seen:
    """Raises PlatformError for a service that there is not."""
    service = view.known_service(order.service.id)
    if order.escalation_policy is not None and not _is_own_policy(view, order, service.escalation_policy):
        raise bad("escalation_policy cannot be chosen", "it is that of the service; assign somebody, or escalate")
    return Seen(
        title=order.title,
        service=service.name,
        details="" if order.body is None else order.body.details,
        key=order.incident_key,
        urgency=None if order.urgency is None else urgency_of(order.urgency),
        priority=priority_of(order.priority),
    )


def _is_own_policy(view: View, order: NewIncident, of_service: str | None) -> bool:
    given = "" if order.escalation_policy is None else view.known_policy(order.escalation_policy.id).name
    return given == (of_service or view.spec.incidents.policy)


def _wanted(query: Asked, spec: PlatformSpec, now: datetime) -> Wanted:
    statuses = query.chosen("statuses", ASKED)
    since, until = _range(query, now)
    key = query.text("incident_key")
    return Wanted(
        statuses=None if statuses is None else [each for group in statuses for each in group],
        urgencies=query.chosen("urgencies", URGENCIES),
        services=() if query.many("team_ids") else names_of(Kind.SERVICE, query.many("service_ids")),
        assigned=names_of(Kind.USER, query.many("user_ids")),
        fingerprints=[key, *(fingerprint_of(each.name, key) for each in spec.services)] if key else None,
        since=since,
        until=until,
        sorted_by=_sorted_by(query.text("sort_by")),
    )


def _range(query: Asked, now: datetime) -> tuple[datetime | None, datetime | None]:
    if query.text("date_range") == "all":
        return None, None
    since, until = query.moment("since"), query.moment("until")
    if since is None and not query.text("incident_key"):
        since = (until or now) - _MONTH
    return since, until


def _sorted_by(text: str) -> tuple[Order, ...]:
    """`created_at:desc`, two of them at most; ascending where it is not said."""
    found: list[Order] = []
    for each in filter(None, text.split(",")):
        name, _, direction = each.partition(":")
        if name not in _SORTS or direction not in ("", "asc", "desc"):
            raise bad(f"sort_by cannot be {each[:80]!r}", f"known are {', '.join(_SORTS)}, with :asc or :desc")
        found.append(Order(by=_SORTS[name], descending=direction == "desc"))
    if len(found) > 2:
        raise bad("sort_by names more than two fields", "name one or two")
    return tuple(found) or (Order(by="number"),)
