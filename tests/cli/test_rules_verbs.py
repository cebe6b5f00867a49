"""`rules check|test|export|list|alerts` as a user calls them."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.cli.main import app
from stationmaster.config import StateDir
from stationmaster.core.monitoring import Monitoring
from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.core.rules import AlertingRule, RecordingRule, RuleGroup
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.loop import Alerting, Surround
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.own import OwnQueries
from stationmaster.monitor.query.told import Told
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_queries import make_app, served
from tests.cli.test_verbs import run
from tests.monitor.alerting import promtool
from tests.monitor.alerting.test_loop import running, until

DATA = Path(__file__).parents[1] / "data" / "rules"
GOOD = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n"
BAD = GOOD + "  - alert: B\n    expr: up ==\n  - record: c\n    expr: up\n"


LEFT_OUT = Diagnostic(
    code="bad-expr", message="unclosed", origin=Origin(file="rules/one.yml", line=9, column=3), hint="close it"
)


def verb(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["rules", *arguments])


def test_check_ends_well_when_every_rule_loads() -> None:
    done = verb("check", str(DATA / "node.yml"), str(DATA / "plat*.yml"))
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "64 rules in 7 groups"


def test_check_names_a_bad_rule_with_its_line_and_a_hint_and_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(BAD)
    done = verb("check", str(file))
    assert done.exit_code == 1
    assert f"{file}:7:11: error: the query is refused" in done.stderr
    assert "hint: " in done.stderr
    assert done.stdout.splitlines()[-1] == "2 rules in 1 groups, 1 problems"


def test_check_tells_programs_in_json(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(BAD)
    done = verb("check", "--json", str(file), str(tmp_path / "gone.yml"))
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["groups"] == [{"name": "g", "file": str(file), "rules": 2}]
    assert [(each["code"], each["line"]) for each in told["problems"]] == [("bad-expr", 7), ("no-rule-file", 1)]


def test_test_passes_and_fails_with_the_place_and_what_there_was(tmp_path: Path) -> None:
    files = [str(DATA / "tests" / f"{name}.yml") for name in ("alerts", "evaluation")]
    done = verb("test", *files)
    assert (done.exit_code, done.stdout.split()) == (0, [f"{files[0]}:", "passed", f"{files[1]}:", "passed"])
    changed = (DATA / "tests" / "alerts.yml").read_text().replace("severity: low", "severity: lowest")
    (tmp_path / "alerts.yml").write_text(changed)
    (tmp_path / "rules_under_test.yml").write_text((DATA / "tests" / "rules_under_test.yml").read_text())
    failing = verb("test", str(tmp_path / "alerts.yml"), files[1])
    assert failing.exit_code == 1
    assert "a series that is gone: alert QueueLong at 240s" in failing.stderr
    assert 'severity="lowest"' in failing.stderr
    assert 'severity="low"' in failing.stderr
    told = json.loads(verb("test", "--json", str(tmp_path / "alerts.yml")).stdout)
    assert told["files"][0]["passed"] is False
    assert told["files"][0]["failures"][0]["line"] > 60


def test_test_refuses_files_that_are_none_and_rules_that_do_not_load(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(BAD)
    (tmp_path / "test.yml").write_text("rule_files: [rules.yml]\ntests: []\n")
    (tmp_path / "other.yml").write_text("testing: []\n")
    done = verb("test", str(tmp_path / "test.yml"), str(tmp_path / "other.yml"))
    assert done.exit_code == 1
    assert "rules.yml:7:11" in done.stderr
    assert "did you mean 'tests'?" in done.stderr


def test_export_writes_what_promtool_takes(tmp_path: Path) -> None:
    out = tmp_path / "all.yml"
    done = verb("export", str(DATA / "node.yml"), str(DATA / "blackbox.yml"), "--watchdog", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert "alert: Watchdog" in out.read_text()
    taken, said = promtool.check_rules(out)
    assert taken, said


def test_export_leaves_a_bad_rule_out_names_it_and_ends_with_one(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(BAD)
    done = verb("export", str(file))
    assert done.exit_code == 1
    assert "alert: A" in done.stdout
    assert "alert: B" not in done.stdout
    assert "rules.yml:7:11" in done.stderr
    refused = verb("export", str(DATA / "node.yml"), "--out", str(tmp_path / "no" / "folder.yml"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.stderr


@pytest.mark.parametrize("name", ["check", "test", "export", "list", "alerts"])
def test_every_verb_has_examples(name: str) -> None:
    done = verb(name, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout


@pytest.fixture
async def state(tmp_path: Path, database: Database, free_port: Callable[[], int]) -> AsyncIterator[Path]:
    """A state folder whose control plane evaluates two rules, one of which fires."""
    store = SeriesStore()
    origin = Origin(file="rules/one.yml", line=7)
    rules = (
        AlertingRule(
            name="Always", expr="vector(7)", labels={"severity": "page"}, annotations={"summary": "at 7"}, origin=origin
        ),
        RecordingRule(name="broken", expr="label_replace(vector(1), 'a', '$1', 'b', '(')", origin=origin),
    )
    groups: Cell[tuple[RuleGroup, ...]] = Cell((RuleGroup(name="g", file="rules/one.yml", rules=rules),))
    surround = Surround(ask=OwnAsk(store), recorder=store, monitoring=lambda: Monitoring(evaluation_interval_ms=200))
    alerting = Alerting(database, groups, surround)
    folder = StateDir(tmp_path / "state")
    access = Access(database, folder)
    await access.start()
    _row, token = await access.machines.create("asker", Role.VIEWER, None, by="test")
    told = Told(groups=alerting.told, targets=list, flags=dict, retention=str, problems=lambda: (LEFT_OUT,))
    desk = QueryDesk(lambda: OwnQueries(store), told)
    async with running(alerting), served(make_app(access, desk), free_port) as address:
        await until(lambda: alerting.told() and alerting.told()[0].rules[0].alerts)
        folder.control_url.write_text(f"http://{address.partition('/')[0]}\n", "utf-8")
        folder.admin_token.chmod(0o600)
        folder.admin_token.write_text(f"{token}\n", "utf-8")
        yield tmp_path
    desk.close()


async def asked(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(run, state, "rules", *arguments)


async def test_list_shows_what_the_platform_evaluates_and_why_a_rule_fails(state: Path) -> None:
    done = await asked(state, "list")
    assert done.returncode == 0, done.stderr
    rows = {tuple(line.split()[:4]) for line in done.stdout.splitlines()}
    assert ("g", "Always", "alerting", "ok") in rows
    assert ("g", "broken", "recording", "err") in rows
    assert "g/broken: " in done.stdout
    failing = await asked(state, "list", "--failing", "--json")
    names = [rule["name"] for group in json.loads(failing.stdout)["groups"] for rule in group["rules"]]
    assert names == ["broken"]


async def test_alerts_shows_what_fires(state: Path) -> None:
    done = await asked(state, "alerts")
    assert done.returncode == 0, done.stderr
    assert "firing" in done.stdout
    assert "severity=page" in done.stdout
    assert "at 7" in done.stdout
    told = json.loads((await asked(state, "alerts", "--json")).stdout)
    assert told["alerts"][0]["labels"] == {"alertname": "Always", "severity": "page"}


async def test_list_shows_the_query_whole_and_names_what_does_not_load(state: Path) -> None:
    done = await asked(state, "list")
    assert "label_replace(vector(1), 'a', '$1', 'b', '(')" in done.stdout
    assert "rules/one.yml:9:3: left out: unclosed [bad-expr]" in done.stdout
    assert "hint: close it" in done.stdout
    told = json.loads((await asked(state, "list", "--json")).stdout)
    assert [(each["file"], each["line"]) for each in told["problems"]] == [("rules/one.yml", 9)]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("--alerting",), {"Always", "ScrapeTargetDown", "MetricsMissing"}),
        (("--group", "no-d"), {"ScrapeTargetDown", "MetricsMissing"}),
        (("--alerting", "--failing"), set()),
    ],
)
async def test_list_can_be_narrowed(state: Path, options: tuple[str, ...], shown: set[str]) -> None:
    done = await asked(state, "list", "--json", *options)
    assert {rule["name"] for group in json.loads(done.stdout)["groups"] for rule in group["rules"]} == shown


def test_names_of_metrics_are_no_emoji(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{record: 'job:up:sum', expr: sum(up)}]}]")
    expected = "{expr: 'job:up:sum', eval_time: 1m, exp_samples: [{labels: 'job:up:sum', value: 2}]}"
    series = "{series: up, values: 1 1 1}"
    test = f"{{interval: 1m, input_series: [{series}], promql_expr_test: [{expected}]}}"
    (tmp_path / "test.yml").write_text(f"rule_files: [rules.yml]\nevaluation_interval: 1m\ntests: [{test}]\n")
    done = verb("test", str(tmp_path / "test.yml"))
    assert done.exit_code == 1
    assert "query 'job:up:sum' at 60s" in done.stderr
