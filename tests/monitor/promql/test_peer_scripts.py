"""Prometheus' own test files, run over one block and over many; what is left out stands here with its reason."""

from pathlib import Path

import pytest

from tests.monitor.promql.scripts import outcomes
from tests.monitor.promql.splitting import at_random

PEER = Path(__file__).resolve().parents[4] / "shared" / "peer-tests" / "promqltest" / "testdata"
SCRIPTS = sorted(PEER.glob("*.test"))

IGNORED = "remarks that it ignored native histograms, which are not supported"
SHOWN = "shows native histograms, which are not supported"
EXCLUDED: dict[tuple[str, int], str] = {
    **{
        ("aggregators.test", line): IGNORED
        for line in (239, 244, 252, 257, 370, 374, 378, 382, 386, 390, 396, 400, 404, 408, 412, 416, 520, 528)
    },
    **{("aggregators.test", line): IGNORED for line in (805, 809, 814, 817, 820, 825, 837, 841, 845, 850)},
    **{("aggregators.test", line): SHOWN for line in (447, 453, 459, 467, 474, 573)},
    ("aggregators.test", 481): "strings are text here: bytes that are no UTF-8 are refused with other words",
    ("range_queries.test", 93): SHOWN,
}


def test_the_scripts_are_there() -> None:
    if not PEER.is_dir():
        pytest.skip(f"no test files of Prometheus at {PEER}")
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_case_holds_but_for_those_left_out_and_those_fail(script: Path) -> None:
    told = list(outcomes(script))
    assert told
    wrong = [
        f"{script.name}:{case.line} {case.query}: {problem or 'holds, though it is left out'}"
        for case, problem in told
        if bool(problem) != ((script.name, case.line) in EXCLUDED)
    ]
    assert wrong == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_same_holds_when_series_stand_in_several_blocks(script: Path, seed: int) -> None:
    wrong = [
        f"{script.name}:{case.line} {case.query}: {problem}"
        for case, problem in outcomes(script, at_random(seed))
        if problem and (script.name, case.line) not in EXCLUDED
    ]
    assert wrong == []


def test_exclusions_name_cases_that_exist() -> None:
    if not PEER.is_dir():
        pytest.skip(f"no test files of Prometheus at {PEER}")
    lines = {(script.name, case.line) for script in SCRIPTS for case, _ in outcomes(script)}
    assert set(EXCLUDED) <= lines
