"""`incident ack|unack|mitigate|resolve|reopen|review|snooze|escalate|assign|raise|edit|merge|split`."""

from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from stationmaster.api.wire_incidents import (
    ActOrder,
    AssignOrder,
    EscalateOrder,
    IncidentStory,
    MergeOrder,
    RaiseOrder,
    SnoozeOrder,
    SplitOrder,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

Number = Annotated[int, typer.Argument(help="The incident's number.", min=1)]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it stands in the timeline.")]

_PATH = "/api/v1/incidents"


def register(verbs: typer.Typer) -> None:
    for name, does, example in (
        ("ack", acknowledge, "incident ack 7 -r 'looking at it'"),
        ("unack", unacknowledge, "incident unack 7"),
        ("mitigate", mitigate, "incident mitigate 7 -r 'traffic goes around it'"),
        ("resolve", resolve, "incident resolve 7 -r 'disk replaced'"),
        ("reopen", reopen, "incident reopen 7 -r 'it is back'"),
        ("review", review, "incident review 7"),
        ("snooze", snooze, "incident snooze 7 +2h -r 'the supplier works on it'"),
        ("escalate", escalate, "incident escalate 7 --level 2"),
        ("assign", assign, "incident assign 7 schedule/primary"),
        ("raise", raise_condition, "incident raise 7 'customer reports' -r 'ticket 4711'"),
        ("edit", edit, "incident edit 7 --severity critical --priority P1"),
        ("merge", merge, "incident merge 8 7"),
        ("split", split, "incident split 7 0f3a9c21"),
    ):
        verbs.command(name, epilog=f"Example: [bold]stationmaster {example}[/bold]")(does)


def acknowledge(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that you look at it: nobody else is paged meanwhile."""
    _post(number, "acknowledge", ActOrder(why=why), state, as_json=as_json)


def unacknowledge(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Take an acknowledgement back: paging goes on where it stopped."""
    _post(number, "unacknowledge", ActOrder(why=why), state, as_json=as_json)


def mitigate(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that nobody suffers any more, though the cause is still there."""
    _post(number, "mitigate", ActOrder(why=why), state, as_json=as_json)


def resolve(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that it is over."""
    _post(number, "resolve", ActOrder(why=why), state, as_json=as_json)


def reopen(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Open it again: the chain of escalation begins anew."""
    _post(number, "reopen", ActOrder(why=why), state, as_json=as_json)


def review(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that what was to be learned stands written; it is closed for good then."""
    _post(number, "review", ActOrder(why=why), state, as_json=as_json)


def snooze(
    number: Number,
    until: Annotated[str, typer.Argument(help="A moment: ISO 8601, or +2h; at most 7 days away.")],
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Page nobody until a moment."""
    with refusals():
        order = SnoozeOrder(until=moment(until, utc_now()), why=why)
    _post(number, "snooze", order, state, as_json=as_json)


def escalate(
    number: Number,
    level: Annotated[int | None, typer.Option(help="Counted from 1; without it the next.", min=1)] = None,
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Page the next level of the escalation policy now."""
    _post(number, "escalate", EscalateOrder(level=level, why=why), state, as_json=as_json)


def assign(
    number: Number,
    to: Annotated[str, typer.Argument(help="responder/NAME, schedule/NAME or channel/NAME.")],
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Page somebody by name, or whoever is on duty."""
    _post(number, "assign", AssignOrder(to=to, why=why), state, as_json=as_json)


def raise_condition(
    number: Number,
    condition: Annotated[str, typer.Argument(help="As 'customer reports', 'data integrity', security.")],
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Say that a condition holds that escalation policies wait for."""
    _post(number, "raise", RaiseOrder(condition=condition, why=why), state, as_json=as_json)


def edit(
    number: Number,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    severity: Annotated[str | None, typer.Option(help="As critical; policies may wait for it.")] = None,
    urgency: Annotated[str | None, typer.Option(help="high or low.")] = None,
    priority: Annotated[str | None, typer.Option(help="As P1; empty for none.")] = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Change its title, severity, urgency or priority."""
    wanted = {"title": title, "severity": severity, "urgency": urgency, "priority": priority}
    changes = {name: value for name, value in wanted.items() if value is not None}
    with refusals():
        if not changes:
            raise PlatformError("nothing-changes", "nothing is to be changed", hint="say --severity, for example")
        found = ControlClient(state_dir(state)).patch(f"{_PATH}/{number}", changes, IncidentStory)
    say(found, as_json=as_json)


def merge(
    number: Number,
    into: Annotated[int, typer.Argument(help="The incident that goes on.", min=1)],
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Give its alerts to another incident, and end with that one."""
    _post(number, "merge", MergeOrder(into=into, why=why), state, as_json=as_json)


def split(
    number: Number,
    fingerprints: Annotated[list[str], typer.Argument(help="Of the alerts, as `incident show` lists them.")],
    why: Why = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Give some of its alerts an incident of their own."""
    _post(number, "split", SplitOrder(fingerprints=tuple(fingerprints), why=why), state, as_json=as_json)


def _post(number: int, act: str, order: msgspec.Struct, state: StateOption, *, as_json: bool) -> None:
    with refusals():
        found = ControlClient(state_dir(state)).post(f"{_PATH}/{number}/{act}", order, IncidentStory)
    say(found, as_json=as_json)


def say(story: IncidentStory, *, as_json: bool) -> None:
    """How it stands now, and what was written last."""
    if as_json:
        print_json(story)
        return
    incident = story.incident
    last = story.timeline[-1].text if story.timeline else ""
    out.print(f"[bold]#{incident.number}[/bold] is {incident.status}; {escape(last)}")
