"""A run in a process of its own that may be killed at a given write of its journal: `FOLDER [NUMBER before|after]`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from stationmaster.runbooks.worked import Worked
from tests.runbooks.people import Person, run

_real = Worked.write
_count = 0


async def _dying(self: Worked, *given: object, **more: object) -> None:
    """The journal's write, with the end of the process just before or just after it."""
    global _count  # noqa: PLW0603 one count for the process
    _count += 1
    at, when = int(sys.argv[2]), sys.argv[3]
    if _count == at and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    await _real(self, *given, **more)  # type: ignore[arg-type]
    if _count == at and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        Worked.write = _dying  # type: ignore[method-assign]
    asyncio.run(run((folder / "runbook.md").read_text(), folder, Person()))


if __name__ == "__main__":
    main()
