"""What becomes of a command's output: told as it comes, kept for the story within bounds, values taken out of it."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.runbooks.plan.planned import Capture
from stationmaster.runbooks.redact import LineRedactor
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.talk import OutputSeen

JOURNALED_CHARS = 32_768
"""How much of a step's output is kept with its times; head and tail of all of it stand in its end."""
_WINDOW_S, _WINDOW_CHARS, _AFTER_FLOOD = 0.05, 32_768, 2_048
_FOLLOWERS = frozenset({"kubectl", "oc", "docker", "podman", "journalctl", "tail", "stern", "docker-compose"})
_FOLLOW = frozenset({"-f", "-F", "--follow", "-w", "--watch", "--watch=true", "--follow=true"})


@dataclass(slots=True, kw_only=True)
class Telling:
    """Hears the output of one attempt: redacts it line by line, tells it, and thins out a flood."""

    step: str
    tell: Callable[[OutputSeen], None]
    now: Callable[[], datetime]
    secrets: tuple[str, ...] = ()
    events: list[OutputSeen] = field(default_factory=list)
    _out: LineRedactor = field(init=False)
    _error: LineRedactor = field(init=False)
    _window_from: float = field(default=0.0, init=False)
    _window_chars: int = field(default=0, init=False)
    _kept_chars: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._out = LineRedactor(secrets=self.secrets)
        self._error = LineRedactor(secrets=self.secrets)

    def seen(self, text: str, error: bool) -> None:
        redactor = self._error if error else self._out
        self._told(redactor.feed(self._thinned(text)), error)

    def done(self) -> tuple[OutputSeen, ...]:
        """Tells what is left and gives the events that the journal keeps."""
        self._told(self._out.rest(), error=False)
        self._told(self._error.rest(), error=True)
        return tuple(self.events)

    def _thinned(self, text: str) -> str:
        """Of a flood only the last lines of each moment are worth the work; a private key is always looked at."""
        moment = time.monotonic()
        if moment - self._window_from > _WINDOW_S:
            self._window_from, self._window_chars = moment, 0
        self._window_chars += len(text)
        if self._window_chars <= _WINDOW_CHARS or "PRIVATE KEY-----" in text:
            return text
        tail = text[-_AFTER_FLOOD:]
        return f"\n… {len(text) - len(tail)} characters not shown …\n{tail.partition(chr(10))[2]}"

    def _told(self, text: str, error: bool) -> None:
        if not text:
            return
        event = OutputSeen(at=self.now(), step=self.step, text=text, error=error)
        if self._kept_chars + len(text) <= JOURNALED_CHARS:
            self.events.append(event)
        self._kept_chars += len(text)
        self.tell(event)


def follows(text: str) -> bool:
    """Whether a command goes on for ever by its nature, because it follows a log or watches a list."""
    return any(
        each.program == "watch" or (each.program in _FOLLOWERS and any(word.text in _FOLLOW for word in each.words[1:]))
        for each in parse(text).commands
    )


def taken(captures: Sequence[Capture], printed: str) -> tuple[dict[str, str], list[str]]:
    """The values that an output gives, and what could not be found in it."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for capture in captures:
        value = _value(capture, printed)
        if value:
            found[capture.name] = value
        else:
            missing.append(f"nothing in the output gives {capture.name}")
    return found, missing


def _value(capture: Capture, printed: str) -> str:
    if not capture.regex:
        return printed.strip()
    match = re.search(capture.regex, printed, re.MULTILINE)
    if match is None:
        return ""
    return (match[1] if match.re.groups else match[0]) or ""
