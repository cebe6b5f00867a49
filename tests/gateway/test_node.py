"""The command and the files that a node starts from."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from stationmaster.core.names import NodeName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
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


def test_a_node_is_prepared_in_a_folder_of_its_own(tmp_path: Path) -> None:
    start = gateway_node.prepare(NODE, Address(host="10.0.0.9", port=4581), "sample", tmp_path)
    own = tmp_path / "gateway-1"
    assert start.argv[1:3] == ("-m", "stationmaster.gateway.agent")
    assert start.argv[start.argv.index("--control") + 1] == "10.0.0.9:4581"
    assert start.argv[start.argv.index("--folder") + 1] == str(own)
    assert (own / "bootstrap.json").read_text() == start.config
    assert own.stat().st_mode & 0o077 == 0
    assert "10.0.0.9" not in start.config, "Envoy knows its agent alone"
    assert '"path": "xds.sock"' in start.config


def test_the_role_takes_its_node_from_the_declaration(tmp_path: Path) -> None:
    spec = PlatformSpec(environment="sample", nodes=(NODE,))
    argv = gateway_node.agent_argv(spec, "gateway-1", tmp_path, concurrency=3)
    assert argv[argv.index("--concurrency") + 1] == "3"
    with pytest.raises(PlatformError) as refusal:
        gateway_node.agent_argv(spec, "gateway-9", tmp_path)
    assert (refusal.value.code, refusal.value.hint) == ("unknown-node", "known are gateway-1")
