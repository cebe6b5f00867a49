"""Alert rules out of the seeds, out of our own runbooks and out of a whole corpus, and what promtool says of them."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from stationmaster.monitor.alerting.export import rule_file
from stationmaster.monitor.alerting.rule_file import read_rules
from stationmaster.runbooks.library import files_of, read_file
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.rules.derive import rules_of
from stationmaster.runbooks.rules.derived import Derived

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "open"

SEED_RULES = [
    # seed, line, alert, what its expression begins with, its limit, severity
    ("003", 4, "APIServiceDown", "max by (service, environment) (probe_success)", "== 0", "critical"),
    ("003", 269, "HighAPIResponseTime", "histogram_quantile(0.95, ", ">= 1", "warning"),
    ("003", 270, "HighErrorRate", "sum by (api) (rate(stationmaster_api_requests_total{", ">= 0.001", "warning"),
    ("003", 271, "APICapacityAlert", "rate(process_cpu_seconds_total[5m])", "> 0.8", "critical"),
    ("004", 71, "RunbookAPIGatewayTroubleshootingGuideResponseTimes", "histogram_quantile(0.95, ", "> 2", "critical"),
    ("004", 164, "RunbookAPIGatewayTroubleshootingGuideErrorRate", "sum by (api) (rate(stat", "> 0.05", "critical"),
]  # fmt: skip
SEED_REST = [
    # seed, line, why it is no rule of its own
    ("003", 257, "is an objective, good while it holds; declare it for an API: '95% under 1000ms over 30d'"),
    ("003", 258, "is an objective, good while it holds; declare it for an API: '99.9% over 30d'"),
    ("004", 165, "is the same as RunbookAPIGatewayTroubleshootingGuideResponseTimes of"),
    ("004", 166, "is the same as APIServiceDown of"),
    ("004", 167, "is the same as APICapacityAlert of"),
    ("004", 172, "shows a number and compares it with nothing"),
    ("004", 175, "shows a number and compares it with nothing"),
    ("004", 178, "shows a number and compares it with nothing"),
]
OWN_RULES = {
    "AuthenticationFailures": "authentication-failures.md",
    "HighLatency": "high-latency.md",
    "StoreFull": "store-full.md",
    "UpstreamErrors": "upstream-503.md",
}


@cache
def runbooks_in(folder: Path) -> Sequence[Runbook]:
    found = (read_file(path) for path in files_of(folder))
    return [each.runbook for each in found if each.runbook is not None]


def seed_of(file: str) -> str:
    return Path(file).name[:3]


def test_every_limit_query_and_alert_of_the_seeds_becomes_a_rule_or_says_why_not(seeds: Path) -> None:
    found = rules_of(runbooks_in(seeds))
    assert len(found.rules) == len(SEED_RULES)
    for each, (seed, line, name, starts, limit, severity) in zip(found.rules, SEED_RULES, strict=True):
        rule = each.rule
        assert (seed_of(rule.origin.file), rule.origin.line, rule.name) == (seed, line, name)
        assert rule.expr.startswith(starts)
        assert rule.expr.split(" and ")[0].endswith(limit)
        assert rule.labels["severity"] == severity
        assert rule.annotations["runbook"] == f"{rule.origin.file}:{line}"
    told = [(seed_of(each.origin.file), each.origin.line, each.why) for each in found.left_out]
    assert [each[:2] for each in told] == [each[:2] for each in SEED_REST]
    assert all(said[2].startswith(why[2]) for said, why in zip(told, SEED_REST, strict=True))


def test_our_own_runbooks_give_the_alerts_that_they_answer() -> None:
    found = rules_of(runbooks_in(ROOT / "runbooks"))
    by_name = {each.rule.name: Path(each.rule.origin.file).name for each in found.rules}
    assert OWN_RULES.items() <= by_name.items()
    assert all(each.rule.annotations["summary"].startswith(each.rule.name) for each in found.rules)


@pytest.mark.parametrize("where", ["own", "seeds", "corpus"])
def test_promtool_and_our_own_reader_accept_the_rules_of(where: str, tmp_path: Path) -> None:
    found = rules_of(runbooks_in(_folder(where)))
    text = rule_file(found.groups)
    ours = read_rules(text, "rules.yaml")
    assert not ours.diagnostics
    assert sum(len(group.rules) for group in ours.groups) == len(found.rules) > 3
    path = tmp_path / "rules.yaml"
    path.write_text(text, "utf-8")
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool, which Debian's package prometheus brings")
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(found.rules)} rules found" in done.stdout


def test_nothing_of_the_corpus_is_lost_without_a_word() -> None:
    """Every limit, every query in PromQL and every alert that is answered is a rule, or is told with a reason."""
    runbooks = runbooks_in(_folder("corpus"))
    assert len(runbooks) == 1552
    found = rules_of(runbooks)
    told = _lines(found)
    names = {each.rule.name for each in found.rules} | {each.name for each in found.left_out}
    for runbook in runbooks:
        if runbook.retired:
            continue
        for threshold in runbook.knowledge.thresholds:
            assert (runbook.file, threshold.line) in told, threshold
        for query in runbook.knowledge.queries:
            inside = any((runbook.file, line) in told for line in range(query.lines.first - 20, query.lines.last + 1))
            assert inside or query.language != "promql", query
        for alert in runbook.match.alerts:
            assert alert in names or not alert.isidentifier(), alert
    assert all(each.why for each in found.rules)
    assert all(each.why for each in found.left_out)


def _lines(found: Derived) -> set[tuple[str, int]]:
    kept = {(each.rule.origin.file, each.rule.origin.line) for each in found.rules}
    return kept | {(each.origin.file, each.origin.line) for each in found.left_out}


def _folder(where: str) -> Path:
    folder = {"own": ROOT / "runbooks", "seeds": ROOT.parent / "shared" / "seeds", "corpus": CORPUS}[where]
    if not folder.is_dir():
        pytest.skip(f"needs {folder}, which is not part of this repository")
    return folder
