"""`access people|tokens|reset-password`: who may do what."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from stationmaster.access.roles import Role
from stationmaster.api.wire_access import (
    NewPerson,
    NewToken,
    PeopleShown,
    PersonMade,
    TokenMade,
    TokenShown,
    TokensShown,
    TokenState,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.secret import ask_new_password
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.lock import acquire, holder

verbs = typer.Typer(help="Who may do what: people, machine tokens, lost passwords.", no_args_is_help=True)
people = typer.Typer(help="People who log in.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens of machines.", no_args_is_help=True)
verbs.add_typer(people, name="people")
verbs.add_typer(tokens, name="tokens")

_PEOPLE, _TOKENS = "/api/v1/people", "/api/v1/tokens"

NameArgument = Annotated[str, typer.Argument(help="The person's name.")]
RoleOption = Annotated[Role, typer.Option("--role", "-r", help="Each may do all that the ones before it may.")]
AskOption = Annotated[bool, typer.Option("--ask", help="Ask for the password; without it one is generated.")]


@people.command("list", epilog="Example: [bold]stationmaster access people list[/bold]")
def list_people(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List everybody who can log in."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PEOPLE, PeopleShown)
    if as_json:
        print_json(found)
        return
    table = _table("name", "role", "standing", "last login", "made by")
    for each in found.people:
        standing = "enabled" if each.enabled else "[red]disabled[/red]"
        table.add_row(each.name, each.role.value, standing, _moment(each.last_login_at), each.created_by)
    out.print(table)


@people.command("create", epilog="Example: [bold]stationmaster access people create lin --role operator[/bold]")
def create_person(
    name: NameArgument,
    role: RoleOption = Role.VIEWER,
    ask: AskOption = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a person; a generated password is shown only now."""
    with refusals():
        order = NewPerson(name=name, role=role, password=ask_new_password() if ask else None)
        made = ControlClient(state_dir(state)).post(_PEOPLE, order, PersonMade)
    _say_person(made, as_json=as_json)


