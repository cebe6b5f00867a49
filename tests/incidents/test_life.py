"""What may be done with an incident in which status."""

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ConditionKind
from stationmaster.incidents.life import DONE, FOLLOWS, Act, Status, after, condition_of, raised_by

T, A, M, R, V = Status
LIFE: dict[Act, dict[Status, Status | None]] = {
    Act.ACKNOWLEDGE: {T: A, A: A, M: M, R: None, V: None},
    Act.UNACKNOWLEDGE: {T: None, A: T, M: None, R: None, V: None},
    Act.MITIGATE: {T: M, A: M, M: None, R: None, V: None},
    Act.RESOLVE: {T: R, A: R, M: R, R: None, V: None},
    Act.REOPEN: {T: None, A: None, M: T, R: T, V: None},
    Act.REVIEW: {T: None, A: None, M: None, R: V, V: None},
    Act.SNOOZE: {T: T, A: A, M: M, R: None, V: None},
    Act.ESCALATE: {T: T, A: A, M: M, R: None, V: None},
    Act.ASSIGN: {T: T, A: A, M: M, R: None, V: None},
    Act.RAISE: {T: T, A: A, M: M, R: None, V: None},
    Act.EDIT: {T: T, A: A, M: M, R: R, V: None},
    Act.NOTE: {T: T, A: A, M: M, R: R, V: V},
    Act.UPDATE: {T: T, A: A, M: M, R: R, V: V},
    Act.MERGE: {T: R, A: R, M: R, R: None, V: None},
    Act.SPLIT: {T: T, A: A, M: M, R: None, V: None},
}
CASES = [(act, status, then) for act, row in LIFE.items() for status, then in row.items()]


def test_the_table_names_every_act_in_every_status() -> None:
    assert set(LIFE) == set(Act) == set(FOLLOWS) == set(DONE)
    assert all(set(row) == set(Status) for row in LIFE.values())


@pytest.mark.parametrize(("act", "status", "then"), CASES, ids=lambda each: getattr(each, "value", "refused"))
def test_what_follows_what(act: Act, status: Status, then: Status | None) -> None:
    if then is not None:
        assert after(act, status) is then
        return
    with pytest.raises(PlatformError) as refused:
        after(act, status)
    assert (refused.value.code, refused.value.status) == ("not-now", 409)
    assert DONE[act] in refused.value.message
    assert refused.value.hint


def test_conditions_are_named_in_words_and_by_labels() -> None:
    assert condition_of("Customer-Reports") is ConditionKind.CUSTOMER_REPORTS
    assert condition_of("data_integrity") is ConditionKind.DATA_INTEGRITY
    with pytest.raises(PlatformError, match="no condition to raise"):
        condition_of("open for")
    labels = {"security": "yes", "customer_reports": "false", "major_impact": "", "team": "true"}
    assert raised_by(labels) == (ConditionKind.SECURITY,)
