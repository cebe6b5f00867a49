"""`up`: run the declared platform and keep its control plane alive."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import typer
from rich.markup import escape
from rich.status import Status

from stationmaster.api.wire import PlatformStatus
from stationmaster.cli.client import ControlClient
from stationmaster.cli.down import end_process, stop_platform
from stationmaster.cli.missing import missing
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import err, out, refusals, say_refusal
from stationmaster.cli.pages_shown import PagesShown
from stationmaster.cli.preflight import refuse_taken_addresses
from stationmaster.cli.state_folder import make_state, refuse_lost_state
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.inventory import own_program
from stationmaster.fleet.node_count import with_nodes
from stationmaster.manifest.read import load
from stationmaster.runtime.lock import HeldLock, acquire, holder
from stationmaster.runtime.log import undeterred

EXAMPLES = (
    "Examples: [bold]stationmaster up[/bold]; [bold]stationmaster up -f platform.yaml --detach[/bold]; "
    "[bold]stationmaster up --nodes 5[/bold]"
)

BUNDLED = Path(__file__).parents[1] / "sample" / "platform.yaml"
LOCAL = Path("platform.yaml")

NOT_READY = "not-ready"
CUT_OFF = "control-plane-cut-off"
_READY_LIMIT_S = 60.0
_TOLD_AFTER_S = 10.0
_POLL_S = 0.2
_LONGEST_DELAY_S = 15.0
_END_LIMIT_S = 10.0
_LOOK_EVERY_S = 1.0
"""How often it is seen to that the state folder is still there."""

FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="The platform YAML; without it ./platform.yaml, else the bundled sample."),
]
DetachOption = Annotated[bool, typer.Option("--detach", "-d", help="Return when the platform is ready.")]


NodesOption = Annotated[
    int | None,
    typer.Option(
        "--nodes",
        min=1,
        max=100,
        help="How many gateway nodes to run: the first declared ones, then more of their kind on the next free ports.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is to be run, and where its state lives."""

    manifest: Path
    state: StateDir
    nodes: int | None
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    """The control plane that was started last."""
    ending: Event = field(default_factory=Event)
    """Set when a signal asked for the end. Its KeyboardInterrupt may come where Python only reports an exception, in a
    finaliser say, and is lost there; so whoever waits here also looks at this."""

    def command(self, verb: str) -> tuple[str, ...]:
        more = () if self.nodes is None else ("--nodes", str(self.nodes))
        return own_program(verb, "--file", str(self.manifest.absolute()), "--state", str(self.state.root), *more)


def up(
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
    detach: DetachOption = False,
    nodes: NodesOption = None,
) -> None:
    """Run the platform: control plane, services and gateway nodes. Ctrl-C stops all of it."""
    run = Run(manifest=file or (LOCAL if LOCAL.exists() else BUNDLED), state=state_dir(state), nodes=nodes)
    with refusals():
        spec = load(run.manifest)
        make_state(run.state)
        refuse_taken_addresses(spec if nodes is None else with_nodes(spec, nodes), run.state)
        if detach:
            _run_detached(run)
        else:
            _run_attached(run)


