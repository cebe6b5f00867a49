"""`target`, `node` and the role `gateway` at their entrances."""

from pathlib import Path

import pytest

from tests.cli.test_verbs import run

VERBS = [
    *(("target", verb) for verb in ("list", "explain", "drain", "out", "in", "auto")),
    *(("node", verb) for verb in ("list", "show", "drain", "start", "stop")),
    ("gateway",),
]


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_every_verb_has_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert "Example" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("target", "list"), "the control plane is not running here", "stationmaster up"),
        (
            ("target", "out", "shop", "shop-1", "-r", "it smokes"),
            "the control plane is not running",
            "stationmaster up",
        ),
        (("node", "list"), "the control plane is not running here", "stationmaster up"),
        (("gateway", "--node", "g", "--file", "no-such.yaml"), "no-such.yaml", "hint"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_is_one_message_with_a_hint_and_status_1(
    tmp_path: Path, arguments: tuple[str, ...], said: str, hint: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_the_role_gateway_knows_declared_nodes_alone(tmp_path: Path) -> None:
    manifest = tmp_path / "platform.yaml"
    manifest.write_text("environment: x\n", "utf-8")
    done = run(tmp_path, "gateway", "--node", "g-9", "--file", str(manifest))
    assert done.returncode == 1
    assert "there is no gateway node 'g-9' [unknown-node]" in done.stderr


def test_a_change_by_hand_needs_a_reason_and_its_end_does_not(tmp_path: Path) -> None:
    for verb in ("out", "in", "drain"):
        done = run(tmp_path, "target", verb, "shop-1")
        assert done.returncode == 2
        assert "--reason" in done.stderr
    done = run(tmp_path, "target", "auto", "shop-1")
    assert done.returncode == 1
    assert "the control plane is not running" in done.stderr
