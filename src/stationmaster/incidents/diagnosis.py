"""Says a diagnosis in words: one line for a headline, several for a page, a timeline or a message."""

from collections.abc import Iterator, Sequence

from stationmaster.core.facts import DiagnosisMade, SuspectedCause

KIND = "diagnosis"
_ASKS = "approval"
_ABOUT_RUNS = (KIND, _ASKS)
_MOST_CHECKS, _MOST_UNSEEN, _MOST_AFFECTED = 12, 6, 8
_LINE_CHARACTERS = 400


def headline_of(made: DiagnosisMade) -> str:
    """The likely cause, or that none is known."""
    return f"likely cause: {made.likely}" if made.likely else "no likely cause is known"


def text_of(made: DiagnosisMade) -> str:
    """All of it, the most useful first."""
    return "\n".join(_short(each) for each in _lines(made))


def tells(text: str, made: DiagnosisMade) -> bool:
    """Whether a text that was made of some diagnosis has the same headline."""
    first, headline = text.partition("\n")[0], headline_of(made)
    return first == headline or first.startswith(f"{headline} (")


def key_of(run: str) -> str:
    """One diagnosis a run."""
    return f"{KIND}/{run}"


def run_of(key: str) -> str:
    """The run that the key of a notice is about, as `0/diagnosis/run-7/…` and `0/approval/run-7/1.2/…`."""
    parts = key.split("/")
    return parts[2] if len(parts) > 2 and parts[1] in _ABOUT_RUNS else ""


def step_of(key: str) -> str:
    """The step that the key of a notice asks a yes for; empty where it asks for none."""
    parts = key.split("/")
    return parts[3] if len(parts) > 3 and parts[1] == _ASKS else ""


def _lines(made: DiagnosisMade) -> Iterator[str]:
    yield f"{headline_of(made)} ({made.why})" if made.why else headline_of(made)
    if made.proposed is not None:
        asks = f"it waits for {made.proposed.asks}" if made.proposed.asks else "it is done by itself"
        yield f"proposed: step {made.proposed.step} `{' '.join(made.proposed.command.split())}`; {asks}"
    for each in made.causes:
        if each.title != made.likely:
            yield _of_other(each)
    for each in made.causes:
        if each.title == made.likely and each.speaks_against:
            yield f"against it: {'; '.join(each.speaks_against)}"
    yield from _some("also not well", made.affected, _MOST_AFFECTED)
    checks = [f"{each.step} {each.title}: {each.verdict}, {each.detail}" for each in made.checks]
    yield from _some("check", checks, _MOST_CHECKS)
    unseen = [*made.unseen, *(text for each in made.causes if each.title == made.likely for text in each.unseen)]
    yield from _some("not looked at", list(dict.fromkeys(unseen)), _MOST_UNSEEN)


def _of_other(cause: SuspectedCause) -> str:
    if cause.ruled_out:
        return f"not “{cause.title}”: {'; '.join(cause.speaks_against)}"
    known = [f"for it {'; '.join(cause.speaks_for)}"] if cause.speaks_for else []
    known += [f"against it {'; '.join(cause.speaks_against)}"] if cause.speaks_against else []
    known += [f"not known: {'; '.join(cause.unseen)}"] if cause.unseen and not known else []
    return f"perhaps “{cause.title}”: {', '.join(known) or 'nothing is known of it'}"


def _some(name: str, lines: Sequence[str], most: int) -> Iterator[str]:
    yield from (f"{name}: {each}" for each in lines[:most])
    if len(lines) > most:
        yield f"{name}: {len(lines) - most} more, see `stm incident show`"


def _short(line: str) -> str:
    plain = " ".join(line.split())
    return plain if len(plain) <= _LINE_CHARACTERS else f"{plain[: _LINE_CHARACTERS - 1]}…"
