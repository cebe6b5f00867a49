"""`eq`, `lt` and their kin: values of unlike types are not compared, a whole number is unlike one with a fraction."""

from stationmaster.monitor.alerting.template.errors import CallError
from stationmaster.monitor.alerting.template.values import Value

_UNLIKE = "incompatible types for comparison"
_NO_BASIC = "invalid type for comparison"
_NO_COUNT = "missing argument for comparison"


def equal(_: object, one: Value, *others: Value) -> Value:
    """Whether the first is like any of the others."""
    if not others:
        raise CallError(_NO_COUNT)
    return any(_equal(one, other) for other in others)


def is_not_equal(_: object, one: Value, other: Value) -> Value:
    return not _equal(one, other)


def is_less(_: object, one: Value, other: Value) -> Value:
    return _less(one, other)


def is_greater(_: object, one: Value, other: Value) -> Value:
    """Neither less nor equal, as Go decides it."""
    return not _less(one, other) and not _equal(one, other)


def _kind(value: Value) -> type | None:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind
    return None


def _equal(one: Value, other: Value) -> bool:
    if one is None or other is None:
        return one is None and other is None
    kinds = _kind(one), _kind(other)
    if None in kinds:
        raise CallError(_NO_BASIC if kinds[0] is not None or kinds[1] is not None else _UNLIKE)
    if kinds[0] is not kinds[1]:
        raise CallError(_UNLIKE)
    return bool(one == other)


def _less(one: Value, other: Value) -> bool:
    kinds = _kind(one), _kind(other)
    if None in kinds or bool in kinds:
        raise CallError(_NO_BASIC)
    if kinds[0] is not kinds[1]:
        raise CallError(_UNLIKE)
    return bool(one < other)  # type: ignore[operator] # both are of one kind that has an order
