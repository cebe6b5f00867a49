import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from stationmaster.config import StateDir
from stationmaster.core.policy import Policies, TokenRules
from stationmaster.core.spec import ApiUser, PlatformSpec
from stationmaster.keys.desk import KeyOrder
from stationmaster.keys.health import OPERATIONAL
from stationmaster.keys.loop import Keys
from stationmaster.keys.service import LARGEST_BODY
from stationmaster.runtime.board import Cell
from tests.keys.conftest import ADA, APIS, GRACE, PETS, declaration, held, running, until
from tests.served import Served, Server, eventually

TOKEN, VALIDATE, HEALTH = "/api/auth/token", "/api/auth/validate", "/api/auth/healthz"
INTROSPECT, REVOKE = "/api/auth/introspect", "/api/auth/revoke"
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


def ask_token(served: Served, client_id: str, secret: str, scope: str = "") -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": scope}
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
    assert two.get("/api/auth/jwks").json() == json.loads(keys.public.value.jwks)


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
    assert "key-index-missing" in body["description"]
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
    assert served.get(HEALTH).status_code == 200


async def test_a_lost_database_leaves_a_running_instance_at_work_and_a_spoiled_one_is_told(
    keys: Keys, start: StartInstance, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    served = start()
    token = ask_token(served, ADA, made.client_secret).json()["access_token"]
    pointer = state.key_index / "current"
    name = pointer.read_text()
    pointer.unlink()
    eventually(lambda: "cannot be read" in served.log.read_text(), "noticed")
    assert served.get(HEALTH).status_code == 200
    assert ask_token(served, ADA, made.client_secret).status_code == 200
    pointer.write_text("index-nonsense.db\n")
    (state.key_index / "index-nonsense.db").write_bytes(b"junk" * 1024)
    assert validate(served, token)["valid"] is True
    assert dependencies(served)["database"]["ok"] is False
    pointer.write_text(name)
    await keys.create_credentials(GRACE)
    assert dependencies(served)["database"]["ok"] is True
    assert made.client_secret not in served.log.read_text()


async def test_the_detailed_health_names_every_dependency_and_since_when(
    keys: Keys, start: StartInstance, state: StateDir
) -> None:
    served = start()
    found = dependencies(served)
    assert {name: each["ok"] for name, each in found.items()} == {
        "cipher": True,
        "database": True,
        "signing-key": True,
        "revocations": True,
    }
    assert keys.signing_keys.keys[0].kid in found["signing-key"]["detail"]
    assert dependencies(served)["database"]["since"] == found["database"]["since"]
    state.master_key.chmod(0o644)
    spoiled = dependencies(served)["cipher"]
    assert (spoiled["ok"], spoiled["detail"]) == (False, "master-key-exposed")
    assert spoiled["since"] > found["cipher"]["since"]
    assert served.get(HEALTH).status_code == 200


def dependencies(served: Served) -> dict[str, Any]:
    return {each["name"]: each for each in served.get(HEALTH + "?details=1").json()["dependencies"]}


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
    assert found["introspection_endpoint"] == served.url + INTROSPECT
    assert found["revocation_endpoint"] == served.url + REVOKE
    assert (found["issuer"], found["response_types_supported"]) == ("stationmaster", [])
    assert found["grant_types_supported"] == ["client_credentials"]
    for each in ("token", "introspection", "revocation"):
        assert found[f"{each}_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]


async def test_every_entrance_says_which_methods_it_knows(keys: Keys, start: StartInstance) -> None:
    served = start()
    head, got = served.call("HEAD", HEALTH), served.get(HEALTH)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    for path, known in (
        (HEALTH, {"GET", "HEAD", "OPTIONS"}),
        ("/api/auth/jwks", {"GET", "HEAD", "OPTIONS"}),
        (TOKEN, {"POST", "OPTIONS"}),
        (REVOKE, {"POST", "OPTIONS"}),
    ):
        asked, refused = served.call("OPTIONS", path), served.call("DELETE", path)
        assert (asked.status_code, refused.status_code) == (204, 405)
        for answer in (asked, refused):
            assert {each.strip() for each in answer.headers["allow"].split(",")} == known


async def test_a_token_may_be_narrowed_to_apis_that_its_client_may_call(
    keys: Keys, declared: Cell[PlatformSpec], start: StartInstance
) -> None:
    declared.set(declaration(ADA, ApiUser(name=GRACE, groups=("clerks",))))
    ada, grace = await keys.create_credentials(ADA), await keys.create_credentials(GRACE)
    served = start()
    for made, scope, status in (
        (ada, "pets", 200),
        (ada, "pets open", 200),
        (ada, "orders", 400),
        (ada, "pets unknown", 400),
        (grace, "orders open", 200),
        (grace, "pets", 400),
    ):
        answer = ask_token(served, made.client_id, made.client_secret, scope)
        assert (answer.status_code, answer.json().get("scope")) == (status, scope if status == 200 else None)
        if status == 200:
            assert validate(served, answer.json()["access_token"])["claims"]["scope"] == scope
        else:
            assert answer.json()["error"] == "invalid_scope"


async def test_a_token_may_ask_for_the_scopes_that_the_apis_of_its_client_demand(
    keys: Keys, declared: Cell[PlatformSpec], start: StartInstance
) -> None:
    def demanding(*scopes: str) -> PlatformSpec:
        policies = Policies(tokens=TokenRules(scopes=scopes))
        return declaration(ADA, GRACE, apis=(*APIS[1:], replace(APIS[0], policies=policies)))

    declared.set(demanding("pets:read", "pets:write"))
    await keys.desk.ledger.follow_declared()
    ada, served = await keys.create_credentials(ADA), start()
    asked = ("pets:read pets:write", "pets:read pets", "orders:read", "pets:")
    found = [ask_token(served, ADA, ada.client_secret, each).status_code for each in asked]
    assert found == [200, 200, 400, 400]
    declared.set(demanding("pets:read"))
    await keys.desk.ledger.follow_declared()
    found = [ask_token(served, ADA, ada.client_secret, each).status_code for each in ("pets:read", "pets:write")]
    assert found == [200, 400]
    declared.set(declaration(ApiUser(name=ADA), apis=demanding("pets:read").apis))
    await keys.desk.ledger.follow_declared()
    assert ask_token(served, ADA, ada.client_secret, "pets:read").status_code == 400


async def test_introspection_tells_clients_what_holds_and_nothing_of_what_does_not(
    keys: Keys, declared: Cell[PlatformSpec], start: StartInstance
) -> None:
    ada, grace = await keys.create_credentials(ADA), await keys.create_credentials(GRACE)
    served = start()
    token = ask_token(served, ADA, ada.client_secret, "pets").json()["access_token"]
    by_grace = (GRACE, grace.client_secret)
    found = ask(served, INTROSPECT, token, by_grace).json()
    assert found == {
        "active": True,
        "token_type": "Bearer",
        "client_id": "ada",
        "username": "ada",
        "sub": "ada",
        "scope": "pets",
        "aud": "sample",
        "iss": "stationmaster",
        **{name: validate(served, token)["claims"][name] for name in ("exp", "iat", "nbf", "jti")},
    }
    key = await keys.desk.create_key(ADA, KeyOrder(scopes=(PETS,)), by="test")
    of_key = ask(served, INTROSPECT, key.text, by_grace).json()
    assert (of_key["active"], of_key["sub"], of_key["scope"], of_key["jti"]) == (True, "ada", "pets", key.key.id)
    await keys.desk.revoke_key(ADA, key.key.id, by="test")
    assert validate(served, key.text)["code"] == "REVOKED"
    for inactive in (key.text, "a.b.c", "stm_" + "0" * 64, token[:-4] + "AAAA"):
        assert ask(served, INTROSPECT, inactive, by_grace).json() == {"active": False}
    assert ask(served, INTROSPECT, token, (GRACE, "wrong")).status_code == 401
    assert served.call("POST", INTROSPECT, data={}, auth=by_grace).json()["error"] == "invalid_request"
    declared.set(declaration(GRACE))
    await keys.desk.ledger.follow_declared()
    assert ask(served, INTROSPECT, token, by_grace).json() == {"active": False}
    assert validate(served, token)["code"] == "UNKNOWN_USER"


async def test_a_revoked_token_holds_at_no_instance_with_the_control_plane_away_and_reaches_it_later(
    keys: Keys, start: StartInstance, state: StateDir
) -> None:
    ada, grace = await keys.create_credentials(ADA), await keys.create_credentials(GRACE)
    one, two = start("key-1"), start("key-2")
    token = ask_token(one, ADA, ada.client_secret).json()["access_token"]
    by_ada = (ADA, ada.client_secret)
    assert ask(one, REVOKE, token, (GRACE, grace.client_secret)).json()["error"] == "unauthorized_client"
    for served in (one, two):
        assert validate(served, token)["valid"] is True
    revoked = ask(one, REVOKE, token, by_ada)
    assert (revoked.status_code, revoked.content) == (200, b"")
    for served in (one, two):
        assert validate(served, token)["code"] == "REVOKED"
        assert ask(served, INTROSPECT, token, by_ada).json() == {"active": False}
    assert ask(two, REVOKE, ada.api_key, by_ada).status_code == 200
    assert validate(one, ada.api_key)["code"] == "REVOKED"
    for unknown in (token, "a.b.c", "nonsense", ada.api_key):
        assert ask(one, REVOKE, unknown, by_ada).status_code == 200
    assert len(list(state.key_spool.glob("*.json"))) == 2
    assert held(keys).keys() == {ada.api_key, grace.api_key}
    async with running(keys):
        await until(lambda: len(keys.public.value.revoked_tokens) == 1, "taken up")
        await until(lambda: held(keys).keys() == {grace.api_key}, "the key too")
        await until(lambda: not list(state.key_spool.glob("*.json")), "nothing waits")
    for served in (one, two):
        assert validate(served, token)["code"] == "REVOKED"
        assert validate(served, ada.api_key)["code"] == "REVOKED"


async def test_a_revocation_that_cannot_be_kept_is_refused(keys: Keys, start: StartInstance, state: StateDir) -> None:
    ada = await keys.create_credentials(ADA)
    served = start()
    token = ask_token(served, ADA, ada.client_secret).json()["access_token"]
    state.key_spool.write_text("a file where the folder should be")
    refused = ask(served, REVOKE, token, (ADA, ada.client_secret))
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert dependencies(served)["revocations"]["ok"] is False
    assert validate(served, token)["valid"] is True


def ask(served: Served, path: str, token: str, auth: tuple[str, str]) -> httpx.Response:
    return served.call("POST", path, data={"token": token}, auth=auth)
