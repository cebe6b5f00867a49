"""`oncall` and `escalation simulate` on a YAML file: who would be called, and what is refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stationmaster.cli.main import app

PLATFORM = """\
environment: lab
regions: [north]
services:
  - {name: shop, port: 80, escalation_policy: shop, instances: [{name: shop-1, region: north, address: "10.0.0.1:80"}]}
responders:
  - name: ada
    full_name: Ada Lovelace
    contacts:
      - {name: mail, kind: email, address: ada@example.org}
      - {name: hook, kind: webhook, address: "https://hooks.example.org/ada"}
    notify: [{contact: mail}, {contact: hook, after: 5m, urgency: high}]
  - {name: grace, contacts: [{name: mail, kind: email, address: grace@example.org}]}
schedules:
  - name: primary
    time_zone: Europe/London
    layers: [{name: weeks, responders: [ada, grace], starts: "2026-01-05"}]
  - name: office
    layers:
      - name: days
        responders: [ada]
        starts: "2026-01-05"
        restrictions: [{days: [mon], since: "09:00", until: "17:00"}]
escalation_policies:
  - name: shop
    levels:
      - targets: [schedule/primary]
      - {after: 15m, targets: [schedule/office]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "platform.yaml"
    path.write_text(PLATFORM)
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_who_is_on_duty_at_a_moment_and_until_when(file: Path) -> None:
    done = run("oncall", "who", "-f", file, "--at", "2026-01-06T12:00", "--json")
    assert done.exit_code == 0, done.output
    primary, office = json.loads(done.stdout)["on_duty"]
    assert (primary["responder"], primary["by"], primary["ends_at"]) == ("ada", "weeks", "2026-01-12T09:00:00Z")
    assert (office["responder"], office["ends_at"]) == (None, "2026-01-12T09:00:00Z")
    table = run("oncall", "who", "-f", file, "--at", "2026-01-06T12:00")
    assert "Ada Lovelace (ada)" in table.stdout
    assert "nobody" in table.stdout


def test_a_service_names_the_schedules_that_are_paged_for_it(file: Path) -> None:
    done = run("oncall", "who", "-f", file, "--service", "shop", "--json")
    assert {row["schedule"] for row in json.loads(done.stdout)["on_duty"]} == {"primary", "office"}


def test_gaps_end_with_exit_status_1(file: Path) -> None:
    with_gaps = run("oncall", "gaps", "-f", file, "--at", "2026-01-05T09:00", "--for", "7d", "--json")
    assert with_gaps.exit_code == 1
    (gap,) = json.loads(with_gaps.stdout)["gaps"]
    assert (gap["starts_at"], gap["ends_at"]) == ("2026-01-05T17:00:00Z", "2026-01-12T09:00:00Z")
    without = run("oncall", "gaps", "-f", file, "--schedule", "primary", "--at", "2026-01-06T00:00")
    assert (without.exit_code, without.stdout) == (0, "somebody is on duty at every moment\n")


def test_the_turns_of_a_schedule(file: Path) -> None:
    done = run("oncall", "list", "-f", file, "--schedule", "primary", "--at", "2026-01-06", "--for", "14d", "--json")
    assert [turn["responder"] for turn in json.loads(done.stdout)["turns"]] == ["ada", "grace", "ada"]


def test_a_simulation_tells_every_page_with_its_reason(file: Path) -> None:
    done = run("escalation", "simulate", "-f", file, "--service", "shop", "--at", "2026-01-06T12:00", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["policy"], told["urgency"], told["why"]) == ("shop", "high", "the policy of the service shop")
    assert [(page["after_s"], page["to"], page["contact"]) for page in told["pages"]] == [
        (0, "responder/ada", "mail"),
        (300, "responder/ada", "hook"),
        (900, "schedule/office", None),
    ]


def test_an_acknowledgement_or_the_end_spares_the_rest(file: Path) -> None:
    for words in (("--acknowledged", "2m", "--for", "30m"), ("--resolved", "2m")):
        done = run("escalation", "simulate", "-f", file, "--service", "shop", *words, "--json")
        assert [page["after_s"] for page in json.loads(done.stdout)["pages"]] == [0], words


def test_an_alert_that_leads_to_nobody_is_said_plainly(file: Path) -> None:
    done = run("escalation", "simulate", "-f", file)
    assert "nobody is paged" in done.stdout
    assert "escalation_policies" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("oncall", "who", "--at", "yesterday"), "bad-moment"),
        (("oncall", "who", "--schedule", "second"), "unknown-schedule"),
        (("oncall", "who", "--service", "shopp"), "unknown-service"),
        (("oncall", "list", "--for", "2 weeks"), "bad-duration"),
        (("oncall", "list", "--for", "9999d"), "bad-duration"),
        (("escalation", "simulate", "--label", "team"), "bad-label"),
        (("escalation", "simulate", "--acknowledged", "soon"), "bad-duration"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_hint(file: Path, words: tuple[str, ...], told: str) -> None:
    done = run(*words, "-f", file)
    assert done.exit_code == 1
    assert told in done.stderr
    assert "hint:" in done.stderr
