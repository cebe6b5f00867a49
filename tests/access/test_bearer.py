import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.access.bearer import (
    LONGEST_TOKEN,
    MACHINE_PREFIX,
    SESSION_PREFIX,
    digest,
    new_token,
    parse_bearer,
    shown_part,
)

B64TOKEN = "ABCXYZabcxyz0189-._~+/"


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER   abc  ", "abc"),
        ("Bearer abc==", "abc=="),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer  ", None),
        ("abc", None),
        ("Basic abc", None),
        ("Bearer a b", None),
        ("Bearer a,b", None),
        ("Bearer =", None),
        ("Bearer a=b", None),
        ("Bearer\tabc", None),
        ("Bearer abc\n", None),
        ("Bearer ä", None),
        ("Bearer " + "a" * LONGEST_TOKEN, "a" * LONGEST_TOKEN),
        ("Bearer " + "a" * (LONGEST_TOKEN + 1), None),
    ],
)
def test_a_token_is_read_from_its_header(header: str, token: str | None) -> None:
    assert parse_bearer(header) == token


@given(st.text())
def test_any_header_has_an_answer_and_none_holds_more_than_token_characters(header: str) -> None:
    token = parse_bearer(header)
    assert token is None or (token and set(token.rstrip("=")) <= set(map(chr, range(33, 127))) - set('",;=()<>@'))


@given(st.text())
def test_what_is_no_bearer_header_bears_no_token(rest: str) -> None:
    assert parse_bearer(f"Basic {rest}") is None
    assert parse_bearer(f"Bearer{rest.lstrip()}") is None


@given(st.text(alphabet=B64TOKEN, min_size=1, max_size=LONGEST_TOKEN), st.integers(min_value=1, max_value=5))
def test_every_token_of_the_grammar_comes_back(token: str, blanks: int) -> None:
    assert parse_bearer(f"Bearer{' ' * blanks}{token}") == token


@pytest.mark.parametrize("prefix", [MACHINE_PREFIX, SESSION_PREFIX])
def test_new_tokens_are_long_differ_and_pass_through_a_header(prefix: str) -> None:
    made = {new_token(prefix) for _ in range(1000)}
    assert len(made) == 1000
    for token in made:
        assert token.startswith(prefix)
        assert len(token) == 48
        assert parse_bearer(f"Bearer {token}") == token
        assert len(shown_part(token)) == 12


@given(st.text(), st.text())
def test_different_texts_have_different_digests_that_do_not_hold_them(one: str, other: str) -> None:
    assert (digest(one) == digest(other)) == (one == other)
    assert len(digest(one)) == 64
