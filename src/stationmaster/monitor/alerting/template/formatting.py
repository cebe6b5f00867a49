"""Go's `Sprintf`, `Sprint` and `Sprintln` for the values of templates, its complaints within the text included."""

import math
import re
from collections.abc import Sequence

from stationmaster.monitor.alerting.template.values import (
    Moment,
    Sample,
    Span,
    Value,
    not_finite,
    printed,
    shortest,
    type_of,
)

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d+|\*)?(?:\.(?P<precision>\*|\d*))?(?P<verb>.|$)", re.DOTALL)
_WIDEST = 1000
_ESCAPED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


class _Arguments:
    def __init__(self, values: Sequence[Value]) -> None:
        self.values = values
        self.used = 0

    def next(self) -> tuple[bool, Value]:
        if self.used >= len(self.values):
            return False, None
        self.used += 1
        return True, self.values[self.used - 1]


def sprintf(form: str, values: Sequence[Value]) -> str:
    arguments = _Arguments(values)
    text = _VERB.sub(lambda found: _one(found, arguments), form)
    extra = values[arguments.used :]
    if extra:
        told = ", ".join("<nil>" if each is None else f"{type_of(each)}={printed(each)}" for each in extra)
        text += f"%!(EXTRA {told})"
    return text


def sprint(values: Sequence[Value]) -> str:
    """Spaces between operands when neither is a string."""
    made: list[str] = []
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            made.append(" ")
        made.append(_shown(value))
    return "".join(made)


def sprintln(values: Sequence[Value]) -> str:
    return " ".join(map(_shown, values)) + "\n"


def quoted(text: str) -> str:
    """As a string literal of Go."""
    return '"' + "".join(_escaped(each) for each in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character in _ESCAPED:
        return _ESCAPED[character]
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _shown(value: Value) -> str:
    """As `%v` prints it where it is an argument: what is behind a pointer bears an ampersand."""
    if value is None:
        return "<nil>"
    return f"&{printed(value)}" if isinstance(value, Sample) else printed(value)


def _one(found: "re.Match[str]", arguments: _Arguments) -> str:
    verb, flags = found["verb"], found["flags"]
    if verb == "":
        return "%!(NOVERB)"
    if verb == "%":
        return "%"
    width = _size(found["width"], arguments)
    precision = _size("0" if found["precision"] == "" else found["precision"], arguments)
    if width == "BAD" or precision == "BAD":
        return f"%!(BAD{'WIDTH' if width == 'BAD' else 'PREC'})"
    there, value = arguments.next()
    if not there:
        return f"%!{verb}(MISSING)"
    text = _formatted(verb, flags, precision if isinstance(precision, int) else None, value)
    return _padded(text, flags, width if isinstance(width, int) else 0, value)


def _size(written: str | None, arguments: _Arguments) -> int | str | None:
    if written is None:
        return None
    if written != "*":
        return min(int(written), _WIDEST)
    there, value = arguments.next()
    if not there or not isinstance(value, int) or isinstance(value, bool):
        return "BAD"
    return min(max(value, -_WIDEST), _WIDEST)


def _padded(text: str, flags: str, width: int, value: Value) -> str:
    left = "-" in flags or width < 0
    width = abs(width)
    if len(text) >= width:
        return text
    if left:
        return text.ljust(width)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if "0" in flags and not (isinstance(value, float) and not math.isfinite(value)):
        sign = text[:1] if is_number and text[:1] in ("+", "-", " ") else ""
        return sign + text[len(sign) :].rjust(width - len(sign), "0")
    return text.rjust(width)


def _formatted(verb: str, flags: str, precision: int | None, value: Value) -> str:
    if verb == "T":
        return "<nil>" if value is None else type_of(value)
    if value is None:
        return "<nil>" if verb == "v" else f"%!{verb}(<nil>)"
    match value:
        case bool():
            text = printed(value) if verb in "tv" else None
        case int():
            text = _whole(verb, flags, value)
        case float():
            text = _float(verb, flags, precision, value)
        case str():
            text = _text(verb, flags, precision, value)
        case Moment() | Span() if verb in "sqxX":
            text = _text(verb, flags, precision, str(value))
        case _:
            text = _shown(value) if verb in "vs" else None
    return f"%!{verb}({type_of(value)}={printed(value)})" if text is None else text


def _signed(text: str, flags: str) -> str:
    if text[:1] in ("-", "+"):
        return text
    return "+" + text if "+" in flags else " " + text if " " in flags else text


def _whole(verb: str, flags: str, value: int) -> str | None:
    match verb:
        case "d" | "v":
            return _signed(str(value), flags)
        case "x" | "X" | "o" | "b":
            prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}[verb] if "#" in flags else ""
            return _signed(("-" if value < 0 else "") + prefix + format(abs(value), verb), flags)
        case "c":
            return chr(value) if 0 <= value < 0x110000 else "\N{REPLACEMENT CHARACTER}"
        case "q":
            return "'" + quoted(chr(value))[1:-1] + "'" if 0 <= value < 0x110000 else None
        case "U":
            return f"U+{value:04X}"
        case _:
            return None


def _float(verb: str, flags: str, precision: int | None, value: float) -> str | None:
    if verb not in "veEfFgGxX":
        return None
    if not math.isfinite(value):
        text = not_finite(value)
        return text if text != "NaN" else _signed(text, flags)
    match verb:
        case "x" | "X":
            text = _hexadecimal(value)
            return _signed(text.upper() if verb == "X" else text, flags)
        case "v" | "g" | "G" if precision is None:
            text = shortest(value)
            return _signed(text.upper() if verb == "G" else text, flags)
        case "v":
            return _signed(f"{value:.{precision}g}", flags)
        case _:
            digits = 6 if precision is None else precision
            return _signed(f"{value:{'#' if '#' in flags else ''}.{digits}{verb}}", flags)


def _hexadecimal(value: float) -> str:
    """As `0x1.8p+00`."""
    mantissa, _, exponent = value.hex().partition("p")
    whole, _, digits = mantissa.partition(".")
    fraction = digits.rstrip("0")
    return f"{whole}{'.' if fraction else ''}{fraction}p{int(exponent):+03d}"


def _text(verb: str, flags: str, precision: int | None, value: str) -> str | None:
    cut = value if precision is None else value[:precision]
    match verb:
        case "s" | "v":
            return quoted(cut) if verb == "v" and "#" in flags else cut
        case "q":
            return quoted(cut)
        case "x" | "X":
            written = cut.encode().hex()
            return written.upper() if verb == "X" else written
        case _:
            return None
