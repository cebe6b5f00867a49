"""What a service may say about what runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.problem import InvalidInputError
from stationmaster.core.spec import ExecutorKind, Service
from stationmaster.manifest.read import parse_document

CONTAINERS = {
    "executor": "docker",
    "image": "shop:1",
    "command": ["serve", "{address}"],
    "env": {"COLOUR": "blue"},
    "directory": "/srv",
    "mounts": ["/data:/data:ro", "/tmp:/tmp"],
}


def read(**said: Any) -> Service:
    service = {"name": "shop", "port": 9000, **said}
    text = json.dumps({"environment": "lab", "services": [service]})
    return parse_document(text, file="platform.yaml", folder=Path("/")).spec.services[0]


def codes(**said: Any) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        read(**said)
    return [each.code for each in refused.value.diagnostics]


def test_a_service_of_containers_is_read_with_all_that_they_need() -> None:
    service = read(**CONTAINERS)
    assert (service.executor, service.image, service.directory) == (ExecutorKind.DOCKER, "shop:1", "/srv")
    assert service.env == (("COLOUR", "blue"),)
    assert service.mounts == ("/data:/data:ro", "/tmp:/tmp")


def test_processes_are_what_runs_a_service_where_nothing_is_said() -> None:
    service = read(command=["serve"])
    assert (service.executor, service.image, service.env) == (ExecutorKind.PROCESS, "", ())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({**CONTAINERS, "image": None}, "no-image"),
        ({**CONTAINERS, "command": []}, "no-command"),
        ({**CONTAINERS, "mounts": ["data:/data"]}, "bad-mount"),
        ({**CONTAINERS, "mounts": ["/data:/data:rw"]}, "bad-mount"),
        ({**CONTAINERS, "env": {"A-B": "x"}}, "bad-variable"),
        ({**CONTAINERS, "env": {"STATIONMASTER_STATE": "x"}}, "bad-variable"),
        ({"command": ["serve"], "image": "shop:1"}, "foreign-field"),
        ({"command": ["serve"], "mounts": ["/a:/a"]}, "foreign-field"),
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any], code: str) -> None:
    assert codes(**said) == [code]
