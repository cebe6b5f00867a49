"""What a person at a terminal works a run with: who they are, the document, a shell, a way to end the run."""

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from stationmaster.runbooks.plan.planned import Plan
from stationmaster.runbooks.read.knowledge import Phase
from stationmaster.runbooks.talk import Place
from stationmaster.runbooks.terminal.pending import SecondPerson


class Ending(Enum):
    """How the person wants a run to end that has not finished."""

    ABORT = "abort"
    """For good."""
    LEAVE = "leave"
    """As it stands, to be resumed."""
    INTERRUPTED = "interrupted"
    """As it stands, by a signal or because the terminal is gone."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """`end` cancels the run; what it was called with decides what becomes of it."""

    by: str
    second_person: SecondPerson
    end: Callable[[Ending], None]
    cwd: Path
    skip: Callable[[str, str], None] = lambda step, by: None
    """Ends what runs of a step, in somebody's name."""
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    document: Sequence[str] = ()
    digest: str = ""
    """Of the document as it lies there now."""
    phases: Sequence[Phase] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    run: str = ""

    def know(self, run: str, plan: Plan) -> None:
        """Takes over the values that the plan has found; secrets stay out. A document that has changed since the plan
        was made is not shown beside it."""
        self.run = run
        self.document = self.document if self.digest == plan.digest else ()
        for step in plan.steps:
            self.values |= {
                place.name: place.value for place in step.places if place.value is not None and not place.secret
            }

    def filled(self, place: Place, value: str) -> None:
        if not place.secret:
            self.values[place.name] = value

    async def ended(self) -> None:
        """Waits to be cancelled, after `end`."""
        await asyncio.Event().wait()

    async def open_shell(self) -> None:
        """The person's own shell in the run's folder, with the bound values as environment."""
        program = self.env.get("SHELL") or "/bin/sh"
        shell = await asyncio.create_subprocess_exec(program, "-i", cwd=self.cwd, env=self.shell_env())
        try:
            await shell.wait()
        except asyncio.CancelledError:
            shell.kill()
            await shell.wait()
            raise

    def shell_env(self) -> dict[str, str]:
        """`pod-name` becomes POD_NAME; what is already set keeps its name and loses to nothing but a bound value."""
        bound = {environment_name(name): value for name, value in self.values.items() if "\0" not in value}
        return {**self.env, **bound, "STATIONMASTER_RUN": self.run}


_PROTECTED = frozenset({"PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH"})


def environment_name(name: str) -> str:
    """A name that every shell takes, and none that would change what the shell itself does."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII).upper().strip("_") or "VALUE"
    return f"VALUE_{plain}" if plain[0].isdigit() or plain in _PROTECTED else plain
