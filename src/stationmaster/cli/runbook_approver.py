"""`runbook approver …` and `runbook approve`: who may be the second person, and their yes."""

import shlex
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.runbook_places import approver_folder
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stationmaster.runbooks.consent.approval import Ask

verbs = typer.Typer(help="Who may approve as the second person.", no_args_is_help=True)

NEW_EXAMPLES = "[bold]stationmaster runbook approver new grace --login ghopper[/bold]"
ADD_EXAMPLES = "[bold]stationmaster runbook approver add grace ed25519:B5dEb0… --login ghopper[/bold]"
APPROVE_EXAMPLES = "Example: [bold]stationmaster runbook approve 'stm-request-1.…'[/bold]"

ListFile = Annotated[Path, typer.Option("--file", help="The list beside the runbooks.")]
KeyFile = Annotated[Path | None, typer.Option("--key-file", help="The private key.", show_default=False)]
PassphraseFile = Annotated[Path | None, typer.Option("--passphrase-file", help="Holds the passphrase of the key.")]
LoginsOption = Annotated[list[str] | None, typer.Option("--login", help="An account under which they start runs.")]
_LIST = Path("approvers.yaml")


@verbs.command("new", epilog=f"Example: {NEW_EXAMPLES}")
def new(
    name: Annotated[str, typer.Argument(help="You, as the list should name you.", show_default=False)],
    logins: LoginsOption = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Keep the key without one.")] = False,
) -> None:
    """Make your key pair on your own machine; prints the public line for approvers.yaml."""
    from stationmaster.runbooks.consent.approval import Approver, fingerprint, public_text
    from stationmaster.runbooks.consent.approvers import line_of, make_key, public_beside

    with refusals():
        path = key_file or approver_folder() / f"{_file_name(name)}.key"
        passphrase = b"" if no_passphrase else _passphrase(passphrase_file, path, confirm=True)
        public = make_key(path, passphrase).public_key().public_bytes_raw()
        public_beside(path).write_text(f"{public_text(public)}\n", encoding="ascii")
    err.print(f"private key: {path}; it never leaves this machine", markup=False)
    err.print(f"fingerprint: {fingerprint(public)}", markup=False)
    asked = " ".join(f"--login {shlex.quote(each)}" for each in logins or ())
    verb = f"stationmaster runbook approver add {shlex.quote(name)} {public_text(public)} {asked}"
    err.print(f"let somebody else put you on the list: {verb.rstrip()}", markup=False)
    err.print(
        "or add this line below `approvers:` in approvers.yaml beside the runbooks, in a change that is reviewed:",
        style="dim",
    )
    print(line_of(Approver(name=name, key=public, logins=tuple(logins or ()))))  # noqa: T201 the answer itself


@verbs.command("add", epilog=f"Example: {ADD_EXAMPLES}")
def add(
    name: Annotated[str, typer.Argument(help="The person.", show_default=False)],
    key: Annotated[str, typer.Argument(help="Their public key: ed25519:…", show_default=False)],
    logins: LoginsOption = None,
    until: Annotated[str, typer.Option("--until", help="The last day, as 2027-01-31.", show_default=False)] = "",
    file: ListFile = _LIST,
) -> None:
    """Add an approver to the list; `approver new` printed what belongs here."""
    from stationmaster.runbooks.consent.approval import Approver, fingerprint, read_public
    from stationmaster.runbooks.consent.approvers import add_approver

    with refusals():
        approver = Approver(name=name, key=read_public(key), logins=tuple(logins or ()), until=_day(until))
        add_approver(file, approver)
    out.print(f"{file} lists {approver.name} now, key {fingerprint(approver.key)}", markup=False)
    out.print("compare the fingerprint with theirs, and have the change reviewed", style="dim")


@verbs.command("list", epilog="Example: [bold]stationmaster runbook approver list --json[/bold]")
def list_approvers(file: ListFile = _LIST, as_json: AsJson = False) -> None:
    """List who may approve."""
    from stationmaster.runbooks.consent.approval import fingerprint, public_text
    from stationmaster.runbooks.consent.approvers import read_approvers

    with refusals():
        found = read_approvers(file)
    if as_json:
        rows = [
            {
                "name": each.name,
                "key": public_text(each.key),
                "fingerprint": fingerprint(each.key),
                "logins": each.logins,
                "until": each.until,
            }
            for each in found
        ]
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("name", "fingerprint", "logins", "until"):
        table.add_column(column.upper())
    for each in found:
        until = str(each.until) if each.until else ""
        table.add_row(Text(each.name), fingerprint(each.key), Text(", ".join(each.logins)), until)
    out.print(table)


@verbs.command("remove", epilog="Example: [bold]stationmaster runbook approver remove grace[/bold]")
def remove(
    name: Annotated[str, typer.Argument(help="As `approver list` shows it.", show_default=False)],
    file: ListFile = _LIST,
) -> None:
    """Take an approver off the list: what they sign is refused from now on."""
    from stationmaster.runbooks.consent.approvers import remove_approver

    with refusals():
        remove_approver(file, name)
    out.print(f"{file} does not list {name} any more", markup=False)


