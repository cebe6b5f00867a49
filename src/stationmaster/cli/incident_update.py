"""`incident update|updates`: give news of an incident, from a draft or in words of one's own."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_status_page import PostOrder
from stationmaster.api.wire_updates import IncidentUpdate, UpdateDraft, UpdateList, UpdateOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.edit import open_in_editor
from stationmaster.cli.incident_acts import Number
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.status_page import Anyway, check_words
from stationmaster.core.problem import PlatformError

_PATH = "/api/v1/incidents"
_COMMENT = "# "
_HEAD = "Lines that begin with '# ' are left out; an empty text sends nothing."


def register(verbs: typer.Typer) -> None:
    example = (
        "Examples: [bold]stationmaster incident update 7 --draft[/bold]; "
        "[bold]stationmaster incident update 7 --status identified -m 'A disk is full; we replace it.' --public[/bold]"
    )
    verbs.command("update", epilog=example)(update)
    verbs.command("updates", epilog="Example: [bold]stationmaster incident updates 7[/bold]")(updates)


def update(
    number: Number,
    status: Annotated[str, typer.Option(help="investigating, identified, monitoring, resolved or postmortem.")] = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What to say; without it the draft is sent.")] = "",
    draft: Annotated[bool, typer.Option("--draft", help="Show the draft and send nothing.")] = False,
    edit: Annotated[bool, typer.Option("--edit", help="Change the draft in $EDITOR, then send it.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Put it on the status page as well.")] = False,
    anyway: Anyway = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Tell the channels of an incident how it stands, and users with --public."""
    with refusals():
        if sum((bool(message), draft, edit)) > 1:
            hint = "say one of them"
            raise PlatformError("one-of-them", "-m, --draft and --edit exclude each other", hint=hint)
        client = ControlClient(state_dir(state))
        query = {"status": status} if status else {}
        if draft:
            return _show_draft(client.get(f"{_PATH}/{number}/updates/draft", UpdateDraft, **query), as_json=as_json)
        after = None
        if edit:
            found = client.get(f"{_PATH}/{number}/updates/draft", UpdateDraft, **query)
            message, after = _edited(found, public=public), found.after
        if public and message and not anyway:
            check_words(client, number, PostOrder(status=status or "investigating", text=message))
        order = UpdateOrder(status=status, text=message, public=public, after=after)
        given = client.post(f"{_PATH}/{number}/updates", order, IncidentUpdate)
    return _say(number, given, as_json=as_json)


def updates(number: Number, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show the updates that were given, and when the next one is owed."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"{_PATH}/{number}/updates", UpdateList)
    if as_json:
        return print_json(found)
    for each in found.updates:
        out.print(f"[bold]{each.at:%Y-%m-%d %H:%M:%S UTC}[/bold] {each.status}, {escape(each.by)}{_public(each)}")
        out.print(f"  {escape(each.text)}".replace("\n", "\n  "))
    owed = f"the next one is owed at {found.due_at:%Y-%m-%d %H:%M:%S UTC}" if found.due_at else "none is owed"
    return out.print(owed if found.updates else f"no updates; {owed}")


def _edited(found: UpdateDraft, *, public: bool) -> str:
    """Raises PlatformError `nothing-to-send` where nothing is left of it."""
    text = found.public_text if public else found.text
    places = f" Fill in: {', '.join(found.open)}." if public and found.open else ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "update.txt"
        file.write_text(f"{text}\n\n{_COMMENT}{_HEAD}{places}\n", "utf-8")
        open_in_editor(file)
        lines = [each for each in file.read_text("utf-8").splitlines() if not f"{each} ".startswith(_COMMENT)]
    if not (said := "\n".join(lines).strip()):
        raise PlatformError("nothing-to-send", "nothing was written", hint="save the text in the editor to send it")
    return said


def _show_draft(found: UpdateDraft, *, as_json: bool) -> None:
    if as_json:
        return print_json(found)
    due = f"owed at {found.due_at:%Y-%m-%d %H:%M:%S UTC}" if found.due_at else "not owed"
    out.print(f"[bold]Draft[/bold] ({found.status}; {due})")
    out.print(found.text, markup=False)
    out.print(f"\n[bold]For users[/bold] with --public ({escape(found.source)})")
    out.print(found.public_text, markup=False)
    if found.open:
        out.print(f"[yellow]nobody knows what to put for {escape(', '.join(found.open))}: write it with -m[/yellow]")
    return None


def _say(number: int, given: IncidentUpdate, *, as_json: bool) -> None:
    if as_json:
        return print_json(given)
    out.print(f"update of [bold]#{number}[/bold] given, {given.status}{_public(given)}")
    return out.print(given.text, markup=False)


def _public(given: IncidentUpdate) -> str:
    told = {"none": "", "wanted": ", is being published", "posted": ", published", "refused": ", not published"}
    why = f": {given.detail}" if given.publication == "refused" and given.detail else ""
    return f"{told.get(given.publication, '')}{escape(why)}"
