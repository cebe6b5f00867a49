"""The grammar of bash: one parser for each thread, since a parser keeps what it is about while it reads."""

import re
import threading
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Parser, Tree

_own = threading.local()
_ASTRAL = re.compile(rb"[\xf0-\xf7][\x80-\xbf]{3}")
_STAND_IN = "\u00e9\u00e9".encode()


def tree_of(source: bytes) -> Tree:
    """The syntax tree of `source`, with its errors in it.

    Letters of four bytes are hidden from the parser behind others as long as they: a `{` anywhere before one makes it
    read beyond its memory (tree-sitter-bash issue 337). Texts are therefore to be cut out of `source`, by offsets.
    """
    parser = getattr(_own, "parser", None)
    if parser is None:
        parser = _own.parser = Parser(_language())
    return parser.parse(_ASTRAL.sub(_STAND_IN, source))


@cache
def _language() -> Language:
    return Language(tree_sitter_bash.language())
