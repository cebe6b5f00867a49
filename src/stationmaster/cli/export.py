"""`incident export`, `audit export|verify|key`: bundles that prove what happened, and the check of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from stationmaster.api.wire_oncall import BundleKey
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

INCIDENT_EXAMPLES = "Example: [bold]stationmaster incident export 7 -o incident-7.jsonl[/bold]"
_LIMIT_S = 300.0
_STDOUT = "-"

audit_verbs = typer.Typer(help="Who changed what, when, from what to what; and bundles that prove it.")

Output = Annotated[str, typer.Option("--output", "-o", help="The file to write; - is standard output.")]


def export_incident(
    number: Annotated[int, typer.Argument(help="The incident's number.", min=1)],
    output: Output = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Write everything of an incident into one file, hash-chained and signed."""
    with refusals():
        _export(f"/api/v1/incidents/{number}/export", output or f"incident-{number}.jsonl", {}, (state, as_json))


@audit_verbs.command(
    "export",
    epilog="Example: [bold]stationmaster audit export --since 2026-11-01 --until 2026-12-01 -o november.jsonl[/bold]",
)
def export_audit(
    since: Annotated[str, typer.Option(help="From this moment on: ISO 8601 (without an offset: UTC), or -7d.")],
    until: Annotated[str, typer.Option(help="Until then, not included.")] = "now",
    output: Output = "audit.jsonl",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Write the audit trail and the facts of a time into one file, hash-chained and signed."""
    with refusals():
        now = utc_now()
        query = {"since": moment(since, now).isoformat(), "until": moment(until, now).isoformat()}
        _export("/api/v1/audit/export", output, query, (state, as_json))


@audit_verbs.command(
    epilog="Examples: [bold]stationmaster audit verify incident-7.jsonl[/bold], "
    "[bold]stationmaster audit verify november.jsonl --key SHA256:Zm9v…[/bold]"
)
def verify(
    file: Annotated[Path, typer.Argument(help="A bundle.")],
    key: Annotated[str, typer.Option(help="The fingerprint that the key has to have, as `audit key` prints it.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Check a bundle without a server; names the first record that does not hold."""
    from stationmaster.incidents.bundle import END, HEAD, fingerprint_of, head_of, public_key_of, records_of

    with refusals():
        head, fingerprint, kinds = None, "", dict[str, int]()
        for each in records_of(file):
            kinds[each.kind] = kinds.get(each.kind, 0) + 1
            if each.kind == HEAD:
                head = head_of(each)
            elif each.kind == END:
                fingerprint = fingerprint_of(public_key_of(each))
        wanted = key or _own_fingerprint(state)
        if wanted and wanted != fingerprint:
            hint = "`audit key` prints the fingerprint where the bundle is said to come from"
            text = f"the bundle holds together, but {fingerprint} signed it, not {wanted}"
            raise PlatformError("bundle-foreign", text, hint=hint)
    trust = "the key that was asked for" if key else "the key of this platform" if wanted else "not compared"
    if as_json:
        print_json({"holds": True, "head": head, "kinds": kinds, "fingerprint": fingerprint, "key": trust})
        return
    out.print(f"{file} holds: {sum(kinds.values())} records, signed by {fingerprint} ({trust})", markup=False)
    for name, count in kinds.items():
        if name not in (HEAD, END):
            out.print(f"  {name:<24} {count}", markup=False)
    if not wanted:
        out.print("hint: --key compares the key with what `audit key` prints where the bundle comes from")


@audit_verbs.command("key", epilog="Example: [bold]stationmaster audit key[/bold]")
def show_key(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Print the fingerprint of the key by which this platform signs bundles."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/audit/key", BundleKey)
    if as_json:
        print_json(found)
    else:
        out.print(found.fingerprint, markup=False)


def _export(path: str, output: str, query: dict[str, str], how: tuple[Path, bool]) -> None:
    """The file is put in place when it is whole and has been checked."""
    from stationmaster.incidents.bundle import fingerprint_of, public_key_of, records_of

    state, as_json = how
    client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
    if output == _STDOUT:
        with open(1, "wb", closefd=False) as stream:
            client.download(path, stream, **query)
        return
    target = Path(output)
    with _beside(target) as (part, stream):
        client.download(path, stream, **query)
        stream.flush()
        count, last = 0, None
        for last in records_of(part):  # noqa: B007 the last one counts
            count += 1
        fingerprint = "" if last is None else fingerprint_of(public_key_of(last))
    told = {"file": str(target), "records": count, "bytes": target.stat().st_size, "fingerprint": fingerprint}
    if as_json:
        print_json(told)
    else:
        out.print(f"{target}: {count} records, signed by {fingerprint}", markup=False)


@contextmanager
def _beside(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            yield part, stream
        part.replace(target)
    except OSError as error:
        hint = "name a file in a folder that you may write with -o"
        raise PlatformError("file-unwritable", f"{target}: {error.strerror}", hint=hint) from error
    finally:
        part.unlink(missing_ok=True)


def _own_fingerprint(state: Path) -> str:
    """Of the platform whose state folder this is; nothing where it cannot be read."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from stationmaster.incidents.bundle import fingerprint_of

    try:
        private = Ed25519PrivateKey.from_private_bytes(state_dir(state).bundle_key.read_bytes())
    except (OSError, ValueError):
        return ""
    return fingerprint_of(private.public_key().public_bytes_raw())
