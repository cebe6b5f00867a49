"""Plain lines say what happens once, and what changes."""

import io

from rich.console import Console

from stationmaster.runbooks.talk import OutputSeen, StepBegan
from stationmaster.runbooks.terminal.plain import PlainLines
from tests.runbooks.terminal.sample import at, story


def told(*events: StepBegan | OutputSeen) -> list[str]:
    file = io.StringIO()
    lines = PlainLines(Console(file=file, width=200, color_system=None))
    for event in (story()[0], *events):
        lines.told(event)
    return file.getvalue().splitlines()[1:]


def began(attempt: int, *, command: str = "curl a") -> StepBegan:
    return StepBegan(at=at(attempt), step="1.1", command=command, attempt=attempt)


def output(text: str) -> OutputSeen:
    return OutputSeen(at=at(1), step="1.1", text=text)


def test_a_further_try_is_one_line_with_what_is_new_in_its_output() -> None:
    lines = told(began(1), output("refused\n"), began(2), output("refused"), began(3), output("ready\n"))
    assert [line[9:] if line[0].isdigit() else line for line in lines] == [
        "▸ 1.1 df -h /data",
        "  1.1 $ curl a",
        "  1.1 │ refused",
        "… 1.1 again (attempt 2)",
        "… 1.1 again (attempt 3)",
        "  1.1 │ ready",
    ]


def test_a_further_try_of_another_command_shows_it() -> None:
    assert "  1.1 $ curl b" in told(began(1), began(2, command="curl b"))
