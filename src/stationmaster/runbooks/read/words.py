"""The set of words of a text, by which a search that cannot succeed is not even begun."""

import re

Words = frozenset[str]
ENGLISH = re.IGNORECASE | re.ASCII
"""How English words are looked for in any case; asking Unicode about every letter costs half as much again."""
_WORD = re.compile(r"[a-z]+(?:['\u2019-][a-z]+)*")


def words_of(text: str) -> Words:
    """In lower case, with the parts of `don't` and `re-run` together."""
    return frozenset(_WORD.findall(text.lower()))


def cells(text: str) -> Words:
    """The blank-separated words of a table's cell."""
    return frozenset(text.split())
