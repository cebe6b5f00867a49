"""Reads what an author made exact: `{risk=read expect="…" timeout=30s}` after a fence's language or in a comment."""

import re
from dataclasses import fields, replace

from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.runbooks.read.document import Attributes, ConditionKind, PlatformAction

_COMMENT = re.compile(r"<!--\s*\{(.*?)\}\s*-->", re.DOTALL)
_FENCE = re.compile(r"^[^{]*\{(.*)\}\s*$")
_PAIR = re.compile(r"""\s*([A-Za-z][\w-]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'}]+))(?=\s|$)""")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_RISKS = ("read", "change", "destroy", "interactive")
_ON_FAILURE = ("continue", "stop", "escalate")
KEYS = (
    "risk",
    "expect",
    "timeout",
    "wait",
    "retries",
    "on-failure",
    "rollback",
    "action",
    "when",
    "note",
    "level",
    "capture",
    "pattern",
    "secret",
    "verify",
    "second-person",
)


def comment_attributes(text: str) -> list[tuple[int, str]]:
    """Offset and inner text of every attribute comment in `text`."""
    return [(match.start(), match[1]) for match in _COMMENT.finditer(text)]


def merged(first: Attributes, second: Attributes) -> Attributes:
    """Both together; where both say something, the second holds."""
    said = {each.name: value for each in fields(second) if (value := getattr(second, each.name)) is not None}
    return replace(first, **said)


def fence_attributes(info: str) -> str | None:
    match = _FENCE.match(info.strip())
    return match[1] if match else None


def read_attributes(text: str, *, origin: Origin) -> tuple[Attributes, tuple[Diagnostic, ...]]:
    """Strict: an unknown key, a broken value or a word without `=` is an error at `origin`."""
    found = Attributes()
    diagnostics: list[Diagnostic] = []
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _PAIR.match(stripped, position)
        if match is None:
            message = f"`{stripped[position:].strip()}` is not of the form key=value"
            return found, (*diagnostics, _error("attribute-syntax", message, origin, 'write key=value or key="a text"'))
        position = match.end()
        quoted = match[2].replace('\\"', '"').replace("\\\\", "\\") if match[2] is not None else match[3]
        value = quoted if quoted is not None else match[4]
        try:
            found = _with(found, match[1], value)
        except ValueError as error:
            diagnostics.append(_error("attribute-value", str(error), origin, f"keys are {', '.join(KEYS)}"))
    return found, tuple(diagnostics)


def _with(found: Attributes, key: str, value: str) -> Attributes:
    match key:
        case "risk":
            return replace(found, risk=_one_of(key, value, _RISKS))
        case "expect":
            return replace(found, expect=value)
        case "timeout":
            return replace(found, timeout_s=_seconds(key, value))
        case "wait":
            return replace(found, wait_s=_seconds(key, value))
        case "retries":
            return replace(found, retries=_count(key, value))
        case "on-failure":
            return replace(found, on_failure=_one_of(key, value, _ON_FAILURE))
        case "rollback":
            return replace(found, rollback=value)
        case "action":
            return replace(found, action=PlatformAction(_one_of(key, value, [each.value for each in PlatformAction])))
        case "when":
            return replace(found, when=ConditionKind(_one_of(key, value, [each.value for each in ConditionKind][:-1])))
        case "note":
            return replace(found, note=value)
        case "level":
            return replace(found, level=_count(key, value))
        case "capture":
            return replace(found, capture=_named_regex(key, value, bare=True))
        case "pattern":
            return replace(found, pattern=_named_regex(key, value, bare=False))
        case "secret":
            return replace(found, secret=value)
        case "verify":
            return replace(found, verify=value)
        case "second-person":
            return replace(found, second_person=_one_of(key, value, ("yes", "no")) == "yes")
        case _:
            raise ValueError(f"there is no attribute `{key}`")


def _named_regex(key: str, value: str, *, bare: bool) -> str:
    """`NAME=regex`, the regex with or without slashes; `bare` allows the name alone."""
    name, _, written = value.partition("=")
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", name) or not (written or bare):
        raise ValueError(f'`{key}={value}`: it has to be "NAME=regex"')
    regex = written[1:-1] if len(written) > 1 and written[0] == written[-1] == "/" else written
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"`{key}={value}`: {error}") from error
    return f"{name}={regex}" if written else name


def _one_of(key: str, value: str, allowed: tuple[str, ...] | list[str]) -> str:
    if value not in allowed:
        raise ValueError(f"`{key}={value}`: it has to be one of {', '.join(allowed)}")
    return value


def _seconds(key: str, value: str) -> float:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise ValueError(f"`{key}={value}`: it has to be a time such as 500ms, 30s or 5m")
    return float(match[1]) * _SECONDS[match[2]]


def _count(key: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,4}", value):
        raise ValueError(f"`{key}={value}`: it has to be a whole number")
    return int(value)


def _error(code: str, message: str, origin: Origin, hint: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, origin=origin, hint=hint)
