"""Places are filled from the alert and the inventory, and no value gets out of its word."""

import pytest

from stationmaster.runbooks.bind import Binding, Unbound, bind
from stationmaster.runbooks.plan_platform import Translated, translated
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


@pytest.mark.parametrize("text", ["docker logs other", "docker logs", "docker restart a && rm x", "A=b docker logs a"])
def test_what_is_no_plain_call_about_the_service_stays_as_it_is(text: str) -> None:
    assert translated(text, bound()) is None
