"""Chooses the runbook that answers an alert, and says in words why."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest
from typing import overload

from stationmaster.core.facts import Alert
from stationmaster.runbooks.read.document import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`score` is 0 to 1: from 0.9 on the author named the alert, from 0.5 on it quotes one like it."""

    runbook: Runbook
    score: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    matches: tuple[Match, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMatch:
    why: str


_CLOSE = 0.03
_RETIRED_COSTS = 0.08
_SIMILAR = 0.6
_MOST = 20
_SAID = 3
_WORDED = (0.0, 0.25, 0.3, 0.35, 0.4)
"""By the number of words in common."""
_NAMED = 0.9
"""Nothing that only quotes or shares words comes close to a score like this."""
_ALERT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*[a-z0-9][A-Z][A-Za-z0-9]*")
"""A title like this is the name of the alert that the runbook is about."""
_DULL = frozenset("the a an is are was api alert service runbook for of in on and or to at url env".split())  # noqa: SIM905


class Index(Sequence[Runbook]):
    """Runbooks by the alerts, services and words that they name, so that an alert is held against few of them."""

    def __init__(self, runbooks: Iterable[Runbook]) -> None:
        self._entries = tuple(_Entry(each) for each in runbooks)
        self._by_file = {entry.runbook.file: entry.runbook for entry in self._entries}
        self._by_alert: dict[str, list[_Entry]] = {}
        self._by_service: dict[str, _Shelf] = {}
        for entry in self._entries:
            for name in entry.alerts:
                self._by_alert.setdefault(name, []).append(entry)
            for name in entry.services:
                self._by_service.setdefault(name, _Shelf()).add(entry)

    @overload
    def __getitem__(self, key: int) -> Runbook: ...

    @overload
    def __getitem__(self, key: slice) -> Sequence[Runbook]: ...

    def __getitem__(self, key: int | slice) -> Runbook | Sequence[Runbook]:
        if isinstance(key, slice):
            return [entry.runbook for entry in self._entries[key]]
        return self._entries[key].runbook

    def __len__(self) -> int:
        return len(self._entries)

    def whose_rule(self, alert: Alert) -> Match | None:
        """The runbook in which the rule of the alert stands."""
        file, _, line = alert.rule.rpartition(":")
        runbook = self._by_file.get(file) if file else None
        if runbook is None or runbook.retired:
            return None
        return Match(runbook=runbook, score=1.0, why=f"the rule that fired stands on its line {line}")

    def best(self, alert: Alert) -> list[Match]:
        """Those that come close to the best, it first; a kind of reason that cannot come close is not looked at."""
        asked, shelf = _Asked(alert), self._shelf(alert)
        found = self._named(alert)
        if not any(score >= _NAMED for score in found.values()):
            found = {**shelf.quoting(asked), **found}
        found = found or shelf.worded(asked)
        least = max(found.values(), default=0.0) - _CLOSE
        near = {entry: score for entry, score in found.items() if score > least}
        return _matches(near, asked, most=_MOST)

    def ranked(self, alert: Alert, most: int) -> list[Match]:
        """Up to `most` runbooks that have a reason to answer, each for its best reason, the best first."""
        asked, shelf = _Asked(alert), self._shelf(alert)
        return _matches({**shelf.worded(asked), **shelf.quoting(asked), **self._named(alert)}, asked, most=most)

    def _named(self, alert: Alert) -> "dict[_Entry, float]":
        entries = self._by_alert.get(alert.name, ())
        return {entry: score for entry in entries if (score := _score_of_named(alert, entry)) > 0.0}

    def _shelf(self, alert: Alert) -> "_Shelf":
        return self._by_service.get(_plain(alert.labels.get("service", "")), _Shelf())


def choose(alert: Alert, runbooks: Sequence[Runbook]) -> Match | Ambiguous | NoMatch:
    """The best match; two that are equally good are not decided between. Fastest with an `Index`."""
    index = runbooks if isinstance(runbooks, Index) else Index(runbooks)
    own = index.whose_rule(alert)
    if own is not None:
        return own
    close = index.best(alert)
    if not close:
        service = alert.labels.get("service", "")
        asked = f"{alert.name or 'an alert'}{f' of {service}' if service else ''}"
        counted = f"{len(index)} runbook{'' if len(index) == 1 else 's'}"
        return NoMatch(why=f"none of {counted} names {asked} or quotes one like it")
    if len(close) == 1:
        return close[0]
    titles = " and ".join(f"'{match.runbook.title}' ({match.runbook.file})" for match in close[:_SAID])
    others = " and others" if len(close) > _SAID else ""
    return Ambiguous(matches=tuple(close), why=f"{titles}{others} answer it equally well")


class _Entry:
    """A runbook with what is asked of it for every alert."""

    __slots__ = ("alerts", "penalty", "quotes", "runbook", "services", "words")

    def __init__(self, runbook: Runbook) -> None:
        self.runbook = runbook
        self.penalty = _RETIRED_COSTS if runbook.retired else 0.0
        titled = (runbook.title,) if _ALERT_NAME.fullmatch(runbook.title) else ()
        self.alerts = frozenset((*runbook.match.alerts, *titled))
        said = (*runbook.tags, runbook.service, runbook.match.service)
        self.services = frozenset(_plain(each) for each in said if each)
        self.quotes = tuple(_tokens(each) for each in runbook.match.quoted)
        self.words = _words(f"{runbook.title} {runbook.description}")


class _Shelf:
    """The runbooks of one service: those that quote an alert, and those that have a word in their title."""

    __slots__ = ("_quoting", "_words")

    def __init__(self) -> None:
        self._quoting: dict[tuple[str, ...], list[_Entry]] = {}
        self._words: dict[str, list[_Entry]] = {}

    def add(self, entry: _Entry) -> None:
        for quote in entry.quotes:
            self._quoting.setdefault(quote, []).append(entry)
        for word in entry.words:
            self._words.setdefault(word, []).append(entry)

    def quoting(self, asked: "_Asked") -> dict[_Entry, float]:
        found: dict[_Entry, float] = {}
        for quote, entries in self._quoting.items():
            alike = _similarity(quote, asked)
            for entry in entries if alike >= _SIMILAR else ():
                found[entry] = max(0.5 + 0.35 * alike - entry.penalty, found.get(entry, 0.0))
        return found

    def worded(self, asked: "_Asked") -> dict[_Entry, float]:
        shared: Counter[_Entry] = Counter()
        for word in asked.words:
            shared.update(self._words.get(word, ()))
        return {entry: _WORDED[min(count, 4)] - entry.penalty for entry, count in shared.items()}


class _Asked:
    """An alert, taken apart once."""

    __slots__ = ("alert", "counts", "service", "tokens", "words")

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        self.service = alert.labels.get("service", "")
        self.tokens = _tokens(alert.summary)
        self.counts = Counter(self.tokens)
        self.words = _words(f"{re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', alert.name)} {alert.summary}")

    def why(self, entry: _Entry) -> str:
        """The best reason that the entry has to answer, in words."""
        retired = "; warning: its title says RETIRED" if entry.runbook.retired else ""
        return f"{self._reason(entry)}{retired}"

    def _reason(self, entry: _Entry) -> str:
        if _score_of_named(self.alert, entry) > 0.0:
            same = self.service and entry.runbook.match.service == self.service
            both = f" and the service {self.service}" if same else ""
            return f"it names the alert {self.alert.name}{both}"
        alike = max((_similarity(quote, self) for quote in entry.quotes), default=0.0)
        if alike >= _SIMILAR:
            return f"it quotes an alert text that is {alike:.0%} like this one, and names {self.service}"
        shared = ", ".join(sorted(self.words & entry.words))
        return f"its tags name {self.service} and its title shares the words {shared}"


def _matches(found: dict[_Entry, float], asked: _Asked, *, most: int) -> list[Match]:
    """The best first."""
    chosen = nlargest(most, found.items(), key=lambda each: each[1])
    return [Match(runbook=entry.runbook, score=score, why=asked.why(entry)) for entry, score in chosen]


def _score_of_named(alert: Alert, entry: _Entry) -> float:
    """0 where it does not name the alert, or names one of another service."""
    rules = entry.runbook.match
    if not alert.name or alert.name not in entry.alerts:
        return 0.0
    service = alert.labels.get("service", "")
    if service and rules.service == service:
        return 1.0 - entry.penalty
    if service and rules.service and _plain(service) not in entry.services:
        return 0.0 if _is_name(rules.service) else _NAMED - entry.penalty
    return 0.92 - entry.penalty


def _is_name(text: str) -> bool:
    """Whether a service is given as an identifier and not in words."""
    return bool(re.fullmatch(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", text))


def _similarity(quote: tuple[str, ...], asked: _Asked) -> float:
    """How much of the words agree, 0 to 1; a placeholder agrees with any address."""
    length = len(quote) + len(asked.tokens)
    shared = sum((Counter(quote) & asked.counts).values())
    if 2 * shared < _SIMILAR * length:
        return 0.0
    return SequenceMatcher(None, quote, asked.tokens, autojunk=False).ratio()


def _tokens(text: str) -> tuple[str, ...]:
    plain = re.sub(r"\b(?:X\.X\.X\.X|\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::\d+)?", "<address>", text)
    return tuple(re.findall(r"<address>|[\w./-]+", plain.lower()))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{3,}", text.lower())) - _DULL


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
