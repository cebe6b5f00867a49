"""When a gateway node counts as down."""

from stationmaster.monitor.node_watch import AWAY_S, BACK_S, NodeWatch


def story(*moments: tuple[float, bool | None], held: dict[float, str] | None = None) -> list[tuple[str, ...]]:
    """What is down at each moment; None: the node is not declared then."""
    watch, found = NodeWatch(), []
    for at, linked in moments:
        on_purpose = {"one": held[at]} if held and at in held else {}
        watch.look({} if linked is None else {"one": linked}, on_purpose, at)
        found.append(watch.down)
    return found


UP: tuple[str, ...] = ()
DOWN = ("one",)


def test_a_node_that_was_never_connected_is_not_down() -> None:
    assert story((0, False), (100, False)) == [UP, UP]


def test_a_node_is_down_when_it_was_away_for_long_enough() -> None:
    assert story((0, True), (1, False), (1 + AWAY_S / 2, False), (1 + AWAY_S, False)) == [UP, UP, UP, DOWN]


def test_a_connection_that_is_made_anew_at_once_is_no_outage() -> None:
    assert story((0, True), (1, False), (1.1, True), (20, True)) == [UP, UP, UP, UP]


def test_a_node_that_came_back_at_once_was_down_and_is_up_after_a_while() -> None:
    after = 1 + AWAY_S
    moments = ((0, True), (1, False), (after, False), (after + 0.1, True), (after + 0.1 + BACK_S, True))
    assert story(*moments) == [UP, UP, DOWN, DOWN, UP]


def test_one_that_goes_away_again_meanwhile_stays_down() -> None:
    moments = ((0, True), (1, False), (2, False), (2.1, True), (2.2, False), (2.3, False))
    assert story(*moments) == [UP, UP, DOWN, DOWN, DOWN, DOWN]


def test_what_somebody_stopped_on_purpose_is_not_down() -> None:
    assert story((0, True), (1, False), (2, False), (3, False), held={2: "stopped by ada", 3: "stopped by ada"}) == [
        UP,
        UP,
        UP,
        UP,
    ]


def test_what_is_no_longer_declared_is_forgotten() -> None:
    assert story((0, True), (1, False), (2, False), (3, None), (4, False)) == [UP, UP, DOWN, UP, UP]


def test_a_node_whose_process_died_was_down_however_soon_it_is_back() -> None:
    watch, linked = NodeWatch(), {"one": True}
    watch.look(linked, {}, 0, {"one": 3})
    assert watch.down == UP
    assert watch.look(linked, {}, 1, {"one": 4})
    assert watch.down == DOWN
    assert not watch.look(linked, {}, 1 + BACK_S / 2, {"one": 4})
    assert watch.look(linked, {}, 1 + BACK_S, {"one": 4})
    assert watch.down == UP
