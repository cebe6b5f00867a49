"""What people type to declare, compare and look at a running platform."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stationmaster.cli.main import app
from stationmaster.config import STATE_VARIABLE
from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.gateway.receipts import Convergence
from tests.api.declared import Answering
from tests.catalog.conftest import PLATFORM
from tests.cli.control import control

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "platform.yaml"
    path.write_text(PLATFORM, "utf-8")
    return path


@pytest.fixture
def platform(tmp_path: Path, file: Path, free_port: Callable[[], int]) -> Iterator[Answering]:
    state = tmp_path / "state"
    state.mkdir()
    with control(state, file, free_port()) as running:
        yield running


@pytest.fixture
def stm(tmp_path: Path, platform: Answering) -> Run:
    runner = CliRunner(env={STATE_VARIABLE: str(tmp_path / "state"), "COLUMNS": "200", "NO_COLOR": "1"})

    def run(*arguments: str, **options: Any) -> Result:
        done: Result = runner.invoke(app, [*arguments], **options)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def apis(platform: Answering) -> dict[str, Any]:
    return {api.name: api for api in platform.catalog.declared.value.apis}


@pytest.mark.parametrize(
    "verb",
    [
        *("apply", "diff", "get", "edit", "audit"),
        *(f"api {each}" for each in ("create", "set", "show", "delete", "maintenance")),
        *(f"user {each}" for each in ("create", "set", "allow", "forbid", "show", "delete")),
        *(f"host {each}" for each in ("create", "set", "add", "remove", "show", "delete", "maintenance")),
    ],
)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [*verb.split(), "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output
    assert f"stationmaster {verb}" in done.output


def test_apply_shows_what_changed_and_which_node_took_it(stm: Run, file: Path, platform: Answering) -> None:
    file.write_text(PLATFORM.replace("/open]", "/opened]") + "  - {name: lin}\n", "utf-8")
    done = stm("apply", "-f", str(file))
    assert done.exit_code == 0, done.output
    for line in (
        "~ api open",
        'paths: ["/open"] -> ["/opened"]',
        "+ user lin",
        "1 created, 1 changed, 0 deleted: revision 2",
        "gateway-1 serves it after 12.5 ms",
    ):
        assert line in done.output
    assert apis(platform)["open"].paths == ("/opened",)


def test_a_dry_run_and_a_diff_change_nothing(stm: Run, file: Path, platform: Answering) -> None:
    assert stm("diff", "-f", str(file)).exit_code == 0
    file.write_text(PLATFORM.replace("/open]", "/opened]"), "utf-8")
    rehearsed = stm("apply", "-f", str(file), "--dry-run")
    assert (rehearsed.exit_code, "0 to create, 1 to change, 0 to delete" in rehearsed.output) == (0, True)
    shown = stm("diff", "-f", str(file))
    assert (shown.exit_code, "~ api open" in shown.output) == (1, True)
    assert json.loads(stm("diff", "-f", str(file), "--json").output)["changes"][0]["name"] == "open"
    assert apis(platform)["open"].paths == ("/open",)


@pytest.mark.parametrize(("verb", "status"), [("apply", 1), ("diff", 2)])
def test_every_problem_of_a_file_is_told_with_its_line(stm: Run, file: Path, verb: str, status: int) -> None:
    file.write_text(PLATFORM.replace("shop, accepts", "shp, accepts").replace("[orders]", "[odrers]"), "utf-8")
    done = stm(verb, "-f", str(file))
    assert done.exit_code == status
    assert f"{file}:22:" in done.stderr
    assert f"{file}:25:" in done.stderr
    assert "did you mean 'orders'?" in done.stderr


@pytest.mark.parametrize(("verb", "status"), [("apply", 1), ("diff", 2)])
def test_a_file_that_cannot_be_read_is_refused(stm: Run, tmp_path: Path, verb: str, status: int) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"environment: x\n# \xe9\n")
    assert stm(verb, "-f", str(tmp_path / "no-such.yaml")).exit_code == status
    done = stm(verb, "-f", str(tmp_path / "latin.yaml"))
    assert (done.exit_code, "latin.yaml:2" in done.stderr) == (status, True)


def test_a_file_can_be_given_on_standard_input(stm: Run, platform: Answering) -> None:
    done = stm("apply", "-f", "-", "--yes", input=PLATFORM.replace("/open]", "/opened]"))
    assert done.exit_code == 0, done.output
    assert apis(platform)["open"].paths == ("/opened",)


def test_a_file_is_checked_without_a_running_platform(file: Path, tmp_path: Path) -> None:
    runner = CliRunner(env={STATE_VARIABLE: str(tmp_path / "nowhere"), "COLUMNS": "200"})
    good = runner.invoke(app, ["apply", "-f", str(file), "--check"])
    assert (good.exit_code, "valid: 2 APIs, 1 API users" in good.output) == (0, True)
    file.write_text(PLATFORM.replace("regions", "regionz"), "utf-8")
    bad = runner.invoke(app, ["apply", "-f", str(file), "--check"])
    assert (bad.exit_code, f"{file}:2:" in bad.stderr) == (1, True)
    away = runner.invoke(app, ["apply", "-f", str(file)])
    assert (away.exit_code, "control plane is not running" in away.stderr) == (1, True)


def test_a_node_that_refuses_makes_apply_fail_with_the_line_of_the_file(
    stm: Run, file: Path, platform: Answering
) -> None:
    refused = Diagnostic(code="node-refused", message="gateway-1 refuses", origin=Origin(file=str(file), line=22))
    platform.gateway.answer = Convergence(revision=8, pending=("gateway-2",), rejected=(refused,))
    file.write_text(PLATFORM.replace("/open]", "/opened]"), "utf-8")
    done = stm("apply", "-f", str(file))
    assert done.exit_code == 1
    assert f"{file}:22:1: error: gateway-1 refuses [node-refused]" in done.stderr
    assert "gateway-2 has not answered yet" in done.output


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("apis",), ["orders", "api-key", "open.example.org", "public"]),
        (("apis", "--user", "ada", "--path", "/ord"), ["orders"]),
        (("api", "orders", "-o", "wide"), ["15s"]),
        (("users",), ["ada", "orders"]),
        (("hosts",), ["round-robin", "spare"]),
        (("services",), ["shop", "8080"]),
        (("nodes",), ["gateway-1", "127.0.0.1:8000"]),
        (("issuers",), ["no issuers"]),
        (("apis", "-o", "name"), ["api/open", "api/orders"]),
        (("api", "orders", "-o", "yaml"), ["name: orders", "virtual_host: shop"]),
        (("settings",), ["environment: test"]),
        (("platform",), ["environment: test", "virtual_hosts:"]),
    ],
)
def test_get_shows_what_is_declared(stm: Run, arguments: tuple[str, ...], lines: list[str]) -> None:
    done = stm("get", *arguments)
    assert done.exit_code == 0, done.output
    for line in lines:
        assert line in done.output


def test_a_table_that_a_program_reads_is_never_cut_off(stm: Run) -> None:
    long = "/" + "x" * 300
    stm("api", "create", "new", "--path", long, "--host", "spare")
    assert long in stm("get", "apis", env={"COLUMNS": "40"}).output


def test_get_speaks_json(stm: Run) -> None:
    assert json.loads(stm("get", "api", "orders", "--json").output)["paths"] == ["/orders"]
    assert [each["name"] for each in json.loads(stm("get", "apis", "-o", "json").output)] == ["open", "orders"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("get", "apes"), "known are apis, users, hosts"),
        (("get", "api", "odrers"), "there is no api 'odrers'"),
        (("get", "users", "--host", "x"), "users cannot be asked for by host"),
        (("api", "delete", "orders"), "user ada names it in `apis"),
        (("api", "set", "orders"), "no field was named"),
        (("api", "create", "orders", "--host", "shop"), "exists already"),
        (("api", "create", "new", "--host", "nowhere"), "no virtual host is called 'nowhere'"),
        (("host", "delete", "shop"), "names it in `virtual_host`"),
        (("host", "remove", "spare", "127.0.0.1:1"), "has no target"),
        (("user", "forbid", "ada", "open"), "ada does not name 'open'"),
        (("audit", "--since", "yesterday"), "'yesterday' is no moment"),
        (("edit", "api"), "which of the api?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_says_what_is_wrong_and_changes_nothing(
    stm: Run, platform: Answering, arguments: tuple[str, ...], said: str
) -> None:
    done = stm(*arguments)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "hint" in done.stderr
    assert platform.catalog.revision == 1


def test_an_api_is_created_changed_put_into_maintenance_and_deleted(stm: Run, platform: Answering) -> None:
    made = stm("api", "create", "new", "--path", "/new", "--path", "=/exact", "--host", "spare", "--method", "GET")
    assert made.exit_code == 0, made.output
    assert "gateway-1 serves it" in made.output
    assert apis(platform)["new"].paths == ("/new", "=/exact")
    assert stm("api", "set", "new", "--timeout", "3s", "--keep-path").exit_code == 0
    assert (apis(platform)["new"].timeout_ms, apis(platform)["new"].strip_path) == (3000, False)
    assert stm("api", "maintenance", "new", "on", "--message", "soon", "--retry-after", "30m").exit_code == 0
    assert apis(platform)["new"].policies.maintenance.retry_after_s == 1800
    assert stm("api", "maintenance", "new", "off").exit_code == 0
    assert apis(platform)["new"].policies.maintenance is None
    assert "path" in stm("api", "show", "new").output
    assert stm("api", "delete", "new").exit_code == 0
    assert "new" not in apis(platform)


def test_an_api_is_locked_and_opened_to_everybody(stm: Run, platform: Answering) -> None:
    assert stm("api", "set", "open", "--accept", "jwt", "--accept", "api-key", "--any-user").exit_code == 0
    assert {kind.value for kind in apis(platform)["open"].accepts} == {"jwt", "api-key"}
    opened = stm("api", "set", "open", "--public", "--named-users")
    assert opened.exit_code == 0, opened.output
    assert apis(platform)["open"].accepts == frozenset()


def test_a_user_is_created_and_allowed_and_forbidden(stm: Run, platform: Answering) -> None:
    assert stm("user", "create", "lin", "--group", "partners").exit_code == 0
    assert stm("user", "allow", "lin", "orders", "open").exit_code == 0
    [lin] = [user for user in platform.catalog.declared.value.api_users if user.name == "lin"]
    assert (lin.apis, lin.groups) == (("orders", "open"), ("partners",))
    assert stm("user", "forbid", "lin", "open").exit_code == 0
    assert json.loads(stm("user", "show", "lin", "--json").output)["apis"] == ["orders"]
    assert stm("user", "delete", "lin").exit_code == 0


def test_a_virtual_host_gets_and_loses_targets(stm: Run, platform: Answering) -> None:
    made = stm("host", "create", "new", "--target", "127.0.0.1:9001", "--target", "shop-1=5", "--health-path", "/up")
    assert made.exit_code == 0, made.output
    assert stm("host", "add", "new", "127.0.0.1:9002", "--weight", "7").exit_code == 0
    assert stm("host", "remove", "new", "127.0.0.1:9001").exit_code == 0
    assert stm("host", "set", "new", "--algorithm", "least-connections", "--slow-start", "5s").exit_code == 0
    [host] = [each for each in platform.catalog.declared.value.virtual_hosts if each.name == "new"]
    assert [(str(each.address), each.weight) for each in host.targets] == [
        ("127.0.0.1:8081", 5),
        ("127.0.0.1:9002", 7),
    ]
    assert (host.algorithm.value, host.slow_start_ms) == ("least-connections", 5000)
    assert stm("host", "maintenance", "new", "on").exit_code == 0
    assert stm("host", "delete", "new").exit_code == 0


def test_what_an_editor_saves_is_applied_unless_it_is_as_before(stm: Run, tmp_path: Path, platform: Answering) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "timeout: 3s" >> "$1"\n', "utf-8")
    editor.chmod(0o755)
    done = stm("edit", "api", "orders", env={"EDITOR": str(editor), "VISUAL": ""})
    assert done.exit_code == 0, done.output
    assert apis(platform)["orders"].timeout_ms == 3000
    assert "nothing was changed" in stm("edit", "api", "orders", env={"EDITOR": "true", "VISUAL": ""}).output
    editor.write_text('#!/bin/sh\necho "timeoutt: 3s" >> "$1"\n', "utf-8")
    refused = stm("edit", "api", "orders", env={"EDITOR": str(editor), "VISUAL": ""})
    assert (refused.exit_code, "what you wrote is in" in refused.stderr) == (1, True)
    failed = stm("edit", "api", "orders", env={"EDITOR": "false", "VISUAL": ""})
    assert (failed.exit_code, "the editor 'false' failed" in failed.stderr) == (1, True)


def test_the_audit_trail_tells_who_changed_what(stm: Run) -> None:
    stm("user", "create", "lin")
    shown = stm("audit", "--who", "lin", "--since", "1h")
    assert "create user lin" in shown.output
    assert json.loads(stm("audit", "--kind", "user", "--name", "lin", "--json").output)["items"][0]["who"] == "lin"
    assert "no changes" in stm("audit", "--who", "nobody").output


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("stationmaster get api", {"apis"}),
        ("stationmaster get apis o", {"open", "orders"}),
        ("stationmaster api show or", {"orders"}),
        ("stationmaster user allow a", {"ada"}),
        ("stationmaster host show s", {"shop", "spare"}),
    ],
)
def test_names_are_completed_from_the_running_platform(stm: Run, typed: str, words: set[str]) -> None:
    asked = {"_STATIONMASTER_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = stm(env=asked, prog_name="stationmaster")
    assert set(done.stdout.split()) >= words, done.output


def test_completion_is_silent_without_a_platform(tmp_path: Path) -> None:
    runner = CliRunner(env={STATE_VARIABLE: str(tmp_path / "nowhere")})
    asked = {"_STATIONMASTER_COMPLETE": "complete_bash", "COMP_WORDS": "stationmaster api show o", "COMP_CWORD": "3"}
    done = runner.invoke(app, [], env=asked, prog_name="stationmaster")
    assert done.output.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("api", "show", "ordres"), "orders"),
        (("user", "show", "aad"), "ada"),
        (("host", "remove", "spare", "127.0.0.1:9001"), "127.0.0.1:9000"),
        (("host", "remove", "shop", "shpo-2"), "shop-2"),
    ],
)
def test_an_unknown_name_is_answered_with_the_most_similar_one(
    stm: Run, arguments: tuple[str, ...], meant: str
) -> None:
    done = stm(*arguments)
    assert done.exit_code == 1
    assert f"did you mean {meant!r}?" in done.stderr


@pytest.mark.parametrize("how", ["check", "dry-run", "stdin"])
def test_a_file_that_is_too_large_is_refused_alike_with_and_without_a_platform(
    stm: Run, tmp_path: Path, how: str
) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    if how == "stdin":
        done = stm("apply", "-f", "-", "--check", input=large.read_bytes())
    else:
        done = stm("apply", "-f", str(large), f"--{how}")
    assert done.exit_code == 1
    assert "the file is larger than 16 MB [file-too-large]" in done.stderr
    assert "hint: split the platform" in done.stderr
