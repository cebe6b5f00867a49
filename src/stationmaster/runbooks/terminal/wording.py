"""What a person reads when a run asks: each question as lines with a style, the same on a screen and in plain lines."""

from collections.abc import Iterator, Sequence

from stationmaster.runbooks.clean import clean_line, show_command
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import ApprovalRequest, Place, StepEnded
from stationmaster.runbooks.terminal.glyphs import RISK_STYLES
from stationmaster.runbooks.transcript.words import command_of

Line = tuple[str, str]
"""A style and a text that is safe to show."""
_LONGEST_ORIGINAL = 400
HELP: tuple[Line, ...] = (
    ("bold", "Keys"),
    ("", "  a            approve a change: then type the name of its target"),
    ("", "  s            skip it, with a reason; or skip what runs at the moment"),
    ("", "  r g x        after a failure: retry, go on, stop"),
    ("", "  p f          a step done by hand: passed, failed"),
    ("", "  y n          whether a condition of the runbook holds"),
    ("", "  o            a shell in the run's folder, bound values in its environment; exit comes back"),
    ("", "  d            details of the step: why, values, cautions, the document's own lines"),
    ("", "  up down      look at another step, or scroll a long text; page-up, page-down"),
    ("", "  escape       back; follow the run again"),
    ("", "  q            end the run: for good, or as it stands, to be resumed"),
    ("", "  ctrl-c       leave at once; the run can be resumed"),
)


def approval_lines(request: ApprovalRequest) -> list[Line]:
    step = request.step
    lines: list[Line] = [("bold", f"{step.key} {clean_line(step.title)}")]
    lines += _commands(request.command, "cyan")
    lines.append((RISK_STYLES[request.risk], f"risk: {request.risk.value}"))
    told = [clean_line(why) for why in request.why]
    lines += [("", f"  {why}") for why in told]
    warned = (clean_line(caution.text) for caution in step.cautions)
    lines += [("bold yellow", f"caution: {text}") for text in warned if not any(text in why for why in told)]
    if step.session:
        lines.append(("", f"in: {clean_line(step.session)}"))
    rollback = clean_line(step.rollback) if step.rollback else "none is given"
    lines.append(("", f"rollback: {rollback}"))
    who = "; a second person has to approve as well" if request.second_person else ""
    lines.append(("dim", f"the request holds until {request.expires_at:%H:%M:%S} UTC{who}"))
    return lines


def place_lines(place: Place, problem: str) -> list[Line]:
    lines: list[Line] = [("bold", f"What is {clean_line(place.written)}?"), *_commands(place.used_in, "cyan")]
    if place.pattern:
        lines.append(("dim", f"it has to match {clean_line(place.pattern)}"))
    if place.choices:
        lines.append(("", f"one of: {', '.join(clean_line(each) for each in place.choices)}"))
    if problem:
        lines.append(("red", clean_line(problem)))
    return lines


def manual_lines(
    step: PlannedStep, document: Sequence[str], *, command: str = "", tail: Sequence[str] = ()
) -> list[Line]:
    """`command` is what was run, with its places filled in, and `tail` the end of what it printed."""
    lines: list[Line] = [("bold", f"{step.key} {clean_line(step.title)}")]
    lines += _commands(command or command_of(step), "cyan")
    lines += [("", f"  {line}") for line in tail]
    reason = step.why if decides(step) else step.refusal or ("" if _judges(step) else step.asks)
    if reason:
        lines.append(("magenta", clean_line(reason)))
    lines += [("bold yellow", f"caution: {clean_line(caution.text)}") for caution in step.cautions]
    lines += original_lines(step, document)
    return lines


def decides(step: PlannedStep) -> bool:
    """Whether a person is asked if a condition of the document holds: yes or no."""
    return step.title.startswith("Does this hold?")


def _judges(step: PlannedStep) -> bool:
    """Whether a person is asked about an output that is there already."""
    return step.title.startswith("judge what it shows")


def failure_lines(step: PlannedStep, ended: StepEnded, tail: Sequence[str]) -> list[Line]:
    lines: list[Line] = [("bold", f"{step.key} {clean_line(step.title)}")]
    lines += _commands(ended.command or command_of(step), "cyan")
    lines.append(("bold red", f"failed: {clean_line(ended.why)}"))
    lines += [("dim", f"  {line}") for line in tail]
    return lines


def detail_lines(step: PlannedStep, document: Sequence[str], *, command: str, ended: StepEnded | None) -> list[Line]:
    """Everything that is known of a step, then the document's own lines."""
    lines: list[Line] = [("bold", f"{step.key} {clean_line(step.title)}")]
    lines += _commands(command or command_of(step), "cyan")
    lines.append((RISK_STYLES[step.risk], f"risk: {step.risk.value}"))
    facts = (
        ("why", step.why),
        ("asks", step.asks),
        ("refused", step.refusal),
        ("session", step.session),
        ("rollback", step.rollback),
        ("expects", "; ".join(f"{each.kind.value} {each.value}".strip() for each in step.expectations)),
        ("when", "; ".join(each.text for each in step.conditions)),
        ("outcome", f"{ended.verdict.value}: {ended.why}" if ended else ""),
        ("by", ended.by if ended else ""),
    )
    lines += [("", f"{name}: {clean_line(' '.join(text.split()))}") for name, text in facts if text]
    lines += [("bold yellow", f"caution: {clean_line(caution.text)}") for caution in step.cautions]
    for place in step.places:
        value = "(secret)" if place.secret else clean_line(place.value) if place.value is not None else "?"
        lines.append(("", f"{clean_line(place.written)} = {value} ({clean_line(place.told)})"))
    return [*lines, ("", ""), *original_lines(step, document)]


def original_lines(step: PlannedStep, document: Sequence[str]) -> Iterator[Line]:
    """The document's lines of a step, numbered; what the plan says of it where the document is not at hand."""
    first, last = step.lines.first, min(step.lines.last, len(document), step.lines.first + _LONGEST_ORIGINAL)
    if last < first:
        yield from (("dim", clean_line(line)) for line in step.why.splitlines())
    for number in range(first, last + 1):
        yield "dim", f"{number:>5}  {clean_line(document[number - 1])}"


def _commands(command: str, style: str) -> list[Line]:
    return [(style, f"$ {line}" if not n else f"  {line}") for n, line in enumerate(_split(command))]


def _split(command: str) -> list[str]:
    return show_command(command).split("\n") if command else []
