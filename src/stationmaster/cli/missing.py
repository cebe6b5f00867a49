"""What keeps a platform from being ready, in words: which node or instance, why, and what its log says last."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stationmaster.api.wire import InstanceStatus, NodeStatus, PlatformStatus
from stationmaster.config import StateDir

_READ_BYTES, _SHOWN_CHARACTERS = 16_384, 200


def missing(seen: PlatformStatus | None, state: StateDir) -> tuple[str, ...]:
    """One text for each that is not as it should be; a second line tells its log."""
    if seen is None:
        return (f"the control plane does not answer{_log(state, 'control')}",)
    return tuple(_missing(seen, state))


def _missing(seen: PlatformStatus, state: StateDir) -> Iterator[str]:
    for node in seen.nodes:
        if not node.serves_all:
            yield f"gateway node {node.name} ({node.listen}) {_why_node(node)}{_log(state, node.name)}"
    for each in seen.instances:
        if not each.well:
            yield f"instance {each.name} ({each.address}) {_why_instance(each)}{_log(state, each.name)}"
    for loop in seen.failing_loops:
        yield f"loop {loop} of the control plane is failing{_log(state, 'control')}"


def _why_node(node: NodeStatus) -> str:
    if node.pid is None:
        return "has no process"
    if node.targets is None:
        return "does not answer at its admin address"
    if not node.connected:
        return "has no connection to the control plane"
    if not node.acknowledged:
        return "has not taken the newest configuration"
    return f"finds {node.healthy_targets} of {node.targets} targets healthy"


def _why_instance(each: InstanceStatus) -> str:
    process = "has no process, " if each.pid is None else ""
    found = f"is {each.health}" if each.health != "unknown" else "has not answered its health check yet"
    return f"{process}{found}{': ' + each.detail if each.detail else ''}"


def _log(state: StateDir, name: str) -> str:
    path = state.logs / f"{name}.log"
    said = last_words(path)
    return f"\n    log {path}" + (f": {said}" if said else "") if path.exists() else ""


def last_words(path: Path) -> str:
    """The last line of a log that says something, cut to a readable length; of our own JSON lines what they say."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _READ_BYTES))
            lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except OSError:
        return ""
    if not lines:
        return ""
    said = lines[-1].strip()
    # A refusal of our own programs ends with its hint; the line before says what is wrong.
    if said.startswith("hint: ") and len(lines) > 1:
        said = f"{lines[-2].strip()} ({said})"
    with suppress(ValueError, TypeError, LookupError, AttributeError):
        entry = json.loads(said)
        said = str(entry.get("exception") or entry["event"]).splitlines()[-1]
    return said if len(said) <= _SHOWN_CHARACTERS else said[: _SHOWN_CHARACTERS - 1] + "…"
