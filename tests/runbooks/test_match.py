"""The runbook that answers an alert is chosen for a reason that can be read."""

from pathlib import Path

import pytest

from stationmaster.runbooks.library import load_library
from stationmaster.runbooks.match import Ambiguous, Match, NoMatch, choose
from stationmaster.runbooks.read.document import Runbook
from tests.runbooks.world import OWN, alert, loaded


@pytest.fixture
def seed_runbooks(seeds: Path) -> tuple[Runbook, ...]:
    return load_library([seeds]).runbooks


@pytest.mark.parametrize("instance", ["key-us-south", "key-us-east", "key-eu-de"])
def test_among_the_seeds_the_instance_down_runbook_answers(seed_runbooks: tuple[Runbook, ...], instance: str) -> None:
    found = choose(alert(instance), seed_runbooks)
    assert isinstance(found, Match)
    assert "001_" in found.runbook.file
    assert "it quotes an alert text" in found.why
    assert "warning: its title says RETIRED" in found.why


def test_our_own_runbook_wins_because_it_names_the_alert(seed_runbooks: tuple[Runbook, ...]) -> None:
    found = choose(alert(), (*seed_runbooks, loaded(OWN)))
    assert isinstance(found, Match)
    assert found.runbook.file == str(OWN)
    assert found.why == "it names the alert ServiceInstanceDown and the service api_key_service"


def test_an_alert_name_in_the_details_is_enough(seed_runbooks: tuple[Runbook, ...]) -> None:
    found = choose(alert(alertname="APIServiceDown", service="ecap"), seed_runbooks)
    assert isinstance(found, Match)
    assert "003_" in found.runbook.file


def test_the_alert_of_another_service_is_not_answered(seed_runbooks: tuple[Runbook, ...]) -> None:
    assert isinstance(choose(alert(service="sample_api"), (*seed_runbooks, loaded(OWN))), NoMatch)


def test_without_the_quoting_one_tags_and_title_decide(seed_runbooks: tuple[Runbook, ...]) -> None:
    others = [each for each in seed_runbooks if "001_" not in each.file]
    found = choose(alert(), others)
    assert isinstance(found, Match)
    assert "002_" in found.runbook.file
    assert found.score < 0.5


def test_two_that_answer_equally_well_are_not_decided_between() -> None:
    found = choose(alert(), [loaded(OWN), loaded(OWN)])
    assert isinstance(found, Ambiguous)
    assert "equally well" in found.why


def test_of_no_runbooks_none_matches() -> None:
    found = choose(alert(), [])
    assert isinstance(found, NoMatch)
    assert "none of 0 runbook(s)" in found.why
