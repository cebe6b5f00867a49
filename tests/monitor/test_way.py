"""Where an API breaks off, as a table; and the alerts that this makes over time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.crossing import Crossing, NodeWay
from stationmaster.monitor.rules import Health, begin
from stationmaster.monitor.way import Diagnosis, Direct, Place, Through, locate
from stationmaster.monitor.way_state import WayState, advance, outage_of, outages, resumed

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHECK = HealthCheck(down_after=2, up_after=2)


def http(status: int, *, ok: bool | None = None) -> ProbeAnswer:
    well = status == 200 if ok is None else ok
    return ProbeAnswer(ok=well, detail=f"status {status}", latency_ms=1, at=START, status=status)


def fault(kind: Fault) -> ProbeAnswer:
    return ProbeAnswer(ok=False, detail=kind.value, latency_ms=1, at=START, fault=kind)


OK, REFUSED, UNREACHABLE = http(200), fault(Fault.REFUSED), fault(Fault.UNREACHABLE)
SILENT, BROKEN = fault(Fault.SILENT), fault(Fault.BROKEN)


@pytest.mark.parametrize(
    ("through", "linked", "direct", "place"),
    [
        (OK, True, [OK], None),
        (OK, False, [REFUSED], None),
        # The node itself: nobody listens, or it hangs; connected to the control plane or not.
        (REFUSED, False, [OK], Place.NODE),
        (REFUSED, None, [OK], Place.NODE),
        (REFUSED, None, [REFUSED], Place.NODE),
        (REFUSED, True, [OK], Place.NODE),
        (UNREACHABLE, True, [OK], Place.WAY_TO_NODE),
        (UNREACHABLE, None, [OK], Place.WAY_TO_NODE),
        (UNREACHABLE, False, [OK], Place.NODE),
        (SILENT, False, [OK], Place.NODE),
        (SILENT, True, [], Place.NODE),
        (BROKEN, True, [OK], Place.NODE),
        # The node takes the request, and nothing comes back.
        (SILENT, True, [OK], Place.WAY_FROM_NODE),
        (SILENT, None, [OK, SILENT], Place.WAY_FROM_NODE),
        (SILENT, True, [SILENT, REFUSED], Place.INSTANCES),
        (BROKEN, True, [REFUSED], Place.INSTANCES),
        # The node answers for what is behind it.
        (http(503), True, [OK], Place.WAY_FROM_NODE),
        (http(503), True, [OK, REFUSED], Place.WAY_FROM_NODE),
        (http(502), True, [http(401)], Place.WAY_FROM_NODE),
        (http(503), True, [REFUSED, SILENT], Place.INSTANCES),
        (http(504), True, [http(503)], Place.INSTANCES),
        (http(503), True, [], Place.ANSWER),
        # Refused on purpose, or led astray.
        (http(401), True, [OK], Place.CREDENTIALS),
        (http(403), True, [http(403)], Place.PERMISSION),
        (http(429), True, [OK], Place.LIMIT),
        (http(404), True, [OK], Place.ROUTE),
        (http(404), True, [], Place.ROUTE),
        (http(404), True, [http(404)], Place.INSTANCES),
        (http(404), True, [http(404), OK], Place.ANSWER),
        (http(500), True, [http(500)], Place.INSTANCES),
        (http(500), True, [OK], Place.ANSWER),
        (http(200, ok=False), True, [http(200, ok=False)], Place.INSTANCES),
        (http(200, ok=False), True, [OK], Place.ANSWER),
        (http(301), True, [], Place.ANSWER),
    ],
)
def test_the_likely_place_follows_from_the_answers(
    through: ProbeAnswer, linked: bool | None, direct: list[ProbeAnswer], place: Place | None
) -> None:
    asked = [Direct(target=f"shop-{number}", answer=answer) for number, answer in enumerate(direct)]
    found = locate(Through(node="gw-1", answer=through, linked=linked), [], asked)
    assert (found.place if found else None) is place


def test_a_node_that_does_nothing_at_all_is_the_place_itself() -> None:
    direct = [Direct(target="shop-1", answer=OK)]
    frozen = Through(node="gw-1", answer=SILENT, linked=True, frozen=True)
    found = locate(frozen, [], direct)
    assert found is not None
    assert found.place is Place.NODE


def test_a_diagnosis_says_what_speaks_for_it() -> None:
    other = Through(node="gw-2", answer=OK)
    found = locate(Through(node="gw-1", answer=http(503)), [other], [Direct(target="shop-1", answer=OK)])
    assert found is not None
    assert found.text == "gw-1: status 503; asked directly, 1 of 1 answer (shop-1); through gw-2 it answers"
    dead = [Direct(target=f"shop-{number}", answer=REFUSED) for number in range(5)]
    found = locate(Through(node="gw-1", answer=http(503)), [], dead)
    assert found is not None
    assert found.text == (
        "gw-1: status 503; asked directly, none of 5 is well "
        "(shop-0: refused; shop-1: refused; shop-2: refused and 2 more)"
    )


WAY = NodeWay(
    api="shop",
    node="gw-1",
    address=Address(host="127.0.0.1", port=8000),
    admin=Address(host="127.0.0.1", port=9000),
)
CROSSING = Crossing(
    api="shop",
    service="shop_service",
    environment="lab",
    region="eu-de",
    check=replace(CHECK, path="/shop/ping"),
    direct_check=CHECK,
    ways=(WAY,),
    spots=(),
)


def play(*answers: tuple[ProbeAnswer, Place | None], state: WayState | None = None) -> list[Place | None]:
    """The place that alerts name after every answer."""
    state = state or WayState(watch=begin(START, 0.0))
    seen = []
    for number, (answer, place) in enumerate(answers, 1):
        found = Diagnosis(place=place, text="because") if place else None
        state = advance(state, answer, found, CHECK, moment_s=float(number))
        fires = outages([(CROSSING, WAY, state)], START)
        assert bool(fires) == (state.watch.health is Health.DOWN)
        seen.append(state.diagnosis.place if fires and state.diagnosis else None)
    return seen


def test_an_alert_fires_after_the_threshold_and_recovers_after_its_own() -> None:
    down, up = (http(503), Place.INSTANCES), (OK, None)
    assert play(up, down, down, up, up) == [None, None, Place.INSTANCES, Place.INSTANCES, None]


def test_a_way_that_was_never_well_has_the_grace_of_a_start() -> None:
    assert play(*[(REFUSED, Place.NODE)] * 3) == [None, None, None]


def test_one_answer_that_speaks_for_another_place_does_not_move_the_alert() -> None:
    node, instances = (REFUSED, Place.NODE), (http(503), Place.INSTANCES)
    seen = play((OK, None), node, node, instances, node, instances, instances)
    assert seen[2:] == [Place.NODE] * 4 + [Place.INSTANCES]


@pytest.mark.parametrize(
    ("place", "labels"),
    [
        (Place.NODE, {"alertname": "GatewayNodeDown", "node": "gw-1", "severity": "critical"}),
        (Place.WAY_TO_NODE, {"alertname": "GatewayWayDown", "node": "gw-1", "severity": "critical"}),
        (
            Place.WAY_FROM_NODE,
            {"alertname": "GatewayWayDown", "node": "gw-1", "service": "shop_service", "severity": "critical"},
        ),
        (
            Place.INSTANCES,
            {
                "alertname": "ApiUnreachable",
                "node": "gw-1",
                "api": "shop",
                "service": "shop_service",
                "region": "eu-de",
                "severity": "critical",
            },
        ),
        (
            Place.CREDENTIALS,
            {
                "alertname": "ApiUnreachable",
                "node": "gw-1",
                "api": "shop",
                "service": "shop_service",
                "region": "eu-de",
                "severity": "warning",
            },
        ),
    ],
)
def test_an_alert_is_named_after_its_place(place: Place, labels: dict[str, str]) -> None:
    alert = outage_of(CROSSING, WAY, Diagnosis(place=place, text="because"), START).alert
    assert alert.labels == labels | {"environment": "lab"}
    assert alert.url == "http://127.0.0.1:8000/shop/ping"
    assert alert.annotations == {"place": place.value, "description": "because"}
    for word in ("lab", alert.url, place.value):
        assert word in alert.summary


def test_a_dead_node_makes_one_alert_however_many_apis_lead_through_it() -> None:
    state = WayState(
        watch=replace(begin(START, 0.0), health=Health.DOWN), diagnosis=Diagnosis(place=Place.NODE, text="because")
    )
    other = replace(CROSSING, api="till"), replace(WAY, api="till"), state
    assert len(outages([(CROSSING, WAY, state), other], START)) == 1


@pytest.mark.parametrize("place", list(Place))
def test_an_alert_that_fired_before_a_restart_is_taken_up_and_only_recovers(place: Place) -> None:
    alert = outage_of(CROSSING, WAY, Diagnosis(place=place, text="because"), START).alert
    state = resumed(CROSSING, WAY, [alert.fingerprint], START + timedelta(hours=1))
    assert state is not None
    assert outages([(CROSSING, WAY, state)], START).keys() == {alert.fingerprint}
    assert play((OK, None), (OK, None), state=state)[-1] is None
    assert resumed(CROSSING, WAY, [], START) is None
