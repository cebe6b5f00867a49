"""Reads what a target tells, scrape after scrape: lines that were read before cost a look into a dictionary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Final, TypeAlias

import numpy as np

from stationmaster.monitor.promql.samples import NORMAL_NAN_BITS, Floats, Ids, Labels, LabelTable
from stationmaster.monitor.scrape.families import Family, read_comments
from stationmaster.monitor.scrape.labels import joined
from stationmaster.monitor.scrape.sample_line import BrokenLineError, Format, read_line

_PLAIN: Final = b"0123456789+-.eEINafn"
"""What the numbers of nearly all lines consist of; what Python reads as a number from it, Prometheus does too."""
_END: Final = b"# EOF"
_PRUNE_EVERY = 240
_SHOWN_CHARACTERS = 120
_LINES_A_SAMPLE, _OTHER_LINES = 4, 1_000
"""So many lines a body may have for every sample that it may have: HELP, TYPE and UNIT stand before some."""
_MOST_LINE_BYTES: Final = 256 * 1024


class ExpositionError(Exception):
    """Why a body counts as a failed scrape, and how many samples were told before that."""

    def __init__(self, why: str, *, told: int = 0) -> None:
        super().__init__(why)
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """Every series once. `told` counts the samples of the body; of a series that stands there `twice` the first counts,
    `example` is one of those."""

    ids: Ids
    values: Floats
    told: int
    twice: int = 0
    example: Labels = ()


_Unknown: TypeAlias = tuple[Labels, bytes]
"""A series that this reader has not met, and the part of a line to know it by, where there is one."""


class ExpositionReader:
    """Reads the bodies of one target, one after the other; `known` are the labels of the target. Bodies with the same
    series in the same order give the same array of ids."""

    def __init__(self, table: LabelTable, known: Mapping[str, str], *, honor: bool = False) -> None:
        self._table = table
        self._of_target = known
        self._honor = honor
        self._known: dict[bytes, int] = {}
        """By the part of a line before its number; never of a line with a timestamp or an exemplar."""
        self._numbers: list[int] = []
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._comments: list[bytes] = []
        self._reads = 0
        self._forgettings = table.forgettings
        self.families: Mapping[str, Family] = {}
        """What the last body told of its metrics."""

    def read(
        self, body: bytes, form: Format = Format.TEXT, *, most_samples: int | None = None, most_new: int | None = None
    ) -> Exposition:
        """Raises ExpositionError, with the line and its text, where the body is broken, has too many samples, or has
        more than `most_new` series that nobody knows yet; of such a body nothing is interned."""
        if self._table.forgettings != self._forgettings:
            self._known, self._numbers = {}, []
            self._forgettings = self._table.forgettings
        lines = _lines(body, most_samples)
        if form is Format.OPENMETRICS:
            _check_end(lines)
        samples = [line for line in lines if line and line[0] != 0x23]
        if most_samples is not None and len(samples) > most_samples:
            raise ExpositionError(
                f"{len(samples)} samples are more than the limit of {most_samples}", told=len(samples)
            )
        try:
            self._read_comments([line for line in lines if line[:1] == b"#"])
            numbers, values = self._read_samples(samples, form, most_new)
        except BrokenLineError as error:
            raise _located(error, lines) from error
        return self._once(numbers, values)

    def _read_comments(self, comments: list[bytes]) -> None:
        if comments != self._comments:
            self.families = read_comments(comments)
            self._comments = comments

    def _read_samples(
        self, samples: Sequence[bytes], form: Format, most_new: int | None
    ) -> tuple[list[int], list[float]]:
        parts = [line.rpartition(b" ") for line in samples]
        keys = [part[0] for part in parts]
        texts = [part[2] for part in parts]
        found = list(map(self._known.get, keys))
        values = _plain_values(texts)
        if values is None:
            lines = [self._line(each, form) for each in zip(samples, keys, texts, strict=True)]
            numbers = self._numbered([each[0] for each in lines if each], most_new, len(samples))
            self._prune(keys)
            return numbers, [each[1] for each in lines if each]
        fresh = [at for at, number in enumerate(found) if number is None] if None in found else []
        told = [(at, self._line((samples[at], keys[at], texts[at]), form)) for at in fresh]
        there = [(at, each) for at, each in told if each is not None]
        numbers = self._numbered([each[0] for _, each in there], most_new, len(samples))
        for (at, each), number in zip(there, numbers, strict=True):
            found[at], values[at] = number, each[1]
        self._prune(keys)
        kept = [number for number in found if number is not None]
        if len(kept) < len(found):
            values = [value for number, value in zip(found, values, strict=True) if number is not None]
        return kept, values

    def _numbered(self, told: Sequence[int | _Unknown], most_new: int | None, samples: int) -> list[int]:
        """The ids of series; those that nobody knows yet get theirs together, or none of them."""
        find, intern = self._table.find, self._table.intern
        if most_new is not None and len(told) > most_new:
            new = sum(1 for each in told if not isinstance(each, int) and find(each[0]) is None)
            if new > most_new:
                why = f"{new} new series are more than there is room for ({most_new}): too many are known already"
                raise ExpositionError(why, told=samples)
        numbers = []
        for each in told:
            if isinstance(each, int):
                numbers.append(each)
                continue
            labels, key = each
            number = intern(labels)
            numbers.append(number)
            if key:
                self._known[key] = number
        return numbers

    def _line(self, parts: tuple[bytes, bytes, bytes], form: Format) -> tuple[int | _Unknown, float] | None:
        """`parts` are the whole line, what stands before its last blank, and what stands after."""
        line, key, text = parts
        plain = bool(text) and not text.translate(None, _PLAIN)
        number = self._known.get(key) if plain else None
        if number is not None and (value := _plain_values([text])) is not None:
            return number, value[0]
        stripped = line.strip(b" \t")
        if not stripped or stripped[:1] == b"#":
            return None
        sample = read_line(line, form)
        labels = joined(sample.labels, self._of_target, honor=self._honor)
        return (labels, key if plain and sample.bare else b""), sample.value

    def _prune(self, keys: Sequence[bytes]) -> None:
        """Forgets lines that come no more."""
        self._reads += 1
        if self._reads % _PRUNE_EVERY == 0 or len(self._known) > 2 * len(keys) + 1000:
            known = self._known
            self._known = {key: known[key] for key in keys if key in known}

    def _once(self, numbers: list[int], values: list[float]) -> Exposition:
        array = np.array(values, dtype=np.float64)
        array.view(np.uint64)[np.isnan(array)] = NORMAL_NAN_BITS
        if numbers != self._numbers:
            self._numbers, self._ids = numbers, np.array(numbers, dtype=np.int64)
        if len(set(numbers)) == len(numbers):
            return Exposition(ids=self._ids, values=array, told=len(numbers))
        _, first = np.unique(self._ids, return_index=True)
        first.sort()
        again = np.setdiff1d(np.arange(len(numbers)), first)
        return Exposition(
            ids=self._ids[first],
            values=array[first],
            told=len(numbers),
            twice=len(again),
            example=self._table.labels(numbers[int(again[0])]),
        )


def _lines(body: bytes, most_samples: int | None) -> list[bytes]:
    """Counted before they are cut: a list of many short ones takes many times the room of the body."""
    count = body.count(b"\n")
    if most_samples is not None and count > _LINES_A_SAMPLE * most_samples + _OTHER_LINES:
        raise ExpositionError(f"{count} lines are more than a body of at most {most_samples} samples may have")
    lines = body.split(b"\n")
    longest = max(lines, key=len)
    if len(longest) > _MOST_LINE_BYTES:
        shown = longest[:_SHOWN_CHARACTERS].decode(errors="replace")
        raise ExpositionError(
            f"line {lines.index(longest) + 1}: it has {len(longest)} bytes, {_MOST_LINE_BYTES} are allowed: {shown}…"
        )
    return lines


def _plain_values(texts: Sequence[bytes]) -> list[float] | None:
    """None where one of them needs to be looked at."""
    if b"".join(texts).translate(None, _PLAIN):
        return None
    try:
        values = list(map(float, texts))
    except ValueError:
        return None
    if (inf in values or -inf in values) and not all(map(_is_no_overflow, texts, values)):
        return None
    return values


def _is_no_overflow(text: bytes, value: float) -> bool:
    """Infinity is said, it is not what a number of too many digits becomes."""
    return not isinf(value) or b"n" in text


def _check_end(lines: Sequence[bytes]) -> None:
    """OpenMetrics ends with a line that says so: what was cut off is noticed."""
    if not lines or lines[-1] or lines[-2:-1] != [_END]:
        raise ExpositionError("data does not end with # EOF")
    if _END in lines[:-2]:
        raise ExpositionError("there is data after # EOF")


def _located(error: BrokenLineError, lines: Sequence[bytes]) -> ExpositionError:
    at = next((at for at, line in enumerate(lines) if line == error.line), len(lines))
    shown = error.line.decode(errors="replace")
    if len(shown) > _SHOWN_CHARACTERS:
        shown = f"{shown[:_SHOWN_CHARACTERS]}…"
    told = sum(1 for line in lines[:at] if line.strip(b" \t") and line[:1] != b"#")
    return ExpositionError(f"line {at + 1}: {error.why}: {shown}", told=told)
