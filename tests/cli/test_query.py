"""`query` against a control plane with samples."""

import asyncio
import json
import math
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.cli.sparkline import sparkline
from stationmaster.config import StateDir
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.own import OwnQueries
from stationmaster.monitor.query.told import Told
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.db import Database
from tests.api.only_queries import make_app, served
from tests.cli.test_verbs import run

NOW = 1_760_000_000
TOLD = Told(groups=list, targets=list, flags=dict, retention=str)


@pytest.fixture
async def state(tmp_path: Path, database: Database, free_port: Callable[[], int]) -> AsyncIterator[Path]:
    """A state folder whose control plane has two series."""
    store = SeriesStore(now_ms=lambda: NOW * 1000)
    ids = [store.table.intern((("__name__", "up"), ("job", job))) for job in ('a[b]"c"', "db")]
    for number in range(21):
        store.append("s", (NOW - 300 + number * 15) * 1000, {ids[0]: float(number), ids[1]: math.inf})
    folder = StateDir(tmp_path / "state")
    access = Access(database, folder)
    await access.start()
    _row, token = await access.machines.create("asker", Role.VIEWER, None, by="test")
    desk = QueryDesk(lambda: OwnQueries(store), TOLD)
    async with served(make_app(access, desk), free_port) as address:
        folder.control_url.write_text(f"http://{address.partition('/')[0]}\n", "utf-8")
        folder.admin_token.chmod(0o600)
        folder.admin_token.write_text(f"{token}\n", "utf-8")
        yield tmp_path
    desk.close()


async def asked(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(run, state, "query", *arguments)


async def test_a_vector_is_a_table(state: Path) -> None:
    done = await asked(state, "up", "--at", str(NOW))
    assert done.returncode == 0, done.stderr
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["SERIES", "VALUE"]
    assert first.split() == ['up{job="a[b]\\"c\\""}', "20"]
    assert second.split() == ['up{job="db"}', "+Inf"]


async def test_a_range_is_drawn(state: Path) -> None:
    done = await asked(state, 'up{job!="db"}', "--at", str(NOW), "--range", "5m", "--step", "15s")
    assert done.returncode == 0, done.stderr
    row = done.stdout.splitlines()[1].split()
    assert row[1:4] == ["20", "0", "20"]
    assert (row[4], row[-1][-1]) == ("▁", "█")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("1 + 1",), "2"), (('"text"',), "text"), (("nothing_here",), "no series"), (("1 / 0", "--at", "30m"), "+Inf")],
)
async def test_plain_answers_are_plain(state: Path, arguments: tuple[str, ...], said: str) -> None:
    assert (await asked(state, *arguments)).stdout.strip() == said


async def test_json_is_prometheus_own(state: Path) -> None:
    done = await asked(state, 'up{job="db"}', "--at", "2025-10-09T08:53:20Z", "--json")
    assert json.loads(done.stdout) == {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "up", "job": "db"}, "value": [NOW, "+Inf"]}],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sum(",), "[bad-data]"),
        (("up * on () up", "--at", str(NOW)), "[execution]"),
        (("up", "--at", "yesterday"), "[bad-moment]"),
        (("up", "--range", "long"), "[bad-span]"),
        (("up", "--step", "15s"), "[step-without-range]"),
        (("up", "--range", "1y", "--step", "1s"), "11,000 points"),
    ],
)
async def test_a_refusal_is_said_in_words(state: Path, arguments: tuple[str, ...], said: str) -> None:
    done = await asked(state, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def points(values: list[float]) -> list[tuple[float, float]]:
    return [(float(number), value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([5, 5, 5], "▁   ▁  ▁"),
        ([-1e308, 1e308], "▁      █"),
        ([math.inf, 0, -math.inf], "█   ▁  ▁"),
        ([math.nan, 1, math.nan, 2], "  ▁    █"),
        ([], "        "),
        ([1], "▁       "),
    ],
)
def test_a_line_of_blocks_shows_the_course(values: list[float], line: str) -> None:
    first, last = 0.0, max(0.0, float(len(values) - 1))
    assert sparkline(points(values), first, last, 8) == line
