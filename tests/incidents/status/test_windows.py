"""Which maintenance windows touch which components, what leaks, how long askers wait, where webhooks may lie."""

import ipaddress
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.status import reach
from stationmaster.incidents.status.automatic import Due, Known, due
from stationmaster.incidents.status.leaks import leaks
from stationmaster.incidents.status.neutral import Moment, listed
from stationmaster.incidents.status.reach import check_address, checked_url, resolve
from stationmaster.incidents.status.throttle import Throttle
from stationmaster.incidents.status.windows import touched
from stationmaster.incidents.status.words import PostStatus
from tests.incidents.status.world import API, ORDERS, PAYMENTS, spec
from tests.incidents.world import ZERO


def equal(name: str, value: str) -> LabelMatch:
    return LabelMatch(name=name, value=value)


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ([equal("service", "orders")], (ORDERS,)),
        ([LabelMatch(name="service", value="orders|payments", is_regex=True)], (ORDERS, PAYMENTS)),
        ([LabelMatch(name="service", value="orders", is_equal=False)], (PAYMENTS,)),
        ([equal("region", "us")], (ORDERS,)),
        ([equal("region", "eu")], (ORDERS, PAYMENTS)),
        ([equal("region", "mars")], ()),
        ([equal("instance", "payments-1")], (PAYMENTS,)),
        ([equal("service", "orders"), equal("instance", "payments-1")], ()),
        ([equal("environment", "sample")], (ORDERS, PAYMENTS, API)),
        ([equal("environment", "other")], ()),
        ([equal("api", "orders")], (API,)),
        ([equal("alertname", "Slow")], ()),
        ([equal("alertname", "Slow"), equal("service", "orders")], (ORDERS,)),
    ],
)
def test_a_window_touches_components_by_their_places(matchers: list[LabelMatch], expected: tuple[str, ...]) -> None:
    silence = Silence(
        id="1",
        matchers=tuple(matchers),
        starts_at=ZERO,
        ends_at=ZERO + timedelta(hours=1),
        created_by="ada",
        comment="",
        updated_at=ZERO,
        name="window",
    )
    assert touched(silence, spec()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Orders fail; we are on it.", ()),
        ("orders-1 is down", ("orders-1",)),
        ("orders-11 and my-orders-1 are not ours", ()),
        ("see http://10.1.2.3:8081/healthz", ("10.1.2.3:8081",)),
        ("look at db.prod.internal", ("db.prod.internal",)),
        ("localhost:9090 and 192.168.0.7", ("localhost:9090", "192.168.0.7")),
        ("version 10.1 of 127 apples, see https://status.example.org", ()),
        ("gateway-2 lost orders-4", ("gateway-2", "orders-4")),
    ],
)
def test_what_is_internal_is_found_in_a_text(text: str, expected: tuple[str, ...]) -> None:
    assert leaks(text, spec()) == expected


def _known(told: PostStatus, seen: Moment, now_at: Moment) -> Known:
    return Known(incident=1, told=told, seen=seen, now_at=now_at)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (_known(PostStatus.INVESTIGATING, Moment.OPENED, Moment.OPENED), ()),
        (_known(PostStatus.MONITORING, Moment.OPENED, Moment.OPENED), ()),
        (_known(PostStatus.IDENTIFIED, Moment.OPENED, Moment.MITIGATED), (Due(incident=1, moment=Moment.MITIGATED),)),
        (
            _known(PostStatus.RESOLVED, Moment.OPENED, Moment.RESOLVED),
            (Due(incident=1, moment=Moment.RESOLVED, told=False),),
        ),
        (_known(PostStatus.MONITORING, Moment.MITIGATED, Moment.RESOLVED), (Due(incident=1, moment=Moment.RESOLVED),)),
        (_known(PostStatus.RESOLVED, Moment.RESOLVED, Moment.OPENED), (Due(incident=1, moment=Moment.OPENED),)),
    ],
)
def test_what_is_due_follows_from_what_was_told(known: Known, expected: tuple[Due, ...]) -> None:
    assert due([known]) == expected


def test_what_is_over_is_not_told_to_be_while_its_components_suffer() -> None:
    over = Known(incident=1, told=PostStatus.INVESTIGATING, seen=Moment.OPENED, now_at=Moment.RESOLVED, felt=True)
    assert due([over]) == ()
    assert due([replace(over, felt=False)]) == (Due(incident=1, moment=Moment.RESOLVED),)


def test_names_are_listed_as_people_do() -> None:
    assert [listed(("A", "B", "C")[:count]) for count in range(4)] == ["our services", "A", "A and B", "A, B and C"]


def test_one_network_waits_and_others_do_not() -> None:
    throttle = Throttle(burst=2, refill_s=10, all_burst=100)
    waits = [
        throttle.wait_s("2001:db8::1", 0.0),
        throttle.wait_s("2001:db8::2", 0.0),
        throttle.wait_s("2001:db8::3", 5.0),
    ]
    assert waits == [0.0, 0.0, 5.0]
    assert throttle.wait_s("192.0.2.1", 5.0) == 0.0
    assert throttle.wait_s("2001:db8::1", 10.0) == 0.0


def test_all_together_wait_as_well() -> None:
    throttle = Throttle(all_burst=3, all_refill_s=2)
    assert [throttle.wait_s(f"192.0.2.{number}", 0.0) for number in range(5)] == [0, 0, 0, 2, 2]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "::"),
    ],
)
def test_strangers_reach_no_inner_address(address: str) -> None:
    with pytest.raises(PlatformError, match="no public network"):
        check_address(ipaddress.ip_address(address), inner=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "1.1.1.1"])
def test_own_people_reach_inner_addresses(address: str) -> None:
    check_address(ipaddress.ip_address(address), inner=True)


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1"])
def test_some_addresses_are_for_nobody(address: str) -> None:
    with pytest.raises(PlatformError, match="no public network"):
        check_address(ipaddress.ip_address(address), inner=True)


@pytest.mark.parametrize(
    ("url", "inner"),
    [
        ("http://example.org/", False),
        ("http://10.0.0.1/", True),
        ("ftp://example.org/", True),
        ("https://user:secret@example.org/", False),
        ("https://intranet/", False),
        ("https:///x", False),
        ("nothing", False),
        (f"https://example.org/{'x' * 3000}", False),
    ],
)
def test_urls_that_cannot_be_meant_are_refused(url: str, inner: bool) -> None:
    with pytest.raises(PlatformError) as refused:
        checked_url(url, inner=inner)
    assert refused.value.code == "bad-address"


async def test_a_name_that_leads_inside_is_refused_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leads_inside(_host: str, _port: int) -> list[reach.Address]:
        return [ipaddress.ip_address("93.184.215.14"), ipaddress.ip_address("127.0.0.1")]

    monkeypatch.setattr(reach, "_addresses", leads_inside)
    with pytest.raises(PlatformError, match="no public network"):
        await resolve("https://rebound.example.org/hook", inner=False)


async def test_the_address_that_was_checked_is_the_one_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def six(_host: str, _port: int) -> list[reach.Address]:
        return [ipaddress.ip_address("2606:4700::1111")]

    monkeypatch.setattr(reach, "_addresses", six)
    place = await resolve("https://hooks.example.org:8443/a?b=c", inner=False)
    assert str(place.url) == "https://[2606:4700::1111]:8443/a?b=c"
    assert (place.host, place.server_name) == ("hooks.example.org:8443", "hooks.example.org")
