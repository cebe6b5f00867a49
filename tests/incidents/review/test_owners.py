"""A task belongs to somebody who can be reminded of it."""

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.review.owners import check_owner

KNOWN = ("ada", "grace", "engineer")


@pytest.mark.parametrize("owner", ["", "ada", "lin"], ids=["nobody is named", "a responder", "who gives it"])
def test_whose_a_task_may_be(owner: str) -> None:
    check_owner(owner, "lin", KNOWN)


@pytest.mark.parametrize(("owner", "hint"), [("enginer", "did you mean 'engineer'?"), ("zzz", "ada, engineer, grace")])
def test_an_unknown_owner_is_refused_with_the_nearest_name(owner: str, hint: str) -> None:
    with pytest.raises(PlatformError) as refused:
        check_owner(owner, "lin", KNOWN)
    assert (refused.value.code, refused.value.status) == ("unknown-owner", 400)
    assert hint in (refused.value.hint or "")


def test_where_nobody_is_declared_any_name_will_do() -> None:
    check_owner("anybody", "lin", ())
