"""Stations for the end-to-end tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.station import SAMPLE, Station, sample_with_free_ports

MakeStation = Callable[..., Station]


@pytest.fixture
def station_of(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[MakeStation]:
    """Makes a station whose runbooks come from the given folders (ours by default); all of it is down afterwards."""
    made: list[Station] = []

    def make(*runbooks: Path) -> Station:
        folders = runbooks or (SAMPLE.parent / "runbooks",)
        station = Station(folder=tmp_path, document=sample_with_free_ports(free_port, folders))
        station.write_manifest()
        made.append(station)
        return station

    yield make
    for station in made:
        station.down()


@pytest.fixture
def station(station_of: MakeStation) -> Station:
    """The sample platform, up."""
    made = station_of()
    made.up()
    return made
