"""The command and the files that a node starts from."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from stationmaster.core.names import NodeName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, GatewayNode
from stationmaster.gateway import node as gateway_node
from tests.gateway.rig import local

NODE = GatewayNode(name=NodeName("gateway-1"), listen=local(8000), admin=local(9901))


def test_the_command_names_the_binary_of_the_wheel() -> None:
    command = gateway_node.argv(Path("node.json"), concurrency=2)
    assert Path(command[0]).is_file()
    assert command[command.index("--config-path") + 1] == "node.json"
    assert command[command.index("--concurrency") + 1] == "2"
    assert "--disable-hot-restart" in command


def test_a_missing_wheel_is_said_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "files", missing)
    gateway_node.program.cache_clear()
    with pytest.raises(PlatformError) as refusal:
        gateway_node.program()
    assert refusal.value.code == "envoy-missing"
    assert "pip install" in refusal.value.hint


def test_the_bootstrap_file_names_node_environment_and_control_plane(tmp_path: Path) -> None:
    file = gateway_node.bootstrap(NODE, Address(host="10.0.0.9", port=4581), "sample", tmp_path / "nodes")
    content = json.loads(file.read_text())
    assert content["node"] == {"id": "gateway-1", "cluster": "sample"}
    assert '"address": "10.0.0.9"' in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == ["gateway-1.json"]
