"""Judges what a run named as the likely cause against what was really broken."""

import re
from collections.abc import Iterable, Iterator, Sequence

from stationmaster.api.wire import TimelineEntry
from stationmaster.core.drills import FaultKind

RIGHT, WRONG, OPEN, NONE = "right", "wrong", "open", "none"

_SAID = re.compile(r"likely cause: (?P<cause>[^\n]+)")
_OVER = "it is over;"
_OF_DIAGNOSIS, _OF_STEP = "diagnosis", "run.step"
_DEAD = r"\bdied|\bdead\b|\bgone\b|\bdown\b|crash|kill|started again|share"
_WORDS = {
    FaultKind.KILL: _DEAD,
    FaultKind.HANG: rf"\bhang|no answer|not answer|answers nothing|in time|slow|{_DEAD}",
    FaultKind.REFUSE: rf"refuse|connection|not listen|{_DEAD}",
    FaultKind.SLOW: rf"slow|late\b|latency|in time|{_DEAD}",
    FaultKind.WRONG_BODY: rf"body|another text|says something|something else|{_DEAD}",
    FaultKind.ERRORS: rf"error|\b5\d\d\b|5xx|{_DEAD}",
    FaultKind.NO_SPACE: rf"disk|space|written|write|error|{_DEAD}",
    FaultKind.DELAY: r"gateway is slow|a fault|\bslow\b|\bway\b",
    FaultKind.ABORT: r"gateway|a fault|refuses",
    FaultKind.EXPIRED_CERTIFICATE: r"certificate|expired",
    FaultKind.BAD_ROTATION: r"\bkey\b|credential|token|sign",
    FaultKind.METRICS_GONE: r"metric|scrape|asks",
    FaultKind.DISK_FULL: r"\blog\b|\bdisk\b|full|room",
    FaultKind.CONTROL_KILL: r"control plane|process",
}
"""What a cause that fits speaks of. Words like `instance` fit everything and prove nothing: they are not here."""


def named(timeline: Iterable[TimelineEntry]) -> str:
    """The cause that was named: by a whole diagnosis, otherwise by the first step that names one. That it is over is a
    cause only where no other is named; "it is over: WHY" names one."""
    entries = list(timeline)
    said = [_without_end(found["cause"]) for kind in (_OF_DIAGNOSIS, _OF_STEP) for found in _found(entries, kind)]
    return next((each for each in said if not each.startswith(_OVER)), next(iter(said), ""))


def _found(entries: Iterable[TimelineEntry], kind: str) -> Iterator[re.Match[str]]:
    for entry in entries:
        found = _SAID.search(entry.text) if entry.kind == kind else None
        if found:
            yield found


def judged(cause: str, kinds: Sequence[str], *, knows_place: bool) -> str:
    """right: what was broken is named, and the cause fits; open: it is named, and no cause; wrong: either misses."""
    if not knows_place:
        return WRONG
    if not cause:
        return OPEN
    return RIGHT if all(_fits(kind, cause) for kind in set(kinds)) else WRONG


def _fits(kind: str, cause: str) -> bool:
    return re.search(_WORDS[FaultKind(kind)], cause, re.IGNORECASE) is not None


def _without_end(cause: str) -> str:
    """A step quotes what it saw, and says behind that how it came to it."""
    return cause.partition("' (")[0].strip().removesuffix("'")
