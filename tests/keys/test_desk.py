from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide

from stationmaster.access.roles import Caller, Role
from stationmaster.api.routes.keys import KeyRoutes, SigningRoutes
from stationmaster.config import StateDir
from stationmaster.core.names import ApiName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.receipts import Convergence
from stationmaster.keys.credentials import CredentialState
from stationmaster.keys.desk import KeyOrder
from stationmaster.keys.follower import Follower
from stationmaster.keys.loop import Keys
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.problems import platform_problem
from stationmaster.runtime.serve import Asgi
from tests.keys.conftest import ADA, GRACE, ORDERS, PETS, declaration, held, running, until

HOUR = timedelta(hours=1)


async def test_a_user_may_have_several_keys_that_open_different_apis(keys: Keys) -> None:
    all_of_them = await keys.desk.create_key(ADA, KeyOrder(note="laptop"), by="lin")
    pets = await keys.desk.create_key(ADA, KeyOrder(scopes=(PETS,), expires_in=HOUR), by="lin")
    proofs = {proof.key: proof for shard in keys.public.value.shards.values() for proof in shard}
    assert {key: proof.apis for key, proof in proofs.items()} == {all_of_them.text: None, pets.text: (PETS,)}
    assert {proof.key_id for proof in proofs.values()} == {all_of_them.key.id, pets.key.id}
    listed = await keys.desk.keys_of(ADA)
    assert [each.id for each in listed] == [pets.key.id, all_of_them.key.id]
    assert [each.state(utc_now()) for each in listed] == [CredentialState.ACTIVE] * 2
    assert await keys.desk.keys_of(GRACE) == ()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (KeyOrder(scopes=(ORDERS,)), "unknown-scope"),
        (KeyOrder(scopes=(ApiName("nowhere"),)), "unknown-scope"),
        (KeyOrder(expires_in=timedelta()), "bad-key-order"),
        (KeyOrder(expires_in=timedelta(days=40_000)), "bad-key-order"),
        (KeyOrder(note="x" * 501), "bad-key-order"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_and_changes_nothing(
    keys: Keys, order: KeyOrder, code: str
) -> None:
    before = keys.public.value
    with pytest.raises(PlatformError) as refused:
        await keys.desk.create_key(ADA, order, by="lin")
    assert (refused.value.code, keys.public.value) == (code, before)
    assert refused.value.hint


async def test_a_rotated_key_holds_beside_the_new_one_for_as_long_as_was_said(keys: Keys) -> None:
    async with running(keys):
        old = await keys.desk.create_key(ADA, KeyOrder(scopes=(PETS,), note="ci"), by="lin")
        new = await keys.desk.rotate_key(ADA, old.key.id, overlap=timedelta(seconds=0.4), by="lin")
        assert held(keys).keys() == {old.text, new.text}
        assert (new.key.scopes, new.key.note) == ((PETS,), "ci")
        states = {each.id: each.state(utc_now()) for each in await keys.desk.keys_of(ADA)}
        assert states == {old.key.id: CredentialState.REPLACED, new.key.id: CredentialState.ACTIVE}
        with pytest.raises(PlatformError) as refused:
            await keys.desk.rotate_key(ADA, old.key.id, overlap=HOUR, by="lin")
        assert refused.value.code == "key-ended"
        await until(lambda: held(keys).keys() == {new.text}, "the old one has ended")


async def test_a_rotation_neither_lengthens_the_old_key_nor_shortens_the_new_ones_life(keys: Keys) -> None:
    old = await keys.desk.create_key(ADA, KeyOrder(expires_in=HOUR), by="lin")
    new = await keys.desk.rotate_key(ADA, old.key.id, overlap=9 * HOUR, by="lin")
    found = await keys.desk.find_key(ADA, old.key.id)
    assert found.term.expires_at == old.key.term.expires_at
    assert new.key.term.expires_at is not None
    assert new.key.term.expires_at - new.key.term.created_at == HOUR


async def test_a_revoked_key_is_out_at_once_and_revoking_again_changes_nothing(keys: Keys) -> None:
    kept, gone = [await keys.desk.create_key(ADA, KeyOrder(), by="lin") for _ in range(2)]
    ended = await keys.desk.revoke_key(ADA, gone.key.id, by="lin")
    assert held(keys).keys() == {kept.text}
    again = await keys.desk.revoke_key(ADA, gone.key.id, by="lin")
    assert again.term == ended.term
    for user, key_id in ((GRACE, kept.key.id), (ADA, "nothing")):
        with pytest.raises(PlatformError) as refused:
            await keys.desk.revoke_key(user, key_id, by="lin")
        assert (refused.value.code, refused.value.status) == ("unknown-key", 404)
    assert held(keys).keys() == {kept.text}


async def test_a_key_of_a_user_that_left_may_still_be_revoked(keys: Keys, declared: Cell[PlatformSpec]) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    declared.set(declaration(GRACE))
    await keys.desk.revoke_key(ADA, made.key.id, by="lin")
    declared.set(declaration(ADA, GRACE))
    await keys.desk.ledger.follow_declared()
    assert held(keys) == {}


async def test_client_secrets_are_rotated_with_an_overlap_and_revoked(keys: Keys, state: StateDir) -> None:
    follower = Follower(state)
    follower.poll()

    def known(*texts: str) -> list[bool]:
        client = follower.client(ADA, utc_now())
        return [client is not None and client.knows(each) for each in texts]

    old = await keys.desk.create_secret(ADA, by="lin")
    assert await keys.desk.create_secret(ADA, by="lin", unless_there=True) is None
    new = await keys.desk.create_secret(ADA, by="lin", overlap=HOUR)
    assert old is not None
    assert new is not None
    assert known(old.text, new.text) == [True, True]
    newest = await keys.desk.create_secret(ADA, by="lin")
    assert newest is not None
    assert known(old.text, new.text, newest.text) == [False, False, True]
    assert await keys.desk.revoke_secrets(ADA, by="lin") == 1
    assert known(newest.text) == [False]
    states = [each.state(utc_now()) for each in await keys.desk.secrets_of(ADA)]
    assert states == [CredentialState.REVOKED, CredentialState.EXPIRED, CredentialState.EXPIRED]


async def test_every_change_is_in_the_audit_trail_without_a_secret(keys: Keys, database: Database) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(note="laptop"), by="lin")
    new = await keys.desk.rotate_key(ADA, made.key.id, overlap=HOUR, by="kim")
    await keys.desk.revoke_key(ADA, new.key.id, by="lin")
    secret = await keys.desk.create_secret(ADA, by="lin")
    await keys.rotate_signing_key(by="kim")
    await keys.rotate_master_key(by="kim")
    async with database.read() as connection:
        found = [change for _, change in await changes(connection, Asked())]
    told = [(each.who, each.action, each.kind) for each in reversed(found)]
    assert told == [
        ("lin", "create", "key"),
        ("kim", "rotate", "key"),
        ("lin", "revoke", "key"),
        ("lin", "create", "client-secret"),
        ("kim", "create", "signing-key"),
        ("kim", "rotate", "master-key"),
    ]
    assert secret is not None
    for text in (made.text, new.text, secret.text, made.key.digest):
        assert text not in repr(found)


