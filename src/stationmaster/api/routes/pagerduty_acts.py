"""PagerDuty's REST API v2, what belongs to one incident: notes, alerts, log entries, snoozing, merging, asking."""

from datetime import datetime, timedelta

from litestar import Controller, Response, get, post, put

from stationmaster.api.pagerduty import ids, told_incident
from stationmaster.api.pagerduty.asked import Part, asked, body, part_of
from stationmaster.api.pagerduty.given import answer, requester, told, view_of
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import HANDLERS, bad, not_found
from stationmaster.api.pagerduty.told_line import OVERVIEW, log_entry
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import Alert, AskedTarget, OneNote, ResponderRequest, Snooze, Sources
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.pagerduty import TAKES_TOKEN, GivenId, GivenProof
from stationmaster.core.response import PageTarget, TargetKind
from stationmaster.incidents import finding, linked, notes, store
from stationmaster.incidents.finding import LinesWanted
from stationmaster.platform import Platform

_MOST_ALERTS = 10_000
_LONGEST_SNOOZE_S = 604_800
_ALERT_STATUS = {"triggered": True, "resolved": False}


class PagerDutyActRoutes(Controller):
    path = "/pagerduty/incidents/{own:str}"
    opt = TAKES_TOKEN
    include_in_schema = False
    exception_handlers = HANDLERS

    @post("/snooze", status_code=201)
    async def snooze(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        number, duration_s = ids.incident_number_of(own), (await body(request, Snooze)).duration
        if not 0 < duration_s <= _LONGEST_SNOOZE_S:
            raise bad(f"duration cannot be {duration_s}", f"write seconds, 1 to {_LONGEST_SNOOZE_S}")
        by = requester(request, proof, platform.spec)
        until = platform.incidents.clock.now() + timedelta(seconds=duration_s)
        await platform.incidents.acts.snooze(number, until=until, by=by.by, why=by.why)
        return answer({"incident": (await told(platform, await view_of(request, platform), [number]))[0]}, 201)

    @put("/merge")
    async def merge(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        number, by = ids.incident_number_of(own), requester(request, proof, platform.spec)
        given = (await body(request, Sources)).source_incidents
        sources = list(dict.fromkeys(ids.incident_number_of(each.id) for each in given))
        await _mergeable(platform, [*sources, number], into=number)
        for source in sources:
            await platform.incidents.acts.merge(source, into=number, by=by.by, why=by.why)
        return answer({"incident": (await told(platform, await view_of(request, platform), [number]))[0]})

    @get("/notes")
    async def notes(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view, number = await view_of(request, platform), ids.incident_number_of(own)
        async with platform.incidents.database.read() as connection:
            await store.known(connection, number)
            found = await notes.of(connection, number)
        return answer({"notes": [told_incident.note(view, each) for each in found]})

    @post("/notes")
    async def write_note(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        view, number = await view_of(request, platform), ids.incident_number_of(own)
        by = requester(request, proof, platform.spec)
        text = (await body(request, OneNote)).note.content
        written = await platform.incidents.acts.note(number, text=text, by=by.signed)
        async with platform.incidents.database.read() as connection:
            found = next(each for each in await notes.of(connection, number) if each.id == written)
        return answer({"note": told_incident.note(view, found)})

    @get("/alerts")
    async def alerts(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        query = asked(request)
        window, statuses = query.window(), query.chosen("statuses", _ALERT_STATUS)
        found = await _alerts(platform, await view_of(request, platform), ids.incident_number_of(own))
        wanted = [each for each in found if statuses is None or _ALERT_STATUS[each.status] in statuses]
        shown, part = part_of(wanted, window)
        return answer(part.body("alerts", shown))

    @get("/alerts/{alert:str}")
    async def alert(
        self, request: ApiRequest, platform: GivenPlatform, own: GivenId, alert: GivenId
    ) -> Response[bytes]:
        found = await _alerts(platform, await view_of(request, platform), ids.incident_number_of(own))
        one = next((each for each in found if each.id == alert), None)
        if one is None:
            raise not_found(alert)
        return answer({"alert": one})

    @put(["/alerts", "/alerts/{alert:str}"])
    async def change_alert(self) -> Response[bytes]:
        hint = "resolve the incident, or let the source of the alert say that it is over"
        raise bad("alerts cannot be changed here: each ends when what it tells of is over", hint)

    @get("/log_entries")
    async def log_entries(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        return await _lines(request, platform, ids.incident_number_of(own))

    @post("/responder_requests")
    async def ask(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        """Pages people, or everybody of a policy's first level."""
        view, number = await view_of(request, platform), ids.incident_number_of(own)
        by, order = requester(request, proof, platform.spec), await body(request, ResponderRequest)
        targets = [target for each in order.responder_request_targets for target in _targets(view, each)]
        if not targets:
            raise bad("nobody is asked for", "name users or escalation policies in responder_request_targets")
        for to in dict.fromkeys(targets):
            await platform.incidents.acts.assign(number, to=to, by=by.by, why=by.with_why(order.message))
        at: datetime = platform.incidents.clock.now()
        said = {
            "incident": view.incident(number),
            "requester": view.who(by.by),
            "requested_at": at,
            "message": order.message,
            "responder_request_targets": [
                {"responder_request_target": {"id": each.responder_request_target.id, "type": _type(each)}}
                for each in order.responder_request_targets
            ],
        }
        return answer({"responder_request": said})


class PagerDutyLineRoutes(Controller):
    path = "/pagerduty/log_entries"
    opt = TAKES_TOKEN
    include_in_schema = False
    exception_handlers = HANDLERS

    @get()
    async def all(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return await _lines(request, platform, None)

    @get("/{own:str}")
    async def one(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view = await view_of(request, platform)
        async with platform.incidents.database.read() as connection:
            found = await finding.line(connection, ids.number_of(Kind.LINE, own))
            if found is None:
                raise not_found(own)
            about = await store.known(connection, found.incident)
        return answer({"log_entry": log_entry(view, found, about)})


async def _lines(request: ApiRequest, platform: Platform, number: int | None) -> Response[bytes]:
    query = asked(request)
    view, window = await view_of(request, platform), query.window()
    kinds = OVERVIEW if query.flag("is_overview") else None
    since, until = query.moment("since"), query.moment("until")
    wanted = LinesWanted(incident=number, kinds=kinds, since=since, until=until)
    async with platform.incidents.database.read() as connection:
        if number is not None:
            await store.known(connection, number)
        found, more, total = await finding.lines(connection, wanted, window)
        known = await finding.known(connection, sorted({line.incident for line in found}))
        about = {each.number: each for each in known}
    shown = [log_entry(view, line, about[line.incident]) for line in found]
    return answer(Part(window=window, more=more, total=total).body("log_entries", shown))


async def _alerts(platform: Platform, view: View, number: int) -> list[Alert]:
    async with platform.incidents.database.read() as connection:
        incident = await store.known(connection, number)
        found = await linked.alerts_of(connection, number, limit=_MOST_ALERTS)
    return [told_incident.alert(view, incident, each) for each in found]


async def _mergeable(platform: Platform, numbers: list[int], *, into: int) -> None:
    """All of them, before one is merged."""
    if numbers.count(into) != 1 or len(numbers) < 2:
        raise bad("source_incidents has to name other incidents, at least one")
    async with platform.incidents.database.read() as connection:
        for number in numbers:
            found = await store.known(connection, number)
            if found.status.is_over:
                raise bad(f"incident #{number} is {found.status.value}", "what is over is not merged")


def _targets(view: View, asked_for: AskedTarget) -> tuple[PageTarget, ...]:
    pointer = asked_for.responder_request_target
    if pointer.id.upper().startswith(f"P{Kind.POLICY.value}"):
        levels = view.known_policy(pointer.id).levels
        return levels[0].targets if levels else ()
    return (PageTarget(kind=TargetKind.RESPONDER, name=view.known_user(pointer.id).name),)


def _type(asked_for: AskedTarget) -> str:
    return asked_for.responder_request_target.type or "user_reference"
