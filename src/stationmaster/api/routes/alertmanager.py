"""Alertmanager's API v2: Prometheus, amtool and whoever else speaks it work with the platform unchanged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec
import yaml
from litestar import Controller, Response, delete, get, post
from litestar.params import PathParameter

from stationmaster import __version__
from stationmaster.access.roles import Role
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_alertmanager import (
    AlertGroupSaid,
    AlertSaid,
    AlertStatus,
    ClusterSaid,
    ConfigSaid,
    MatcherSaid,
    Named,
    PostedSilence,
    SilenceMade,
    SilenceSaid,
    SilenceStatus,
    StatusSaid,
    VersionSaid,
)
from stationmaster.core.facts import Alert
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.intake import alertmanager, filters
from stationmaster.incidents.intake.alertmanager import moment
from stationmaster.incidents.intake.decide import Kept
from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.incidents.intake.foreign import RESOLVE_AFTER
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.routing import matches, route
from stationmaster.incidents.silences import Silence, checked_match
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

Answer: TypeAlias = Response[Any]

BATCH_BYTES: Final = 20_000_000
_READ: Final = {"role": Role.VIEWER, "basic": True}
_WRITE: Final = {"role": Role.OPERATOR, "basic": True}
_GROUPED_BY: Final = ("alertname", "environment", "service")
_NOBODY: Final = "nobody"
_FLAGS: Final = ("active", "silenced", "inhibited", "unprocessed")
_TRUE: Final = ("true", "1", "t", "T", "True", "TRUE")
_FALSE: Final = ("false", "0", "f", "F", "False", "FALSE")
SilenceId: TypeAlias = Annotated[str, PathParameter(description="As a silence's answer named it.")]


class AlertmanagerRoutes(Controller):
    path = "/alertmanager"
    tags = ("alertmanager",)
    opt = _READ

    @post("/api/v2/alerts", opt=_WRITE, status_code=200, request_max_body_size=BATCH_BYTES, summary="Take alerts in")
    async def take(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        """Good alerts are kept, also where others of the batch are refused; what is answered is on disk."""
        try:
            batch = alertmanager.read(await request.body(), utc_now())
        except PlatformError as error:
            return _refused(error)
        await intake_of(platform).desk.take(batch.alerts)
        if batch.problems:
            return _said("; ".join(batch.problems), 400)
        return Response(None, status_code=200)

    @get("/api/v2/alerts", summary="Alerts that fire")
    async def alerts(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        try:
            return _said(await _shown(request, platform))
        except PlatformError as error:
            return _refused(error)

    @get("/api/v2/alerts/groups", summary="Alerts that fire, by name, environment and service")
    async def groups(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        try:
            return _said(_grouped(await _shown(request, platform)))
        except PlatformError as error:
            return _refused(error)

    @get("/api/v2/silences", summary="Silences, expired ones too")
    async def silences(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        now = utc_now()
        try:
            wanted = _filters(request)
        except PlatformError as error:
            return _refused(error)
        found = await intake_of(platform).silences.all()
        return _said([_silence(each, now) for each in found if _concerns(each, wanted)])

    @post("/api/v2/silences", opt=_WRITE, status_code=200, summary="Make a silence, or change one")
    async def silence(self, request: ApiRequest, platform: GivenPlatform, caller: GivenCaller) -> Answer:
        try:
            wanted = _wanted(await request.body())
            made = await intake_of(platform).silences.put(wanted, by=caller.name)
        except PlatformError as error:
            return _refused(error)
        return _said(SilenceMade(silence_id=made))

    @get("/api/v2/silence/{number:str}", summary="One silence")
    async def show_silence(self, platform: GivenPlatform, number: SilenceId) -> Answer:
        try:
            return _said(_silence(await intake_of(platform).silences.find(number), utc_now()))
        except PlatformError as error:
            return _refused(error)

    @delete("/api/v2/silence/{number:str}", opt=_WRITE, status_code=200, summary="End a silence")
    async def expire(self, platform: GivenPlatform, caller: GivenCaller, number: SilenceId) -> Answer:
        try:
            await intake_of(platform).silences.expire(number, by=caller.name)
        except PlatformError as error:
            known = error.status == 404
            return _refused(error, error.status if known else 500)  # its specification knows no other
        return Response(None, status_code=200)

    @get("/api/v2/status", summary="What answers")
    async def status(self, platform: GivenPlatform) -> Answer:
        return _said(
            StatusSaid(
                cluster=ClusterSaid(),
                version_info=VersionSaid(version=__version__),
                config=ConfigSaid(original=_config(intake_of(platform).declared.value)),
                uptime=platform.started_at,
            )
        )

    @get("/api/v2/receivers", summary="The escalation policies that alerts lead to")
    async def receivers(self, platform: GivenPlatform) -> Answer:
        return _said([Named(name=each) for each in _receivers(intake_of(platform).declared.value)])

    @get("/-/healthy", summary="For health checks of an Alertmanager")
    async def healthy(self) -> Answer:
        return Response("OK\n", media_type="text/plain")

    @get("/-/ready", summary="For health checks of an Alertmanager")
    async def ready(self, platform: GivenPlatform) -> Answer:
        intake_of(platform)
        return Response("OK\n", media_type="text/plain")


def intake_of(platform: Platform) -> Intake:
    if platform.intake is None:
        hint = "run the whole platform: `stationmaster up`"
        raise PlatformError("no-intake", "this process takes no alerts in", hint=hint, status=503)
    return platform.intake


def _said(document: object, status: int = 200) -> Answer:
    return Response(msgspec.json.encode(document), status_code=status, media_type="application/json")


def _refused(error: PlatformError, status: int = 0) -> Answer:
    """Alertmanager's own refusals are bare strings, and its clients can read nothing else."""
    return _said(f"{error.message}\nhint: {error.hint}" if error.hint else error.message, status or error.status)


