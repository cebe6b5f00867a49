"""What a process tells of itself: numbers that are asked for, durations that were kept, the process's own."""

import asyncio
import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.runtime import metrics
from stationmaster.runtime.metrics import ControlMetrics, Kind, Reading, single
from stationmaster.runtime.timings import Timings


async def told(found: ControlMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, _ = await found.text()
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(body.decode())
        for each in family.samples
    }


async def test_sources_are_asked_for_every_reading() -> None:
    numbers = itertools.count(1)

    async def source() -> Iterable[Reading]:
        return [
            single("runs_open", next(numbers), "Runs."),
            Reading(name="loop_failures", kind=Kind.COUNTER, help="F.", labels=("loop",), samples={("a b",): 3}),
        ]

    found = ControlMetrics(sources=[source])
    first, second = await told(found), await told(found)
    assert (first["stationmaster_runs_open", ()], second["stationmaster_runs_open", ()]) == (1, 2)
    assert second["stationmaster_loop_failures_total", (("loop", "a b"),)] == 3
    assert second["process_resident_memory_bytes", ()] > 1_000_000
    assert second["process_cpu_seconds_total", ()] > 0


async def test_durations_become_a_histogram() -> None:
    timings = Timings(name="took_seconds", help="T.", labels=("path",), bounds_s=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        timings.observe(seconds, "/x")
    found = await told(ControlMetrics(timings=[timings]))
    below = {
        le: found["stationmaster_took_seconds_bucket", (("le", le), ("path", "/x"))] for le in ("0.1", "1.0", "+Inf")
    }
    assert below == {"0.1": 2, "1.0": 3, "+Inf": 4}
    assert found["stationmaster_took_seconds_sum", (("path", "/x"),)] == pytest.approx(7.65)


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=50))
def test_every_duration_is_in_the_first_bucket_that_it_fits(seconds: list[float]) -> None:
    timings = Timings(name="t", help="T.", bounds_s=(0.5, 5.0, 50.0))
    for each in seconds:
        timings.observe(each)
    counts = timings.kept[()].counts if seconds else [0] * 4
    cumulative = [*itertools.accumulate(counts)]
    assert cumulative == [sum(each <= bound for each in seconds) for bound in (0.5, 5.0, 50.0, float("inf"))]


async def test_open_metrics_is_told_to_those_who_ask_for_it() -> None:
    body, kind = await ControlMetrics().text("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert (await ControlMetrics().text("text/html"))[1].startswith("text/plain; version=")


async def test_a_source_that_does_not_answer_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck() -> Iterable[Reading]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(metrics, "_ASKED_WITHIN_S", 0.05)
    with pytest.raises(TimeoutError):
        await ControlMetrics(sources=[stuck]).text()