def _run_detached(run: Run) -> None:
    state = run.state
    if holder(state.up_lock) is not None:
        raise _already_up(state)
    _end_orphan(state)
    state.logs.mkdir(exist_ok=True)
    with (state.logs / "up.log").open("ab") as log:
        child = subprocess.Popen(
            run.command("up"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        seen = wait_until_ready(run, child)
    except PlatformError as error:
        hint = error.hint if error.code == NOT_READY else f"see {state.logs / 'up.log'}"
        raise PlatformError(error.code, error.message, hint=hint) from error
    announce(seen, state)


def _run_attached(run: Run) -> None:
    held = acquire(run.state.up_lock)
    if held is None:
        raise _already_up(run.state)
    try:
        with _undeterred_telling(), _interruptible(run.ending):
            _run_until_asked_to_end(run, held)
            _end_beginner(run)
            stop_platform(run.state)
    finally:
        held.release()
    out.print("stopped")


def _run_until_asked_to_end(run: Run, held: HeldLock) -> None:
    """A control plane that cannot start raises, and what an earlier one has started goes on."""
    try:
        _end_orphan(run.state)
        child = start_control(run)
        _show_readiness(run, child)
        _keep_alive(child, run, held)
    except KeyboardInterrupt:
        out.print("stopping: gateway nodes drain first")


def _end_orphan(state: StateDir) -> None:
    """A control plane whose supervisor was killed makes room; what it started goes on."""
    orphan = holder(state.control_lock)
    if orphan is not None:
        err.print(f"the control plane of an earlier `up` still runs (pid {orphan}); it is replaced")
        end_process(orphan, state.control_lock)


def _already_up(state: StateDir) -> PlatformError:
    return PlatformError(
        "already-up",
        f"the platform of {state.root} is up already",
        hint="`stationmaster status` shows it, `stationmaster down` stops it",
    )


def _show_readiness(run: Run, child: "subprocess.Popen[bytes]") -> None:
    """What is not ready in time is said; the platform goes on and works at it. Only a control plane that refuses to
    start ends it."""
    try:
        announce(wait_until_ready(run, child), run.state)
    except PlatformError as error:
        if error.code not in (NOT_READY, CUT_OFF):
            raise
        say_refusal(error)


def start_control(run: Run) -> "subprocess.Popen[bytes]":
    """Starts the control plane as a process of its own, its log in the state folder."""
    run.state.logs.mkdir(exist_ok=True)
    with (run.state.logs / "control.log").open("ab") as log:
        child = subprocess.Popen(
            run.command("control"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    run.started[:] = [child]
    return child


def _end_beginner(run: Run) -> None:
    """A control plane that has only begun to start cannot be asked to stop: it would start anew what is stopped."""
    for child in run.started:
        if child.poll() is None and holder(run.state.control_lock) != child.pid:
            child.kill()
            child.wait(_END_LIMIT_S)


def wait_until_ready(run: Run, child: "subprocess.Popen[bytes]") -> PlatformStatus:
    """Waits until every node and instance is up, and shows what it waits for.

    Raises PlatformError: `not-ready`, `control-plane-failed` when the control plane could not start, or
    `control-plane-cut-off` when it had answered or was killed: it can be started again.
    """
    state = run.state
    started = time.monotonic()
    told = answered = False
    seen: PlatformStatus | None = None
    with err.status("starting the control plane") as shown:
        while time.monotonic() < started + _READY_LIMIT_S:
            _end_if_asked(run)
            if child.poll() is not None:
                raise PlatformError(
                    CUT_OFF if answered or child.returncode < 0 else "control-plane-failed",
                    f"the control plane ended with status {child.returncode}:\n{_log_tail(state)}",
                    hint=f"the whole log is {state.logs / 'control.log'}",
                )
            seen = _status(state, shown)
            answered = answered or seen is not None
            if seen is not None and seen.ready:
                return seen
            if not told and time.monotonic() > started + _TOLD_AFTER_S:
                told = True
                err.print(f"not ready after {_TOLD_AFTER_S:g} s, waiting on:{_listed(seen, state)}", markup=False)
            time.sleep(_POLL_S)
    raise PlatformError(
        NOT_READY,
        f"the platform is not ready after {_READY_LIMIT_S:g} s:{_listed(seen, state)}",
        hint="it goes on and works at it: `stationmaster status` shows it, `stationmaster down` stops it",
    )


def _listed(seen: PlatformStatus | None, state: StateDir) -> str:
    return "".join(f"\n  {each}" for each in missing(seen, state))


def _status(state: StateDir, shown: Status) -> PlatformStatus | None:
    try:
        seen = ControlClient(state, local_only=True).get("/api/v1/status", PlatformStatus)
    except PlatformError:
        return None
    up = sum(each.well for each in seen.instances)
    nodes = sum(each.serves_all for each in seen.nodes)
    shown.update(f"{up} of {len(seen.instances)} instances up, {nodes} of {len(seen.nodes)} gateway nodes serving")
    return seen


def announce(seen: PlatformStatus, state: StateDir) -> None:
    out.print(f"[green]ready[/green]: environment [bold]{seen.environment}[/bold], state in {state.root}")
    _show_https(state)
    for node in seen.nodes:
        tls = f"  https://{node.listen_tls}" if node.listen_tls else ""
        out.print(f"  {node.name:<16} http://{node.listen}{tls}")
    for each in seen.instances:
        out.print(f"  {each.name:<16} http://{each.address}  ({each.service}, {each.region})")
    _show_first_password(state)


def _show_https(state: StateDir) -> None:
    """Where the control plane takes HTTPS, if it does, and what clients trust then."""
    from stationmaster.runtime.tls import TlsFolder

    with suppress(OSError):
        url, ca = state.control_tls_url.read_text("utf-8").strip(), TlsFolder(state.tls).ca
        trusted = f"  (trust {ca})" if ca.exists() else ""
        out.print(f"  {'control plane':<16} {url}{trusted}", soft_wrap=True, markup=False, highlight=False)


def _show_first_password(state: StateDir) -> None:
    """Once, and to a person alone: what is no terminal may be a log."""
    file = state.first_password
    with suppress(OSError):
        password = file.read_text("utf-8").strip()
        if out.is_terminal:
            out.print(f"administrator [bold]admin[/bold], password {escape(password)} (shown only now)")
            file.unlink()
        else:
            out.print(f"the password of the administrator admin is in {file}; read it, then delete the file")


def _keep_alive(child: "subprocess.Popen[bytes]", run: Run, held: HeldLock) -> None:
    """Starts the control plane again whenever it ends, with a delay that doubles to 15 s.

    Raises PlatformError `state-deleted` after it has stopped everything, when the state folder is no longer there.
    """
    delay, pages = _POLL_S, PagesShown(run.state.outbox)
    while True:
        started = time.monotonic()
        status = _end_of(child, run, held, pages)
        if status == 0:
            return
        err.print(f"the control plane ended with status {status}; it is started again", style="yellow")
        with suppress(OSError):
            run.state.control_ended.write_text(f"{status}", "ascii")
        delay = _POLL_S if time.monotonic() - started > _LONGEST_DELAY_S else min(delay * 2, _LONGEST_DELAY_S)
        time.sleep(delay)
        refuse_lost_state(run.state, held, child)
        child = start_control(run)


def _end_of(child: "subprocess.Popen[bytes]", run: Run, held: HeldLock, pages: PagesShown) -> int:
    while True:
        _end_if_asked(run)
        pages.show()
        refuse_lost_state(run.state, held, child)
        with suppress(subprocess.TimeoutExpired):
            return child.wait(_LOOK_EVERY_S)


def _end_if_asked(run: Run) -> None:
    if run.ending.is_set():
        raise KeyboardInterrupt


def _log_tail(state: StateDir, lines: int = 8) -> str:
    with suppress(OSError):
        return "\n".join((state.logs / "control.log").read_text("utf-8", "replace").splitlines()[-lines:])
    return ""


@contextmanager
def _undeterred_telling() -> Iterator[None]:
    """A terminal that is gone, or a log on a full disk, does not end the platform."""
    with redirect_stdout(undeterred(sys.stdout)), redirect_stderr(undeterred(sys.stderr)):
        yield


@contextmanager
def _interruptible(ending: Event) -> Iterator[None]:
    """SIGTERM and a lost terminal stop the platform as Ctrl-C does; a second one changes nothing."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if not ending.is_set():
            ending.set()
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    yield
