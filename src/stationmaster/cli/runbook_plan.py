"""Shows a bound plan: a table for people, a document for programs."""

from collections.abc import Iterator

import msgspec
from rich.table import Table
from rich.text import Text

from stationmaster.cli.output import out
from stationmaster.runbooks.clean import clean_line, show_command
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.terminal.glyphs import RISK_STYLES
from stationmaster.runbooks.transcript.events import StepDocument, steps_of
from stationmaster.runbooks.transcript.words import command_of
from stationmaster.runbooks.values import Source


class PlanDocument(msgspec.Struct, kw_only=True, frozen=True):
    runbook: str
    digest: str
    service: str
    instance: str
    steps: tuple[StepDocument, ...]


def plan_document(plan: Plan) -> PlanDocument:
    return PlanDocument(
        runbook=plan.runbook, digest=plan.digest, service=plan.service, instance=plan.instance, steps=steps_of(plan)
    )


def plan_table(plan: Plan) -> None:
    out.print(Text(clean_line(plan.runbook), style="bold"))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("step", "lines", "kind", "what", "risk"):
        table.add_column(column.upper(), vertical="top", overflow="fold", no_wrap=column != "what")
    for step in plan.steps:
        risk = Text(step.risk.value, style=RISK_STYLES[step.risk]) if _acts(step) else Text()
        table.add_row(step.key, str(step.lines), step.kind.value, _what(step), risk)
    out.print(table, soft_wrap=False)
    for line in _summary(plan):
        out.print(Text(line, style="dim"))


def _summary(plan: Plan) -> Iterator[str]:
    asking = [step.key for step in plan.steps if step.asks or step.refusal]
    alone = len(plan.steps) - len(asking)
    steps = "1 step" if len(plan.steps) == 1 else f"{len(plan.steps)} steps"
    by_themselves = "1 runs by itself" if alone == 1 else f"{alone} run by themselves"
    yield f"{steps}: {by_themselves}" + (f"; {', '.join(asking)} would ask" if asking else "")
    open_ones = (place for step in plan.steps for place in step.places if place.source is Source.ASKED)
    wanted = dict.fromkeys(place.name for place in open_ones)
    if wanted:
        yield f"values can be given: {' '.join(f'--set {name}=…' for name in wanted)}"


def _acts(step: PlannedStep) -> bool:
    return bool(command_of(step)) or step.effect.value not in {"none", "note"}


def _what(step: PlannedStep) -> Text:
    command = show_command(command_of(step))
    title = clean_line(step.title)
    lines = [] if command and " ".join(command.split()) == title else [Text(title)]
    lines += [
        Text(f"{' ' if n else '$'} {each}", style="cyan") for n, each in enumerate(command.split("\n")) if command
    ]
    for place in step.places:
        value = "(secret)" if place.secret else clean_line(place.value) if place.value is not None else "?"
        lines.append(Text(f"{clean_line(place.written)} = {value}: {clean_line(place.told)}", style="dim"))
    if step.session:
        lines.append(Text(f"in: {clean_line(step.session)}", style="dim"))
    lines += [Text(f"caution: {clean_line(each.text)}", style="yellow") for each in step.cautions]
    if step.rollback:
        lines.append(Text(f"rollback: {clean_line(step.rollback)}", style="dim"))
    if reason := step.refusal or step.asks:
        lines.append(Text(f"asks: {clean_line(reason)}", style="magenta"))
    return Text("\n").join(lines)
