"""Entity tags decide whether a change may go ahead."""

import pytest

from stationmaster.catalog.conditions import ANYHOW, Condition, etag_of
from stationmaster.core.problem import PlatformError

NOW = "1f0c"


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "etag", "may"),
    [
        ("", "", NOW, True),
        ("", "", None, True),
        (f'"{NOW}"', "", NOW, True),
        (f'"old", "{NOW}"', "", NOW, True),
        ('"old"', "", NOW, False),
        (f'W/"{NOW}"', "", NOW, False),
        ("*", "", NOW, True),
        ("*", "", None, False),
        (f'"{NOW}"', "", None, False),
        ("", "*", None, True),
        ("", "*", NOW, False),
        ("", f'W/"{NOW}"', NOW, False),
        ("", '"old"', NOW, True),
        (f'"{NOW}"', '"old"', NOW, True),
    ],
)
def test_a_change_goes_ahead_only_when_the_tags_allow_it(
    if_match: str, if_none_match: str, etag: str | None, may: bool
) -> None:
    condition = Condition(if_match=if_match, if_none_match=if_none_match)
    if may:
        condition.check("api x", etag)
        return
    with pytest.raises(PlatformError) as refusal:
        condition.check("api x", etag)
    assert (refusal.value.code, refusal.value.status) == ("precondition-failed", 412)
    assert refusal.value.hint


@pytest.mark.parametrize("header", ["1f0c", '"a" "b"', '"', "**", 'w/"a"', '"a",, "b"'])
def test_what_is_no_list_of_tags_is_refused_as_such(header: str) -> None:
    with pytest.raises(PlatformError) as refusal:
        Condition(if_match=header).check("api x", NOW)
    assert (refusal.value.code, refusal.value.status) == ("bad-etag", 400)


def test_nothing_is_demanded_by_default() -> None:
    ANYHOW.check("api x", None)


def test_equal_bodies_have_equal_tags_whatever_the_order_of_their_fields() -> None:
    assert etag_of({"a": 1, "b": [1, 2]}) == etag_of({"b": [1, 2], "a": 1})
    assert etag_of({"b": [1, 2]}) != etag_of({"b": [2, 1]})
