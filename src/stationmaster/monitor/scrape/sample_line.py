"""Reads one line of an exposition by all rules of Prometheus' text format 0.0.4 and OpenMetrics 1.0.

Names may be quoted, as Prometheus 3 writes names beyond letters, digits, underscores and colons.
"""

import re
from dataclasses import dataclass
from enum import Enum
from math import isinf
from typing import Final

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_BLANK = re.compile(r"[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", '"': '"', "\\": "\\"}
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE
)
_ONE_PAIR = r'[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*"'
_USUAL = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{((?:{_ONE_PAIR}(?:,{_ONE_PAIR})*,?)?)\}})? ([^ \t#]+)")
"""How nearly all lines look; what does not is gone through piece by piece."""
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)"')
_MILLISECONDS = re.compile(r"[0-9]{1,18}")
_REST = re.compile(r"[ \t]+(?P<value>[^ \t#]+)(?:[ \t]+(?P<time>[^ \t#]+))?[ \t]*(?P<exemplar># *\{.*)?")


class BrokenLineError(Exception):
    """What of a line does not belong to the format."""

    def __init__(self, why: str, line: bytes = b"") -> None:
        super().__init__(why)
        self.why = why
        self.line = line


@dataclass(frozen=True, slots=True)
class SampleLine:
    """`labels` as told, with the name under `__name__`; `bare` is whether nothing follows the value."""

    labels: dict[str, str]
    value: float
    bare: bool


class Format(Enum):
    """What the header of an answer names."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"


def read_line(line: bytes, form: Format = Format.TEXT) -> SampleLine:
    """Raises BrokenLineError with the line. A timestamp and an exemplar have to be well formed, and are not used."""
    try:
        return _read(line.decode(), form)
    except UnicodeDecodeError as error:
        raise BrokenLineError("invalid UTF-8", line) from error
    except BrokenLineError as error:
        raise BrokenLineError(error.why, line) from error


def _read(text: str, form: Format) -> SampleLine:
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        pairs = _PAIR.findall(usual[2] or "")
        labels = {"__name__": usual[1], **dict(pairs)}
        if len(labels) == len(pairs) + 1:
            return SampleLine(labels, number(usual[3]), bare=True)
    labels = {}
    at = 0
    name = _NAME.match(text)
    if name is not None:
        labels["__name__"] = name[0]
        at = name.end()
    after = _blank(text, at)
    if text[after : after + 1] == "{":
        at = _labels(text, after + 1, labels)
    if "__name__" not in labels:
        raise BrokenLineError("a metric name is expected")
    return _finished(text, at, labels, form)


def number(text: str) -> float:
    """A number as Go reads it, without hexadecimal ones; raises BrokenLineError."""
    if _NUMBER.fullmatch(text) is None:
        raise BrokenLineError(f"{text[:40]!r} is no number")
    value = float(text)
    if isinf(value) and "n" not in text.lower():
        raise BrokenLineError(f"{text[:40]!r} is out of range")
    return value


def _check_time(text: str, form: Format) -> None:
    """Milliseconds in plain text, seconds in OpenMetrics."""
    if form is Format.OPENMETRICS:
        number(text)
    elif _MILLISECONDS.fullmatch(text) is None:
        raise BrokenLineError(f"{text[:40]!r} is no timestamp")


def _finished(text: str, at: int, labels: dict[str, str], form: Format) -> SampleLine:
    # After a closing brace a value may follow without a blank.
    rest = _REST.fullmatch(text if text[at : at + 1] in (" ", "\t") else f"{text[:at]} {text[at:]}", at)
    if rest is None or (text[at : at + 1] not in (" ", "\t") and text[at - 1] != "}"):
        raise BrokenLineError("a value is expected after the name and labels")
    value = number(rest["value"])
    if rest["time"] is not None:
        _check_time(rest["time"], form)
    return SampleLine(labels, value, rest["time"] is None and rest["exemplar"] is None)


def _labels(text: str, at: int, labels: dict[str, str]) -> int:
    """Reads up to the closing brace; where the text goes on after it."""
    at = _blank(text, at)
    while text[at : at + 1] != "}":
        at = _label(text, at, labels)
        at = _blank(text, at)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
        elif text[at : at + 1] != "}":
            raise BrokenLineError("a comma or a closing brace is expected after a label")
    return at + 1


def _label(text: str, at: int, labels: dict[str, str]) -> int:
    found = _LABEL.match(text, at)
    if found is not None:
        name, at = found[0], found.end()
    else:
        name, at = _quoted(text, at, "a label name is expected")
    at = _blank(text, at)
    if text[at : at + 1] != "=":
        if found is None and "__name__" not in labels:
            labels["__name__"] = name
            return at
        raise BrokenLineError(f"'=' is expected after the label name {name[:40]!r}")
    value, at = _quoted(text, _blank(text, at + 1), f"a quoted value is expected for the label {name[:40]!r}")
    if name in labels:
        raise BrokenLineError(f"the label {name[:40]!r} stands twice")
    labels[name] = value
    return at


def _quoted(text: str, at: int, expected: str) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise BrokenLineError(expected)
    return unescaped(found[1]), found.end()


def unescaped(text: str) -> str:
    """An escape that the format does not know stays as it is, as in Prometheus."""
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), text) if "\\" in text else text


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
