"""`console open`: commands one after the other in the surroundings of an instance, each in the audit trail."""

import re
import secrets
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from stationmaster.api.wire_instances import ExecOrder, ExecResult
from stationmaster.cli.client import ControlClient
from stationmaster.cli.instance import Name, Reason
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import err, out, refusals, say_refusal
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="A shell where an instance runs.", no_args_is_help=True)

_ENDS_WITHIN_S = 15.0
_ENDS = frozenset({"exit", "logout", "quit"})
_LEAVES = re.compile(r"exit +(\d{1,3})")
_AWAY = "control-plane-away"


@verbs.command(
    "open",
    epilog="Examples: [bold]stm console open sample-1 -r 'look at its files'[/bold]; [bold]echo env | stm console "
    "open sample-1[/bold]. It is no terminal: an editor or `top` does not work in it.",
)
def open_console(
    name: Name,
    shell: Annotated[str, typer.Option(help="What reads each line, by its option -c.")] = "/bin/sh",
    timeout: Annotated[float, typer.Option(help="Seconds until a line is stopped.", min=0.1, max=600)] = 60.0,
    reason: Reason = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Read lines and run each where a live process runs: in its environment, its folder, its container, on its machine.
    The folder is kept from line to line. Every line stands in the audit trail, with who wrote it and why. Ends with
    the status of the last one."""
    why = f"console: {reason}" if reason else "console"
    with refusals():
        client = ControlClient(state_dir(state), limit_s=timeout + _ENDS_WITHIN_S)
        console = Console(client=client, name=name, shell=shell, timeout_s=timeout, why=why)
        console.ran(":")
    if sys.stdin.isatty():
        err.print(f"{name}, by {shell}; every line is audited; `exit` ends it", markup=False)
    status = 0
    for line in _lines(console):
        try:
            status = console.ran(line)
        except PlatformError as error:
            if error.code == _AWAY or not sys.stdin.isatty():
                with refusals():
                    raise
            say_refusal(error)
    raise typer.Exit(status)


@dataclass(slots=True, kw_only=True)
class Console:
    """`folder` is where the next line runs; empty until the first has said it."""

    client: ControlClient
    name: str
    shell: str
    timeout_s: float
    why: str
    folder: str = ""

    def ran(self, line: str) -> int:
        """Prints what it wrote; 125 where it could not be run or was stopped."""
        mark = f"console-{secrets.token_hex(8)}"
        order = ExecOrder(argv=(self.shell, "-c", self._script(line, mark)), timeout_s=self.timeout_s, reason=self.why)
        done = self.client.post(f"/api/v1/instances/{self.name}/exec", order, ExecResult)
        said, _, folder = done.output.rpartition(f"\n{mark} ")
        if not _:
            said = done.output
        else:
            self.folder = folder.strip("\n") or self.folder
        if said:
            out.print(said, markup=False, highlight=False, soft_wrap=True, end="" if said.endswith("\n") else "\n")
        return 125 if done.exit_status is None else done.exit_status

    def _script(self, line: str, mark: str) -> str:
        """The line as it was typed, between going where it belongs and telling where it ended."""
        go = f"cd {shlex.quote(self.folder)} || exit\n" if self.folder else ""
        return f'{go}trap \'status=$?; printf "\\n{mark} %s" "$PWD"; exit $status\' EXIT\n{line}\n'


def _lines(console: Console) -> Iterator[str]:
    while True:
        try:
            line = input(f"{console.name}:{console.folder}$ " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        except KeyboardInterrupt:
            err.print("")
            continue
        if line in _ENDS:
            return
        if left := _LEAVES.fullmatch(line):
            raise typer.Exit(int(left[1]))
        if line:
            yield line
