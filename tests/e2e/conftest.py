"""Stations for the end-to-end tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.station import SAMPLE, Station, sample_with_free_ports, wait_until

MakeStation = Callable[..., Station]


@pytest.fixture(scope="module")
def station_of(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[MakeStation]:
    """Makes a station whose runbooks come from the given folders (ours by default); all of it is down afterwards."""
    made: list[Station] = []

    def make(*runbooks: Path) -> Station:
        folders = runbooks or (SAMPLE.parent / "runbooks",)
        folder = tmp_path_factory.mktemp("station")
        station = Station(folder=folder, document=sample_with_free_ports(free_port, folders))
        station.write_manifest()
        made.append(station)
        return station

    yield make
    for station in made:
        station.down()


@pytest.fixture(scope="module")
def module_station(station_of: MakeStation) -> Station:
    """The sample platform; the tests of a module share it."""
    return station_of()


@pytest.fixture
def station(module_station: Station) -> Station:
    """The sample platform in its steady state."""
    if not module_station.is_up():
        module_station.up()
    wait_until(module_station.is_quiet, "the platform is ready and no incident is open", limit_s=180)
    return module_station
