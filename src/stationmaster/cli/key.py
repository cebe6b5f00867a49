"""`key create|list|show|rotate|revoke|secret`: API keys and client secrets of API users."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_keys import (
    ApiKeySummary,
    KeyEnd,
    KeyOrder,
    KeyRotation,
    MadeApiKey,
    MadeClientSecret,
    SecretOrder,
    SecretsEnd,
    UserKeys,
)
from stationmaster.cli import complete
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.values import parse_seconds

verbs = typer.Typer(help="API keys and client secrets of API users.", no_args_is_help=True)

User = Annotated[str, typer.Argument(help="An API user.", autocompletion=complete.users)]
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The id of a key, as `key list` shows it.")]
Expires = Annotated[str, typer.Option("--expires", help="For how long it holds, as 12h or 90d.", metavar="TIME")]
Overlap = Annotated[str, typer.Option("--overlap", help="How long the old one still holds, as 0s or 1d.")]
_KEEP = "Keep it now: it is not shown again."
_COLOURS = {"active": "green", "replaced": "cyan", "expired": "dim", "revoked": "dim"}


@verbs.command("create", epilog="Example: [bold]stationmaster key create ada --scope pets --expires 90d[/bold]")
def create(
    user: User,
    scope: Annotated[list[str] | None, typer.Option(help="An API that it opens; may be repeated.")] = None,
    expires: Expires = "",
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make an API key, and a client secret where the user has none; both are shown only now."""
    with refusals():
        order = KeyOrder(
            scopes=tuple(scope or ()), expires_in_s=_seconds(expires), note=note, client_secret_if_missing=True
        )
        made = ControlClient(state_dir(state)).post(f"{_keys(user)}", order, MadeApiKey)
    _show_made(made, as_json=as_json)


@verbs.command("list", epilog="Example: [bold]stationmaster key list ada[/bold]")
def list_keys(user: User, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List a user's API keys and client secrets, the newest first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_keys(user), UserKeys)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("key", "begins with", "state", "scopes", "created", "expires", "last used", "note"):
        table.add_column(column.upper())
    for each in found.keys:
        times = (_moment(each.created_at), _moment(each.expires_at), _moment(each.last_used_at))
        table.add_row(each.id, each.prefix, _state(each.state), _scopes(each), *times, escape(each.note))
    out.print(table if found.keys else f"{user} has no API key")
    for secret in found.client_secrets:
        out.print(f"client secret of {_moment(secret.created_at)}: {_state(secret.state)}{_until(secret.expires_at)}")


@verbs.command(epilog="Example: [bold]stationmaster key show ada 5f0c9a4be1d27c33[/bold]")
def show(user: User, key: KeyId, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show one key; its text is not kept in a form that could be shown."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_key(user, key), ApiKeySummary)
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{found.id}[/bold] of {escape(found.user)}, begins with {found.prefix}")
    out.print(f"state      {_state(found.state)}{f', {found.replaced_by} is new' if found.replaced_by else ''}")
    out.print(f"opens      {_scopes(found)}")
    for word, moment in (
        ("created", found.created_at),
        ("expires", found.expires_at),
        ("revoked", found.revoked_at),
        ("last used", found.last_used_at),
    ):
        out.print(f"{word:<11}{_moment(moment)}")
    out.print(f"note       {escape(found.note)}")


@verbs.command(epilog="Example: [bold]stationmaster key rotate ada 5f0c9a4be1d27c33 --overlap 7d[/bold]")
def rotate(
    user: User,
    key: KeyId,
    overlap: Overlap = "1d",
    expires: Expires = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a new key in the place of one, which holds a while longer."""
    with refusals():
        order = KeyRotation(overlap_s=_seconds(overlap) or 0, expires_in_s=_seconds(expires))
        made = ControlClient(state_dir(state)).post(f"{_key(user, key)}/rotate", order, MadeApiKey)
    _show_made(made, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster key revoke ada 5f0c9a4be1d27c33[/bold]")
def revoke(user: User, key: KeyId, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Revoke a key: every gateway node refuses it from now on."""
    with refusals():
        ended = ControlClient(state_dir(state)).send("DELETE", _key(user, key), KeyEnd)
    if as_json:
        print_json(ended)
        return
    out.print(f"{ended.key.id} is revoked{_but(ended.pending)}")


@verbs.command(epilog="Example: [bold]stationmaster key secret ada --overlap 1h[/bold]")
def secret(
    user: User,
    overlap: Overlap = "0s",
    revoke_all: Annotated[bool, typer.Option("--revoke", help="Revoke the user's client secrets instead.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a new client secret in the place of the old one; it is shown only now."""
    path = f"{_user(user)}/client-secret"
    with refusals():
        client = ControlClient(state_dir(state))
        if revoke_all:
            ended = client.send("DELETE", path, SecretsEnd)
        else:
            made = client.post(path, SecretOrder(overlap_s=_seconds(overlap) or 0), MadeClientSecret)
    if as_json:
        print_json(ended if revoke_all else made)
    elif revoke_all:
        out.print(f"{ended.revoked} client secret(s) of {escape(user)} are revoked")
    else:
        out.print(f"client id      {escape(made.client_id)}\nclient secret  {made.client_secret}")
        out.print(_KEEP, style="dim")


def _show_made(made: MadeApiKey, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    out.print(f"API key        {made.api_key}")
    out.print(f"key id         {made.key.id}{_until(made.key.expires_at)}")
    out.print(f"client id      {escape(made.client_id)}")
    if made.client_secret is not None:
        out.print(f"client secret  {made.client_secret}")
    if made.pending:
        out.print(f"made{_but(made.pending)}")
    out.print(_KEEP, style="dim")


def _user(user: str) -> str:
    return f"/api/v1/users/{quote(user, safe='')}"


def _keys(user: str) -> str:
    return f"{_user(user)}/keys"


def _key(user: str, key: str) -> str:
    return f"{_keys(user)}/{quote(key, safe='')}"


def _seconds(text: str) -> int | None:
    try:
        return parse_seconds(text) if text else None
    except ValueError as error:
        raise PlatformError("bad-time", f"{text!r} is no time: {error}", hint="for example 30m, 12h or 90d") from error


def _state(state: str) -> str:
    return f"[{_COLOURS.get(state, 'default')}]{state}[/]"


def _scopes(key: ApiKeySummary) -> str:
    return escape(", ".join(key.scopes)) or "all"


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _until(moment: datetime | None) -> str:
    return "" if moment is None else f", until {_moment(moment)}"


def _but(pending: tuple[str, ...]) -> str:
    return f"; not yet taken by {', '.join(pending)}" if pending else ""
