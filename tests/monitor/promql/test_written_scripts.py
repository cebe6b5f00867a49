"""Our own test scripts: what the functions and operators give, computed by hand from their documentation."""

from pathlib import Path

import pytest

from tests.monitor.promql.scripts import outcomes
from tests.monitor.promql.splitting import at_random

SCRIPTS = sorted((Path(__file__).parent / "written").glob("*.test"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_case_holds(script: Path) -> None:
    told = list(outcomes(script))
    assert len(told) > 20
    assert [f"{script.name}:{case.line} {case.query}: {problem}" for case, problem in told if problem] == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_same_holds_when_series_stand_in_several_blocks(script: Path, seed: int) -> None:
    told = outcomes(script, at_random(seed))
    assert [f"{script.name}:{case.line} {case.query}: {problem}" for case, problem in told if problem] == []
