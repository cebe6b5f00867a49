"""Compares one value of a JSON answer with what is declared."""

import re

import msgspec

from stationmaster.core.spec import JsonValue
from stationmaster.monitor.probes.verdict import told

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d{1,9})\]")
_NOTHING = object()


def difference(body: bytes, wanted: JsonValue) -> str | None:
    """What is wrong, in words; None where the value at `wanted.path` is the wanted one."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"body is no JSON: {told(str(error))}"
    path = wanted.path.removeprefix("$").removeprefix(".")
    place = f"$.{path}" if not path.startswith("[") else f"${path}"
    expected = f"expected {told(place)} = {told(wanted.value)}"
    found = _found(document, path)
    if found is _NOTHING:
        return f"{expected}, there is no such value"
    if _same(found, _meant(wanted.value)):
        return None
    return f"{expected}, got {told(msgspec.json.encode(found).decode())}"


def _found(document: object, path: str) -> object:
    at, value = 0, document
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return _NOTHING
        at = step.end()
        name, index = step.groups()
        if name is not None and isinstance(value, dict) and name in value:
            value = value[name]
        elif index is not None and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return _NOTHING
    return value


def _meant(written: str) -> object:
    """The value as JSON; what is no JSON is meant as a text."""
    try:
        return msgspec.json.decode(written)
    except msgspec.DecodeError:
        return written


def _same(one: object, other: object) -> bool:
    """Equal as JSON values are: `true` is not 1, while 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other
