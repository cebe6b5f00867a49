import json
import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from stationmaster.config import StateDir
from stationmaster.keys.loop import Keys
from stationmaster.keys.service import LARGEST_BODY, OPERATIONAL
from tests.keys.conftest import ADA, GRACE
from tests.served import Served, Server, eventually

TOKEN, VALIDATE, HEALTH = "/api/auth/token", "/api/auth/validate", "/api/auth/healthz"
StartInstance = Callable[..., Served]


@pytest.fixture
def start(server: Server, state: StateDir, free_port: Callable[[], int]) -> StartInstance:
    def started(instance: str = "key-us-south", port: int | None = None) -> Served:
        chosen = port or free_port()
        call = (
            "from stationmaster.keys.service import serve\n"
            f"serve(Address(host='127.0.0.1', port={chosen}), instance={instance!r}, region='us-south',"
            f" state=StateDir(Path({str(state.root)!r})))"
        )
        return server.start(call, chosen)

    return started


def ask_token(served: Served, client_id: str, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials"}
    return served.call("POST", TOKEN, data=form, auth=(client_id, secret))


def validate(served: Served, token: str) -> dict[str, Any]:
    answer = served.call("POST", VALIDATE, json={"token": token})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_healthy_instance_answers_the_platforms_words_exactly(keys: Keys, start: StartInstance) -> None:
    served = start("key-us-south")
    answer = served.get(HEALTH)
    assert answer.status_code == 200
    expected = {"href": served.url + HEALTH, "code": 0, "description": OPERATIONAL}
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-served-by"] == "key-us-south"


async def test_a_token_of_one_instance_holds_at_another_with_the_control_plane_away(
    keys: Keys, start: StartInstance
) -> None:
    made = await keys.create_credentials(ADA)
    one, two = start("key-1"), start("key-2")
    answer = ask_token(one, made.client_id, made.client_secret)
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert (answer.headers["cache-control"], answer.headers["x-served-by"]) == ("no-store", "key-1")
    verdict = validate(two, body["access_token"])
    assert (verdict["valid"], verdict["code"], verdict["user"]) == (True, "VALID", "ada")
    assert (verdict["claims"]["aud"], verdict["claims"]["iss"]) == ("sample", "stationmaster")
    assert validate(two, body["access_token"][:-4] + "AAAA")["code"] == "BAD_SIGNATURE"
    assert two.call("GET", "/api/auth/jwks").json() == json.loads(keys.public.value.jwks)


async def test_new_credentials_are_picked_up_and_old_ones_dropped_without_a_restart(
    keys: Keys, start: StartInstance
) -> None:
    served = start()
    pid = served.process.pid
    old = await keys.create_credentials(ADA)
    eventually(lambda: ask_token(served, ADA, old.client_secret).status_code == 200, "the new client is known")
    new = await keys.create_credentials(ADA)
    eventually(lambda: ask_token(served, ADA, new.client_secret).status_code == 200, "the new secret is known")
    assert ask_token(served, ADA, old.client_secret).status_code == 401
    assert served.process.poll() is None
    assert served.process.pid == pid


def test_an_instance_without_keys_says_what_is_missing_and_answers_once_they_are_there(
    start: StartInstance, state: StateDir
) -> None:
    served = start()
    answer = served.get(HEALTH)
    body = answer.json()
    assert answer.status_code == 503
    assert body["code"] != 0
    assert "key-bundle-missing" in body["description"]
    assert OPERATIONAL not in body["description"]
    assert str(state.root) not in answer.text
    refused = ask_token(served, "ada", "x")
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    problem = served.call("POST", VALIDATE, json={"token": "a"})
    assert (problem.status_code, problem.json()["code"]) == (503, "keys-unavailable")


async def test_keys_that_come_later_make_a_waiting_instance_healthy(start: StartInstance, make_keys: Any) -> None:
    served = start()
    assert served.get(HEALTH).status_code == 503
    await make_keys().start()
    eventually(lambda: served.get(HEALTH).status_code == 200, "healthy")


async def test_a_spoiled_or_lost_bundle_leaves_a_running_instance_at_work(
    keys: Keys, start: StartInstance, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    served = start()
    for spoil in (lambda: state.key_bundle.write_bytes(b"junk"), state.key_bundle.unlink):
        before = served.log.read_text().count("key bundle cannot be read")
        spoil()
        eventually(lambda b=before: served.log.read_text().count("cannot be read") > b, "noticed")  # type: ignore[misc]
        assert served.get(HEALTH).status_code == 200
        assert ask_token(served, ADA, made.client_secret).status_code == 200
    await keys.create_credentials(GRACE)
    eventually(lambda: "key bundle read" in served.log.read_text(), "the next good bundle is taken")
    assert made.client_secret not in served.log.read_text()


async def test_a_killed_instance_comes_back_on_its_port_with_its_clients(
    keys: Keys, start: StartInstance, free_port: Callable[[], int]
) -> None:
    made = await keys.create_credentials(ADA)
    port = free_port()
    served = start("key-1", port)
    token = ask_token(served, ADA, made.client_secret).json()["access_token"]
    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    again = start("key-1", port)
    assert validate(again, token)["valid"] is True
    assert ask_token(again, ADA, made.client_secret).status_code == 200


async def test_a_stop_signal_ends_the_process_with_success(keys: Keys, start: StartInstance) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        served = start()
        assert served.stop(number) == 0
        assert "Traceback" not in served.log.read_text()


async def test_a_taken_port_ends_the_start_with_one_line(
    keys: Keys, start: StartInstance, server: Server, state: StateDir
) -> None:
    served = start()
    port = served.url.rpartition(":")[2]
    second = server.launch(
        "from stationmaster.core.problem import PlatformError\n"
        "from stationmaster.keys.service import serve\n"
        "try:\n"
        f"    serve(Address(host='127.0.0.1', port={port}), 'b', 'r', StateDir(Path({str(state.root)!r})))\n"
        "except PlatformError as error:\n"
        "    print(error.code, error.message)\n",
        int(port),
    )
    assert second.process.wait(15) == 0
    assert second.log.read_text() == f"port-taken 127.0.0.1:{port} is taken by another process\n"


async def test_bad_requests_are_refused_in_the_form_of_their_entrance(keys: Keys, start: StartInstance) -> None:
    made = await keys.create_credentials(ADA)
    served = start()
    wrong = ask_token(served, made.client_id, "wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert wrong.headers["cache-control"] == "no-store"
    as_json = served.call("POST", TOKEN, json={"grant_type": "client_credentials"})
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    for body in (b"", b"{", b"[]", b"null", b'{"token": 7}', b'{"token": "a", "more": 1}', b'{"token": "\xff"}'):
        answer = served.call("POST", VALIDATE, content=body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    for token in ("", "a.b.c", "é", "." * 9000, "\x00"):
        assert validate(served, token)["code"] == "MALFORMED"
    for method, path, status in (
        ("GET", TOKEN, 405),
        ("DELETE", HEALTH, 405),
        ("GET", "/", 404),
        ("GET", "/a%00", 404),
    ):
        answer = served.call(method, path)
        assert (answer.status_code, answer.headers["x-served-by"]) == (status, "key-us-south")
    assert "Traceback" not in served.log.read_text()


async def test_large_bodies_are_refused_announced_or_not(keys: Keys, start: StartInstance) -> None:
    served = start()
    chunks = (b"x" * 65_536 for _ in range(160))
    for path in (TOKEN, VALIDATE):
        assert served.call("POST", path, content=os.urandom(LARGEST_BODY + 1)).status_code == 413
    assert served.call("POST", VALIDATE, content=chunks).status_code == 413
    assert served.get(HEALTH).status_code == 200


@pytest.mark.parametrize("host", ["api_key_service", "vh:api", "a.b:99999", "[::1]:8888"])
async def test_health_is_told_under_any_host_name(keys: Keys, start: StartInstance, host: str) -> None:
    served = start()
    answer = served.call("GET", HEALTH + "?deep=1", headers={"host": host})
    assert (answer.status_code, answer.json()["href"]) == (200, f"http://{host}{HEALTH}?deep=1")


async def test_the_metadata_names_the_addresses_as_the_caller_reached_them(keys: Keys, start: StartInstance) -> None:
    served = start()
    found = served.call("GET", "/api/auth/.well-known/oauth-authorization-server").json()
    assert found["token_endpoint"] == served.url + TOKEN
    assert found["jwks_uri"] == served.url + "/api/auth/jwks"
    assert found["grant_types_supported"] == ["client_credentials"]
