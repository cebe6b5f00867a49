"""Chooses the runbook that answers an alert, and says in words why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

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
_DULL = frozenset("the a an is are was api alert service runbook for of in on and or to at url env".split())  # noqa: SIM905


def choose(alert: Alert, runbooks: Sequence[Runbook]) -> Match | Ambiguous | NoMatch:
    """The best match; two that are equally good are not decided between."""
    found = sorted(
        (match for runbook in runbooks if (match := _match(alert, runbook)) is not None),
        key=lambda match: -match.score,
    )
    if not found:
        service = alert.labels.get("service", "")
        return NoMatch(why=f"none of {len(runbooks)} runbook(s) names {alert.name} of {service} or quotes one like it")
    close = tuple(match for match in found if found[0].score - match.score < _CLOSE)
    if len(close) > 1:
        titles = " and ".join(f"'{match.runbook.title}' ({match.runbook.file})" for match in close)
        return Ambiguous(matches=close, why=f"{titles} answer it equally well")
    return found[0]


def _match(alert: Alert, runbook: Runbook) -> Match | None:
    found = _named(alert, runbook) or _quoted(alert, runbook) or _worded(alert, runbook)
    if found is None:
        return None
    score, why = found
    if not runbook.retired:
        return Match(runbook=runbook, score=score, why=why)
    return Match(runbook=runbook, score=score - _RETIRED_COSTS, why=f"{why}; warning: its title says RETIRED")


def _named(alert: Alert, runbook: Runbook) -> tuple[float, str] | None:
    if not alert.name or alert.name not in runbook.match.alerts:
        return None
    service = alert.labels.get("service", "")
    if runbook.match.service == service:
        return 1.0, f"it names the alert {alert.name} and the service {service}"
    if service and runbook.match.service and not _knows(runbook, service):
        return None if _is_name(runbook.match.service) else (0.9, f"it names the alert {alert.name}")
    return 0.92, f"it names the alert {alert.name}"


def _is_name(text: str) -> bool:
    """Whether a service is given as an identifier and not in words."""
    return bool(re.fullmatch(r"[a-z0-9]+(?:[_-][a-z0-9]+)*", text))


def _quoted(alert: Alert, runbook: Runbook) -> tuple[float, str] | None:
    service = alert.labels.get("service", "")
    if not runbook.match.quoted or not _knows(runbook, service):
        return None
    best = max(_similarity(quote, alert.summary) for quote in runbook.match.quoted)
    if best < _SIMILAR:
        return None
    return 0.5 + 0.35 * best, f"it quotes an alert text that is {best:.0%} like this one, and names {service}"


def _similarity(quote: str, summary: str) -> float:
    """How much of the words agree, 0 to 1; a placeholder agrees with any address."""
    left, right = _tokens(quote), _tokens(summary)
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _tokens(text: str) -> list[str]:
    plain = re.sub(r"\b(?:X\.X\.X\.X|\d{1,3}(?:\.\d{1,3}){3}|localhost)(?::\d+)?", "<address>", text)
    return re.findall(r"<address>|[\w./-]+", plain.lower())


def _worded(alert: Alert, runbook: Runbook) -> tuple[float, str] | None:
    service = alert.labels.get("service", "")
    if not _knows(runbook, service):
        return None
    wanted = _words(f"{re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', alert.name)} {alert.summary}")
    shared = sorted(wanted & _words(f"{runbook.title} {runbook.description}"))
    if not shared:
        return None
    score = 0.2 + 0.2 * min(len(shared), 4) / 4
    return score, f"its tags name {service} and its title shares the words {', '.join(shared)}"


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]{3,}", text.lower())) - _DULL


def _knows(runbook: Runbook, service: str) -> bool:
    if not service:
        return False
    said = {_plain(each) for each in (*runbook.tags, runbook.service, runbook.match.service)}
    return _plain(service) in said


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
