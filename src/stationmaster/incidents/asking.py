"""Decides whom somebody may ask for: the next level, another level, one person or who is on duty."""

from collections.abc import Sequence
from dataclasses import replace

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import EscalationPolicy, Level, PageTarget, PolicyName, TargetKind
from stationmaster.incidents import paper
from stationmaster.incidents.doing import Doing
from stationmaster.incidents.escalate import Reached
from stationmaster.incidents.pages import Nobody, Page, pages
from stationmaster.incidents.paper import What
from stationmaster.incidents.store import Incident


def level_of(policy: EscalationPolicy | None, reached: Sequence[Reached], wanted: int | None) -> int:
    """The level to ask for, counted from 1."""
    if policy is None:
        hint = "`incident assign` pages somebody by name"
        raise PlatformError("no-policy", "the incident has no escalation policy", hint=hint, status=409)
    last = max((each.level for each in reached if each.round == 0), default=-1) + 1
    level = last + 1 if wanted is None else wanted
    if not 1 <= level <= len(policy.levels):
        hint = f"the policy {policy.name} has {len(policy.levels)}; `incident assign` pages somebody by name"
        raise PlatformError("no-such-level", f"there is no level {level}", hint=hint, status=409)
    if level <= last:
        hint = "`incident assign` pages somebody again, by name"
        raise PlatformError("level-reached", f"level {level} is reached already", hint=hint, status=409)
    return level


async def page(act: Doing, to: PageTarget, why: str) -> tuple[str, ...]:
    """Owes the page, and returns the names of those who get it."""
    alone = EscalationPolicy(name=PolicyName("asked for"), levels=(Level(targets=(to,)),))
    asked = Reached(level=0, round=0, at=act.at, why=f"{act.by} asks for you{f': {why}' if why else ''}")
    found = pages((asked,), alone, act.directory, act.incident.urgency)
    gone = next((each for each in found if isinstance(each, Nobody)), None)
    if gone is not None:
        hint = "`oncall who` shows who is on duty; responders and channels stand in platform.yaml"
        raise PlatformError("nobody", f"{to.kind.value} {to.name} cannot be paged: {gone.why}", hint=hint, status=409)
    written = [each for each in found if isinstance(each, Page)]
    for each in written:
        await paper.write(act.connection, act.incident, What.PAGE, replace(each, key=f"asked/{each.key}", level=-1))
    return tuple(dict.fromkeys(each.to.name for each in written if each.to.kind is TargetKind.RESPONDER))


def target_of(text: str) -> PageTarget:
    """ "responder/ada", "schedule/primary", "channel/ops"; a name alone is a responder's."""
    kind, slash, name = text.partition("/")
    kind, name = (kind, name) if slash else ("responder", text)
    known = {each.value: each for each in TargetKind}
    if kind not in known or not name:
        hint = "write responder/ada, schedule/primary or channel/ops"
        raise PlatformError("bad-target", f"{text[:100]!r} is nobody to page", hint=hint)
    return PageTarget(kind=known[kind], name=name)


def differences(incident: Incident, title: str | None, severity: str | None, priority: str | None) -> dict[str, str]:
    """What would change. Raises PlatformError `empty-title` or `empty-severity`."""
    found: dict[str, str] = {}
    for name, now, wanted in (
        ("title", incident.title, title),
        ("severity", incident.severity, severity),
        ("priority", incident.priority, priority),
    ):
        if wanted is None or wanted.strip() == now:
            continue
        if not wanted.strip() and name != "priority":
            raise PlatformError(f"empty-{name}", f"an incident needs a {name}", hint="leave it out to keep it")
        found[name] = wanted.strip()
    return found