def approve(
    request: Annotated[str, typer.Argument(help="The line that the run printed; - reads it.", show_default=False)],
    key_file: KeyFile = None,
    name: Annotated[str, typer.Option("--as", help="Which of your keys, where there are several.")] = "",
    passphrase_file: PassphraseFile = None,
    named: Annotated[str, typer.Option("--named", help="Confirm by naming the target here.", show_default=False)] = "",
) -> None:
    """See what a run asks a second person for, confirm it, and get the code that the other one pastes."""
    from stationmaster.runbooks.consent.approval import read_request, sign
    from stationmaster.runtime.wall import utc_now

    with refusals():
        ask = read_request(sys.stdin.read() if request == "-" else request)
        path = _key_path(key_file, name)
        _refuse_unfit(ask, path, utc_now())
        _show(ask, utc_now())
        _confirm(ask, named)
        code = sign(ask, _open_key(path, passphrase_file))
        if utc_now() >= ask.expires_at:
            raise _expired(ask)
    err.print("the code, for the one who asked:", style="dim")
    print(code)  # noqa: T201 the answer itself, and nothing else, on standard output


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise PlatformError("day-broken", f"--until {text!r} is no day", hint="write it as 2027-01-31") from error


def _refuse_unfit(ask: "Ask", path: Path, now: datetime) -> None:
    from stationmaster.runbooks.consent.approval import Approver, is_requester

    if now >= ask.expires_at:
        raise _expired(ask)
    if is_requester(Approver(name=path.stem, key=b""), ask.requested_by):
        hint = "send the request to somebody else"
        raise PlatformError("own-request", f"{ask.requested_by} asked for this: that is you", hint=hint, status=403)


def _show(ask: "Ask", now: datetime) -> None:
    from stationmaster.runbooks.clean import clean_line, show_command
    from stationmaster.runbooks.transcript.words import clock

    left = clock(ask.expires_at - now)
    facts = (
        ("runbook", ask.runbook),
        ("step", f"{ask.step} of run {ask.run}"),
        ("asked by", ask.requested_by),
        ("target", ask.targets),
        ("risk", f"{ask.risk}: {'; '.join(ask.why)}"),
        ("digest", ask.digest),
        ("holds for", left),
    )
    for name, value in facts:
        err.print(Text(f"{name:<10}", style="dim").append(clean_line(value)))
    for line in show_command(ask.command).split("\n"):
        err.print(Text(f"  {line}", style="cyan"))


def _confirm(ask: "Ask", named: str) -> None:
    from stationmaster.runbooks.clean import escape_controls

    hint = "nothing was signed"
    if not named and not sys.stdin.isatty():
        raise PlatformError("not-confirmed", "nobody is there to confirm it", hint="confirm with --named TARGET")
    typed = named or typer.prompt(f"type {escape_controls(ask.targets)} to approve", default="", err=True)
    if typed != ask.targets:
        raise PlatformError("not-confirmed", f"that is not {escape_controls(ask.targets)}", hint=hint, status=409)


def _key_path(key_file: Path | None, name: str) -> Path:
    from stationmaster.runbooks.consent.approvers import keys_in

    if key_file is not None:
        return key_file
    found = [path for path in keys_in(approver_folder()) if not name or path.stem == _file_name(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.stem for path in found)
        raise PlatformError("approver-key-ambiguous", f"there are keys of {names}", hint="say which with --as NAME")
    hint = "make one: stationmaster runbook approver new NAME"
    raise PlatformError("approver-key-missing", f"{approver_folder()} holds no such key", hint=hint, status=404)


def _open_key(path: Path, passphrase_file: Path | None) -> "Ed25519PrivateKey":
    from stationmaster.runbooks.consent.approvers import is_sealed, load_key

    return load_key(path, _passphrase(passphrase_file, path, confirm=False) if is_sealed(path) else b"")


def _passphrase(file: Path | None, path: Path, *, confirm: bool) -> bytes:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n").encode()
        except (OSError, UnicodeDecodeError) as error:
            raise PlatformError("passphrase-unreadable", f"{file}: {error}", hint="check --passphrase-file") from error
    if not sys.stdin.isatty():
        hint = "name --passphrase-file" + (", or --no-passphrase" if confirm else "")
        raise PlatformError("passphrase-wanted", f"nobody is there to type the passphrase of {path}", hint=hint)
    label = f"passphrase of {path}" + (" (empty for none)" if confirm else "")
    typed: str = typer.prompt(
        label, default="", show_default=False, hide_input=True, confirmation_prompt=confirm, err=True
    )
    return typed.encode()


def _file_name(name: str) -> str:
    """A name that may stand in a path."""
    plain = "".join(char if char.isalnum() or char in "-_." else "-" for char in name).strip(".")
    if not plain:
        raise PlatformError("approver-name-broken", f"{name!r} is no name", hint="letters, digits, - and _")
    return plain


def _expired(ask: "Ask") -> PlatformError:
    hint = "let them ask again"
    return PlatformError(
        "request-expired", f"the request expired at {ask.expires_at:%H:%M:%S} UTC", hint=hint, status=410
    )
