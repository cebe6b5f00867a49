"""The verbs of access over a real control API and real session files."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stationmaster.cli.session import URL_VARIABLE, control_url, in_clear
from stationmaster.config import STATE_VARIABLE, StateDir
from stationmaster.core.problem import PlatformError
from tests.served import Served, Server

PHRASE = "seven green kettles sing"


@dataclass
class Desk:
    """A user's command line: a home of its own, and a state folder that is the platform's or nobody's."""

    home: Path
    state: StateDir

    def run(self, *arguments: str, typed: str = "", url: str = "") -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            STATE_VARIABLE: str(self.state.root),
            "XDG_CONFIG_HOME": str(self.home),
            URL_VARIABLE: url,
            "COLUMNS": "200",
        }
        command = (sys.executable, "-m", "stationmaster", *arguments)
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, input=typed, timeout=60, check=False
        )

    def json(self, *arguments: str, typed: str = "") -> Any:
        done = self.run(*arguments, "--json", typed=typed)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments: str, typed: str = "", url: str = "") -> str:
        done = self.run(*arguments, typed=typed, url=url)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "hint:" in done.stderr
        return done.stderr

    @property
    def sessions(self) -> Path:
        return self.home / "stationmaster" / "sessions.json"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> StateDir:
    return StateDir(tmp_path_factory.mktemp("platform") / "state")


