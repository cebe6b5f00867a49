"""The runbook that answers an alert is chosen for a reason that can be read."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from stationmaster.core.facts import Alert
from stationmaster.runbooks.library import load_library
from stationmaster.runbooks.match import Ambiguous, Index, Match, NoMatch, choose
from stationmaster.runbooks.read.document import MatchRules, Runbook
from tests.runbooks.world import MOMENT, OWN, alert, loaded


@pytest.fixture
def seed_runbooks(seeds: Path) -> tuple[Runbook, ...]:
    return tuple(load_library([seeds]).runbooks)


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


def made(number: int, **given: object) -> Runbook:
    rules = MatchRules(alerts=(f"Alert{number}",), service="shop", tags=("shop",))
    fields = {"file": f"{number}.md", "digest": "", "title": f"Runbook {number}", "match": rules, **given}
    return Runbook(**fields)  # type: ignore[arg-type]


def test_a_title_that_is_the_name_of_the_alert_is_enough() -> None:
    runbook = made(1, title="ShopIsSlow", match=MatchRules(service=""))
    found = choose(alert(alertname="ShopIsSlow", service="shop"), [runbook])
    assert isinstance(found, Match)
    assert found.why == "it names the alert ShopIsSlow"
    assert isinstance(choose(alert(alertname="Shop", service="other"), [made(1, title="Shop")]), NoMatch)


def test_an_index_decides_as_one_by_one_would() -> None:
    runbooks = [made(number) for number in range(50)]
    index = Index(runbooks)
    assert len(index) == 50
    assert list(index) == runbooks
    assert index[3:5] == runbooks[3:5]
    for number in (0, 25, 49):
        found = choose(alert(alertname=f"Alert{number}", service="shop"), index)
        assert isinstance(found, Match)
        assert found.runbook is runbooks[number]
    assert isinstance(choose(alert(alertname="Alert50", service="none"), index), NoMatch)


def test_runners_up_have_their_own_reasons(seed_runbooks: tuple[Runbook, ...]) -> None:
    ranked = Index((*seed_runbooks, loaded(OWN))).ranked(alert(), 10)
    assert [round(match.score, 1) for match in ranked[:1]] == [1.0]
    assert len(ranked) == len({match.runbook.file for match in ranked}) >= 3
    assert all(first.score >= second.score for first, second in pairwise(ranked))
    assert "it quotes an alert text" in ranked[1].why


def test_a_retired_runbook_that_names_the_alert_is_not_held_against_itself() -> None:
    quoting = MatchRules(alerts=("Down",), service="shop", quoted=("Service: shop in env: sample is down",))
    found = choose(
        Alert(
            fingerprint="",
            labels={"alertname": "Down", "service": "shop"},
            summary="Service: shop in env: sample is down",
            url="",
            starts_at=MOMENT,
        ),
        [made(1, retired=True, match=replace(quoting, service="Shop")), made(2, match=MatchRules(service="other"))],
    )
    assert isinstance(found, Match)


def test_of_no_runbooks_none_matches() -> None:
    found = choose(alert(), [])
    assert isinstance(found, NoMatch)
    assert "none of 0 runbooks" in found.why


def test_an_alert_without_a_service_is_not_said_to_have_one() -> None:
    book = replace(loaded(OWN), service="", match=MatchRules(alerts=("Down",)))
    found = choose(alert(alertname="Down", service=""), [book])
    assert isinstance(found, Match)
    assert found.why == "it names the alert Down"
    assert found.score < 1.0


def test_an_alert_of_a_runbooks_own_rule_is_answered_by_that_runbook() -> None:
    named, other = made(1), made(2)
    asked = replace(alert(), rule=f"{other.file}:41")
    found = choose(asked, (named, other))
    assert isinstance(found, Match)
    assert (found.runbook, found.why) == (other, "the rule that fired stands on its line 41")
    retired = replace(other, retired=True)
    assert not isinstance(choose(asked, (retired,)), Match)
    assert isinstance(choose(replace(asked, rule="rules/api.yml:7"), (named, other)), NoMatch)