async def test_when_a_key_was_last_used_only_moves_on(keys: Keys) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    now = utc_now()
    for at in (now, now - HOUR):
        await keys.desk.note_use({made.key.id: at, "unknown": at})
    assert (await keys.desk.find_key(ADA, made.key.id)).last_used_at == now


async def test_nobody_collects_keys_without_end(keys: Keys) -> None:
    for _ in range(100):
        await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    with pytest.raises(PlatformError) as refused:
        await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    assert refused.value.code == "too-many-keys"


class _Gateway:
    async def publish_credentials(self) -> Convergence:
        return Convergence(revision=1, pending=("gateway-2",))


@pytest.fixture
async def api(keys: Keys) -> AsyncIterator[httpx.AsyncClient]:
    platform = SimpleNamespace(keys=keys, gateway=_Gateway())
    app: Asgi = Litestar(
        route_handlers=[KeyRoutes, SigningRoutes],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(lambda: Caller(name="lin", role=Role.ADMIN), sync_to_thread=False),
        },
        exception_handlers={PlatformError: platform_problem},
        openapi_config=None,
        logging_config=None,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control") as client:
        yield client


async def ask(api: httpx.AsyncClient, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_keys_over_rest_from_the_first_to_the_last(api: httpx.AsyncClient, keys: Keys) -> None:
    order = {"scopes": ["pets"], "expires_in_s": 3600, "note": "ci", "client_secret_if_missing": True}
    made = await ask(api, "POST", "/users/ada/keys", order, 201)
    assert made["pending"] == ["gateway-2"]
    assert (made["client_id"], bool(made["client_secret"])) == ("ada", True)
    assert held(keys) == {made["api_key"]: ADA}
    again = await ask(api, "POST", "/users/ada/keys", order, 201)
    assert again["client_secret"] is None
    key_id = made["key"]["id"]
    rotated = await ask(api, "POST", f"/users/ada/keys/{key_id}/rotate", {"overlap_s": 60}, 201)
    found = await ask(api, "GET", f"/users/ada/keys/{key_id}")
    assert (found["state"], found["replaced_by"]) == ("replaced", rotated["key"]["id"])
    assert found["last_used_at"] is None
    keys.uses.note(key_id, at := utc_now())
    used = [(await ask(api, "GET", f"/users/ada/keys{part}")) for part in ("", f"/{key_id}")]
    assert [each["last_used_at"] for each in used[0]["keys"]] == [None, None, used[1]["last_used_at"]]
    assert datetime.fromisoformat(used[1]["last_used_at"]) == at
    ended = await ask(api, "DELETE", f"/users/ada/keys/{key_id}")
    assert (ended["key"]["state"], ended["key"]["last_used_at"]) == ("revoked", used[1]["last_used_at"])
    listed = await ask(api, "GET", "/users/ada/keys")
    assert [each["state"] for each in listed["keys"]] == ["active", "active", "revoked"]
    assert made["api_key"] not in str(listed)
    secret = await ask(api, "POST", "/users/ada/client-secret", {"overlap_s": 60}, 201)
    assert secret["client_id"] == "ada"
    assert (await ask(api, "DELETE", "/users/ada/client-secret"))["revoked"] == 2


async def test_what_is_wrong_over_rest_is_a_problem_with_a_hint(api: httpx.AsyncClient) -> None:
    for method, path, body, status, code in (
        ("GET", "/users/mallory/keys", None, 404, "unknown-api-user"),
        ("POST", "/users/mallory/keys", {}, 404, "unknown-api-user"),
        ("POST", "/users/ada/keys", {"scopes": ["orders"]}, 400, "unknown-scope"),
        ("GET", "/users/ada/keys/none", None, 404, "unknown-key"),
        ("POST", "/users/ada/keys/none/rotate", {}, 404, "unknown-key"),
        ("POST", "/access-tokens/revoke", {"token": "a.b.c"}, 400, "unusable-token"),
    ):
        found = await ask(api, method, path, body, status)
        assert found["code"] == code
        assert found["hint"]
    for wrong in ({"expires_in_s": 0}, {"more": 1}, {"scopes": "pets"}, {"note": "x" * 501}):
        await ask(api, "POST", "/users/ada/keys", wrong, 400)


async def test_signing_keys_and_the_master_key_over_rest(api: httpx.AsyncClient, keys: Keys) -> None:
    made = await ask(api, "POST", "/signing-keys/rotate", {}, 201)
    states = [each["state"] for each in (await ask(api, "GET", "/signing-keys"))["keys"]]
    assert (made["state"], states) == ("waiting", ["signing", "waiting"])
    before = await ask(api, "GET", "/cipher")
    assert (before["origin"], before["stale"], before["unfinished"], before["secrets"]) == ("file", 0, False, 2)
    done = await ask(api, "POST", "/cipher/rotate", {})
    after = await ask(api, "GET", "/cipher")
    assert done == {"key_id": after["key_id"], "secrets": 2}
    assert after == {**before, "key_id": after["key_id"]}
    assert after["key_id"] != before["key_id"]


async def test_a_hundred_changes_of_others_leave_the_shards_of_a_key_alone(
    keys: Keys, declared: Cell[PlatformSpec]
) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    shard = next(each for each, proofs in keys.public.value.shards.items() if proofs[0].key == made.text)
    before = keys.public.value.shards[shard]
    users = [UserName(f"u{number}") for number in range(20)]
    declared.set(replace(declared.value, api_users=declaration(ADA, *users).api_users))
    for number in range(20):
        other = await keys.desk.create_key(UserName(f"u{number}"), KeyOrder(), by="lin")
        if other.key.prefix[4:6] != shard:
            assert keys.public.value.shards[shard] is before
        else:
            before = keys.public.value.shards[shard]
