import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.runbooks.clean import LONGEST_LINE, clean, clean_line, escape_controls, show_command

NASTY = st.text(alphabet=st.one_of(st.sampled_from("\x1b[]0;1mHJ\x07\\\r\n\x08\x9b\x9d\u202eaß"), st.characters()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;evil title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1bP1$q\x1b\\dcs", "dcs"),
        ("\x9b31mC1", "C1"),
        ("10%\r20%\r30%", "30%"),
        ("long text\rab", "abng text"),
        ("ends\r\nnext", "ends\nnext"),
        ("b\x08bold", "bold"),
        ("a\tb", "a       b"),
        ("bell\x07", "bell\\x07"),
        ("\x1b", "\\x1b"),
        ("\x1b[31", "\\x1b[31"),
        ("\x1b]0;never ended", "\\x1b]0;never ended"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("[red]no markup[/red]", "[red]no markup[/red]"),
    ],
)
def test_what_a_person_would_have_seen_is_shown_and_nothing_acts(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(text=NASTY)
def test_no_control_character_gets_through(text: str) -> None:
    for shown in (clean(text), show_command(text)):
        assert all(unicodedata.category(char) not in {"Cc", "Cs"} for char in shown if char != "\n")
        assert "\u202e" not in shown
    assert all(unicodedata.category(char) not in {"Cc", "Cs"} for char in escape_controls(text))


@given(text=NASTY)
def test_a_command_is_shown_whole(text: str) -> None:
    assert len(show_command(text)) >= len(text)


def test_a_line_without_end_is_cut() -> None:
    assert len(clean_line("x" * 10_000_000)) == LONGEST_LINE + 1
    assert len(clean_line("x\x08" * 10_000_000)) <= LONGEST_LINE + 1
