"""The functions that templates may call: those of Go's text/template and those that Prometheus adds."""

import html
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import re2

from stationmaster.monitor.alerting.durations import duration_ms
from stationmaster.monitor.alerting.template import humanize
from stationmaster.monitor.alerting.template.compare import equal, is_greater, is_less, is_not_equal
from stationmaster.monitor.alerting.template.errors import CallError
from stationmaster.monitor.alerting.template.formatting import sprint, sprintf, sprintln
from stationmaster.monitor.alerting.template.values import Arguments, Sample, Span, Value, truth, type_of

LONGEST_TEXT = 1_000_000
MOST_SAMPLES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a template may ask for: the moment (milliseconds) of the evaluation, queries at it (they raise
    QueryError), and under which URL people find us."""

    at_ms: int = 0
    query: Callable[[str], Sequence[Sample]] = lambda _: ()
    external_url: str = ""


class Wanted(Enum):
    """What a parameter takes; the value is its type in Go."""

    ANY = "interface {}"
    STRING = "string"
    SAMPLE = "*template.sample"
    VECTOR = "template.queryResult"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """`rest` is the type of any number of further arguments."""

    call: Callable[..., Value]
    takes: tuple[Wanted, ...] = ()
    rest: Wanted | None = None


def number(value: Value) -> float:
    """A number, or a text that says one."""
    match value:
        case bool() | None:
            pass
        case int() | float():
            return float(value)
        case Span():
            return value.ns / 1e9
        case str():
            return _parsed(value)
    raise CallError(f"can't convert {type_of(value)} to float")


def _parsed(text: str) -> float:
    if re.fullmatch(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf|infinity|nan))", text, re.ASCII):
        return float(text)
    raise CallError(f'strconv.ParseFloat: parsing "{text}": invalid syntax')


def _query(given: Surroundings, text: str) -> Value:
    found = tuple(given.query(text))
    if len(found) > MOST_SAMPLES:
        raise CallError(f"{text} gives more than {MOST_SAMPLES} series")
    return found


def _first(_: Surroundings, found: Sequence[Sample]) -> Value:
    if not found:
        raise CallError("first() called on vector with no elements")
    return found[0]


def _sorted(_: Surroundings, label: str, found: Sequence[Sample]) -> Value:
    return tuple(sorted(found, key=lambda each: each.labels.get(label, "")))


def _arguments(_: Surroundings, *values: Value) -> Value:
    return Arguments({f"arg{at}": value for at, value in enumerate(values)})


def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise CallError(f"error parsing regexp: {error.args[0].decode(errors='replace')}") from error


def _replace_all(_: Surroundings, pattern: str, replacement: str, text: str) -> Value:
    found = _pattern(pattern)
    made: list[str] = []
    size = at = 0
    for each in found.finditer(text):
        filled = _filled(replacement, each)
        made += (text[at : each.start()], filled)
        at = each.end()
        size += len(filled)
        if size > LONGEST_TEXT:
            raise CallError(f"the text grows over {LONGEST_TEXT} characters")
    return "".join((*made, text[at:]))


_GROUP = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


def _filled(replacement: str, found: Any) -> str:
    """`$1`, `$name` and `${name}` become what the group holds, unknown groups nothing."""

    def one(place: "re.Match[str]") -> str:
        name = place[1] or place[2]
        if name is None:
            return "$"
        try:
            return found.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError):
            return ""

    return _GROUP.sub(one, replacement)


def _matches(_: Surroundings, pattern: str, text: str) -> Value:
    return _pattern(pattern).search(text) is not None


def _title(_: Surroundings, text: str) -> Value:
    return re.sub(r"(?<![\w'’])(\w)", lambda found: found[1].upper(), text)


def _split(address: str) -> tuple[str, str]:
    """Host and port; without a port the whole is the host."""
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:]*)", address)
    return (address, "") if found is None else (found[1] if found[1] is not None else found[2], found[3])


def _strip_domain(_: Surroundings, address: str) -> Value:
    host, port = _split(address)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        short = host.split(".", 1)[0]
        return f"{short}:{port}" if port else short
    return address


def _graph_link(tab: int) -> Callable[[Surroundings, str], Value]:
    return lambda _, text: f"/graph?g0.expr={quote_plus(text, safe='~')}&g0.tab={tab}"


def _humanized(write: Callable[[float], str]) -> Callable[[Surroundings, Value], Value]:
    def call(_: Surroundings, value: Value) -> Value:
        try:
            return write(number(value))
        except OverflowError as error:
            raise CallError(str(error)) from error

    return call


def _to_time(_: Surroundings, value: Value) -> Value:
    try:
        return humanize.moment(number(value))
    except OverflowError as error:
        raise CallError(str(error)) from error


def _to_duration(_: Surroundings, value: Value) -> Value:
    seconds = number(value)
    if not abs(seconds) < 2**63 / 1e9:
        raise CallError(f"{seconds} cannot be represented as a duration")
    return Span(int(seconds * 1e9))


def _parse_duration(_: Surroundings, text: str) -> Value:
    found = duration_ms(text)
    if found is None:
        raise CallError(f'not a valid duration string: "{text}"')
    return found / 1000


def _and(_: Surroundings, *values: Value) -> Value:
    return next((each for each in values if not truth(each)), values[-1])


def _or(_: Surroundings, *values: Value) -> Value:
    return next((each for each in values if truth(each)), values[-1])


def _length(_: Surroundings, value: Value) -> Value:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping | Sequence):
        return len(value)
    raise CallError("len of nil pointer" if value is None else f"len of type {type_of(value)}")


def _index(_: Surroundings, value: Value, *keys: Value) -> Value:
    for key in keys:
        value = _at(value, key)
    return value


def _at(value: Value, key: Value) -> Value:
    match value:
        case None:
            raise CallError("index of untyped nil")
        case Mapping():
            if not isinstance(key, str):
                raise CallError(f"value has type {type_of(key)}; should be string")
            taken: Value = value.get(key, None if isinstance(value, Arguments) else "")
            return taken
        case str():
            raw = value.encode()
            return raw[_place(key, len(raw))]
        case Sequence():
            found: Value = value[_place(key, len(value))]
            return found
        case _:
            raise CallError(f"can't index item of type {type_of(value)}")


def _place(key: Value, length: int, *, end: bool = False) -> int:
    if not isinstance(key, int) or isinstance(key, bool):
        raise CallError("cannot index slice/array with " + ("nil" if key is None else f"type {type_of(key)}"))
    if not 0 <= key < length + end:
        raise CallError(f"index out of range: {key}")
    return key


def _slice(_: Surroundings, value: Value, *ends: Value) -> Value:
    if isinstance(value, str):
        raw = value.encode()
        return raw[slice(*_bounds(ends, len(raw)))].decode(errors="replace")
    if isinstance(value, Sequence):
        return value[slice(*_bounds(ends, len(value)))]
    raise CallError("slice of untyped nil" if value is None else f"can't slice item of type {type_of(value)}")


def _bounds(ends: tuple[Value, ...], length: int) -> tuple[int, int]:
    if len(ends) > 2:
        raise CallError(f"too many slice indexes: {len(ends)}")
    first, last = ([_place(each, length, end=True) for each in ends] + [0, length][len(ends) :])[:2]
    if first > last:
        raise CallError(f"invalid slice index: {first} > {last}")
    return first, last


def _call(_: Surroundings, value: Value, *__: Value) -> Value:
    raise CallError("call of nil" if value is None else f"non-function of type {type_of(value)}")


_ESCAPED_JS = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
    | {chr(code): f"\\u{code:04X}" for code in range(0x20)}
)


def _html(_: Surroundings, *values: Value) -> Value:
    escaped = html.escape(sprint(values)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    return escaped.replace("\0", "\N{REPLACEMENT CHARACTER}")


_TEXT, _ANY = (Wanted.STRING,), (Wanted.ANY,)

FUNCTIONS: Final[Mapping[str, Function]] = {
    "and": Function(call=_and, takes=_ANY, rest=Wanted.ANY),
    "or": Function(call=_or, takes=_ANY, rest=Wanted.ANY),
    "not": Function(call=lambda _, value: not truth(value), takes=_ANY),
    "len": Function(call=_length, takes=_ANY),
    "index": Function(call=_index, takes=_ANY, rest=Wanted.ANY),
    "slice": Function(call=_slice, takes=_ANY, rest=Wanted.ANY),
    "call": Function(call=_call, takes=_ANY, rest=Wanted.ANY),
    "print": Function(call=lambda _, *values: sprint(values), rest=Wanted.ANY),
    "printf": Function(call=lambda _, form, *values: sprintf(form, values), takes=_TEXT, rest=Wanted.ANY),
    "println": Function(call=lambda _, *values: sprintln(values), rest=Wanted.ANY),
    "html": Function(call=_html, rest=Wanted.ANY),
    "js": Function(call=lambda _, *values: sprint(values).translate(_ESCAPED_JS), rest=Wanted.ANY),
    "urlquery": Function(call=lambda _, *values: quote_plus(sprint(values), safe="~"), rest=Wanted.ANY),
    "eq": Function(call=equal, takes=_ANY, rest=Wanted.ANY),
    "ne": Function(call=is_not_equal, takes=(Wanted.ANY, Wanted.ANY)),
    "lt": Function(call=is_less, takes=(Wanted.ANY, Wanted.ANY)),
    "le": Function(call=lambda _, one, other: not is_greater(_, one, other), takes=(Wanted.ANY, Wanted.ANY)),
    "gt": Function(call=is_greater, takes=(Wanted.ANY, Wanted.ANY)),
    "ge": Function(call=lambda _, one, other: not is_less(_, one, other), takes=(Wanted.ANY, Wanted.ANY)),
    "query": Function(call=_query, takes=_TEXT),
    "first": Function(call=_first, takes=(Wanted.VECTOR,)),
    "label": Function(call=lambda _, name, of: of.labels.get(name, ""), takes=(Wanted.STRING, Wanted.SAMPLE)),
    "value": Function(call=lambda _, of: of.value, takes=(Wanted.SAMPLE,)),
    "strvalue": Function(call=lambda _, of: of.labels.get("__value__", ""), takes=(Wanted.SAMPLE,)),
    "sortByLabel": Function(call=_sorted, takes=(Wanted.STRING, Wanted.VECTOR)),
    "args": Function(call=_arguments, rest=Wanted.ANY),
    "reReplaceAll": Function(call=_replace_all, takes=(Wanted.STRING,) * 3),
    "match": Function(call=_matches, takes=(Wanted.STRING,) * 2),
    "safeHtml": Function(call=lambda _, text: text, takes=_TEXT),
    "title": Function(call=_title, takes=_TEXT),
    "toUpper": Function(call=lambda _, text: text.upper(), takes=_TEXT),
    "toLower": Function(call=lambda _, text: text.lower(), takes=_TEXT),
    "graphLink": Function(call=_graph_link(0), takes=_TEXT),
    "tableLink": Function(call=_graph_link(1), takes=_TEXT),
    "stripPort": Function(call=lambda _, text: _split(text)[0], takes=_TEXT),
    "stripDomain": Function(call=_strip_domain, takes=_TEXT),
    "humanize": Function(call=_humanized(humanize.humanize), takes=_ANY),
    "humanize1024": Function(call=_humanized(humanize.humanize_1024), takes=_ANY),
    "humanizeDuration": Function(call=_humanized(humanize.humanize_duration), takes=_ANY),
    "humanizePercentage": Function(call=_humanized(humanize.humanize_percentage), takes=_ANY),
    "humanizeTimestamp": Function(call=_humanized(humanize.humanize_timestamp), takes=_ANY),
    "toTime": Function(call=_to_time, takes=_ANY),
    "toDuration": Function(call=_to_duration, takes=_ANY),
    "now": Function(call=lambda given: given.at_ms / 1000),
    "parseDuration": Function(call=_parse_duration, takes=_TEXT),
    "urlQueryEscape": Function(call=lambda _, text: quote_plus(text, safe="~"), takes=_TEXT),
    "pathPrefix": Function(call=lambda given: urlsplit(given.external_url).path),
    "externalURL": Function(call=lambda given: given.external_url),
}
