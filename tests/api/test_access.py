"""Logins, people and machine tokens over REST, over the real room."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from stationmaster.access.live import Kind
from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.access.throttle import Limits, LoginThrottle
from stationmaster.api.app import make_api
from stationmaster.config import StateDir
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.consent.store import Approval, write
from stationmaster.runbooks.store import runs
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.serve import Asgi
from tests.access.conftest import PHRASE, CountingPasswords
from tests.api.only_access import OnlyAccess

V1 = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyApprovals(OnlyAccess):
    approvals: Approvals


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@pytest.fixture
async def access(database: Database, state: StateDir) -> Access:
    throttle = LoginThrottle(Limits(free_tries=3, first_pause_s=30))
    made = Access(database, state, passwords=CountingPasswords(), throttle=throttle)
    await made.start()
    return made


@pytest.fixture
async def api(access: Access, state: StateDir) -> AsyncIterator[httpx.AsyncClient]:
    """As the command line on the platform's machine."""
    app: Asgi = make_api(OnlyAccess(access))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {state.admin_token.read_text().strip()}"}
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def make_person(api: httpx.AsyncClient, name: str = "ada", role: str = "operator") -> None:
    made = await api.post(f"{V1}/people", json={"name": name, "role": role, "password": PHRASE})
    assert (made.status_code, made.json()["password"]) == (201, None)


async def log_in(api: httpx.AsyncClient, name: str = "ada", password: str = PHRASE) -> httpx.Response:
    return await api.post(f"{V1}/login", json={"name": name, "password": password}, headers={"authorization": ""})


async def test_a_person_logs_in_asks_who_they_are_and_logs_out(api: httpx.AsyncClient) -> None:
    await make_person(api)
    begun = await log_in(api)
    assert begun.status_code == 200
    own = bearing(begun.json()["token"])
    shown = (await api.get(f"{V1}/whoami", headers=own)).json()
    assert shown == {
        "name": "ada",
        "role": "operator",
        "proof": "session",
        "expires_at": begun.json()["expires_at"],
    }
    assert (await api.post(f"{V1}/logout", headers=own)).status_code == 200
    assert (await api.get(f"{V1}/whoami", headers=own)).status_code == 401


async def test_a_refused_login_says_neither_which_was_wrong_nor_who_there_is(api: httpx.AsyncClient) -> None:
    await make_person(api)
    known, unknown = await log_in(api, password="wrong"), await log_in(api, "nobody")
    assert known.status_code == unknown.status_code == 401
    assert known.content == unknown.content
    assert known.json()["code"] == "login-refused"
    assert known.headers["www-authenticate"] == 'Bearer realm="stationmaster"'


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_who_guesses_is_told_how_long_to_wait(api: httpx.AsyncClient, name: str) -> None:
    await make_person(api)
    answers = [await log_in(api, name, f"guess {number}") for number in range(4)]
    assert [each.status_code for each in answers] == [401, 401, 401, 429]
    assert 1 <= int(answers[3].headers["retry-after"]) <= 30
    assert answers[3].json()["code"] == "too-many-logins"


async def test_no_header_lets_a_guesser_change_address(api: httpx.AsyncClient, database: Database) -> None:
    headers = {"x-forwarded-for": "203.0.113.1", "forwarded": "for=203.0.113.1", "x-real-ip": "203.0.113.1"}
    await api.post(f"{V1}/login", json={"name": "admin", "password": "guess"}, headers=headers)
    async with database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT after FROM audit WHERE action = 'login-refused'")
        assert [row[0] for row in rows] == ['{"address": "192.0.2.7"}']


async def test_one_changes_ones_own_password_and_keeps_ones_session(api: httpx.AsyncClient) -> None:
    await make_person(api)
    own, other = bearing((await log_in(api)).json()["token"]), bearing((await log_in(api)).json()["token"])
    fresh = "another good phrase"
    refused = await api.put(f"{V1}/password", json={"current": "wrong", "new": fresh}, headers=own)
    assert (refused.status_code, refused.json()["code"]) == (401, "login-refused")
    done = await api.put(f"{V1}/password", json={"current": PHRASE, "new": fresh}, headers=own)
    assert done.status_code == 200
    assert (await api.get(f"{V1}/whoami", headers=own)).status_code == 200
    assert (await api.get(f"{V1}/whoami", headers=other)).status_code == 401
    assert (await log_in(api, password=fresh)).status_code == 200


