"""`incident note|notes`: what people write on incidents; an edit keeps what stood there before."""

from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_incidents import IncidentNote, IncidentStory, NoteOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident_acts import Number
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

_PATH = "/api/v1/incidents"


def register(verbs: typer.Typer) -> None:
    verbs.command("note", epilog="Example: [bold]stationmaster incident note 7 'the disk is full'[/bold]")(note)
    verbs.command("notes", epilog="Example: [bold]stationmaster incident notes 7[/bold]")(notes)


def note(
    number: Number,
    text: Annotated[str, typer.Argument(help="What was seen or done.")],
    edit: Annotated[int | None, typer.Option("--edit", help="Write this note anew.", min=1)] = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Write a note, or an older one anew."""
    with refusals():
        client = ControlClient(state_dir(state))
        order = NoteOrder(text=text)
        if edit is None:
            found = client.post(f"{_PATH}/{number}/notes", order, IncidentStory)
        else:
            found = client.put(f"{_PATH}/{number}/notes/{edit}", order, IncidentStory)
    if as_json:
        print_json(found)
        return
    written = edit if edit is not None else found.notes[-1].id
    out.print(f"note {written} stands on #{number}")


def notes(number: Number, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show the notes with everything that stood there before."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"{_PATH}/{number}", IncidentStory).notes
    if as_json:
        print_json({"notes": found})
        return
    if not found:
        out.print("no notes")
    for each in found:
        _print(each)


def _print(written: IncidentNote) -> None:
    *before, now = written.versions
    out.print(f"[bold]note {written.id}[/bold] {now.by}, {now.at:%Y-%m-%d %H:%M:%S UTC}: {escape(now.text)}")
    for each in before:
        out.print(f"  [dim]before: {each.by}, {each.at:%Y-%m-%d %H:%M:%S UTC}: {escape(each.text)}[/dim]")