@people.command("set", epilog="Example: [bold]stationmaster access people set lin --role approver[/bold]")
def set_person(
    name: NameArgument,
    role: Annotated[Role | None, typer.Option("--role", "-r", help="The new role.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Let in again, or shut out with all sessions.")
    ] = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Generate a new password; all sessions end.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Change a person's role, standing or password."""
    with refusals():
        change = {"role": role and role.value, "enabled": enabled, "generate_password": new_password or None}
        given = {key: value for key, value in change.items() if value is not None}
        if not given:
            hint = "--role, --enable, --disable or --new-password"
            raise PlatformError("nothing-to-change", "nothing is to be changed", hint=hint)
        made = ControlClient(state_dir(state)).patch(_path(name), given, PersonMade)
    _say_person(made, as_json=as_json)


@people.command("remove", epilog="Example: [bold]stationmaster access people remove lin[/bold]")
def remove_person(name: NameArgument, state: StateOption = DEFAULT_STATE) -> None:
    """Remove a person with all sessions."""
    with refusals():
        ControlClient(state_dir(state)).delete(_path(name))
    out.print(f"{name} removed", markup=False)


@tokens.command("list", epilog="Example: [bold]stationmaster access tokens list --json[/bold]")
def list_tokens(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List machine tokens, the newest first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_TOKENS, TokensShown)
    if as_json:
        print_json(found)
        return
    table = _table("id", "name", "role", "begins with", "state", "expires", "last used", "made by")
    for each in found.tokens:
        state_shown = each.state.value if each.state is TokenState.HOLDS else f"[red]{each.state.value}[/red]"
        moments = (_moment(each.expires_at), _moment(each.last_used_at))
        table.add_row(each.id, each.name, each.role.value, each.prefix, state_shown, *moments, each.created_by)
    out.print(table)


@tokens.command(
    "create", epilog="Example: [bold]stationmaster access tokens create ci --role operator --days 30[/bold]"
)
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    role: RoleOption = Role.VIEWER,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Days until it expires.")] = 90,
    forever: Annotated[bool, typer.Option("--forever", help="It holds until it is revoked.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a token for a machine; it is shown only now."""
    with refusals():
        order = NewToken(name=name, role=role, expires_in_days=None if forever else days)
        made = ControlClient(state_dir(state)).post(_TOKENS, order, TokenMade)
    if as_json:
        print_json(made)
        return
    out.print(made.token, markup=False)
    out.print("Keep it now: it is not shown again.", style="dim")


@tokens.command("revoke", epilog="Example: [bold]stationmaster access tokens revoke ci[/bold]")
def revoke_token(
    token: Annotated[str, typer.Argument(help="The token's name or id.")], state: StateOption = DEFAULT_STATE
) -> None:
    """Revoke a machine token, from the next request on."""
    with refusals():
        client = ControlClient(state_dir(state))
        found = _matching(client.get(_TOKENS, TokensShown).tokens, token)
        client.delete(f"{_TOKENS}/{found.id}")
    out.print(f"{found.name} ({found.id}) revoked", markup=False)


@verbs.command(
    "reset-password", epilog="Example: [bold]stationmaster access reset-password admin --state .stationmaster[/bold]"
)
def reset_password(
    name: Annotated[str, typer.Argument(help="Whose password.")] = "admin",
    ask: AskOption = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Give a person who is locked out a new password, on the platform's machine; it need not run."""
    place = state_dir(state)
    with refusals():
        password = ask_new_password() if ask else None
        if holder(place.control_lock) is not None:
            told = _reset_running(place, name, password)
        else:
            told = asyncio.run(_reset_stopped(place, name, password))
    if as_json:
        print_json({"name": name, "password": told})
        return
    out.print(f"{name} can log in with {'the new password' if told is None else told}", markup=False)


def _reset_running(place: StateDir, name: str, password: str | None) -> str | None:
    given: dict[str, Any] = {"generate_password": True} if password is None else {"password": password}
    client = ControlClient(place, local_only=True)
    return client.patch(_path(name), {"enabled": True, **given}, PersonMade).password


async def _reset_stopped(place: StateDir, name: str, password: str | None) -> str | None:
    from stationmaster.access.loop import Access
    from stationmaster.access.passwords import generate
    from stationmaster.access.people import Amendment, Standing
    from stationmaster.runtime.db import open_database
    from stationmaster.runtime.migrate import migrate

    if not place.database.exists():
        raise PlatformError("no-state", f"no platform was ever run from {place.root}", hint="name it with --state")
    held = acquire(place.control_lock)
    if held is None:
        raise PlatformError("control-running", "the control plane is just starting", hint="try again in a moment")
    database = open_database(place.database)
    fresh = password or generate()
    try:
        await migrate(database)
        change = Amendment(password=fresh, standing=Standing.ENABLED)
        await Access(database, place).people.amend(name, change, by="reset-password")
    finally:
        await database.close()
        held.release()
    return fresh if password is None else None


def _path(name: str) -> str:
    return f"{_PEOPLE}/{quote(name, safe='')}"


def _matching(known: tuple[TokenShown, ...], token: str) -> TokenShown:
    """By its id, or by the name of the one that holds."""
    for each in known:
        if each.id == token or (each.name == token and each.state is TokenState.HOLDS):
            return each
    hint = "`stationmaster access tokens list` shows them"
    raise PlatformError("unknown-token", f"no token that holds is named {token!r}", hint=hint, status=404)


def _say_person(made: PersonMade, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    standing = "" if made.person.enabled else ", disabled"
    out.print(f"{made.person.name} ({made.person.role.value}{standing})", markup=False)
    if made.password is not None:
        out.print(f"password {made.password}", markup=False)
        out.print("Keep it now: it is not shown again.", style="dim")


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper())
    return table
