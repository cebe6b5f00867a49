"""Who answers, as the frozen items of the spec."""

from pathlib import Path

from stationmaster.core.names import ServiceName
from stationmaster.core.response import (
    Channel,
    ChannelName,
    Component,
    Contact,
    EscalationPolicy,
    IncidentSettings,
    Inhibition,
    Layer,
    Level,
    NotifyRule,
    PolicyName,
    QuietHours,
    Responder,
    ResponderName,
    Restriction,
    ReviewPolicy,
    Route,
    Schedule,
    ScheduleName,
    Smtp,
    StatusPage,
)
from stationmaster.manifest.places import Places
from stationmaster.manifest.schema_response import (
    ChannelDocument,
    ComponentDocument,
    ContactDocument,
    IncidentsDocument,
    LayerDocument,
    PolicyDocument,
    ResponderDocument,
    RestrictionDocument,
    ReviewsDocument,
    RouteDocument,
    ScheduleDocument,
    SmtpDocument,
    StatusPageDocument,
    Weekday,
)
from stationmaster.manifest.values import parse_seconds
from stationmaster.manifest.values_response import (
    parse_clock,
    parse_condition,
    parse_date,
    parse_match,
    parse_page_target,
)

_DAYS = {day: number for number, day in enumerate(Weekday)}


def responder(document: ResponderDocument, places: Places) -> Responder:
    quiet = document.quiet_hours
    return Responder(
        name=ResponderName(document.name),
        full_name=document.full_name or "",
        time_zone=document.time_zone,
        slack=document.slack or "",
        contacts=tuple(map(_contact, document.contacts)),
        rules=tuple(
            NotifyRule(contact=each.contact, after_s=parse_seconds(each.after), urgency=each.urgency)
            for each in document.notify
        ),
        quiet_hours=None
        if quiet is None
        else QuietHours(since=parse_clock(quiet.since), until=parse_clock(quiet.until)),
        origin=places.origin(document),
    )


def channel(document: ChannelDocument, places: Places) -> Channel:
    return Channel(name=ChannelName(document.name), contact=_contact(document), origin=places.origin(document))


def _contact(document: ContactDocument | ChannelDocument) -> Contact:
    return Contact(
        name=document.name,
        kind=document.kind,
        address=document.address or "",
        secret_file=_path(document.secret_file),
    )


def schedule(document: ScheduleDocument, places: Places) -> Schedule:
    return Schedule(
        name=ScheduleName(document.name),
        time_zone=document.time_zone,
        layers=tuple(map(_layer, document.layers)),
        origin=places.origin(document),
    )


def _layer(document: LayerDocument) -> Layer:
    return Layer(
        name=document.name,
        responders=tuple(map(ResponderName, document.responders)),
        starts=parse_date(document.starts),
        handoff=parse_clock(document.handoff),
        turn_days=parse_seconds(document.turn) // 86_400,
        ends=None if document.ends is None else parse_date(document.ends),
        restrictions=tuple(map(_restriction, document.restrictions)),
    )


def _restriction(document: RestrictionDocument) -> Restriction:
    return Restriction(
        days=frozenset(_DAYS[day] for day in document.days),
        since=parse_clock(document.since),
        until=parse_clock(document.until),
    )


def policy(document: PolicyDocument, places: Places) -> EscalationPolicy:
    acknowledged = parse_seconds(document.acknowledged_for)
    return EscalationPolicy(
        name=PolicyName(document.name),
        levels=tuple(
            Level(
                targets=tuple(map(parse_page_target, each.targets)),
                after_s=parse_seconds(each.after),
                conditions=tuple(map(parse_condition, each.when)),
            )
            for each in document.levels
        ),
        repeats=document.repeats,
        last_wait_s=parse_seconds(document.repeat_after),
        acknowledged_s=acknowledged or None,
        origin=places.origin(document),
    )


def incident_settings(document: IncidentsDocument, places: Places) -> IncidentSettings:
    return IncidentSettings(
        policy=_policy_name(document.policy),
        routes=tuple(_route(each, places) for each in document.routes),
        inhibitions=tuple(
            Inhibition(
                source=tuple(map(parse_match, each.source)),
                target=tuple(map(parse_match, each.target)),
                equal=tuple(each.equal),
                origin=places.origin(each),
            )
            for each in document.inhibit
        ),
        group_by=IncidentSettings().group_by if document.group_by is None else tuple(document.group_by),
        group_window_s=parse_seconds(document.group_window),
        update_every_s=parse_seconds(document.update_every),
        channels=tuple(map(ChannelName, document.channels)),
        smtp=None if document.smtp is None else _smtp(document.smtp),
        public_url=document.public_url or "",
    )


def _route(document: RouteDocument, places: Places) -> Route:
    return Route(
        matches=tuple(map(parse_match, document.match)),
        policy=_policy_name(document.policy),
        urgency=document.urgency,
        channels=tuple(map(ChannelName, document.channels)),
        origin=places.origin(document),
    )


def _policy_name(name: str | None) -> PolicyName | None:
    return None if name is None else PolicyName(name)


def _smtp(document: SmtpDocument) -> Smtp:
    return Smtp(
        host=document.host,
        port=document.port,
        sender=document.sender,
        user=document.user or "",
        password_file=_path(document.password_file),
        starttls=document.starttls,
    )


def status_page(document: StatusPageDocument) -> StatusPage:
    return StatusPage(
        title=document.title or "",
        url=document.url or "",
        time_zone=document.time_zone,
        publish=document.publish,
        components=tuple(map(_component, document.components)),
    )


def review_policy(document: ReviewsDocument) -> ReviewPolicy:
    return ReviewPolicy(automatic=document.automatic, steady_s=parse_seconds(document.steady_for))


def _component(document: ComponentDocument) -> Component:
    return Component(
        name=document.name,
        description=document.description or "",
        group=document.group or "",
        services=tuple(map(ServiceName, document.services)),
        apis=tuple(document.apis),
    )


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
