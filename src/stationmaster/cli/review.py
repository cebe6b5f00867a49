"""`review list|show|write|finish`: what was learned from incidents, as a text that people complete."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_reviews import FinishOrder, ReviewDocument, ReviewDraft, ReviewList, ReviewOrder
from stationmaster.cli import review_proposals, review_stats, review_tasks
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident_acts import Number, Why
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.review_editor import written_by_hand
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Reviews of incidents: what happened, what is to be done.", no_args_is_help=True)

PATH = "/api/v1/reviews"


@verbs.command("list", epilog="Example: [bold]stationmaster review list --unfinished[/bold]")
def list_reviews(
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only those that nobody has finished.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List reviews, those of the newest incidents first."""
    query = {"unfinished": "true"} if unfinished else {}
    with refusals():
        found = ControlClient(state_dir(state)).get(PATH, ReviewList, **query)
    if as_json:
        print_json(found)
        return
    if not found.reviews:
        out.print("no reviews")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("incident", "severity", "resolved", "review", "title"):
        table.add_column(column.upper())
    for each in found.reviews:
        how = f"finished by {each.finished_by}" if each.finished_at else "draft" if each.drafted_at else "owed"
        resolved = each.resolved_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(f"#{each.incident}", each.severity, resolved, escape(how), escape(each.title))
    out.print(table)


@verbs.command("show", epilog="Example: [bold]stationmaster review show 7 --markdown > review.md[/bold]")
def show(
    number: Number,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the text alone.")] = False,
    draft: Annotated[bool, typer.Option("--draft", help="Print a fresh draft instead of what stands written.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show the review of an incident."""
    with refusals():
        client = ControlClient(state_dir(state))
        if draft:
            fresh = client.get(f"{PATH}/{number}/draft", ReviewDraft)
            if as_json:
                print_json(fresh)
            else:
                sys.stdout.write(fresh.text)
            return
        found = client.get(f"{PATH}/{number}", ReviewDocument)
    if as_json:
        print_json(found)
        return
    if not markdown:
        out.print(_head(found))
    sys.stdout.write(found.text or "the draft comes within seconds\n")
    sys.stdout.flush()


def _head(found: ReviewDocument) -> str:
    review = found.review
    by = next((each.by for each in reversed(found.versions)), "")
    state = f"finished by {review.finished_by}" if review.finished_at else "not finished"
    return f"[dim]version {found.version} by {escape(by)}, {escape(state)}, {len(found.tasks)} task(s)[/dim]"


@verbs.command(
    "write",
    epilog="Examples: [bold]stationmaster review write 7 --edit[/bold]; [bold]stationmaster review write 7 r.md[/bold]",
)
def write(
    number: Number,
    file: Annotated[Path | None, typer.Argument(help="The text; `-` reads it from standard input.")] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Open what stands there in $VISUAL or $EDITOR.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Write the review anew; every version before is kept."""
    with refusals():
        client = ControlClient(state_dir(state))
        if edit == (file is not None):
            hint = "`review write 7 --edit`, or `review write 7 FILE`"
            raise PlatformError("no-text", "the text comes from a file or from an editor", hint=hint)
        if edit:
            found = _edited(client, number)
            if found is None:
                out.print("nothing was changed")
                return
        else:
            order = ReviewOrder(text=_read(file))
            found = client.put(f"{PATH}/{number}", order, ReviewDocument)
    if as_json:
        print_json(found)
        return
    out.print(f"version {found.version} of the review of #{number} stands")


def _edited(client: ControlClient, number: int) -> ReviewDocument | None:
    before = client.get(f"{PATH}/{number}", ReviewDocument)
    written = written_by_hand(before.text, name=f"review-{number}-")
    if written is None:
        return None
    text, kept = written
    try:
        found = client.put(f"{PATH}/{number}", ReviewOrder(text=text, instead_of=before.version), ReviewDocument)
    except PlatformError as error:
        error.hint = f"{error.hint}; what you wrote is in {kept}"
        raise
    kept.unlink()
    return found


def _read(file: Path | None) -> str:
    if file is None or str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError("file-unreadable", f"{file} cannot be read: {error}", hint="name a text file") from error


@verbs.command("finish", epilog="Example: [bold]stationmaster review finish 7[/bold]")
def finish(number: Number, why: Why = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that the review is complete: the incident is reviewed, and nothing about it changes any more."""
    with refusals():
        client = ControlClient(state_dir(state))
        found = client.post(f"{PATH}/{number}/finish", FinishOrder(why=why), ReviewDocument)
    if as_json:
        print_json(found)
        return
    left = sum(each.done_at is None for each in found.tasks)
    out.print(f"#{number} is reviewed; {left} task(s) are left to do")


review_tasks.register(verbs)
review_stats.register(verbs)
review_proposals.register(verbs)
