"""Everything that people do with incidents: acknowledge, mitigate, resolve, reopen, snooze, escalate, assign, raise,
edit, note, review, merge, split."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ConditionKind, PageTarget, Urgency
from stationmaster.incidents import asking, dividing, linked, moves, notes, opening, responders
from stationmaster.incidents.doing import Ground, as_it_is_then, doing, resolved
from stationmaster.incidents.escalate import Move
from stationmaster.incidents.life import Act, Status
from stationmaster.incidents.notes import Version
from stationmaster.incidents.paper import What
from stationmaster.incidents.responders import Working

_LONGEST_SNOOZE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to be changed; None leaves it as it is."""

    title: str | None = None
    severity: str | None = None
    urgency: Urgency | None = None
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class Acts:
    """`by` is always the name of who does it. Each raises PlatformError `unknown-incident` (404) or `not-now` (409)."""

    ground: Ground

    async def acknowledge(self, number: int, *, by: str, note: str = "") -> None:
        """Stops the clock of the chain for as long as the policy lets an acknowledgement last."""
        async with doing(self.ground, number, Act.ACKNOWLEDGE, by) as act:
            await act.move(Move.ACKNOWLEDGED)
            await responders.join(act.connection, number, Working(name=by, at=act.at, by=by))
            act.values = {
                "acknowledged_by": by,
                "acknowledged_at": act.incident.acknowledged_at or act.at,
            }
            act.said = _with("acknowledged", note)
            if act.incident.status is Status.TRIGGERED:
                await opening.announce(act.connection, act.incident, What.ACKNOWLEDGED, act.directory, act.at)

    async def unacknowledge(self, number: int, *, by: str, why: str = "") -> None:
        """Lets the clock of the chain run on."""
        async with doing(self.ground, number, Act.UNACKNOWLEDGE, by) as act:
            await act.move(Move.UNACKNOWLEDGED)
            act.said = _with("the acknowledgement is taken back", why)

    async def mitigate(self, number: int, *, by: str, why: str = "") -> None:
        """Nobody suffers any more; the clock stands still as after an acknowledgement."""
        async with doing(self.ground, number, Act.MITIGATE, by) as act:
            await act.move(Move.ACKNOWLEDGED)
            act.values = {"mitigated_at": act.at, "acknowledged_at": act.incident.acknowledged_at or act.at}
            act.values["acknowledged_by"] = by
            act.said = _with("mitigated", why)

    async def resolve(self, number: int, *, by: str, why: str = "") -> None:
        async with doing(self.ground, number, Act.RESOLVE, by) as act:
            act.said = _with("resolved by hand", why)
            await opening.resolve(act.connection, act.incident, resolved(act, act.said), act.directory, act.at)

    async def reopen(self, number: int, *, by: str, why: str = "") -> None:
        """The chain begins anew, with the policy that it had."""
        async with doing(self.ground, number, Act.REOPEN, by) as act:
            if act.incident.merged_into is not None:
                into = act.incident.merged_into
                raise PlatformError(
                    "merged", f"it was merged into #{into}", hint=f"`incident split {into}` parts them", status=409
                )
            firing = [each for each in await linked.alerts_of(act.connection, number) if each.firing]
            act.values = {
                "chain": act.incident.chain + 1,
                "chain_at": act.at,
                "chain_severity": act.incident.severity,
                "resolved_at": None,
                "mitigated_at": None,
                "kept_open": not firing,
            }
            act.said = _with("opened again", why)
            fresh = as_it_is_then(act, chain=act.incident.chain + 1)
            await opening.announce(act.connection, fresh, What.OPENED, act.directory, act.at)

    async def review(self, number: int, *, by: str, why: str = "") -> None:
        async with doing(self.ground, number, Act.REVIEW, by) as act:
            act.values = {"reviewed_at": act.at}
            act.said = _with("reviewed", why)

    async def snooze(self, number: int, *, until: datetime, by: str, why: str = "") -> None:
        """Nothing is paged until then; the chain goes on where it stopped."""
        async with doing(self.ground, number, Act.SNOOZE, by) as act:
            if not act.at < until <= act.at + _LONGEST_SNOOZE:
                hint = "name a moment that is to come, at most 7 days away"
                raise PlatformError("bad-moment", f"{until.isoformat()} is no moment to snooze until", hint=hint)
            await act.move(Move.SNOOZED, until=until)
            act.said = _with(f"snoozed until {until:%Y-%m-%d %H:%M:%S UTC}", why)

    async def escalate(self, number: int, *, by: str, level: int | None = None, why: str = "") -> None:
        """To the next level, or to that one (counted from 1)."""
        async with doing(self.ground, number, Act.ESCALATE, by) as act:
            reached = await moves.levels_of(act.connection, act.incident)
            wanted = asking.level_of(act.incident.policy, reached, level)
            await act.move(Move.ESCALATED, level=wanted - 1)
            act.noted = {"level": wanted}
            act.said = _with(f"level {wanted} is asked for", why)

    async def assign(self, number: int, *, to: PageTarget, by: str, why: str = "") -> None:
        """Pages somebody, or whoever is on duty, whatever the chain says."""
        async with doing(self.ground, number, Act.ASSIGN, by) as act:
            names = await asking.page(act, to, why)
            for name in names:
                await responders.join(act.connection, number, Working(name=name, at=act.at, by=by))
            act.noted = {"to": f"{to.kind.value}/{to.name}"}
            act.said = _with(f"{', '.join(names) or to.name} asked for", why)

    async def raise_condition(self, number: int, *, condition: ConditionKind, by: str, why: str = "") -> None:
        async with doing(self.ground, number, Act.RAISE, by) as act:
            history = await moves.history(act.connection, act.incident)
            if any(each.condition is condition for each in history.moves):
                text = f"{condition.value} was raised already"
                raise PlatformError("raised-already", text, hint="a condition that holds goes on to hold", status=409)
            await act.move(Move.RAISED, condition=condition)
            act.noted = {"condition": condition.value}
            act.said = _with(condition.value, why)

    async def edit(self, number: int, edit: Edit, *, by: str) -> None:
        async with doing(self.ground, number, Act.EDIT, by) as act:
            changed = asking.differences(act.incident, edit.title, edit.severity, edit.priority)
            changed |= {"urgency": edit.urgency.value} if edit.urgency not in (None, act.incident.urgency) else {}
            if not changed:
                raise PlatformError("nothing-changes", "it says that already", hint="name what is to be otherwise")
            if "severity" in changed:
                await act.move(Move.SEVERITY, value=changed["severity"])
            act.values, act.noted = changed, changed
            act.said = ", ".join(f"{name} is {value or 'none'} now" for name, value in changed.items())

    async def note(self, number: int, *, text: str, by: str) -> int:
        """Returns the note's number."""
        async with doing(self.ground, number, Act.NOTE, by) as act:
            act.said = _text(text)
            version = Version(at=act.at, by=by, text=act.said)
            return await notes.write(act.connection, number, version)

    async def rewrite_note(self, number: int, note: int, *, text: str, by: str) -> None:
        """What stood there before is kept."""
        async with doing(self.ground, number, Act.NOTE, by) as act:
            said = _text(text)
            await notes.rewrite(act.connection, number, note, Version(at=act.at, by=by, text=said))
            act.said, act.noted = f"note {note} says now: {said}", {"note": note}

    async def merge(self, number: int, *, into: int, by: str, why: str = "") -> None:
        """Its alerts belong to the other incident from now on, and it ends with it."""
        async with doing(self.ground, number, Act.MERGE, by) as act:
            await dividing.merge(act, into)
            act.said = _with(f"merged into #{into}", why)

    async def split(self, number: int, *, fingerprints: Sequence[str], by: str, why: str = "") -> int:
        """Gives some of its alerts an incident of their own and returns its number."""
        async with doing(self.ground, number, Act.SPLIT, by) as act:
            fresh = await dividing.split(act, fingerprints, self.ground)
            act.said = _with(f"{len(set(fingerprints))} of its alerts make incident #{fresh} now", why)
            return fresh


def _with(said: str, why: str) -> str:
    return f"{said}: {why.strip()}" if why.strip() else said


def _text(text: str) -> str:
    if not text.strip():
        raise PlatformError("empty-note", "the note says nothing", hint="write what was seen or done")
    return text.strip()
