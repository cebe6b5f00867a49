"""Results that are kept as long as the same things lead to them."""

from stationmaster.gateway.remembered import Remembered


def test_a_result_is_made_once_for_equal_causes_and_again_for_others() -> None:
    remembered, made = Remembered[int](), list[str]()

    def make(name: str) -> int:
        made.append(name)
        return len(made)

    assert remembered.of("a", (1, (2,)), lambda: make("a")) == 1
    assert remembered.of("a", (1, (2,)), lambda: make("a")) == 1
    assert remembered.of("b", (1, (2,)), lambda: make("b")) == 2
    assert remembered.of("a", (1, (3,)), lambda: make("a")) == 3
    assert made == ["a", "b", "a"]


def test_what_is_not_kept_is_made_anew() -> None:
    remembered = Remembered[object]()
    first = remembered.of("a", (), object)
    other = remembered.of("b", (), object)
    remembered.keep({"b"})
    assert remembered.of("b", (), object) is other
    assert remembered.of("a", (), object) is not first
