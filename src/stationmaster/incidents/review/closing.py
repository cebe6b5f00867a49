"""Writes the part of a review that says what the platform did about it by itself, and what it left to people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.incidents.review.durations import span_words
from stationmaster.incidents.review.evidence import Evidence, Kept

_LONGEST_LOG = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`keys` are those of the tasks that are done with this, `needless_keys` of those that nobody has to do; `done`,
    `needless` and `left` are tasks in words."""

    at: datetime
    cause: str
    since: datetime
    """The end of the incident."""
    well: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    needless_keys: frozenset[str] = frozenset()
    done: tuple[str, ...] = ()
    needless: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)


def closing(settled: Settled) -> tuple[str, ...]:
    return tuple(_lines(settled))


def _lines(settled: Settled) -> Iterator[str]:
    yield "## Completed automatically"
    yield ""
    yield f"Nobody has read this review. Stationmaster completed it at {settled.at:%Y-%m-%d %H:%M:%S UTC}, because the"
    yield f"cause is known ({_plain(settled.cause)}), nobody had to act, and everything it was about stayed well for"
    yield f"{span_words((settled.at - settled.since).total_seconds())} after the end."
    yield from _list("Looked at", settled.well, "nothing")
    yield from _list("Done", settled.done, "no task but this review")
    if settled.needless:
        yield from _list("Not needed: a drill", settled.needless, "")
    yield from _list("Not done, left to people", settled.left, "nothing")
    yield from _list("Numbers of that time", settled.evidence.numbers, "none")
    if settled.evidence.missing:
        yield from _list("Could not be had", settled.evidence.missing, "")
    for each in settled.evidence.logs:
        yield from _log(each)


def _list(title: str, found: Sequence[str], nothing: str) -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""
    yield from (f"- {_plain(each)}" for each in found or (nothing,))


def _log(log: Kept) -> Iterator[str]:
    """Indented, so that nothing in it is taken for Markdown."""
    yield ""
    yield f"### Last lines of the log of {_plain(log.name)}"
    yield ""
    lines = log.text[-_LONGEST_LOG:].splitlines()
    yield from (f"    {line}" for line in lines or ("(empty)",))


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;")
