"""A run as Markdown that reads as a note in an incident; outputs are folded."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.clean import clean, show_command
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import RunOpened, StepEnded
from stationmaster.runbooks.transcript.story import Story
from stationmaster.runbooks.transcript.words import MARKS, command_of, in_words, open_words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
_LIST = re.compile(r"^(\d*)([-+.)])(?=\s|$)")


def as_markdown(story: Story) -> str:
    return "\n".join([*_head(story), *_table(story), *_details(story)]) + "\n"


def _head(story: Story) -> Iterator[str]:
    plan, finished = story.plan, story.finished
    yield f"# Runbook run: {_plain(plan.runbook)}"
    yield ""
    outcome = f"**{finished.outcome.value}**: {_plain(finished.why)}" if finished else "**still open**"
    yield f"- Outcome: {outcome}"
    yield f"- Run: {_code(story.run)}, {story.began_at:%Y-%m-%d %H:%M:%S} UTC, took {in_words(story.took)}"
    about = [_plain(each) for each in (plan.service, plan.instance) if each]
    if about:
        yield f"- About: {' / '.join(about)}"
    yield f"- Runbook's revision: {_code(plan.digest[:12])}"
    if story.sittings > 1:
        moments = [f"{event.at:%H:%M:%S}" for event in story.events if isinstance(event, RunOpened)][1:]
        yield f"- Interrupted, and resumed at {', '.join(moments)} UTC"
    people = sorted({end.by for end in story.ends.values() if end.by})
    if people:
        yield f"- Answered by: {', '.join(_plain(each) for each in people)}"
    yield ""


def _table(story: Story) -> Iterator[str]:
    yield "| step | what | risk | verdict | took | by |"
    yield "|---|---|---|---|---|---|"
    for step, end in story.worked():
        verdict = (
            f"{MARKS[end.verdict]} {end.verdict.value}"
            if end
            else f"· {open_words(step, begun=step.key in story.begun)}"
        )
        took = in_words(end.took_ms / 1000) if end and end.took_ms else ""
        cells = (step.key, _plain(step.title), step.risk.value, verdict, took, _plain(end.by) if end else "")
        yield f"| {' | '.join(cells)} |"
    yield ""


def _details(story: Story) -> Iterator[str]:
    for step, end in story.worked():
        if end is None or (end.verdict is Verdict.SKIPPED and not end.output and not end.command):
            continue
        yield from _step(step, end)


def _step(step: PlannedStep, end: StepEnded) -> Iterator[str]:
    yield f"## {step.key} {_plain(step.title)}"
    yield ""
    command = end.command or command_of(step)
    if command:
        yield from _fenced(show_command(command), "sh")
    status = f", exit status {end.exit_status}" if end.exit_status is not None else ""
    tries = f", {end.attempts} attempts" if end.attempts > 1 else ""
    by = f", by {_plain(end.by)}" if end.by else ""
    when = f"at {end.at:%H:%M:%S} after {in_words(end.took_ms / 1000)}"
    yield f"{MARKS[end.verdict]} **{end.verdict.value}** {when}{status}{tries}{by}"
    if end.why:
        yield ""
        yield _plain(end.why)
    yield ""
    if end.output.strip():
        shown = clean(end.output).rstrip("\n")
        yield f"<details><summary>Output ({_lines(shown)})</summary>"
        yield ""
        yield from _fenced(shown, "text")
        yield "</details>"
        yield ""


def _fenced(text: str, language: str) -> Iterator[str]:
    """The fence is longer than any run of backticks inside (CommonMark 0.31, 4.5)."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence
    yield ""


def _plain(text: str) -> str:
    """Foreign text as text: on one line, no markup, no HTML, no list."""
    escaped = _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))
    return _LIST.sub(r"\1\\\2", escaped)


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _lines(text: str) -> str:
    count = text.count("\n") + 1
    return f"{count} line{'s' if count != 1 else ''}"
