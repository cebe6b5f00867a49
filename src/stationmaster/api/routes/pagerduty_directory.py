"""PagerDuty's REST API v2, who and what there is: services, policies, schedules, who is on call, users, priorities."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from litestar import Controller, Response, get

from stationmaster.api.pagerduty import told_duty
from stationmaster.api.pagerduty.asked import Asked, asked, moment, part_of
from stationmaster.api.pagerduty.given import answer, requester, view_of
from stationmaster.api.pagerduty.refusals import HANDLERS, bad, not_found
from stationmaster.api.pagerduty.view import Known, person_of
from stationmaster.api.pagerduty.wire import OnCall
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.pagerduty import TAKES_TOKEN, GivenId, GivenProof
from stationmaster.incidents import finding

T = TypeVar("T")

PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
"""Those that a client may choose from, beside the ones that incidents have."""
_ABILITIES: Final = ("urgencies", "coordinated_responding", "manual_alert_creation")
LONGEST = timedelta(days=92)
_WEEK = timedelta(days=7)


class PagerDutyDirectoryRoutes(Controller):
    path = "/pagerduty"
    opt = TAKES_TOKEN
    include_in_schema = False
    exception_handlers = HANDLERS

    @get("/services")
    async def services(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        view = await view_of(request, platform)
        async with platform.incidents.database.read() as connection:
            waiting = await finding.open_services(connection)
        return _listed(
            request,
            "services",
            [each for each in view.spec.services if _named(request, each.name)],
            lambda each: told_duty.service(view, each, waiting.get(each.name)),
        )

    @get("/services/{own:str}")
    async def service(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view = await view_of(request, platform)
        found = view.known_service(own)
        async with platform.incidents.database.read() as connection:
            waiting = await finding.open_services(connection)
        return answer({"service": told_duty.service(view, found, waiting.get(found.name))})

    @get("/escalation_policies")
    async def policies(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        view, users = await view_of(request, platform), asked(request).many("user_ids")
        found = [
            each
            for each in (told_duty.policy(view, one) for one in view.spec.escalation_policies)
            if _named(request, each.name)
            and (users is None or any(to.id in users for rule in each.escalation_rules for to in rule.targets))
        ]
        return _listed(request, "escalation_policies", found, lambda each: each)

    @get("/escalation_policies/{own:str}")
    async def policy(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view = await view_of(request, platform)
        return answer({"escalation_policy": told_duty.policy(view, view.known_policy(own))})

    @get("/schedules")
    async def schedules(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        view = await view_of(request, platform)
        found = [each for each in view.spec.schedules if _named(request, each.name)]
        return _listed(request, "schedules", found, lambda each: told_duty.schedule(view, each))

    @get("/schedules/{own:str}")
    async def schedule(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        """With who is on duty from `since` until `until`, two weeks from now where they are not given."""
        view = await view_of(request, platform)
        since, until = range_of(asked(request), platform.incidents.clock.now(), 2 * _WEEK)
        return answer({"schedule": told_duty.schedule(view, view.known_schedule(own), since, until)})

    @get("/schedules/{own:str}/users")
    async def on_duty(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        """Who is on duty at some moment between `since` and `until`; without them, everybody of the schedule."""
        view, query = await view_of(request, platform), asked(request)
        found = view.known_schedule(own)
        names: Sequence[str] = told_duty.members(found)
        if query.text("since") or query.text("until"):
            names = told_duty.on_duty(view, found, *range_of(query, platform.incidents.clock.now(), _WEEK))
        people = [view.people[each] for each in names if each in view.people]
        return answer({"users": [view.user(each) for each in people]})

    @get("/oncalls")
    async def on_calls(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        """At this moment, or at any from `since` until `until`."""
        view, query = await view_of(request, platform), asked(request)
        since, until = range_of(query, platform.incidents.clock.now(), timedelta())
        found = told_duty.on_calls(view, view.spec.escalation_policies, since, until)
        wanted = [each for each in found if _is_wanted(query, each)]
        if query.flag("earliest"):
            wanted = told_duty.earliest(wanted)
        return _listed(request, "oncalls", wanted, lambda each: each)

    @get("/users")
    async def users(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        view = await view_of(request, platform)
        found = [each for each in view.people.values() if _named(request, each.full_name, each.name, each.email)]
        return _listed(request, "users", found, view.user)

    @get("/users/me")
    async def me(self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof) -> Response[bytes]:
        """Whoever asks: a person, whom `From` names, or the machine whose token it is."""
        view, by = await view_of(request, platform), requester(request, proof, platform.spec)
        known = view.people.get(person_of(by.by)) or Known(name=by.by, role=proof.caller.role)
        return answer({"user": view.user(known)})

    @get("/users/{own:str}")
    async def user(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view = await view_of(request, platform)
        return answer({"user": view.user(view.known_user(own))})

    @get("/priorities")
    async def priorities(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        view = await view_of(request, platform)
        async with platform.incidents.database.read() as connection:
            used = await finding.known_priorities(connection)
        names = list(dict.fromkeys((*PRIORITIES, *used)))
        return _listed(request, "priorities", names, view.priority)

    @get("/abilities")
    async def abilities(self) -> Response[bytes]:
        return answer({"abilities": _ABILITIES})

    @get("/abilities/{own:str}", status_code=204)
    async def ability(self, own: GivenId) -> None:
        if own not in _ABILITIES:
            raise not_found(own)

    @get("/teams")
    async def teams(self, request: ApiRequest) -> Response[bytes]:
        """There are none."""
        return _listed(request, "teams", [], lambda each: each)


def _listed(request: ApiRequest, name: str, found: Sequence[T], tell: Callable[[T], object]) -> Response[bytes]:
    shown, part = part_of(found, asked(request).window())
    return answer(part.body(name, [tell(each) for each in shown]))


def _named(request: ApiRequest, *names: str) -> bool:
    """Whether one of them has `query` in it."""
    wanted = asked(request).text("query").lower()
    return any(wanted in each.lower() for each in names)


def range_of(query: Asked, now: datetime, lasts: timedelta) -> tuple[datetime, datetime]:
    """From now on, where nothing is said."""
    since = moment("since", query.text("since")) if query.text("since") else now
    until = moment("until", query.text("until")) if query.text("until") else since + lasts
    if not since <= until <= since + LONGEST:
        raise bad("since and until are no range", f"until comes after since, by {LONGEST.days} days at most")
    return since, until


def _is_wanted(query: Asked, each: OnCall) -> bool:
    policies, schedules = query.many("escalation_policy_ids"), query.many("schedule_ids")
    users = query.many("user_ids")
    of_schedule = None if each.schedule is None else each.schedule.id
    return (
        (policies is None or each.escalation_policy.id in policies)
        and (schedules is None or of_schedule in schedules)
        and (users is None or each.user.id in users)
    )
