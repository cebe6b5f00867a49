"""What keeps a platform from being ready is said with its reason and its log."""

from pathlib import Path

import pytest

from stationmaster.api.wire import InstanceStatus, NodeStatus, PlatformStatus
from stationmaster.cli.missing import last_words, missing
from stationmaster.config import StateDir


def node(**changed: object) -> NodeStatus:
    well = {"pid": 1, "connected": True, "acknowledged": True, "healthy_targets": 6, "targets": 6}
    return NodeStatus(name="gateway-1", listen="127.0.0.1:8000", **{**well, **changed})  # type: ignore[arg-type]


def instance(**changed: object) -> InstanceStatus:
    well = {"pid": 2, "health": "up", "detail": ""}
    fixed = {"name": "key-1", "service": "keys", "region": "r", "address": "127.0.0.1:8888"}
    return InstanceStatus(**fixed, **{**well, **changed})  # type: ignore[arg-type]


def status(seen_node: NodeStatus, seen_instance: InstanceStatus, *loops: str) -> PlatformStatus:
    return PlatformStatus(
        environment="lab",
        pid=1,
        ready=False,
        nodes=(seen_node,),
        instances=(seen_instance,),
        targets=(),
        open_incidents=0,
        failing_loops=loops,
    )


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (status(node(), instance()), []),
        (status(node(pid=None, targets=None), instance()), ["gateway node gateway-1 (127.0.0.1:8000) has no process"]),
        (status(node(targets=None), instance()), ["does not answer at its admin address"]),
        (status(node(connected=False, acknowledged=False), instance()), ["has no connection to the control plane"]),
        (status(node(acknowledged=False), instance()), ["has not taken the newest configuration"]),
        (status(node(healthy_targets=5), instance()), ["finds 5 of 6 targets healthy"]),
        (
            status(node(), instance(pid=None, health="down", detail="connection refused")),
            ["instance key-1 (127.0.0.1:8888) has no process, is down: connection refused"],
        ),
        (status(node(), instance(health="unknown")), ["has not answered its health check yet"]),
        (status(node(), instance(), "gateway"), ["loop gateway of the control plane is failing"]),
        (None, ["the control plane does not answer"]),
    ],
)
def test_each_that_is_not_well_is_named_with_its_reason(
    tmp_path: Path, seen: PlatformStatus | None, told: list[str]
) -> None:
    found = missing(seen, StateDir(tmp_path))
    assert len(found) == len(told)
    for text, words in zip(found, told, strict=True):
        assert words in text


def test_the_log_is_named_with_its_last_words(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.logs.mkdir()
    (state.logs / "key-1.log").write_text("starting\ncannot open database\n\n", "utf-8")
    (found,) = missing(status(node(), instance(health="down")), state)
    assert found.endswith(f"log {state.logs / 'key-1.log'}: cannot open database")


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("\n \n", ""),
        ('{"event": "key bundle read", "level": "info"}\n', "key bundle read"),
        ('{"event": "loop failed", "exception": "Traceback\\nOSError: taken"}\n', "OSError: taken"),
        ("[1, 2]\n", "[1, 2]"),
        ('{"event": ""}\n', '{"event": ""}'),
        ("error: taken [port-taken]\nhint: stop it\n", "error: taken [port-taken] (hint: stop it)"),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_the_last_line_that_says_something_is_what_counts(tmp_path: Path, log: str, words: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(log, "utf-8")
    assert last_words(path) == words


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert last_words(tmp_path / "no.log") == ""
