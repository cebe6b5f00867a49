"""An output is judged, and the verdict is explained."""

import pytest

from stationmaster.core.command import CommandResult
from stationmaster.runbooks.expect import Verdict, judge
from stationmaster.runbooks.read.document import Expectation, ExpectationKind
from tests.runbooks.world import OPERATIONAL

WELL = Expectation(kind=ExpectationKind.CONTAINS, value="available and operational", unmet="it has stopped")
HREF = '{"href":"{{site.link}}","code":0}'


@pytest.mark.parametrize(
    ("status", "output", "verdict", "why"),
    [
        (0, OPERATIONAL, Verdict.PASSED, "contains 'available and operational'"),
        (0, "busy", Verdict.FAILED, "expected to contain 'available and operational', saw 'busy': it has stopped"),
        (
            0,
            "",
            Verdict.FAILED,
            "expected to contain 'available and operational', saw exit status 0 and no output: it has stopped",
        ),
        (
            7,
            "x",
            Verdict.FAILED,
            "expected to contain 'available and operational', saw connection refused: it has stopped",
        ),
        (
            28,
            "",
            Verdict.FAILED,
            "expected to contain 'available and operational', saw no answer in time: it has stopped",
        ),
        (
            None,
            "",
            Verdict.FAILED,
            "expected to contain 'available and operational', saw no end in time: it has stopped",
        ),
        (
            None,
            "not runnable here: curl: No such file or directory",
            Verdict.REFUSED,
            "not runnable here: curl not found on PATH",
        ),
    ],
)
def test_a_health_check_is_explained(status: int | None, output: str, verdict: Verdict, why: str) -> None:
    found = judge([WELL], CommandResult(exit_status=status, output=output), program="curl")
    assert (found.verdict, found.why) == (verdict, why)


@pytest.mark.parametrize(
    ("kind", "value", "count", "output", "passed"),
    [
        (ExpectationKind.NOT_CONTAINS, "cipher error", 0, "all well", True),
        (ExpectationKind.NOT_CONTAINS, "cipher error", 0, "Cipher Error", False),
        (ExpectationKind.COUNT, "Running", 3, "a Running\nb Running\nc Running", True),
        (ExpectationKind.COUNT, "Running", 3, "a Running\nb CrashLoopBackOff", False),
        (ExpectationKind.JSON_LIST, "", 0, '[{"name":"a"}]', True),
        (ExpectationKind.JSON_LIST, "", 0, "[]", False),
        (ExpectationKind.JSON_LIST, "", 0, "no json", False),
        (ExpectationKind.JSON_SUBSET, HREF, 0, 'meter\n{"code":0,"href":"http://x","more":1}', True),
        (ExpectationKind.JSON_SUBSET, HREF, 0, '{"code":1,"href":"http://x"}', False),
        (ExpectationKind.MATCHES, r"up \d+ days", 0, "up 3 days", True),
        (ExpectationKind.EXIT_STATUS, "0", 0, "", True),
        (ExpectationKind.HTTP_STATUS, "200", 0, "HTTP/1.1 200 OK", True),
        (ExpectationKind.HTTP_STATUS, "200", 0, "HTTP/2 503", False),
    ],
)
def test_every_kind_of_expectation_is_judged(
    kind: ExpectationKind, value: str, count: int, output: str, passed: bool
) -> None:
    expectation = Expectation(kind=kind, value=value, count=count)
    found = judge([expectation], CommandResult(exit_status=0, output=output), program="x")
    assert (found.verdict is Verdict.PASSED) is passed
    assert found.why


def test_without_expectations_the_exit_status_decides() -> None:
    assert judge([], CommandResult(exit_status=0, output="x"), program="ls").verdict is Verdict.PASSED
    assert judge([], CommandResult(exit_status=2, output="gone"), program="ls").why == "saw exit status 2 and 'gone'"
