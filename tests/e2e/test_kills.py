"""The control plane is killed in the middle of a drill, as `make kills` does it two hundred times."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.kills.drawn import Kill, Kind, Round, Strike
from tests.e2e.kills.ground import Ground, ground_in
from tests.e2e.kills.heard import Receiver, receiving
from tests.e2e.kills.play import Play, is_steady
from tests.e2e.station import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def receiver(free_port: Callable[[], int]) -> Iterator[Receiver]:
    with receiving(free_port()) as found:
        yield found


@pytest.fixture(scope="module")
def ground(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int], receiver: Receiver
) -> Iterator[Ground]:
    made = ground_in(tmp_path_factory.mktemp("kills"), free_port, receiver.url)
    made.station.up()
    try:
        yield made
    finally:
        made.station.down()


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (Kind.APPROVAL, ("ApprovalAsked", "ApprovalAnswered")),
        (Kind.WRONG_BODY, ("RunStarted", "InstanceRestarted")),
    ],
    ids=lambda value: value.value if isinstance(value, Kind) else "",
)
def test_the_loop_completes_no_change_is_made_twice_and_no_page_is_lost(
    ground: Ground, receiver: Receiver, kind: Kind, facts: tuple[str, ...]
) -> None:
    wait_until(lambda: is_steady(ground), "the platform is in its steady state", limit_s=180)
    kills = tuple(Kill(wait_s=20, target=Strike.CONTROL, fact=each, answers=True) for each in facts)
    play = Play(ground=ground, receiver=receiver, drawn=Round(seed=0, kind=kind, instance="key-us-south", kills=kills))
    assert play.run() == []
    assert play.killed == len(facts)
