"""Says services, escalation policies, schedules and who is on call in PagerDuty's words."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET

from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import (
    FinalSchedule,
    Layer,
    LayerRestriction,
    LayerUser,
    OnCall,
    Override,
    Policy,
    Rule,
    Schedule,
    Service,
    ShiftEntry,
    Thing,
)
from stationmaster.core import response, spec
from stationmaster.core.response import EscalationPolicy, PageTarget, TargetKind
from stationmaster.incidents.life import Status
from stationmaster.incidents.oncall import Span, duties, moment

_AROUND = timedelta(days=60)
"""How far the ends of a turn are looked for."""
_DAY_S = 86_400
_STATUS = {None: "active", Status.ACKNOWLEDGED: "warning", Status.TRIGGERED: "critical"}


def service(view: View, found: spec.Service, waiting: Status | None = None) -> Service:
    leads_to = policy_of(view, found)
    place = view.service(found.name)
    return Service(
        id=place.id,
        type="service",
        summary=found.name,
        self_url=place.self_url,
        html_url=place.html_url,
        name=found.name,
        description="",
        status=_STATUS[waiting],
        escalation_policy=None if leads_to is None else view.policy(leads_to),
    )


def policy_of(view: View, found: spec.Service) -> str | None:
    return found.escalation_policy or view.spec.incidents.policy


def policy(view: View, found: EscalationPolicy) -> Policy:
    place = view.policy(found.name)
    return Policy(
        id=place.id,
        type="escalation_policy",
        summary=found.name,
        self_url=place.self_url,
        html_url=place.html_url,
        name=found.name,
        description="",
        escalation_rules=tuple(_rules(view, found)),
        num_loops=found.repeats,
        services=tuple(view.service(each.name) for each in view.spec.services if policy_of(view, each) == found.name),
    )


def _rules(view: View, found: EscalationPolicy) -> Iterator[Rule]:
    """A delay is there how long a level has before the next one is reached; minutes are rounded up."""
    waits = [each.after_s for each in found.levels[1:]] + [found.last_wait_s]
    for at, (level, wait_s) in enumerate(zip(found.levels, waits, strict=True)):
        yield Rule(
            id=ids.of_name(Kind.RULE, found.name, str(at + 1)),
            escalation_delay_in_minutes=max(1, -(-wait_s // 60)),
            targets=tuple(_target(view, each) for each in level.targets),
        )


def _target(view: View, target: PageTarget) -> Thing:
    match target.kind:
        case TargetKind.RESPONDER:
            return view.who(target.name, "targets")
        case TargetKind.SCHEDULE:
            return view.schedule(target.name)
        case TargetKind.CHANNEL:
            return Thing(id=ids.of_name(Kind.USER, target.name), type="channel_reference", summary=target.name)


def schedule(
    view: View, found: response.Schedule, since: datetime | None = None, until: datetime | None = None
) -> Schedule:
    """With its layers, and with who is on duty where both moments are given."""
    place = view.schedule(found.name)
    whole = since is not None and until is not None
    return Schedule(
        id=place.id,
        type="schedule",
        summary=found.name,
        self_url=place.self_url,
        html_url=place.html_url,
        name=found.name,
        time_zone=found.time_zone,
        description="",
        users=tuple(view.who(each, "users") for each in members(found)),
        escalation_policies=tuple(
            view.policy(each.name) for each in view.spec.escalation_policies if _uses(each, found)
        ),
        schedule_layers=tuple(_layer(view, found, each) for each in found.layers) if whole else UNSET,
        final_schedule=_final(view, found, since, until) if since is not None and until is not None else UNSET,
    )


def members(found: response.Schedule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for layer in found.layers for name in layer.responders))


def _uses(found: EscalationPolicy, used: response.Schedule) -> bool:
    target = PageTarget(kind=TargetKind.SCHEDULE, name=used.name)
    return any(target in level.targets for level in found.levels)


def _layer(view: View, of: response.Schedule, found: response.Layer) -> Layer:
    zone = ZoneInfo(of.time_zone)
    starts = moment(found.starts, found.handoff, zone)
    return Layer(
        id=ids.of_name(Kind.LAYER, of.name, found.name),
        name=found.name,
        start=starts,
        end=None if found.ends is None else moment(found.ends, found.handoff, zone),
        rotation_virtual_start=starts,
        rotation_turn_length_seconds=found.turn_days * _DAY_S,
        users=tuple(LayerUser(user=view.who(each)) for each in found.responders),
        restrictions=tuple(_restrictions(found)),
    )


def _restrictions(found: response.Layer) -> Iterator[LayerRestriction]:
    """There one begins on one day of the week, and Monday is 1."""
    for each in found.restrictions:
        since_s = each.since.hour * 3600 + each.since.minute * 60 + each.since.second
        until_s = each.until.hour * 3600 + each.until.minute * 60 + each.until.second
        for day in sorted(each.days):
            yield LayerRestriction(
                type="weekly_restriction",
                start_time_of_day=each.since.isoformat(),
                duration_seconds=(until_s - since_s - 1) % _DAY_S + 1,
                start_day_of_week=day + 1,
            )


def _final(view: View, found: response.Schedule, since: datetime, until: datetime) -> FinalSchedule:
    spans = [each for each in duties(found, view.overrides, since, until) if each.duty is not None]
    covered_s = sum((each.ends_at - each.starts_at).total_seconds() for each in spans)
    return FinalSchedule(
        name="Final Schedule",
        rendered_schedule_entries=tuple(
            ShiftEntry(start=each.starts_at, end=each.ends_at, user=view.who(each.duty.responder))
            for each in spans
            if each.duty is not None
        ),
        rendered_coverage_percentage=round(100 * covered_s / (until - since).total_seconds(), 1),
    )


def override(view: View, found: response.Override) -> Override:
    return Override(
        id=ids.of_number(Kind.OVERRIDE, found.number),
        start=found.starts_at,
        end=found.ends_at,
        user=view.who(found.responder),
    )


def on_calls(view: View, policies: Sequence[EscalationPolicy], since: datetime, until: datetime) -> list[OnCall]:
    """Of every level of the policies: who can be reached by it in the time between both moments, and in which turn.
    Whoever stands in the level by name is on call for ever: no start and no end."""
    turns = {each.name: _turns(view, each, since, until) for each in view.spec.schedules}
    found: list[OnCall] = []
    for each in policies:
        for number, level in enumerate(each.levels, start=1):
            for target in level.targets:
                found += _on_call(view, view.policy(each.name), number, target, turns)
    return found


def _on_call(
    view: View, policy: Thing, number: int, target: PageTarget, turns: dict[response.ScheduleName, list[Span]]
) -> Iterator[OnCall]:
    if target.kind is TargetKind.RESPONDER:
        user = view.who(target.name, "users")
        yield OnCall(escalation_policy=policy, escalation_level=number, schedule=None, user=user, start=None, end=None)
    elif target.kind is TargetKind.SCHEDULE:
        for turn in turns.get(response.ScheduleName(target.name), []):
            if turn.duty is not None:
                yield OnCall(
                    escalation_policy=policy,
                    escalation_level=number,
                    schedule=view.schedule(target.name),
                    user=view.who(turn.duty.responder, "users"),
                    start=turn.starts_at,
                    end=turn.ends_at,
                )


def on_duty(view: View, found: response.Schedule, since: datetime, until: datetime) -> tuple[str, ...]:
    """Everybody who is at some moment between both."""
    spans = _turns(view, found, since, until)
    return tuple(dict.fromkeys(each.duty.responder for each in spans if each.duty is not None))


def _turns(view: View, found: response.Schedule, since: datetime, until: datetime) -> list[Span]:
    """Whole turns, with the ends that lie outside."""
    around = duties(found, view.overrides, since - _AROUND, until + _AROUND)
    last = max(until, since + timedelta(microseconds=1))
    return [each for each in around if each.duty is not None and each.starts_at < last and since < each.ends_at]


def earliest(found: Sequence[OnCall]) -> list[OnCall]:
    """Of every policy, level and user the first turn alone."""
    first: dict[tuple[str, int, str], OnCall] = {}
    for each in sorted(found, key=lambda one: one.start or datetime.min.replace(tzinfo=UTC)):
        first.setdefault((each.escalation_policy.id, each.escalation_level, each.user.id), each)
    return list(first.values())
