"""`runbook rules` as people, programs and Prometheus see it."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.test_verbs import run

BOOK = """---
alert: ShopErrors
service: shop
severity: P1
---
# Shop fails

## Alert thresholds

- Error rate > 5% for 5 minutes
- Mood < 3 points
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "books" / "shop.md"
    path.parent.mkdir()
    path.write_text(BOOK, "utf-8")
    return path


def test_people_see_the_rules_and_what_became_none_with_the_reasons(tmp_path: Path, book: Path) -> None:
    shown = run(tmp_path, "runbook", "rules", str(book.parent))
    assert shown.returncode == 0, shown.stderr
    row = next(line for line in shown.stdout.splitlines() if line.startswith("ShopErrors"))
    assert row.split()[-3:] == ["5m", "critical", f"{book}:10"]
    assert "> 0.05" in row
    assert '"Error rate > 5% for 5 minutes": answers with a server error (5xx)' in shown.stdout
    rest = shown.stdout.partition("No rule")[2]
    assert f"{book}:11" in rest
    assert "speaks of 'mood', for which there is no metric" in rest


def test_programs_get_all_of_it_as_json(tmp_path: Path, book: Path) -> None:
    told = json.loads(run(tmp_path, "runbook", "rules", str(book), "--json").stdout)
    (rule,) = told["rules"]
    assert (rule["alert"], rule["for_ms"], rule["severity"], rule["line"]) == ("ShopErrors", 300_000, "critical", 10)
    assert rule["annotations"]["runbook"] == f"{book}:10"
    (rest,) = told["left_out"]
    assert (rest["file"], rest["line"]) == (str(book), 11)
    assert rest["why"] == "speaks of 'mood', for which there is no metric"


def test_prometheus_gets_a_rule_file(tmp_path: Path, book: Path) -> None:
    done = run(tmp_path, "runbook", "rules", str(book), "--yaml")
    (group,) = msgspec.yaml.decode(done.stdout)["groups"]
    assert group["name"] == str(book)
    (rule,) = group["rules"]
    assert (rule["alert"], rule["for"]) == ("ShopErrors", "5m")
    assert rule["labels"] == {"service": "shop", "severity": "critical", "threshold": "> 5%"}


@pytest.mark.parametrize(
    "names",
    ["up\nprocess_cpu_seconds_total\n", '{"status": "success", "data": ["up"]}'],
    ids=["a name a line", "as the API answers"],
)
def test_with_the_names_that_exist_it_tells_which_rules_read_nothing(tmp_path: Path, book: Path, names: str) -> None:
    path = tmp_path / "names"
    path.write_text(names, "utf-8")
    done = run(tmp_path, "runbook", "rules", str(book), "--yaml", "--metrics", str(path))
    assert done.returncode == 0
    assert f"{book}:10: ShopErrors: reads stationmaster_api_requests_total, which no scrape gives" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere",), "no-such-path"),
        (("--metrics", "nowhere"), "metrics-unreadable"),
        (("--metrics", "broken"), "metrics-broken"),
    ],
    ids=" ".join,
)
def test_a_refusal_has_a_hint(tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    (tmp_path / "broken").write_text('{"data": 3}', "utf-8")
    given = [str(tmp_path / each) if each in {"nowhere", "broken"} else each for each in arguments]
    done = run(tmp_path, "runbook", "rules", *given)
    assert done.returncode == 1
    assert f"[{code}]" in done.stderr
    assert "hint: " in done.stderr


def test_a_folder_without_limits_says_so(tmp_path: Path, book: Path) -> None:
    book.write_text("# Shop\n\nNothing here.\n", "utf-8")
    done = run(tmp_path, "runbook", "rules", str(book))
    assert (done.returncode, done.stdout.strip()) == (0, "no rule came out of these runbooks")
    assert "Example" in run(tmp_path, "runbook", "rules", "--help").stdout
