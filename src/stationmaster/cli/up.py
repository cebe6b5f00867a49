"""`up`: run the declared platform and keep its control plane alive."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.status import Status

from stationmaster.api.wire import PlatformStatus
from stationmaster.cli.client import ControlClient
from stationmaster.cli.down import end_process, stop_platform
from stationmaster.cli.missing import missing
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import err, out, refusals, say_refusal
from stationmaster.cli.preflight import refuse_taken_addresses
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.inventory import own_program
from stationmaster.manifest.read import load
from stationmaster.runtime.lock import acquire, holder

EXAMPLES = "Examples: [bold]stationmaster up[/bold]; [bold]stationmaster up -f platform.yaml --detach[/bold]"

BUNDLED = Path(__file__).parents[1] / "sample" / "platform.yaml"
LOCAL = Path("platform.yaml")

NOT_READY = "not-ready"
CUT_OFF = "control-plane-cut-off"
_READY_LIMIT_S = 60.0
_TOLD_AFTER_S = 10.0
_POLL_S = 0.2
_LONGEST_DELAY_S = 15.0

FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="The platform YAML; without it ./platform.yaml, else the bundled sample."),
]
DetachOption = Annotated[bool, typer.Option("--detach", "-d", help="Return when the platform is ready.")]


def up(file: FileOption = None, state: StateOption = DEFAULT_STATE, detach: DetachOption = False) -> None:
    """Run the platform: control plane, services and gateway nodes. Ctrl-C stops all of it."""
    manifest = file or (LOCAL if LOCAL.exists() else BUNDLED)
    place = state_dir(state)
    with refusals():
        spec = load(manifest)
        _make(place)
        refuse_taken_addresses(spec, place)
        if detach:
            _run_detached(manifest, place)
        else:
            _run_attached(manifest, place)


def _make(state: StateDir) -> None:
    try:
        state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PlatformError(
            "state-unusable",
            f"{state.root} cannot be the state folder: {error.strerror}",
            hint="name a folder that you may write with --state",
        ) from error


def _run_detached(manifest: Path, state: StateDir) -> None:
    if holder(state.up_lock) is not None:
        raise _already_up(state)
    _end_orphan(state)
    state.logs.mkdir(exist_ok=True)
    with (state.logs / "up.log").open("ab") as log:
        child = subprocess.Popen(
            own_program("up", "--file", str(manifest.absolute()), "--state", str(state.root)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        seen = wait_until_ready(state, child)
    except PlatformError as error:
        hint = error.hint if error.code == NOT_READY else f"see {state.logs / 'up.log'}"
        raise PlatformError(error.code, error.message, hint=hint) from error
    announce(seen, state)


def _run_attached(manifest: Path, state: StateDir) -> None:
    held = acquire(state.up_lock)
    if held is None:
        raise _already_up(state)
    try:
        with _interruptible():
            _run_until_asked_to_end(manifest, state)
            stop_platform(state)
    finally:
        held.release()
    out.print("stopped")


def _run_until_asked_to_end(manifest: Path, state: StateDir) -> None:
    """A control plane that cannot start raises, and what an earlier one has started goes on."""
    try:
        _end_orphan(state)
        child = start_control(manifest, state)
        _show_readiness(state, child)
        _keep_alive(child, manifest, state)
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


def _show_readiness(state: StateDir, child: "subprocess.Popen[bytes]") -> None:
    """What is not ready in time is said; the platform goes on and works at it. Only a control plane that refuses to
    start ends it."""
    try:
        announce(wait_until_ready(state, child), state)
    except PlatformError as error:
        if error.code not in (NOT_READY, CUT_OFF):
            raise
        say_refusal(error)


def start_control(manifest: Path, state: StateDir) -> "subprocess.Popen[bytes]":
    """Starts the control plane as a process of its own, its log in the state folder."""
    state.logs.mkdir(exist_ok=True)
    with (state.logs / "control.log").open("ab") as log:
        return subprocess.Popen(
            own_program("control", "--file", str(manifest.absolute()), "--state", str(state.root)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_until_ready(state: StateDir, child: "subprocess.Popen[bytes]") -> PlatformStatus:
    """Waits until every node and instance is up, and shows what it waits for.

    Raises PlatformError: `not-ready`, `control-plane-failed` when the control plane could not start, or
    `control-plane-cut-off` when it had answered or was killed: it can be started again.
    """
    started = time.monotonic()
    told = answered = False
    seen: PlatformStatus | None = None
    with err.status("starting the control plane") as shown:
        while time.monotonic() < started + _READY_LIMIT_S:
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
        seen = ControlClient(state).get("/api/v1/status", PlatformStatus)
    except PlatformError:
        return None
    up = sum(each.well for each in seen.instances)
    nodes = sum(each.serves_all for each in seen.nodes)
    shown.update(f"{up} of {len(seen.instances)} instances up, {nodes} of {len(seen.nodes)} gateway nodes serving")
    return seen


def announce(seen: PlatformStatus, state: StateDir) -> None:
    out.print(f"[green]ready[/green]: environment [bold]{seen.environment}[/bold], state in {state.root}")
    for node in seen.nodes:
        out.print(f"  {node.name:<16} http://{node.listen}")
    for each in seen.instances:
        out.print(f"  {each.name:<16} http://{each.address}  ({each.service}, {each.region})")


def _keep_alive(child: "subprocess.Popen[bytes]", manifest: Path, state: StateDir) -> None:
    """Starts the control plane again whenever it ends, with a delay that doubles to 15 s."""
    delay = _POLL_S
    while True:
        started = time.monotonic()
        status = child.wait()
        if status == 0:
            return
        err.print(f"the control plane ended with status {status}; it is started again", style="yellow")
        delay = _POLL_S if time.monotonic() - started > _LONGEST_DELAY_S else min(delay * 2, _LONGEST_DELAY_S)
        time.sleep(delay)
        child = start_control(manifest, state)


def _log_tail(state: StateDir, lines: int = 8) -> str:
    with suppress(OSError):
        return "\n".join((state.logs / "control.log").read_text("utf-8", "replace").splitlines()[-lines:])
    return ""


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a lost terminal stop the platform as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield
