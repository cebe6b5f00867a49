"""Figures as minimum, median and maximum over the runs."""

from collections.abc import Sequence
from statistics import median


def row(what: str, values: Sequence[float], unit: str, *, note: str = "") -> str:
    """One row of a Markdown table."""
    low, middle, high = min(values), median(values), max(values)
    return f"| {what} | {low:,.3g} | {middle:,.3g} | {high:,.3g} | {unit} | {len(values)} | {note} |"


HEAD = "| what | min | median | max | unit | runs | note |\n| --- | ---: | ---: | ---: | --- | ---: | --- |"
