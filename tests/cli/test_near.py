"""What is suggested in place of a name that the platform does not know."""

from typing import Any

import pytest

from stationmaster.cli.near import meant, names_of, with_suggestion
from stationmaster.core.problem import PlatformError

STANDS: dict[str, Any] = {
    "/api/v1/users/ada": {"name": "ada"},
    "/api/v1/users/ada/keys": {"user": "ada", "keys": [{"id": "5f0c9a4be1d27c33"}, {"id": "77"}], "client_secrets": []},
    "/api/v1/virtual-hosts/shop": {"name": "shop"},
    "/api/v1/virtual-hosts/shop/targets": {
        "items": [{"instance": "shop-1", "address": "127.0.0.1:9000"}, {"instance": None, "address": "127.0.0.1:9001"}]
    },
    "/api/v1/gateway-nodes": {"nodes": [{"name": "gateway-1"}, {"name": "gateway-2"}]},
    "/api/v1/runbooks": [{"name": "key-service-down"}],
    "/api/v1/virtual-hosts/shpo": PlatformError("unknown-virtual-host", "", hint="did you mean 'shop'?"),
    "/api/v1/users/aad": PlatformError("unknown-user", "", hint="did you mean 'ada'?"),
}


@pytest.mark.parametrize(
    ("code", "path", "hint"),
    [
        ("unknown-key", "users/ada/keys/5f0c9a4be1d27c3", "did you mean '5f0c9a4be1d27c33'? look"),
        ("unknown-key", "users/ada/keys/5f0c9a4be1d27c3/rotate", "did you mean '5f0c9a4be1d27c33'? look"),
        ("unknown-api-user", "users/aad/keys", "did you mean 'ada'?"),
        ("unknown-target", "virtual-hosts/shop/targets/shpo-1/explain", "did you mean 'shop-1'? look"),
        ("unknown-target", "virtual-hosts/shop/targets/127.0.0.1%3A9002/out", "did you mean '127.0.0.1:900"),
        ("unknown-target", "virtual-hosts/shpo/targets/shop-1/explain", "did you mean 'shop'?"),
        ("unknown-node", "gateway-nodes/Gateway1/drain", "did you mean 'gateway-1'? look"),
        ("unknown-node", "gateway-nodes/x", "look"),
        ("unknown-runbook", "runbooks/key-service-don?full=1", "did you mean 'key-service-down'? look"),
        ("unknown-instance", "instances/shop-9/log", "look"),
        ("http-404", "gateway-nodes/gateway", "look"),
    ],
)
def test_the_most_similar_name_that_is_listed_is_suggested(code: str, path: str, hint: str) -> None:
    error = with_suggestion(PlatformError(code, "", hint="look"), f"/api/v1/{path}", STANDS.get)
    assert error.hint.startswith(hint)
    assert error.hint.count("did you mean") == hint.count("did you mean")


def test_what_the_platform_suggests_itself_is_not_asked_for_again() -> None:
    def never(path: str) -> Any:
        raise AssertionError(path)

    error = PlatformError("unknown-api", "", hint="did you mean 'orders'?")
    assert with_suggestion(error, "/api/v1/apis/odrers", never).hint == "did you mean 'orders'?"


def test_nothing_is_suggested_where_nothing_is_similar() -> None:
    assert meant("zebra", ["ada", "grace"]) == ""
    assert meant("x" * 10_000, ["x"]) == ""
    assert meant("ADA", ["ada"]) == "did you mean 'ada'?"


@pytest.mark.parametrize(
    "listed", [None, 7, "x", [1, None], {"a": 1}, {"rows": [{"name": 7}]}, PlatformError("a", "b")]
)
def test_what_is_no_list_of_names_names_nothing(listed: object) -> None:
    assert list(names_of(listed)) == []
