"""Functions that change labels: label_replace and label_join."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Frame, relabelled
from stationmaster.monitor.promql.label_sets import NAME, value_of, with_label
from stationmaster.monitor.promql.nodes import Call
from stationmaster.monitor.promql.patterns import Pattern, pattern
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Labels

MAX_VALUE: Final = 65_536
"""Characters of a label's value that a query may make."""

_REFERENCE: Final = re.compile(r"\$(?:(\$)|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")


def replaced(context: Context, node: Call, frame: Frame, words: Sequence[str]) -> Frame:
    """Where the source label matches, the destination label is set to what the replacement expands to."""
    destination, replacement, source, expression = words
    if not destination:
        raise QueryError(Fault.EXECUTION, "invalid destination label name in label_replace(): ")
    compiled = _compiled(expression)

    def changed(labels: Labels) -> Labels | None:
        match = compiled.groups(value_of(labels, source))
        if match is None:
            return None
        return with_label(labels, destination, _bounded(context, _expanded(replacement, match, compiled)))

    return _changed(context, node, frame, changed, names=destination == NAME)


def joined_labels(context: Context, node: Call, frame: Frame, words: Sequence[str]) -> Frame:
    """The values of the source labels with a separator between them."""
    destination, separator, *sources = words
    if not destination:
        raise QueryError(Fault.EXECUTION, "invalid destination label name in label_join(): ")

    def changed(labels: Labels) -> Labels:
        parts = (value_of(labels, source) for source in sources)
        return with_label(labels, destination, _bounded(context, separator.join(parts)))

    return _changed(context, node, frame, changed, names=destination == NAME)


def _changed(
    context: Context, node: Call, frame: Frame, change: Callable[[Labels], Labels | None], *, names: bool
) -> Frame:
    """The frame under new labels; a name that was set here is not dropped at the end. `change` gives None for as is."""
    book = context.book
    context.budget.check()

    def number_of(number: int) -> int:
        changed = change(book.labels(number))
        return number if changed is None else book.number(changed)

    def touched(number: int) -> int:
        return int(change(book.labels(number)) is not None)

    ids = context.memory.mapped((node, "change"), frame.ids, number_of)
    nameless = frame.nameless
    if names:
        nameless = nameless & (context.memory.mapped((node, "touched"), frame.ids, touched) == 0)
    return relabelled(frame, ids, nameless)


def _compiled(expression: str) -> Pattern:
    try:
        return pattern(expression)
    except QueryError as error:
        message = f"invalid regular expression in label_replace(): {expression}"
        raise QueryError(Fault.EXECUTION, message, hint=error.message) from error


def _expanded(replacement: str, match: Any, compiled: Pattern) -> str:
    """Go's `Expand`: `$1`, `${1}`, `$name`; the longest word after `$` counts, an unknown one is empty."""

    def group(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        word = reference[2] or reference[3]
        number = int(word) if word.isdecimal() and len(word) < 9 else compiled.names.get(word, -1)
        if not 0 <= number <= compiled.count:
            return ""
        return match.group(number) or ""

    return _REFERENCE.sub(group, replacement)


def _bounded(context: Context, value: str) -> str:
    context.budget.write(len(value))
    if len(value) > MAX_VALUE:
        raise QueryError(
            Fault.EXECUTION, f"a label's value of {len(value)} characters", hint=f"{MAX_VALUE} are allowed."
        )
    return value
