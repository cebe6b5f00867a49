"""The quick reading of inline markup gives what the parser gives, or nothing."""

import time

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stationmaster.runbooks.read.quick_inline import quick_tokens

SIMPLE = [
    "Run `kubectl get pods` and **wait** for `a_b`.",
    "See [the `x` page](https://example.org/a?b=1&c=2) at 5 > 3, with snake_case and _stress_.",
    "First line  \n   second [line](../b.md) & more",
    "[ ] an open box [TIME]",
]


@pytest.mark.parametrize("text", SIMPLE)
def test_simple_markup_reads_as_the_parser_reads_it(text: str) -> None:
    found = quick_tokens(text, references=False)
    assert found is not None
    parsed = MarkdownIt("commonmark").parseInline(text)[0].children or []
    assert _told(found) == _told(parsed)


@pytest.mark.parametrize(
    "text", ["a `b", "*a **b* c**", "<pod-name>", "&amp;", "![a](b)", "[a](b 'c')", "a\\*b", "[a][b]"]
)
def test_what_is_not_simple_is_left_to_the_parser(text: str) -> None:
    assert quick_tokens(text, references=True) is None


@pytest.mark.parametrize("piece", ["[", "*a ", "`", "_a", "**a", "[a](", "a_b ", "~", "[a]"])
def test_a_long_text_of_one_sign_takes_no_time(piece: str) -> None:
    started = time.process_time()
    quick_tokens(piece * 5000, references=False)
    assert time.process_time() - started < 1


def _told(tokens: list[Token]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for token in tokens:
        kind = "break" if token.type in {"softbreak", "hardbreak"} else token.type
        if kind == "text" and found and found[-1][0] == "text":
            found[-1] = ("text", found[-1][1] + token.content)
        elif kind in {"text", "code_inline", "break", "html_inline"} and (token.content or kind != "text"):
            found.append((kind, token.content))
        elif kind == "link_open":
            found.append((kind, str(token.attrs["href"])))
    return found
