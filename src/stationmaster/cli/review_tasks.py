"""`review tasks|task`: what incidents left to do, whose it is, and when it is due."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_reviews import ReviewDocument, ReviewTask, ReviewTaskList, TaskOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident_acts import Number
from stationmaster.cli.moments import moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.runtime.wall import utc_now

_PATH = "/api/v1/review-tasks"

task_verbs = typer.Typer(help="One task: done, whose, when due.", no_args_is_help=True)

TaskNumber = Annotated[int, typer.Argument(help="The task's number.", min=1)]
Due = Annotated[str, typer.Argument(help="+2h, +3d, or a moment as 2026-01-05T09:00.")]


def register(verbs: typer.Typer) -> None:
    verbs.command("tasks", epilog="Example: [bold]stationmaster review tasks --owner lin[/bold]")(tasks)
    for name, does, example in (
        ("done", done, "review task done 12"),
        ("reopen", reopen, "review task reopen 12"),
        ("assign", assign, "review task assign 12 lin"),
        ("due", due, "review task due 12 +3d"),
        ("add", add, "review task add 7 'raise the limit of connections' --due +7d --owner lin"),
    ):
        task_verbs.command(name, epilog=f"Example: [bold]stationmaster {example}[/bold]")(does)
    verbs.add_typer(task_verbs, name="task")


def tasks(
    number: Annotated[int | None, typer.Argument(help="Only those of this incident.", min=1)] = None,
    owner: Annotated[str, typer.Option("--owner", help="Only those of somebody.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Those that are done as well.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List what incidents left to do, by the moment at which it is due."""
    with refusals():
        found = _found(ControlClient(state_dir(state)), number, owner, everything=everything)
    if as_json:
        print_json(ReviewTaskList(tasks=found))
        return
    if not found:
        out.print("no tasks")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("task", "incident", "due", "owner", "state", "what"):
        table.add_column(column.upper())
    for each in found:
        due_at = each.due_at.astimezone().strftime("%Y-%m-%d %H:%M")
        row = (str(each.id), f"#{each.incident}", due_at, escape(each.owner), _state(each), escape(each.text))
        table.add_row(*row)
    out.print(table)


def _found(client: ControlClient, number: int | None, owner: str, *, everything: bool) -> tuple[ReviewTask, ...]:
    query = {"owner": owner} if owner else {}
    query |= {"all": "true"} if everything else {}
    found = client.get(_PATH, ReviewTaskList, **query).tasks
    if number is not None:
        client.get(f"/api/v1/reviews/{number}", ReviewDocument)
    return tuple(each for each in found if number in (None, each.incident))


def _state(task: ReviewTask) -> str:
    if task.done_at is not None:
        needless = task.done_by.startswith("not needed: ")
        return escape(task.done_by) if needless else f"[green]done[/green] by {escape(task.done_by)}"
    return "[red]overdue[/red]" if task.overdue else "open"


def done(number: TaskNumber, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that it is done."""
    _patch(number, {"done": True}, state, as_json=as_json)


def reopen(number: TaskNumber, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Open it again."""
    _patch(number, {"done": False}, state, as_json=as_json)


def assign(
    number: TaskNumber,
    owner: Annotated[str, typer.Argument(help="Whose it is from now on.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Give it to somebody."""
    _patch(number, {"owner": owner}, state, as_json=as_json)


def due(number: TaskNumber, when: Due, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say when it is due."""
    with refusals():
        at = moment(when, utc_now())
    _patch(number, {"due_at": at.isoformat()}, state, as_json=as_json)


def add(
    incident: Number,
    text: Annotated[str, typer.Argument(help="What is to be done.")],
    when: Annotated[str, typer.Option("--due", help="+2h, +3d, or a moment.")] = "+7d",
    owner: Annotated[str, typer.Option("--owner", help="Whose it is; yours where it is left out.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Add a task to an incident."""
    with refusals():
        order = TaskOrder(text=text, due_at=moment(when, utc_now()), owner=owner)
        client = ControlClient(state_dir(state))
        made = client.post(f"/api/v1/reviews/{incident}/tasks", order, ReviewTask)
    _print(made, as_json=as_json)


def _patch(number: int, changes: dict[str, Any], state: StateOption, *, as_json: bool) -> None:
    with refusals():
        changed = ControlClient(state_dir(state)).patch(f"{_PATH}/{number}", changes, ReviewTask)
    _print(changed, as_json=as_json)


def _print(task: ReviewTask, *, as_json: bool) -> None:
    if as_json:
        print_json(task)
        return
    due_at = task.due_at.astimezone().strftime("%Y-%m-%d %H:%M")
    out.print(f"task {task.id} of #{task.incident}: {_state(task)}, {escape(task.owner or 'nobody’s')}, due {due_at}")