async def _shown(request: ApiRequest, platform: Platform) -> list[AlertSaid]:
    """Foreign alerts and the platform's own."""
    intake, now = intake_of(platform), utc_now()
    wanted, asked = _filters(request), {name: _flag(request, name) for name in _FLAGS}
    check = _receiver(request.query_params.get("receiver", ""))
    foreign = [_foreign(each, now) for each in await intake.desk.firing()]
    firing = [*foreign, *(_own(each, now) for each in await platform.monitor.firing())]
    behind = await platform.incidents.inhibited()
    names = {each.key: each.said.fingerprint for each in firing}
    found = []
    for each in firing:
        said = _placed(each, intake, names.get(behind.get(each.key, ""), ""), now)
        named = check is None or any(matches((check,), {"receiver": one.name}) for one in said.receivers)
        if named and matches(wanted, said.labels) and _asked_for(said, asked):
            found.append(said)
    return found


def _asked_for(said: AlertSaid, asked: Mapping[str, bool]) -> bool:
    status = said.status
    if not status.silenced_by and not status.inhibited_by:
        return asked["active"]
    return (asked["silenced"] or not status.silenced_by) and (asked["inhibited"] or not status.inhibited_by)


def _receiver(text: str) -> LabelMatch | None:
    if not text:
        return None
    return checked_match(LabelMatch(name="receiver", value=text, is_regex=True))


def _flag(request: ApiRequest, name: str) -> bool:
    text = request.query_params.get(name, "true")
    if text not in (*_TRUE, *_FALSE):
        raise PlatformError("bad-parameter", f"{name} in query must be of type boolean", hint="write true or false")
    return text in _TRUE


def _filters(request: ApiRequest) -> tuple[LabelMatch, ...]:
    return tuple(checked_match(filters.read(text)) for text in request.query_params.getall("filter", []))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Firing:
    """`key` is what incidents know it by."""

    key: str
    said: AlertSaid


def _foreign(kept: Kept, now: datetime) -> _Firing:
    given = kept.given
    said = AlertSaid(
        labels=given.labels,
        annotations=given.annotations,
        generator_url=given.url,
        starts_at=given.starts_at,
        ends_at=given.ends_at or max(now, kept.updated_at) + RESOLVE_AFTER,
        updated_at=kept.updated_at,
        fingerprint=fingerprint(given.labels),
        flapping=kept.flaps.flapping,
    )
    return _Firing(key=given.key, said=said)