async def test_what_is_no_session_has_no_password_and_no_logout(api: httpx.AsyncClient) -> None:
    for answer in (
        await api.post(f"{V1}/logout"),
        await api.put(f"{V1}/password", json={"current": PHRASE, "new": PHRASE}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "no-session")


async def test_people_are_made_listed_changed_and_removed(api: httpx.AsyncClient) -> None:
    await make_person(api)
    listed = (await api.get(f"{V1}/people")).json()["people"]
    assert [(each["name"], each["role"], each["enabled"], each["created_by"]) for each in listed] == [
        ("ada", "operator", True, "admin"),
        ("admin", "admin", True, "first start"),
    ]
    assert "hash" not in str(listed)
    changed = (await api.patch(f"{V1}/people/ada", json={"role": "admin", "enabled": False})).json()
    assert (changed["person"]["role"], changed["person"]["enabled"], changed["password"]) == ("admin", False, None)
    assert (await log_in(api)).status_code == 401
    generated = (await api.patch(f"{V1}/people/ada", json={"generate_password": True, "enabled": True})).json()
    assert (await log_in(api, password=generated["password"])).status_code == 200
    assert (await api.delete(f"{V1}/people/ada")).status_code == 204
    assert (await api.get(f"{V1}/people/ada")).status_code == 404


async def test_a_generated_password_is_told_once(api: httpx.AsyncClient) -> None:
    made = (await api.post(f"{V1}/people", json={"name": "lin", "role": "viewer"})).json()
    assert (await log_in(api, "lin", made["password"])).status_code == 200
    assert made["password"] not in (await api.get(f"{V1}/people/lin")).text


async def test_a_machine_token_works_until_it_is_revoked(api: httpx.AsyncClient) -> None:
    made = (await api.post(f"{V1}/tokens", json={"name": "ci", "role": "viewer"})).json()
    own = bearing(made["token"])
    shown = (await api.get(f"{V1}/whoami", headers=own)).json()
    assert (shown["name"], shown["role"], shown["proof"]) == ("token:ci", "viewer", "token")
    assert shown["expires_at"] is not None
    listed = (await api.get(f"{V1}/tokens")).json()["tokens"]
    assert [(each["name"], each["state"], each["last_used_at"] is None) for each in listed] == [("ci", "holds", False)]
    assert made["token"] not in str(listed)
    number = made["details"]["id"]
    assert (await api.delete(f"{V1}/tokens/{number}")).status_code == 204
    assert (await api.get(f"{V1}/whoami", headers=own)).status_code == 401
    assert (await api.get(f"{V1}/tokens/{number}")).json()["state"] == "revoked"


async def test_a_token_for_ever_has_to_be_asked_for(api: httpx.AsyncClient) -> None:
    asked = {"name": "ci", "role": "viewer", "expires_in_days": None}
    made = (await api.post(f"{V1}/tokens", json=asked)).json()
    assert made["details"]["expires_at"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "login", {"name": "", "password": "x"}, 400, "http-400"),
        ("POST", "login", {"name": "ada", "password": "x" * 2000}, 400, "http-400"),
        ("POST", "login", {"name": "ada", "password": "x", "role": "admin"}, 400, "http-400"),
        ("POST", "login", {"name": ["ada"], "password": "x"}, 400, "http-400"),
        ("POST", "login", [], 400, "http-400"),
        ("GET", "login", None, 405, "http-405"),
        ("POST", "people", {"name": "Ada L", "role": "viewer"}, 400, "bad-name"),
        ("POST", "people", {"name": "ada", "role": "root"}, 400, "http-400"),
        ("POST", "people", {"name": "ada", "role": "viewer", "password": "short"}, 400, "weak-password"),
        ("POST", "people", {"name": "admin", "role": "viewer"}, 409, "person-exists"),
        ("PATCH", "people/admin", {"role": "viewer"}, 409, "last-admin"),
        ("PATCH", "people/admin", {"enabled": False}, 409, "last-admin"),
        ("PATCH", "people/admin", {"password": PHRASE, "generate_password": True}, 400, "two-passwords"),
        ("PATCH", "people/nobody", {}, 404, "unknown-person"),
        ("DELETE", "people/admin", None, 409, "last-admin"),
        ("DELETE", "people/nobody", None, 404, "unknown-person"),
        ("GET", "people/%00%ff", None, 404, "unknown-person"),
        ("POST", "tokens", {"name": "ci", "role": "viewer", "expires_in_days": 0}, 400, "http-400"),
        ("POST", "tokens", {"name": "ci", "role": "viewer", "expires_in_days": 1e9}, 400, "http-400"),
        ("POST", "tokens", {"name": "C I", "role": "viewer"}, 400, "bad-name"),
        ("GET", "tokens/nothing", None, 404, "unknown-token"),
        ("DELETE", "tokens/nothing", None, 404, "unknown-token"),
    ],
)
async def test_bad_input_is_a_problem_document(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = await api.request(method, f"{V1}/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"name": "\xff\xfe", "password": "x"}', 400),
        (b'{"name": "\\ud800", "password": "x"}', 400),
        (b"\x00" * 100, 400),
        (b"[" * 100_000, 400),
        (b'{"name": "' + b"x" * 1_100_000, 413),
        (b'{"name": "ada", "password": "' + "ä".encode() * 1024 + b'"}', 401),
    ],
)
async def test_a_login_of_odd_bytes_is_refused_as_any_bad_body(
    api: httpx.AsyncClient, content: bytes, status: int
) -> None:
    answer = await api.post(f"{V1}/login", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text


@pytest.mark.parametrize("header", [b"Bearer " + b"a" * 60_000, b"\xff\xfe", b"Bearer \xc3\xa4", b"Bearer a,b"])
async def test_an_odd_authorization_is_an_invalid_token(api: httpx.AsyncClient, header: bytes) -> None:
    answer = await api.get(f"{V1}/whoami", headers={b"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="stationmaster", error="invalid_token"'


async def test_the_api_describes_itself_to_those_who_may_read(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/api/v1/login"]["post"]["security"] == [{}]
    assert "security" not in document["paths"]["/api/v1/people"]["get"]
    assert (await api.get("/schema/openapi.yaml")).text.startswith(("components", "info", "openapi"))
    assert (await api.get("/schema/openapi.json", headers={"authorization": ""})).status_code == 401
    assert "script" not in (await api.get("/schema")).text.partition("paths")[0]


async def test_a_run_breaks_nothing_on_purpose_approves_nothing_and_is_nobody_when_it_has_ended(
    api: httpx.AsyncClient, access: Access
) -> None:
    token = access.lend("runbook run-1", Role.OPERATOR, kind=Kind.RUN)
    own = bearing(token)
    assert (await api.get(f"{V1}/whoami", headers=own)).json()["proof"] == "run"
    fault = await api.post(f"{V1}/faults", headers=own, json={"kind": "kill", "of": "echo-1", "drill": "d", "for_s": 1})
    assert (fault.status_code, fault.json()["code"]) == (403, "not-for-runs")
    yes = {"allow": True, "digest": "0" * 64}
    assert (await api.post(f"{V1}/approvals/run-1/1", headers=own, json=yes)).status_code == 403
    for path in ("people", "tokens", "cipher"):
        assert (await api.get(f"{V1}/{path}", headers=own)).status_code == 403
    for path in ("users/ada/keys", "users/ada/client-secret", "credentials", "intake/routing-keys"):
        minted = await api.post(f"{V1}/{path}", headers=own, json={"user": "ada", "service": "echo"})
        assert (minted.status_code, minted.json()["code"]) == (403, "not-for-runs"), path
    for kind in ("users", "token-issuers"):
        made = await api.put(f"{V1}/{kind}/ada", headers=own, json={"name": "ada"})
        assert (made.status_code, made.json()["code"]) == (403, "not-for-runs"), kind
    access.take_back(token)
    assert (await api.get(f"{V1}/whoami", headers=own)).status_code == 401


@pytest.mark.parametrize(("people", "status"), [(1, 200), (2, 403)])
async def test_a_machine_is_none_of_two_people(
    access: Access, state: StateDir, database: Database, people: int, status: int
) -> None:
    at = utc_now()
    asked = Approval(
        run="run-1",
        step="3",
        number=1,
        incident=1,
        runbook="Full disk",
        title="Remove it",
        command="rm -rf junk",
        risk="destroys",
        why="",
        digest="0" * 64,
        people=people,
        asked_at=at,
        expires_at=at + timedelta(minutes=5),
    )
    run = {"id": "run-1", "incident": 1, "fingerprint": "f", "alert_at": at, "runbook": "Full disk", "file": "d.md"}
    async with database.write() as connection:
        await connection.execute(insert(runs).values(**run, digest="d", why="w", plan={"steps": []}, started_at=at))
        await write(connection, asked)
    platform = OnlyApprovals(access, approvals=Approvals(database=database))
    transport = httpx.ASGITransport(app=make_api(platform))  # type: ignore[arg-type]
    _, token = await access.machines.create("bot", Role.APPROVER, None, by="ada")
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        yes = {"allow": True, "digest": asked.digest}
        answered = await client.post(f"{V1}/approvals/run-1/3", headers=bearing(token), json=yes)
        assert answered.status_code == status
        admin = bearing(state.admin_token.read_text().strip())
        after = await client.post(f"{V1}/approvals/run-1/3", headers=admin, json=yes)
        assert after.status_code == (409 if status == 200 else 200)
