"""Whether a regular expression means the same to RE2, which the gateway uses, and stays within its bounds.

What RE2 does not know (look-around, backreferences; https://github.com/google/re2/wiki/Syntax) is refused by name; of
the rest, only what Python reads in the same way is taken, so that `re` can tell what is malformed.
"""

import re
from collections.abc import Iterator

LONGEST = 500
MOST_REPEATS = 1000
"""RE2 refuses more, counted through nested repeats."""
LARGEST = 20_000
"""Characters with all repeats written out; RE2 makes up to a few instructions of each and bounds its memory."""

_ESCAPES = frozenset("dDwWsSbBtnrfv")
_GROUPS = ("(?:", "(?P<", "(?i:", "(?s:")
_LOOKING = ("(?=", "(?!", "(?<=", "(?<!")
_COUNTED = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}", re.ASCII)
_POSSESSIVE = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})\+", re.ASCII)
_SET_WORDS = ("[", "--", "&&", "~~", "||")


def parse_regex(text: str) -> str:
    """The expression itself; ValueError says what is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"has more than {LONGEST} characters")
    for at, part, in_set in _parts(text):
        _refuse_foreign(text[at:], part, in_set)
    _refuse_many_repeats(text)
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return text


def _parts(text: str) -> Iterator[tuple[int, str, bool]]:
    """Every character or escape with its place, and whether it stands inside brackets."""
    at, in_set, set_start = 0, False, 0
    while at < len(text):
        part = text[at : at + 2] if text[at] == "\\" else text[at]
        yield at, part, in_set
        if in_set and part == "]" and at > set_start:
            in_set = False
        elif not in_set and part == "[":
            in_set = True
            set_start = at + (2 if text[at + 1 : at + 2] == "^" else 1)
        at += len(part)


def _refuse_foreign(rest: str, part: str, in_set: bool) -> None:
    if part[0] == "\\":
        _refuse_escape(rest, part, _ESCAPES - {"b", "B"} if in_set else _ESCAPES)
    elif in_set:
        if rest.startswith(_SET_WORDS):
            raise ValueError("holds brackets within brackets or a set operation; put '\\' before such a character")
    elif rest.startswith(_LOOKING):
        raise ValueError("looks around, which RE2 cannot")
    elif rest.startswith(("(?P=", "(?(")):
        raise ValueError("refers back to a group, which RE2 cannot")
    elif rest.startswith("(?") and not rest.startswith(_GROUPS):
        raise ValueError(f"holds the group '{rest[:3]}', which RE2 reads in another way or not at all")
    elif _POSSESSIVE.match(rest):
        raise ValueError("holds a possessive repeat, which RE2 cannot")


def _refuse_escape(rest: str, part: str, known: frozenset[str]) -> None:
    sign = part[1:]
    if sign.isdigit():
        raise ValueError("refers back to a group, which RE2 cannot")
    if sign == "x" and re.match(r"\\x[0-9A-Fa-f]{2}", rest):
        return
    if not sign or (sign.isalpha() and sign not in known):
        raise ValueError(f"holds the escape '{part}', which RE2 reads in another way or not at all")


def _refuse_many_repeats(text: str) -> None:
    product = 1
    for at, part, in_set in _parts(text):
        found = _COUNTED.match(text, at) if part == "{" and not in_set else None
        if found is None or not (found[1] or found[2]):
            continue
        if not found[1]:
            raise ValueError("holds a repeat without its least number; write {0,…}")
        product *= max(int(found[3] or found[1]), 1)
        if product > MOST_REPEATS:
            raise ValueError(f"repeats more than {MOST_REPEATS} times")
    if product * len(text) > LARGEST:
        raise ValueError(f"is too large: its repeats written out have more than {LARGEST:,} characters")
