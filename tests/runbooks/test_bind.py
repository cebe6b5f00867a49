"""Places are filled from the alert and the inventory, and no value gets out of its word."""

from dataclasses import replace

import pytest

from stationmaster.core.spec import ExecutorKind
from stationmaster.runbooks.bind import Binding, Unbound, bind
from stationmaster.runbooks.plan.platform import Foreign, Translated, translated
from stationmaster.runbooks.read.document import PlatformAction
from tests.runbooks.world import alert, bound, inventory


def test_the_instance_its_port_and_its_balancers_are_found() -> None:
    found = bind(alert("key-us-east"), inventory())
    assert isinstance(found, Binding)
    assert (found.instance.name, str(found.instance.address)) == ("key-us-east", "127.0.0.1:8889")
    assert [(each.virtual_host, str(each.address)) for each in found.targets] == [("api_key_service", "127.0.0.1:8889")]


def test_an_unknown_instance_is_unbound() -> None:
    assert isinstance(bind(alert("elsewhere"), inventory()), Unbound)


@pytest.mark.parametrize("line", ["docker restart {}", "sudo docker restart {}", "podman restart {}"])
def test_the_container_of_the_instance_s_service_is_the_executor_s(line: str) -> None:
    found = translated(line.format("api-key-service"), bound("key-us-east"))
    assert found == Translated(text="stm instance restart key-us-east", acts=PlatformAction.SERVICE_RESTART)


# what a document says, and what is run for it where key-us-east is a process of this machine
LINES = [
    ("docker stop api_key_service", "stm instance stop key-us-east", None),
    ("systemctl start api_key_service.service", "stm instance start key-us-east", None),
    ("docker logs --tail 7 api_key_service", "stm instance logs key-us-east --tail 7", PlatformAction.SERVICE_LOGS),
    ("docker logs project_api_key_service_1", None, None),
    ("docker logs api-key-service-1", "stm instance logs key-us-east --tail 100", PlatformAction.SERVICE_LOGS),
    (
        "docker logs api_key_service 2>&1 | grep -i error",
        "stm instance logs key-us-east --tail 10000 | grep -i error",
        PlatformAction.SERVICE_LOGS,
    ),
    ("docker restart <container-name>", "stm instance restart key-us-east", PlatformAction.SERVICE_RESTART),
    ("systemctl status api_key_service", "stm wait instance/key-us-east --for up --timeout 0s", None),
    ("docker stats --no-stream api_key_service", "stm instance usage key-us-east", None),
    ("docker restart known_as", "stm instance restart key-us-east", PlatformAction.SERVICE_RESTART),
]


@pytest.mark.parametrize(("text", "line", "acts"), LINES)
def test_what_is_said_of_a_container_or_unit_is_done_to_the_instance(
    text: str, line: str | None, acts: PlatformAction | None
) -> None:
    found = translated(text, called(bound("key-us-east")))
    assert (found.text, found.acts) == (line, acts) if isinstance(found, Translated) else line is None


def test_where_the_instance_is_a_container_a_command_inside_it_runs_there() -> None:
    binding = called(bound("key-us-east"), executor=ExecutorKind.DOCKER)
    found = translated("docker exec api_key_service cat /etc/api_key_service.conf", binding)
    assert found == Translated(text="docker exec key-us-east cat /etc/api_key_service.conf")


def test_where_the_instance_is_no_container_nothing_is_inside_of_it() -> None:
    found = translated("docker exec api_key_service ls", bound("key-us-east"))
    assert isinstance(found, Foreign)
    assert found.why == "not runnable here: key-us-east is no container: its executor is process"


def called(binding: Binding, *, executor: ExecutorKind = ExecutorKind.PROCESS) -> Binding:
    return replace(binding, service=replace(binding.service, aliases=("known_as",), executor=executor))


@pytest.mark.parametrize("text", ["docker logs other", "docker logs", "docker restart a && rm x", "A=b docker logs a"])
def test_what_is_no_plain_call_about_the_service_stays_as_it_is(text: str) -> None:
    assert translated(text, bound()) is None
