"""Reads matchers as Alertmanager writes them: `service="orders"`, `severity=~"warn.*"`, `region!=eu`."""

import re

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch

_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEW_LINE = {"n": "\n"}


def read(text: str) -> LabelMatch:
    """Raises PlatformError `bad-matcher`."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        hint = 'write it as service="orders", severity=~"warn.*" or region!="eu"'
        raise PlatformError("bad-matcher", f"bad matcher format: {text[:100]!r}", hint=hint)
    name, operator, quoted, bare = found.groups()
    value = bare if quoted is None else _ESCAPED.sub(lambda each: _NEW_LINE.get(each[1], each[1]), quoted)
    return LabelMatch(name=name, value=value, is_regex=operator in ("=~", "!~"), is_equal=operator in ("=", "=~"))
