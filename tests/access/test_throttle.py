import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.access.throttle import Limits, LoginThrottle

LIMITS = Limits(free_tries=3, first_pause_s=1, longest_pause_s=8, forgotten_after_s=100, burst=5, refill_s=10)


def throttle(**changes: float) -> LoginThrottle:
    values = {name: getattr(LIMITS, name) for name in LIMITS.__dataclass_fields__}
    return LoginThrottle(Limits(**{**values, **changes}))


def test_pauses_of_a_name_double_up_to_the_longest() -> None:
    tried, now, pauses = throttle(burst=1000), 0.0, []
    for _ in range(9):
        wait = tried.admit("ada", "192.0.2.1", now)
        if wait:
            pauses.append(wait)
            now += wait
            assert tried.admit("ada", "192.0.2.1", now) == 0
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_a_try_within_the_pause_does_not_make_it_longer() -> None:
    tried = throttle(burst=1000)
    for _ in range(3):
        assert tried.admit("ada", "192.0.2.1", 0) == 0
    assert [tried.admit("ada", "192.0.2.1", 0.25) for _ in range(3)] == [0.75] * 3
    assert tried.admit("ada", "192.0.2.1", 1) == 0


def test_a_name_is_paused_from_every_address_and_no_other_name_is() -> None:
    tried = throttle()
    for number in range(3):
        tried.admit("ada", f"192.0.2.{number}", 0)
    assert tried.admit("ada", "192.0.2.9", 0) == 1
    assert tried.admit("grace", "192.0.2.9", 0) == 0


def test_success_and_time_clear_a_name() -> None:
    tried = throttle(burst=1000)
    for _ in range(3):
        tried.admit("ada", "192.0.2.1", 0)
    tried.succeeded("ada")
    assert tried.admit("ada", "192.0.2.1", 0) == 0
    for _ in range(2):
        tried.admit("ada", "192.0.2.1", 0)
    assert tried.admit("ada", "192.0.2.1", 0) > 0
    assert tried.admit("ada", "192.0.2.1", 101) == 0


def test_tries_at_the_same_moment_share_the_limit() -> None:
    tried = throttle(burst=1000)
    assert [tried.admit("ada", "192.0.2.1", 0) == 0 for _ in range(10)] == [True] * 3 + [False] * 7


def test_an_address_has_a_burst_and_is_refilled() -> None:
    tried = throttle()
    assert [tried.admit(f"n{number}", "192.0.2.1", 0) for number in range(7)] == [0] * 5 + [10, 10]
    assert tried.admit("other", "192.0.2.2", 0) == 0
    assert tried.admit("n8", "192.0.2.1", 10) == 0
    assert tried.admit("n9", "192.0.2.1", 10) == 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "", True),
        ("unix", "unix", True),
    ],
)
def test_addresses_of_one_network_share_a_bucket(one: str, other: str, same: bool) -> None:
    tried = throttle(burst=1)
    assert tried.admit("a", one, 0) == 0
    assert (tried.admit("b", other, 0) > 0) is same


def test_a_flood_of_names_and_addresses_takes_bounded_memory() -> None:
    tried = throttle(remembered=100)
    for number in range(1000):
        tried.admit(f"n{number}", f"198.51.{number // 250}.{number % 250}", float(number))
    assert len(tried._tries) == len(tried._buckets) == 100
    assert "n999" in tried._tries


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(min_value=0, max_value=50)), max_size=60))
def test_no_name_ever_gets_more_tries_than_its_pauses_allow(steps: list[tuple[str, float]]) -> None:
    tried, now = throttle(burst=10_000, forgotten_after_s=1e9), 0.0
    admitted: dict[str, list[float]] = {}
    for name, step in steps:
        now += step
        if tried.admit(name, "192.0.2.1", now) == 0:
            admitted.setdefault(name, []).append(now)
    for times in admitted.values():
        for number in range(LIMITS.free_tries, len(times)):
            least = min(LIMITS.longest_pause_s, 2 ** (number - LIMITS.free_tries))
            assert times[number] - times[number - 1] >= least - 1e-9