def _own(alert: Alert, now: datetime) -> _Firing:
    said = AlertSaid(
        labels=alert.labels,
        annotations={"summary": alert.summary, **alert.annotations},
        generator_url=alert.url,
        starts_at=alert.starts_at,
        ends_at=now + RESOLVE_AFTER,
        updated_at=max(now, alert.starts_at),
        fingerprint=fingerprint(alert.labels),
    )
    return _Firing(key=alert.fingerprint, said=said)


def _placed(firing: _Firing, intake: Intake, behind: str, now: datetime) -> AlertSaid:
    """With whom it leads to, and what keeps it silent; `behind` is the fingerprint of what it follows from."""
    silenced = tuple(each.id for each in intake.silences.of(firing.said.labels, now))
    policy = route(intake.declared.value, firing.said.labels).policy
    inhibited = (behind,) if behind else ()
    state = "suppressed" if silenced or inhibited else "active"
    return msgspec.structs.replace(
        firing.said,
        receivers=(Named(name=_NOBODY if policy is None else policy.name),),
        status=AlertStatus(state=state, silenced_by=silenced, inhibited_by=inhibited),
    )


def _grouped(alerts: Sequence[AlertSaid]) -> list[AlertGroupSaid]:
    groups: dict[tuple[tuple[tuple[str, str], ...], str], list[AlertSaid]] = {}
    for each in alerts:
        labels = tuple((name, each.labels[name]) for name in _GROUPED_BY if name in each.labels)
        groups.setdefault((labels, each.receivers[0].name), []).append(each)
    return [
        AlertGroupSaid(labels=dict(labels), receiver=Named(name=receiver), alerts=tuple(found))
        for (labels, receiver), found in sorted(groups.items(), key=lambda group: group[0])
    ]


def _wanted(body: bytes) -> Silence:
    try:
        posted = msgspec.json.decode(body, type=PostedSilence)
        starts_at, ends_at = moment(posted.starts_at), moment(posted.ends_at)
    except ValueError as error:
        hint = "send matchers, startsAt, endsAt, createdBy and comment"
        raise PlatformError("bad-silence", f"the silence cannot be read: {error}", hint=hint) from error
    now = utc_now()
    return Silence(
        id=posted.id or "",
        matchers=tuple(
            LabelMatch(name=each.name, value=each.value, is_regex=each.is_regex, is_equal=each.is_equal)
            for each in posted.matchers
        ),
        starts_at=starts_at or now,
        ends_at=ends_at or now,
        created_by=posted.created_by[:255],
        comment=posted.comment[:4_096],
        updated_at=now,
    )


def _silence(silence: Silence, now: datetime) -> SilenceSaid:
    return SilenceSaid(
        id=silence.id,
        status=SilenceStatus(state=silence.state(now).value),
        updated_at=silence.updated_at,
        matchers=tuple(
            MatcherSaid(name=each.name, value=each.value, is_regex=each.is_regex, is_equal=each.is_equal)
            for each in silence.matchers
        ),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.created_by,
        comment=silence.comment,
        name=silence.name,
    )


def _concerns(silence: Silence, wanted: Sequence[LabelMatch]) -> bool:
    """As Alertmanager narrows silences: the filter has to hold for the values that the silence names."""
    named: Mapping[str, str] = {each.name: each.value for each in silence.matchers if each.is_equal}
    return all(each.name in named for each in wanted if each.is_equal) and matches(wanted, named)


def _receivers(spec: PlatformSpec) -> list[str]:
    return [*(each.name for each in spec.escalation_policies), _NOBODY]


def _config(spec: PlatformSpec) -> str:
    """What Alertmanager's configuration would say of the policies, so that its tools can read it."""
    receivers = _receivers(spec)
    document = {
        "route": {"receiver": spec.incidents.policy or _NOBODY, "group_by": list(_GROUPED_BY)},
        "receivers": [{"name": each} for each in receivers],
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text
