import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.runbooks.terminal.desk import environment_name
from stationmaster.runbooks.terminal.editor import LONGEST, LineEditor
from stationmaster.runbooks.terminal.keys import split_keys


@pytest.mark.parametrize(
    ("text", "keys", "rest"),
    [
        ("ab", ["a", "b"], ""),
        ("\r", ["enter"], ""),
        ("\x1b[A\x1bOB\x1b[5~", ["up", "down", "page-up"], ""),
        ("\x1b", [], "\x1b"),
        ("\x1b[", [], "\x1b["),
        ("a\x1b[1;", ["a"], "\x1b[1;"),
        ("\x1bx", ["escape", "x"], ""),
        ("\x1b\x1b[A", ["escape", "up"], ""),
        ("\x1b[200~", ["unknown"], ""),
        ("ä\x7f\x15", ["ä", "backspace", "ctrl-u"], ""),
    ],
)
def test_keys_are_told_apart(text: str, keys: list[str], rest: str) -> None:
    assert split_keys(text) == (keys, rest)


@given(st.text(), st.integers(0, 20))
def test_keys_that_come_in_two_pieces_are_the_same_keys(text: str, cut: int) -> None:
    first, rest = split_keys(text[:cut])
    second, left = split_keys(rest + text[cut:])
    assert ([*first, *second], left) == split_keys(text)


def test_a_line_is_edited() -> None:
    editor = LineEditor()
    for key in [*"helo", "left", "l", "end", "!", "home", "delete", "H", "right", "unknown", "tab"]:
        editor.key(key)
    assert editor.text == "Hello!"
    for key in ("end", *" big world", "ctrl-w"):
        editor.key(key)
    assert editor.text == "Hello! big "
    editor.key("ctrl-u")
    assert editor.text == ""


@given(
    st.lists(st.one_of(st.characters(), st.sampled_from(["left", "right", "backspace", "delete", "ctrl-w", "home"])))
)
def test_the_cursor_stays_within_the_line_and_nothing_unseen_is_typed(keys: list[str]) -> None:
    editor = LineEditor()
    for key in keys:
        editor.key(key)
        assert 0 <= editor.at <= len(editor.text)
    assert editor.text.isprintable()


def test_a_line_has_an_end() -> None:
    editor = LineEditor()
    for _ in range(LONGEST + 10):
        editor.key("x")
    assert len(editor.text) == LONGEST


@pytest.mark.parametrize(
    ("name", "variable"),
    [("pod-name", "POD_NAME"), ("ip:port", "IP_PORT"), ("1st", "VALUE_1ST"), ("path", "VALUE_PATH"), ("ä", "VALUE")],
)
def test_a_value_gets_a_name_that_every_shell_takes(name: str, variable: str) -> None:
    assert environment_name(name) == variable
