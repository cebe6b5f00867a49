"""`status-page` and its verbs, against a control plane that serves a page with one open incident."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stationmaster.cli.status_page import verbs
from tests.api.only_status_page import control

VERBS = [
    *(["show"], ["post"], ["preview"], ["set"], ["release"]),
    *(["maintenance", "add"], ["maintenance", "tell"], ["maintenance", "end"], ["maintenance", "list"]),
    *(["subscribers", "list"], ["subscribers", "add"], ["subscribers", "remove"]),
]


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Path]:
    with control(tmp_path, free_port()):
        yield tmp_path


def run(state: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(verbs, [*arguments, "--state", str(state)])
    assert done.exit_code == status, done.output
    return done.output


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example(verb: list[str]) -> None:
    done = CliRunner().invoke(verbs, [*verb, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output


def test_an_incident_is_previewed_posted_and_resolved(state: Path) -> None:
    assert "names internal things: payments-1" in run(state, "preview", "1", "-m", "payments-1 is dead")
    assert "neutral" not in run(state, "post", "1")
    said = run(state, "post", "1", "--status", "identified", "-m", "A disk is full.", "-c", "Public API=degraded")
    assert "Outage of Payments: identified, critical impact (Payments, Public API)" in said
    shown = run(state, "show")
    assert "Major System Outage" in shown
    assert re.search(r"Public API\s+degraded_performance", shown)
    assert "identified by token:ops: A disk is full." in shown
    assert "resolved" in run(state, "post", "1", "--status", "resolved")
    assert json.loads(run(state, "show", "--json"))["incidents"][0]["resolved_at"] is not None


def test_words_that_name_internal_things_are_published_only_when_that_is_meant(state: Path) -> None:
    refused = run(state, "post", "1", "-m", "payments-1 is dead", status=1)
    assert "the public would read payments-1 [names-internals]" in refused
    assert "hint: say it without these names, or add --anyway" in refused
    assert "payments-1" not in run(state, "show")
    assert "payments-1 is dead" in run(state, "post", "1", "-m", "payments-1 is dead", "--anyway")


def test_the_end_is_not_told_twice_in_neutral_words(state: Path) -> None:
    run(state, "post", "1", "--status", "resolved")
    assert "told already that it is resolved" in run(state, "post", "1", "--status", "resolved", status=1)
    assert "All is well." in run(state, "post", "1", "--status", "resolved", "-m", "All is well.")


def test_a_component_is_set_and_released(state: Path) -> None:
    assert "Orders is partial_outage" in run(state, "set", "Orders", "partial", "--until", "+2h", "--why", "slow disk")
    assert "Orders is operational" in run(state, "release", "Orders")
    assert "nobody has set Orders" in run(state, "release", "Orders", status=1)
    assert "it can be operational" in run(state, "set", "Orders", "purple", status=1)
    assert "there is no component" in run(state, "set", "Ordres", "major", status=1)


def test_maintenance_is_announced_told_of_and_ended(state: Path) -> None:
    run(state, "maintenance", "add", "Orders", "--from", "2026-11-21T02:00Z", "--for", "3h", "--title", "New disks")
    [made] = json.loads(run(state, "maintenance", "list", "--json"))["maintenances"]
    assert (made["title"], made["status"]) == ("New disks", "in_progress")
    run(state, "maintenance", "tell", made["id"], "-m", "Half is done.")
    assert "completed" in run(state, "maintenance", "end", made["id"])


def test_subscribers_are_added_listed_and_removed(state: Path) -> None:
    number = run(state, "subscribers", "add", "http://127.0.0.1:9/hook", "-c", "Orders").strip()
    assert re.search(rf"{number}\s+webhook\s+http://127.0.0.1:9/hook\s+Orders", run(state, "subscribers", "list"))
    run(state, "subscribers", "remove", number)
    assert "no subscribers" in run(state, "subscribers", "list")
    assert "no letters are sent from here" in run(state, "subscribers", "add", "ada@example.org", status=1)


def test_a_component_without_a_standing_is_refused(state: Path) -> None:
    assert "write it as Orders=partial_outage" in run(state, "post", "1", "-c", "Orders", status=1)
