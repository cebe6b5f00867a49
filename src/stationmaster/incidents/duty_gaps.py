"""Decides when nobody of those that a policy pages is on duty, and which of these times have to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.core.response import ChannelName, Override, ScheduleName, TargetKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.oncall import Span, gaps, of_declared

WARNED = timedelta(days=30)
SOON = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """Schedules that are paged together by a level of these policies, which pages nobody else by name."""

    schedules: tuple[ScheduleName, ...]
    policies: tuple[str, ...]
    channels: tuple[ChannelName, ...]
    """Who is told: the channels of those policies, and those of every incident."""

    @property
    def name(self) -> str:
        return ", ".join(self.schedules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """Times in which a page to these schedules reaches nobody, by their beginning."""

    paged: Paged
    spans: tuple[Span, ...]

    def in_words(self) -> str:
        first = self.spans[0]
        more = f", and {len(self.spans) - 1} times more in 30 days" if len(self.spans) > 1 else ""
        return f"{gap_in_words(self.paged, first.starts_at, first.ends_at)}{more}; `oncall gaps` lists them"


def gap_in_words(paged: Paged, starts_at: datetime, ends_at: datetime) -> str:
    return (
        f"nobody is on duty in {paged.name} from {starts_at:%a %Y-%m-%d %H:%M} until {ends_at:%a %Y-%m-%d %H:%M} UTC"
        f" (escalation policy {', '.join(paged.policies)})"
    )


def paged_schedules(spec: PlatformSpec) -> tuple[Paged, ...]:
    """Of every level that pages schedules and no responder by name."""
    found: dict[tuple[ScheduleName, ...], tuple[dict[str, None], dict[ChannelName, None]]] = {}
    declared = {each.name for each in spec.schedules}
    for policy in spec.escalation_policies:
        targets = [target for level in policy.levels for target in level.targets]
        channels = [ChannelName(each.name) for each in targets if each.kind is TargetKind.CHANNEL]
        for level in policy.levels:
            if any(each.kind is TargetKind.RESPONDER for each in level.targets):
                continue
            names = {ScheduleName(each.name) for each in level.targets if each.kind is TargetKind.SCHEDULE} & declared
            if names:
                policies, told = found.setdefault(tuple(sorted(names)), ({}, {}))
                policies[policy.name] = None
                told |= dict.fromkeys([*channels, *spec.incidents.channels])
    return tuple(
        Paged(schedules=names, policies=tuple(policies), channels=tuple(told))
        for names, (policies, told) in found.items()
    )


def uncovered(
    spec: PlatformSpec, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> tuple[Uncovered, ...]:
    """Those that have any."""
    known = of_declared(overrides, {each.name for each in spec.responders})
    of_schedule: Mapping[ScheduleName, tuple[Span, ...]] = {
        each.name: gaps(each, known, starts_at, ends_at) for each in spec.schedules
    }
    found = [
        Uncovered(paged=each, spans=_common([of_schedule[name] for name in each.schedules]))
        for each in paged_schedules(spec)
    ]
    return tuple(each for each in found if each.spans)


def _common(many: Sequence[tuple[Span, ...]]) -> tuple[Span, ...]:
    """The times that lie in one span of each."""
    common, *others = many
    for other in others:
        common = tuple(
            Span(starts_at=max(one.starts_at, two.starts_at), ends_at=min(one.ends_at, two.ends_at), duty=None)
            for one in common
            for two in other
            if one.starts_at < two.ends_at and two.starts_at < one.ends_at
        )
    return common
