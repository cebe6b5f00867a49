"""Where an alert is put: by what it is, what it follows from, what it is like, and when it comes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import Alert
from stationmaster.core.response import IncidentSettings, Inhibition, LabelMatch
from stationmaster.incidents import inhibit
from stationmaster.incidents.group import Follow, Grouped, Hold, Join, Known, Near, Open, Seen, Terms, place, title_of
from stationmaster.incidents.inhibit import Source
from stationmaster.incidents.reach import Reach
from tests.incidents.grouping import alert, declared, down
from tests.incidents.world import ZERO

REACH = Reach.of(declared())
TERMS = Terms(group_by=("service", "environment", "region"), window_s=300, rules=inhibit.DEFAULTS, reach=REACH)
KEYS_EU = down("keys", "eu")


def near(opened_by: Alert, seconds_ago: float = 10, number: int = 1, terms: Terms = TERMS) -> Near:
    at = ZERO - timedelta(seconds=seconds_ago)
    return Near(number=number, group=terms.of_opening(opened_by), last_alert_at=at)


def placed(which: Alert, seen: Seen, terms: Terms = TERMS) -> object:
    return place(which, ZERO, seen, terms)


def source(which: Alert, number: int = 1) -> Source:
    return Source(number=number, fingerprint=which.fingerprint, labels=which.labels)


def test_what_fires_in_an_incident_or_is_worked_joins_it_whatever_else_holds() -> None:
    known = (Known(number=1, active=False), Known(number=2, active=True))
    seen = Seen(known=known, silences=("s",), sources=(source(KEYS_EU, 3),), near=(near(KEYS_EU, number=4),))
    assert placed(KEYS_EU, seen) == Join(number=2)


def test_what_is_silenced_waits_although_it_could_join() -> None:
    assert placed(KEYS_EU, Seen(silences=("s1", "s2"), near=(near(KEYS_EU),))) == Hold(silences=("s1", "s2"))


@pytest.mark.parametrize(
    ("which", "opened_by", "joins"),
    [
        (alert("Slow", service="keys", region="eu"), KEYS_EU, True),
        (alert("Slow", service="keys", region="us"), KEYS_EU, False),
        (alert("Slow", service="keys"), KEYS_EU, True),
        (KEYS_EU, alert("ServiceDown", service="keys"), True),
        (alert("Slow", service="orders", region="eu"), KEYS_EU, False),
        (alert("Slow", region="eu"), KEYS_EU, True),
        (alert("Slow"), KEYS_EU, False),
        (alert("AlwaysOn", team="a"), alert("AlwaysOn", team="b"), True),
        (alert("AlwaysOn"), alert("Other"), False),
        (alert("BadAnswers", api="shop"), alert("Slow", service="orders"), True),
        (alert("BadAnswers", service="orders_host"), alert("Slow", service="orders"), True),
        (alert("Slow", service="keys", environment="elsewhere"), alert("Slow", service="keys"), False),
    ],
    ids=[
        "the same service and region",
        "another region",
        "no region agrees with any",
        "and the other way round",
        "another service",
        "the region alone",
        "nothing but the environment",
        "without any of the labels by name",
        "and not by another name",
        "an API by the service behind it",
        "a virtual host by the service behind it",
        "another environment",
    ],
)
def test_alerts_that_agree_join_those_that_do_not_open(which: Alert, opened_by: Alert, joins: bool) -> None:
    found = placed(which, Seen(near=(near(opened_by),)))
    assert isinstance(found, Grouped if joins else Open), found


@pytest.mark.parametrize(("seconds_ago", "joins"), [(0, True), (300, True), (301, False), (-60, True)])
def test_an_incident_takes_alerts_so_long_after_its_last_one(seconds_ago: float, joins: bool) -> None:
    found = placed(down("keys", "eu"), Seen(near=(near(KEYS_EU, seconds_ago),)))
    assert isinstance(found, Grouped if joins else Open)


def test_an_incident_in_which_nothing_fires_or_is_worked_takes_nothing() -> None:
    assert isinstance(placed(KEYS_EU, Seen(near=(replace(near(KEYS_EU), live=False),))), Open)


def test_three_dots_group_by_nothing() -> None:
    apart = replace(TERMS, group_by=("...",))
    assert isinstance(placed(KEYS_EU, Seen(near=(near(KEYS_EU),)), apart), Open)


def test_the_incident_that_agrees_in_most_is_joined_then_the_latest() -> None:
    wide, old = near(alert("X", service="keys"), 1, 1), near(KEYS_EU, 60, 2)
    found = placed(KEYS_EU, Seen(near=(wide, old, near(KEYS_EU, 30, 3))))
    assert isinstance(found, Grouped)
    assert found.number == 3
    assert found.why == "service keys, environment lab, region eu, and not more than 300 s after the last alert of it"


@pytest.mark.parametrize(
    ("which", "cause", "follows"),
    [
        (alert("UpstreamErrors", api="shop"), down("orders", "eu"), True),
        (alert("UpstreamErrors", api="shop"), down("keys", "eu"), False),
        (alert("ErrorBudgetBurn", service="orders", severity="page"), alert("ServiceDown", service="orders"), True),
        (alert("ApiUnreachable", api="shop", service="orders_host", node="node-1"), down("orders", "us"), True),
        (alert("ApiUnreachable", api="shop", node="node-1"), alert("GatewayNodeDown", node="node-1"), True),
        (alert("ApiUnreachable", api="shop", node="node-2"), alert("GatewayNodeDown", node="node-1"), False),
        (alert("GatewayWayDown", node="node-1"), alert("GatewayNodeDown", node="node-1"), True),
        (alert("ScrapeTargetDown", job="gateway", instance="node-1"), alert("GatewayNodeDown", node="node-1"), True),
        (down("orders", "us"), down("orders", "eu"), False),
        (alert("ServiceDown", service="orders"), down("orders", "eu"), False),
        (alert("DiskFull", service="orders"), down("orders", "eu"), False),
        (alert("UpstreamErrors", api="shop", environment="x"), down("orders", "eu"), False),
    ],
    ids=[
        "errors of an API behind which an instance is dead",
        "not where another service is dead",
        "a budget burns while a service is down",
        "an API that cannot be reached",
        "through a dead node",
        "not through another node",
        "the way from a dead node",
        "its numbers are missing",
        "another instance is worked by itself",
        "so is the whole service",
        "a full disk does not follow from it",
        "nor anything of another environment",
    ],
)
def test_what_follows_from_a_dead_instance_or_node_by_default(which: Alert, cause: Alert, follows: bool) -> None:
    found = placed(which, Seen(sources=(source(cause),)))
    if follows:
        assert found == Follow(number=1, source=cause.fingerprint, why=f"it follows from {title_of(cause.labels)}")
    else:
        assert isinstance(found, Open)


def rule(source_: str, target: str, *equal: str) -> Inhibition:
    def named(name: str) -> tuple[LabelMatch, ...]:
        return (LabelMatch(name="alertname", value=name),)

    return Inhibition(source=named(source_), target=named(target), equal=equal)


def test_what_is_declared_takes_the_place_of_the_defaults() -> None:
    rules = inhibit.rules_of(IncidentSettings(inhibitions=(rule("Flood", "Wet", "region"),)))
    terms = replace(TERMS, rules=rules)
    errors, cause = alert("UpstreamErrors", api="shop"), down("orders", "eu")
    assert isinstance(placed(errors, Seen(sources=(source(cause),)), terms), Open)
    wet, flood = alert("Wet", region="eu"), alert("Flood", region="eu")
    assert isinstance(placed(wet, Seen(sources=(source(flood),)), terms), Follow)
    assert isinstance(placed(wet, Seen(sources=(source(alert("Flood", region="us")),)), terms), Open)
    both_without = Seen(sources=(source(alert("Flood")),))
    assert isinstance(placed(alert("Wet"), both_without, terms), Follow), "absent labels are equal"


def test_an_alert_does_not_follow_from_itself_nor_from_its_like() -> None:
    terms = replace(TERMS, rules=inhibit.rules_of(IncidentSettings(inhibitions=(rule("A", "A"),))), group_by=("...",))
    one, other = alert("A", n="1"), alert("A", n="2")
    assert isinstance(placed(one, Seen(sources=(source(one), source(other))), terms), Open)


@pytest.mark.parametrize(
    ("rule_", "labels", "wanted"),
    [
        (rule("Flood", "Wet", "region"), {"region": "eu"}, {"alertname": {"Flood"}, "region": {"eu"}}),
        (rule("Flood", "Wet", "region"), {}, {"alertname": {"Flood"}}),
    ],
)
def test_sources_are_looked_up_by_what_a_rule_says_of_them(
    rule_: Inhibition, labels: dict[str, str], wanted: dict[str, set[str]]
) -> None:
    (made,) = inhibit.rules_of(IncidentSettings(inhibitions=(rule_,)))
    assert inhibit.wanted(made, labels) == wanted
    assert inhibit.wanted(inhibit.DEFAULTS[0], {})["alertname"] == {
        "ServiceInstanceDown",
        "ServiceRegionDown",
        "ServiceDown",
    }


@pytest.mark.parametrize(
    ("labels", "title"),
    [
        ({"alertname": "AlwaysOn"}, "AlwaysOn"),
        ({"alertname": "HighErrorRate", "service": "orders", "environment": "x"}, "HighErrorRate: orders"),
        (
            {"alertname": "ServiceInstanceDown", "instance": "k-1", "service": "k", "region": "eu-1"},
            "ServiceInstanceDown: k-1 (k, eu-1)",
        ),
        ({"alertname": "ApiUnreachable", "api": "shop", "node": "n1"}, "ApiUnreachable: shop (n1)"),
        ({"alertname": "GatewayNodeDown", "node": "n1"}, "GatewayNodeDown: n1"),
        ({"region": "eu"}, "alert (eu)"),
        ({"alertname": "A" * 900}, "A" * 500),
    ],
)
def test_titles_name_what_is_known_and_nothing_else(labels: dict[str, str], title: str) -> None:
    assert title_of(labels) == title
