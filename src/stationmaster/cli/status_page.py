"""`status-page show|post|preview|set|release`, and the verbs of maintenance and subscribers below it."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from stationmaster.api.wire_status_page import PageIncident, PagePreview, PostOrder, StandingOrder, StatusPageShown
from stationmaster.cli import status_page_maintenance, status_page_subscribers
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="The status page: what the public is told.", no_args_is_help=True)
verbs.add_typer(status_page_maintenance.verbs, name="maintenance")
verbs.add_typer(status_page_subscribers.verbs, name="subscribers")

_PATH = "/api/v1/status-page"
_COLOURS = {
    "operational": "green",
    "under_maintenance": "cyan",
    "degraded_performance": "yellow",
    "partial_outage": "dark_orange",
    "major_outage": "red",
}

Number = Annotated[int, typer.Argument(help="Of the incident.", min=1)]
Component = Annotated[str, typer.Argument(help="Name or id of a component.")]
Status = Annotated[
    str, typer.Option("--status", "-s", help="investigating, identified, monitoring, resolved or postmortem.")
]
Text = Annotated[str, typer.Option("--message", "-m", help="What is told; without it, neutral words.")]
Title = Annotated[str, typer.Option("--title", help="What the public calls it.")]
Impact = Annotated[str, typer.Option("--impact", help="none, minor, major or critical; else what components suffer.")]
Components = Annotated[
    list[str] | None, typer.Option("--component", "-c", help="Set one until it is resolved, as Orders=partial_outage.")
]


Anyway = Annotated[bool, typer.Option("--anyway", help="Although the words name instances or inner addresses.")]


def check_words(client: ControlClient, number: int, order: PostOrder) -> None:
    """Raises PlatformError `names-internals`: everybody would read names that the public has no business with."""
    if not (order.text or order.title):
        return
    named = client.post(f"{_PATH}/incidents/{number}/preview", order, PagePreview).leaks
    if named:
        hint = "say it without these names, or add --anyway"
        raise PlatformError("names-internals", f"the public would read {', '.join(named)}", hint=hint)


@verbs.command(epilog="Example: [bold]stationmaster status-page show[/bold]")
def show(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show components, incidents and maintenance."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, StatusPageShown)
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{escape(found.headline)}[/bold] ({found.indicator}), {escape(found.url)}, posts: {found.publish}")
    table = table_of("component", "group", "standing", "since", "uptime", "set by", "id")
    for each in found.components:
        percent = "" if each.uptime_percent is None else f"{each.uptime_percent:.2f} %"
        until = f" until {each.held_until.astimezone():%Y-%m-%d %H:%M}" if each.held_until else ""
        table.add_row(
            escape(each.name),
            escape(each.group),
            f"[{_COLOURS[each.standing]}]{each.standing}[/{_COLOURS[each.standing]}]",
            f"{each.since.astimezone():%Y-%m-%d %H:%M}",
            percent,
            escape(f"{each.held_by}{until}"),
            each.id,
        )
    print_table(table)
    for incident in found.incidents:
        if incident.resolved_at is None:
            _print_incident(incident)
    status_page_maintenance.print_maintenances(found.maintenances)
    out.print(f"{found.subscribers} subscribers")


@verbs.command(
    epilog="Examples: [bold]stationmaster status-page post 7 --status identified -m 'A disk is full; we replace it.'"
    "[/bold], [bold]stationmaster status-page post 7 -s resolved[/bold]"
)
def post(
    number: Number,
    status: Status = "investigating",
    message: Text = "",
    title: Title = "",
    impact: Impact = "",
    component: Components = None,
    key: Annotated[str, typer.Option("--key", help="A second post of this key changes nothing.")] = "",
    anyway: Anyway = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Tell the public of an incident."""
    with refusals():
        order, client = _order(status, message, title, impact, component or [], key), ControlClient(state_dir(state))
        if not anyway:
            check_words(client, number, order)
        found = client.post(f"{_PATH}/incidents/{number}/posts", order, StatusPageShown)
    if as_json:
        print_json(found)
        return
    for each in found.incidents:
        if each.incident == number:
            _print_incident(each)


@verbs.command(epilog="Example: [bold]stationmaster status-page preview 7 --status monitoring[/bold]")
def preview(
    number: Number,
    status: Status = "investigating",
    message: Text = "",
    title: Title = "",
    impact: Impact = "",
    component: Components = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show what a post would say, and what of it the public has no business with."""
    with refusals():
        order = _order(status, message, title, impact, component or [], "")
        found = ControlClient(state_dir(state)).post(f"{_PATH}/incidents/{number}/preview", order, PagePreview)
    if as_json:
        print_json(found)
        return
    _print_incident(found.incident)
    out.print(f"  {found.post.status}: {found.post.text}", markup=False)
    if found.leaks:
        out.print(f"[yellow]names internal things:[/yellow] {escape(', '.join(found.leaks))}")


@verbs.command(
    "set", epilog="Example: [bold]stationmaster status-page set Orders degraded --until +2h --why 'slow disk'[/bold]"
)
def set_standing(
    component: Component,
    standing: Annotated[str, typer.Argument(help="operational, degraded, partial, major or maintenance.")],
    until: Annotated[str, typer.Option("--until", help="When it is released: ISO 8601 or +2h.")] = "",
    why: Annotated[str, typer.Option("--why", help="Kept in the audit trail; not public.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Set how a component is, whatever incidents say."""
    with refusals():
        order = StandingOrder(standing=standing, why=why, until=moment(until, utc_now()) if until else None)
        found = ControlClient(state_dir(state)).put(_of_component(component), order, StatusPageShown)
    if as_json:
        print_json(found)
        return
    now = next(each.standing for each in found.components if component in (each.name, each.id))
    out.print(f"{component} is {now}", markup=False)


@verbs.command(epilog="Example: [bold]stationmaster status-page release Orders[/bold]")
def release(component: Component, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Let incidents decide again how a component is."""
    with refusals():
        client = ControlClient(state_dir(state))
        client.delete(_of_component(component))
        found = client.get(_PATH, StatusPageShown)
    if as_json:
        print_json(found)
        return
    now = next(each.standing for each in found.components if component in (each.name, each.id))
    out.print(f"{component} is {now}", markup=False)


def _of_component(component: str) -> str:
    """Names with a slash are named by their id."""
    return f"{_PATH}/components/{quote(component, safe='')}"


def _order(  # what a post says is many words
    status: str, message: str, title: str, impact: str, components: list[str], key: str
) -> PostOrder:
    standings = {}
    for each in components:
        name, equals, standing = each.rpartition("=")
        if not equals:
            hint = "write it as Orders=partial_outage"
            raise PlatformError("bad-component", f"{each[:60]!r} does not say how it is", hint=hint)
        standings[name] = standing
    return PostOrder(status=status, text=message, title=title, impact=impact, components=standings, key=key)


def _print_incident(each: PageIncident) -> None:
    about = f" ({', '.join(each.components)})" if each.components else ""
    impact = "no" if each.impact == "none" else each.impact
    head = f"#{each.incident} {each.title}: {each.status}, {impact} impact{about}"
    out.print(head, markup=False, style="bold")
    for said in each.posts:
        when = f"{said.at.astimezone():%Y-%m-%d %H:%M}"
        out.print(f"  {when} {said.status} by {said.by}: {said.text}", markup=False)
