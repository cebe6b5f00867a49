"""What becomes of a label set: without its name, with some labels only, with one label set anew."""

from collections.abc import Collection

from stationmaster.monitor.promql.nodes import Aggregate, Grouping
from stationmaster.monitor.promql.samples import Labels

NAME = "__name__"


def nameless(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != NAME)


def kept(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] in names)


def dropped(labels: Labels, names: Collection[str]) -> Labels:
    return tuple(pair for pair in labels if pair[0] not in names)


def with_label(labels: Labels, name: str, value: str) -> Labels:
    """With the label set to a value; an empty value takes it away."""
    others = [pair for pair in labels if pair[0] != name]
    if value:
        others.append((name, value))
        others.sort()
    return tuple(others)


def value_of(labels: Labels, name: str) -> str:
    for known, value in labels:
        if known == name:
            return value
    return ""


def group_of(labels: Labels, node: Aggregate) -> Labels:
    """The label set of the group that an aggregation puts a series into."""
    match node.grouping:
        case Grouping.ALL:
            return ()
        case Grouping.BY:
            return kept(labels, node.labels)
        case Grouping.WITHOUT:
            return dropped(labels, (*node.labels, NAME))


def text_of(labels: Labels) -> str:
    """The label set as Prometheus writes it in messages."""
    inside = ", ".join(f'{name}="{value}"' for name, value in nameless(labels))
    return f"{value_of(labels, NAME)}{{{inside}}}"
