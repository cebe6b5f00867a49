"""When an API key was last used, from a request at a node to what a person sees; also while nobody is there to hear."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e


def use(station: Station, key: str, number: int = 0) -> None:
    url = f"{station.node_url(number)}/sample/hello"
    answer = httpx.get(url, headers={"apikey": key}, trust_env=False)
    assert answer.status_code == 200, answer.text


def key(station: Station, key_id: str) -> dict[str, Any]:
    found: dict[str, Any] = station.json("key", "show", "ada", key_id)
    return found


def last_use(station: Station, key_id: str) -> datetime:
    wait_until(lambda: key(station, key_id)["last_used_at"], "the use is known", limit_s=8)
    return datetime.fromisoformat(key(station, key_id)["last_used_at"])


def is_stored(station: Station, key_id: str) -> bool:
    """Read behind the control plane's back."""
    query = "SELECT count(*) FROM api_key WHERE id = ? AND last_used_at IS NOT NULL"
    with closing(sqlite3.connect(station.state / "stationmaster.db", timeout=10)) as connection:
        return bool(connection.execute(query, (key_id,)).fetchone()[0])


def test_the_use_of_a_key_shows_within_seconds(station: Station) -> None:
    made, unused = (station.json("key", "create", "ada") for _ in range(2))
    assert made["key"]["last_used_at"] is None
    before = datetime.now(UTC)
    use(station, made["api_key"])
    used = last_use(station, made["key"]["id"])
    assert before <= used <= datetime.now(UTC)
    assert key(station, unused["key"]["id"])["last_used_at"] is None
    listed = station.run("key", "list", "ada").stdout
    assert "LAST USED" in listed
    assert used.astimezone().strftime("%Y-%m-%d %H:%M:%S") in listed
    shown = station.run("key", "show", "ada", unused["key"]["id"]).stdout
    assert "last used  never" in shown


def test_a_use_while_the_control_plane_is_away_is_known_when_it_is_back(station: Station) -> None:
    known, new = (station.json("key", "create", "ada") for _ in range(2))
    use(station, known["api_key"])
    earlier = last_use(station, known["key"]["id"])
    wait_until(lambda: is_stored(station, known["key"]["id"]), "the use is stored", limit_s=8)
    station.kill_control_plane()
    before = datetime.now(UTC)
    for number in (0, 1):
        use(station, new["api_key"], number)
    away_until = datetime.now(UTC)
    station.up()
    assert before <= last_use(station, new["key"]["id"]) <= away_until
    assert last_use(station, known["key"]["id"]) == earlier
