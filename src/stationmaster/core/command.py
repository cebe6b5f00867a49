"""What came of a command that ran where an instance runs."""

from dataclasses import dataclass

NOT_RUNNABLE = "not runnable here"
"""How the output begins when a program could not be started at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """`exit_status` is None when the command could not be started (the output then begins with `NOT_RUNNABLE`) or did
    not end in time; `output` is both streams, head and tail kept."""

    exit_status: int | None
    output: str