@pytest.fixture(scope="module")
def control(
    place: StateDir, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    server, port = Server(tmp_path_factory.mktemp("served")), free_port()
    call = f"from tests.api.only_access import serve\nserve(StateDir(Path({str(place.root)!r})), {port})"
    try:
        yield server.start(call, port)
    finally:
        server.close()


@pytest.fixture
def owner(place: StateDir, control: Served, tmp_path: Path) -> Desk:
    """Who runs the platform."""
    return Desk(home=tmp_path / "owner", state=place)


@pytest.fixture
def guest(control: Served, tmp_path: Path) -> Desk:
    """Somebody else, who has no state folder."""
    return Desk(home=tmp_path / "guest", state=StateDir(tmp_path / "nowhere"))


def test_the_first_password_logs_in_and_the_session_is_kept_for_its_user_alone(
    guest: Desk, place: StateDir, control: Served
) -> None:
    begun = guest.json("login", "--name", "admin", "--url", control.url, typed=place.first_password.read_text())
    assert (begun["name"], begun["role"], begun["url"]) == ("admin", "admin", control.url)
    assert guest.sessions.stat().st_mode & 0o777 == 0o600
    assert guest.sessions.parent.stat().st_mode & 0o077 == 0
    seen = guest.json("whoami")
    assert (seen["name"], seen["proof"]) == ("admin", "session")
    assert "logged out" in guest.run("logout").stdout
    assert "control-plane-away" in guest.refused("whoami")
    assert "not-logged-in" in guest.refused("logout")


def test_people_and_their_passwords(owner: Desk, guest: Desk, control: Served) -> None:
    made = owner.json("access", "people", "create", "lin", "--role", "operator")
    guest.json("login", "--name", "lin", "--url", control.url, typed=made["password"])
    assert "forbidden" in guest.refused("access", "people", "list")
    assert "the role admin" in guest.refused("access", "tokens", "create", "mine", "--role", "admin")
    changed = guest.run("password", typed=f"{made['password']}\n{PHRASE}\n")
    assert changed.returncode == 0, changed.stderr
    assert guest.json("whoami")["role"] == "operator"
    owner.json("access", "people", "set", "lin", "--role", "approver")
    assert guest.json("whoami")["role"] == "approver"
    assert "disabled" in owner.run("access", "people", "set", "lin", "--disable").stdout
    assert "unauthorized" in guest.refused("whoami")
    assert "login-refused" in guest.refused("login", "--name", "lin", "--url", control.url, typed=PHRASE)
    assert "nothing-to-change" in owner.refused("access", "people", "set", "lin")
    listed = owner.json("access", "people", "list")["people"]
    assert {(each["name"], each["enabled"]) for each in listed} == {("admin", True), ("lin", False)}
    assert "lin" in owner.run("access", "people", "list").stdout
    assert owner.run("access", "people", "remove", "lin").returncode == 0
    assert "unknown-person" in owner.refused("access", "people", "remove", "lin")
    assert "last-admin" in owner.refused("access", "people", "remove", "admin")


def test_tokens_of_machines(owner: Desk, control: Served) -> None:
    made = owner.json("access", "tokens", "create", "ci", "--days", "7")
    assert made["details"]["role"] == "viewer"
    headers = {"authorization": f"Bearer {made['token']}"}
    assert control.call("GET", "/api/v1/whoami", headers=headers).json()["name"] == "token:ci"
    assert "ci" in owner.run("access", "tokens", "list").stdout
    assert owner.run("access", "tokens", "revoke", "ci").returncode == 0
    assert control.call("GET", "/api/v1/whoami", headers=headers).status_code == 401
    assert "unknown-token" in owner.refused("access", "tokens", "revoke", "ci")
    assert owner.json("access", "tokens", "create", "ci", "--forever")["details"]["expires_at"] is None
    assert [each["state"] for each in owner.json("access", "tokens", "list")["tokens"]] == ["holds", "revoked"]


def test_the_owner_of_the_state_folder_needs_no_login(owner: Desk) -> None:
    seen = owner.json("whoami")
    assert (seen["name"], seen["role"], seen["proof"]) == ("admin", "admin", "file")


def test_a_named_url_is_asked_with_its_session_and_never_with_the_token_of_the_folder(
    owner: Desk, control: Served
) -> None:
    assert "not-logged-in" in owner.refused("--url", control.url, "whoami")
    assert "not-logged-in" in owner.refused("whoami", url=control.url)
    made = owner.json("access", "people", "create", "ada")
    owner.json("login", "--name", "ada", "--url", control.url, typed=made["password"])
    assert owner.json("whoami")["name"] == "admin"
    assert owner.json("--url", control.url, "whoami")["name"] == "ada"


def test_a_session_does_not_stop_somebody_elses_platform(guest: Desk, place: StateDir, control: Served) -> None:
    """`up` and `down` mean the platform of the state folder, whatever the user is logged in to."""
    password = Desk(home=guest.home, state=place).json("access", "reset-password", "admin")["password"]
    guest.json("login", "--name", "admin", "--url", control.url, typed=password)
    guest.state.root.mkdir()
    guest.state.control_lock.touch()
    for url in ("", control.url):
        guest.run("down", url=url)
        assert control.call("GET", "/healthz").status_code == 200
        assert "POST /api/v1/shutdown" not in control.log.read_text()
    guest.state.root.rename(guest.state.root.with_name("gone"))
    assert guest.json("whoami")["name"] == "admin"


def test_a_lost_password_is_replaced_while_the_platform_runs(owner: Desk, guest: Desk, control: Served) -> None:
    made = owner.json("access", "reset-password", "admin")
    guest.json("login", "--name", "admin", "--url", control.url, typed=made["password"])
    chosen = owner.run("access", "reset-password", "admin", "--ask", typed=PHRASE)
    assert chosen.returncode == 0, chosen.stderr
    assert PHRASE not in chosen.stdout
    assert "unauthorized" in guest.refused("whoami")
    guest.json("login", "--name", "admin", "--url", control.url, typed=PHRASE)
    assert "unknown-person" in owner.refused("access", "reset-password", "nobody")
    assert "weak-password" in owner.refused("access", "reset-password", "admin", "--ask", typed="short")


def test_a_lost_password_is_replaced_while_the_platform_is_stopped(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    server, port, state = Server(tmp_path), free_port(), StateDir(tmp_path / "state")
    desk = Desk(home=tmp_path / "home", state=state)
    assert "no-state" in desk.refused("access", "reset-password", "admin")
    call = f"from tests.api.only_access import serve\nserve(StateDir(Path({str(state.root)!r})), {port})"
    try:
        first = server.start(call, port)
        first.stop(signal.SIGKILL)
        password = desk.json("access", "reset-password")["password"]
        server.start(call, port)
        login = ("login", "--name", "admin", "--url", first.url)
        assert "login-refused" in desk.refused(*login, typed=state.first_password.read_text())
        assert desk.json(*login, typed=password)["role"] == "admin"
    finally:
        server.close()


def test_a_password_does_not_travel_in_clear_text_unless_told_to(guest: Desk) -> None:
    told = guest.refused("login", "--name", "ada", "--url", "http://192.0.2.1:7000", typed=PHRASE)
    assert "password-in-clear" in told
    assert "--insecure" in told
    assert not guest.sessions.exists()


@pytest.mark.parametrize("arguments", [("login", "--name", "ada"), ("login", "--name", "ada", "--url", "ftp://x")])
def test_a_login_without_a_control_plane_says_what_to_do(guest: Desk, arguments: tuple[str, ...]) -> None:
    assert "--url" in guest.refused(*arguments, typed=PHRASE) or "for example" in guest.refused(
        *arguments, typed=PHRASE
    )


def test_a_login_without_a_password_is_refused(guest: Desk, control: Served) -> None:
    assert "no-password" in guest.refused("login", "--name", "ada", "--url", control.url)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sessions": [{"url": 5}]}', "\x00"])
def test_a_spoiled_session_file_counts_as_none(guest: Desk, content: str) -> None:
    guest.sessions.parent.mkdir(parents=True)
    guest.sessions.write_text(content)
    assert "control-plane-away" in guest.refused("whoami")


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("http://127.0.0.1:7000", False),
        ("http://127.8.9.1:7000", False),
        ("http://[::1]:7000", False),
        ("http://localhost:7000", False),
        ("https://control.example", False),
        ("http://control.example", True),
        ("http://192.0.2.1", True),
        ("http://0.0.0.0:7000", True),
        ("http://127.0.0.1.example:7000", True),
        ("http://localhost.example", True),
    ],
)
def test_what_can_be_read_on_the_way_is_known(url: str, clear: bool) -> None:
    assert in_clear(control_url(url)) is clear


@pytest.mark.parametrize(
    "url",
    [
        "",
        "control",
        "127.0.0.1:7000",
        "ftp://x",
        "http://",
        "http://a:b@c",
        "http://x/y",
        "http://x?y",
        "http://[",
        "http://x:99999",
    ],
)
def test_what_is_no_url_of_a_control_plane_is_refused(url: str) -> None:
    with pytest.raises(PlatformError) as refused:
        control_url(url)
    assert refused.value.code == "bad-url"


def test_one_url_has_one_form() -> None:
    assert control_url("HTTP://LocalHost:7000/ ") == "http://localhost:7000"
