"""Asks the platform, where one runs, which runbooks were worked in which drill last."""

from collections.abc import Sequence
from pathlib import Path

from stationmaster.cli.options import state_dir
from stationmaster.core.drilled import DrilledRunbook
from stationmaster.core.problem import PlatformError

_LIMIT_S = 5.0


def drilled_runbooks(state: Path) -> Sequence[DrilledRunbook]:
    """Raises PlatformError where no platform answers."""
    from stationmaster.api.wire_runbooks import DrilledRunbookList
    from stationmaster.cli.client import ControlClient

    client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
    return [
        DrilledRunbook(
            runbook=each.runbook,
            file=each.file,
            digest=each.digest,
            drill=each.drill,
            at=each.at,
            passed=each.passed,
            outcome=each.outcome,
            incident=each.incident,
        )
        for each in client.get("/api/v1/runbooks/drills", DrilledRunbookList).runbooks
    ]


def if_any_platform(state: Path) -> Sequence[DrilledRunbook] | None:
    """None where no platform answers: runbooks are read without one."""
    try:
        return drilled_runbooks(state)
    except PlatformError:
        return None
