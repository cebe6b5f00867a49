"""`objective list` and `objective explain` as people and programs see them."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from stationmaster.api.wire_objectives import (
    BurnLevel,
    ObjectiveExplanation,
    ObjectiveExplanations,
    ObjectiveList,
    ObjectiveProblem,
    ObjectiveRule,
    ObjectiveStatus,
)
from tests.cli.test_verbs import run

STANDING = ObjectiveStatus(
    api="pets",
    service="petstore",
    objective="availability-99.9-30d",
    line="99.9% over 30d",
    standing="burning",
    good=0.99955,
    budget_left=0.55,
    burn_rate=2.5,
    empty_in_s=190_000.0,
)
PROBLEM = ObjectiveProblem(
    code="objective-rounded", severity="warning", file="platform.yaml", line=12, message="is watched at 250ms", hint="h"
)
LEVEL = BurnLevel(
    severity="critical",
    long_window="1h",
    short_window="5m",
    burn_rate=14.4,
    failing=0.0144,
    budget_percent=2.0,
    outage_told_s=51.84,
    expr="a > 14.4",
)
EXPLAINED = ObjectiveExplanation(
    objective="availability-99.9-30d",
    line="99.9% over 30d",
    file="platform.yaml",
    at_line=12,
    words=("bad is a request that ends with a server error (5xx)",),
    levels=(LEVEL,),
    rules=(
        ObjectiveRule(record="slo:error_budget:ratio", alert="", expr="vector(0.001)"),
        ObjectiveRule(record="", alert="ErrorBudgetBurn", expr="a > 14.4"),
    ),
)
NOTHING = ObjectiveStatus(
    api="pets", service="petstore", objective="x", line="99% over 7d", standing="unknown", good=None, budget_left=None,
    burn_rate=None, empty_in_s=None,
)  # fmt: skip


@contextmanager
def control(folder: Path, answers: Mapping[str, msgspec.Struct]) -> Iterator[None]:
    """A control plane that answers these paths, found by the state folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            body = msgspec.json.encode(found)
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 as the library has it
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state = folder / "state"
    state.mkdir()
    (state / "control.url").write_text(f"http://127.0.0.1:{server.server_address[1]}\n", "utf-8")
    (state / "admin.token").write_text("token\n", "utf-8")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_objectives_are_listed_with_what_is_left_of_their_budgets(tmp_path: Path) -> None:
    told = ObjectiveList(environment="production", objectives=(STANDING, NOTHING), problems=(PROBLEM,))
    with control(tmp_path, {"/api/v1/objectives": told}):
        shown = run(tmp_path, "objective", "list")
        as_json = run(tmp_path, "objective", "list", "--json")
    assert shown.returncode == 0, shown.stderr
    row = next(line for line in shown.stdout.splitlines() if "99.9% over 30d" in line)
    assert row.split()[-6:] == ["burning", "99.9550%", "55.0%", "2.5x", "2d", "4h"]
    assert next(line for line in shown.stdout.splitlines() if "99% over 7d" in line).split()[-1] == "unknown"
    assert "platform.yaml:12: warning: is watched at 250ms [objective-rounded]" in shown.stderr
    assert json.loads(as_json.stdout)["objectives"][0]["empty_in_s"] == 190_000.0


def test_without_an_objective_the_list_says_how_one_is_declared(tmp_path: Path) -> None:
    told = ObjectiveList(environment="production", objectives=(), problems=())
    with control(tmp_path, {"/api/v1/objectives": told}):
        shown = run(tmp_path, "objective", "list")
    assert "objectives: [99.9% over 30d]" in shown.stdout


@pytest.mark.parametrize("with_rules", [True, False])
def test_an_objective_is_explained(tmp_path: Path, with_rules: bool) -> None:
    told = ObjectiveExplanations(api="my pets", explained=(EXPLAINED,), problems=())
    with control(tmp_path, {"/api/v1/objectives/my%20pets": told}):
        shown = run(tmp_path, "objective", "explain", "my pets", *(["--rules"] if with_rules else []))
    assert shown.returncode == 0, shown.stderr
    assert "platform.yaml:12" in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if line.startswith("critical"))
    assert row.split() == ["critical", "1h", "and", "5m", "14.4x", "1.440%", "2%", "52s"]
    assert ("record: slo:error_budget:ratio" in shown.stdout) is with_rules
    assert ("alert: ErrorBudgetBurn" in shown.stdout) is with_rules


@pytest.mark.parametrize("arguments", [("objective", "list"), ("objective", "explain", "pets")], ids=" ".join)
def test_without_a_platform_the_refusal_says_how_to_start_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert "the control plane is not running here" in done.stderr
    assert "stationmaster up" in done.stderr
    assert "Example" in run(tmp_path, *arguments[:2], "--help").stdout
