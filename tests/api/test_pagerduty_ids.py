"""Ids are read back as what they were made of, and nothing else is read as one."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import CodedError
from stationmaster.api.pagerduty.token import parse_token
from stationmaster.core.problem import PlatformError

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(st.sampled_from(Kind), st.integers(1, 2**63 - 1))
def test_numbers_come_back(kind: Kind, number: int) -> None:
    text = ids.of_number(kind, number)
    assert ids.number_of(kind, text) == number
    assert text.isalnum()
    assert text.isascii()
    assert text == text.upper()


@given(st.sampled_from(Kind), NAMES)
def test_names_come_back(kind: Kind, name: str) -> None:
    text = ids.of_name(kind, name)
    assert ids.name_of(kind, text) == name
    assert text.isalnum()
    assert text == text.upper()


@given(st.one_of(st.text(max_size=30), NAMES.map(lambda name: f"PI{name}"), NAMES.map(lambda name: f"PU{name}")))
def test_anything_else_is_not_found_or_is_an_id_itself(text: str) -> None:
    with suppress(CodedError):  # anything else that is raised is a fault
        assert ids.of_number(Kind.INCIDENT, ids.number_of(Kind.INCIDENT, text)) == text.upper()
    with suppress(CodedError):
        ids.name_of(Kind.USER, text)


def test_an_incident_goes_by_its_number_too() -> None:
    assert (
        ids.incident_number_of("100") == ids.incident_number_of("PI0002S") == ids.incident_number_of("pi0002s") == 100
    )
    for text in ("", "-1", "PI00000", "PI2S", "PI0002S ", "١٢", "9" * 19):
        with pytest.raises(PlatformError):
            ids.incident_number_of(text)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Token token=abc", "abc"),
        ('Token token="abc"', "abc"),
        ("token token=abc==", "abc=="),
        ("Token token=", None),
        ("Token token=a b", None),
        ("Token user=abc", None),
        ("Bearer abc", None),
        ("Token", None),
        ("", None),
        (f"Token token={'a' * 600}", None),
    ],
)
def test_the_token_of_a_header(header: str, token: str | None) -> None:
    assert parse_token(header) == token
