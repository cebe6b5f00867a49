"""What stands in for a broken process answers as one that is broken in that way."""

from typing import Any

import pytest

from stationmaster.core.drills import FaultKind
from stationmaster.drills.stand_in import broken


async def answered(kind: FaultKind, *, status: int = 503) -> tuple[int, str]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    await broken(kind, delay_ms=1, status=status)({"type": "http", "path": "/"}, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.WRONG_BODY, 200), (FaultKind.SLOW, 200), (FaultKind.ERRORS, 502)]
)
async def test_each_answers_with_its_status(kind: FaultKind, status: int) -> None:
    assert (await answered(kind, status=502))[0] == status


async def test_on_a_full_disk_the_kernel_says_so_to_callers_and_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    status, body = await answered(FaultKind.NO_SPACE)
    assert (status, "No space left on device" in body) == (503, True)
    assert "ERROR database error" in capsys.readouterr().err
