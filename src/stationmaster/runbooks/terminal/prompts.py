"""Asks a person by plain lines on a terminal: without a live view, and where a line has to be pasted."""

import asyncio
from collections.abc import Container, Sequence

from rich.console import Console
from rich.text import Text

from stationmaster.runbooks.alone import NeedsPersonError
from stationmaster.runbooks.clean import escape_controls
from stationmaster.runbooks.consent.approval import Refused, request_text
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    Place,
    StepEnded,
)
from stationmaster.runbooks.terminal.desk import Desk, Ending
from stationmaster.runbooks.terminal.keys import read_line
from stationmaster.runbooks.terminal.plain import PlainLines
from stationmaster.runbooks.terminal.wording import (
    Line,
    approval_lines,
    decides,
    detail_lines,
    failure_lines,
    manual_lines,
    place_lines,
)

MANUAL_KEYS = {
    "p": Verdict.PASSED,
    "f": Verdict.FAILED,
    "y": Verdict.PASSED,
    "n": Verdict.FAILED,
    "s": Verdict.SKIPPED,
}
_AFTER = {"r": AfterFailure.RETRY, "g": AfterFailure.GO_ON, "x": AfterFailure.STOP}


class LinePrompts:
    """Questions come one at a time; `plain` has shown what they are about."""

    def __init__(self, console: Console, desk: Desk, *, fd: int, plain: PlainLines | None = None) -> None:
        self._console = console
        self._plain = plain
        self._desk = desk
        self._fd = fd
        self._turn = asyncio.Lock()

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        async with self._turn:
            return await self._approve(request)

    async def fill(self, place: Place, problem: str = "") -> str | None:
        async with self._turn:
            return await self._fill(place, problem)

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        async with self._turn:
            return await self._work_by_hand(step)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        async with self._turn:
            return await self._after_failure(step, ended)

    async def _approve(self, request: ApprovalRequest) -> Approved | Denied:
        self._show(approval_lines(request))
        named = escape_controls(request.named)
        while True:
            answer = await self._command(
                f"type {named} to approve; s reason: skip; d details; o shell; q end", request.step
            )
            if answer == request.named:
                if not request.second_person:
                    return Approved(by=self._desk.by)
                if (approved := await self.ask_code(request)) is not None:
                    return approved
            elif answer[:2] in {"s", "s "}:
                return Denied(why=answer[2:].strip() or await self._line("why is it skipped?"))
            else:
                self._show([("red", f"that is neither {named} nor one of the letters")])

    async def ask_code(self, request: ApprovalRequest) -> Approved | None:
        """The second person's code; None when the person has none."""
        ask = self._desk.second_person.ask(request)
        self._show(
            [
                ("bold", "A second person has to approve this. Send them this line:"),
                ("", ""),
                ("", request_text(ask)),
                ("", ""),
                ("", "They run `stationmaster runbook approve 'LINE'` and give you a code back."),
                ("dim", f"The line holds until {ask.expires_at:%H:%M:%S} UTC. An empty answer goes back."),
            ]
        )
        while code := await self._line("code"):
            answer = self._desk.second_person.check(request, code)
            if not isinstance(answer, Refused):
                return Approved(by=answer.by, code="".join(code.split()))
            self._show([("red", f"not taken: {answer.why}")])
        return None

    async def _fill(self, place: Place, problem: str = "") -> str | None:
        self._show(place_lines(place, problem))
        value = await self._line(f"{place.name} (empty: leave it open)", secret=place.secret)
        if value:
            self._desk.filled(place, value)
        return value or None

    async def _work_by_hand(self, step: PlannedStep) -> ManualDone:
        row = self._plain.settle(step.key) if self._plain is not None else None
        self._show(manual_lines(step, self._desk.document, command=row.command if row else ""))
        letters = "y: yes; n: no" if decides(step) else "p note: passed; f note: failed"
        letter, why = await self._choice(f"{letters}; s reason: skip; o shell; q end", step, MANUAL_KEYS)
        return ManualDone(verdict=MANUAL_KEYS[letter], why=why, by=self._desk.by)

    async def _after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        self._show(failure_lines(step, ended, ()))
        letter, why = await self._choice(
            "r: retry; g reason: go on; x reason: stop; d details; o shell; q end", step, _AFTER
        )
        return Choice(what=_AFTER[letter], why=why, by=self._desk.by)

    async def _choice(self, label: str, step: PlannedStep, letters: Container[str]) -> tuple[str, str]:
        while True:
            letter, _, why = (await self._command(label, step)).partition(" ")
            if letter in letters:
                return letter, why.strip()
            self._show([("red", f"'{escape_controls(letter)}' is none of the letters")])

    async def _command(self, label: str, step: PlannedStep) -> str:
        """An answer that is none of the commands which every question knows."""
        while True:
            match answer := await self._line(label):
                case "d":
                    self._show(detail_lines(step, self._desk.document, command="", ended=None))
                case "o":
                    await self._desk.open_shell()
                case "q":
                    await self._ask_ending()
                case _:
                    return answer

    async def _ask_ending(self) -> None:
        answer = await self._line("abort: end it for good; leave: as it stands, to be resumed; anything else: go on")
        if answer in {Ending.ABORT.value, Ending.LEAVE.value}:
            self._desk.end(Ending(answer))
            await self._desk.ended()

    async def _line(self, label: str, *, secret: bool = False) -> str:
        self._console.print(Text(f"{label} > ", style="bold"), end="", soft_wrap=True)
        line = await read_line(self._fd, secret=secret)
        if secret or line is None:
            self._console.print()
        if line is None:
            raise NeedsPersonError("nobody answers at the terminal any more")
        return line.strip()

    def _show(self, lines: Sequence[Line]) -> None:
        for style, text in lines:
            self._console.print(Text(text, style=style), soft_wrap=True)
