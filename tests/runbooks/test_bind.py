"""Places are filled from the alert and the inventory, and no value gets out of its word."""

import pytest

from stationmaster.runbooks.bind import Binding, BoundCommand, Refusal, Unbound, bind, bind_command
from stationmaster.runbooks.read.document import PlatformAction
from tests.runbooks.world import alert, bound, inventory


def test_the_instance_its_port_and_its_balancers_are_found() -> None:
    found = bind(alert("key-us-east"), inventory())
    assert isinstance(found, Binding)
    assert (found.instance.name, str(found.instance.address)) == ("key-us-east", "127.0.0.1:8889")
    assert [(each.virtual_host, str(each.address)) for each in found.targets] == [("api_key_service", "127.0.0.1:8889")]


def test_an_unknown_instance_is_unbound() -> None:
    assert isinstance(bind(alert("elsewhere"), inventory()), Unbound)


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("curl http://localhost:8888/x", ("curl", "http://127.0.0.1:8889/x")),
        ("curl http://X.X.X.X:8888/x", ("curl", "http://127.0.0.1:8889/x")),
        ("curl http://<IP:PORT>/x", ("curl", "http://127.0.0.1:8889/x")),
        ("curl http://localhost:4587/x", ("curl", "http://localhost:4587/x")),
        ("curl http://localhost:88880/x", ("curl", "http://localhost:88880/x")),
        ("kubectl get pods -n $REGION", ("kubectl", "get", "pods", "-n", "us-east")),
        ("grep '$REGION' file", ("grep", "$REGION", "file")),
        ("grep 'a b' \"c  d\"", ("grep", "a b", "c  d")),
    ],
)
def test_a_command_is_bound_to_its_argv(text: str, argv: tuple[str, ...]) -> None:
    found = bind_command(text, bound("key-us-east"))
    assert isinstance(found, BoundCommand)
    assert found.argv == argv


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kubectl describe pod <pod-name>", "nothing says what `<pod-name>` is"),
        ("ls | grep x", "need a shell"),
        ("ls > file", "need a shell"),
        ("ls *.txt", "only a shell"),
        ("ls $(pwd)", "need a shell"),
        ("ls ${HOME:-x}", "only a shell"),
        ("ls &", "need a shell"),
        ("A=b ls", "sets variables"),
        ("docker restart doctor", "is about doctor"),
    ],
)
def test_what_cannot_be_bound_is_refused_in_words(text: str, told: str) -> None:
    found = bind_command(text, bound())
    assert isinstance(found, Refusal)
    assert told in found.why


@pytest.mark.parametrize("value", ["-rf", "a b", "a;rm x", "$(rm x)", "`rm`", "", "a\nb", "'"])
def test_a_value_that_is_no_plain_word_is_refused(value: str) -> None:
    found = bind(alert(pod=value), inventory())
    assert isinstance(found, Binding)
    refused = bind_command("kubectl describe pod <pod>", found)
    assert isinstance(refused, Refusal)


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("docker restart api_key_service", PlatformAction.SERVICE_RESTART),
        ("sudo docker restart api-key-service", PlatformAction.SERVICE_RESTART),
        ("docker logs --tail 100 api_key_service", PlatformAction.SERVICE_LOGS),
    ],
)
def test_a_container_of_the_inventory_becomes_a_platform_action(text: str, action: PlatformAction) -> None:
    found = bind_command(text, bound())
    assert isinstance(found, BoundCommand)
    assert found.action is action


def test_a_container_of_nobody_stays_a_command() -> None:
    found = bind_command("docker logs other", bound())
    assert isinstance(found, BoundCommand)
    assert found.action is None
