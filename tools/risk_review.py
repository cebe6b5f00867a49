"""Lists every distinct command of a folder of runbooks by its class with the reasons, to be read by people."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.risk import Assessment, Risk, assess

_BESIDE = Path(__file__).parents[2] / "shared" / "corpus" / "open"
_OWN = Path(__file__).parents[1] / "runbooks"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_BESIDE if _BESIDE.is_dir() else _OWN)
    parser.add_argument("--only", choices=[risk.value for risk in Risk], help="list one class alone")
    parser.add_argument("--counts", action="store_true", help="print how many of each class there are, and no commands")
    chosen = parser.parse_args(arguments)
    if not chosen.folder.is_dir():
        print(f"there is no folder {chosen.folder}; name one with runbooks in it", file=sys.stderr)
        return 2
    commands = _commands(chosen.folder)
    judged = {text: assess(text) for text in sorted(commands)}
    for risk in Risk:
        found = [text for text, assessment in judged.items() if assessment.risk is risk]
        print(f"{risk.value}: {len(found)} commands, {sum(commands[text] for text in found)} times")
    if not chosen.counts:
        _list(judged, chosen.only)
    return 0


def _commands(folder: Path) -> Counter[str]:
    """How often each command stands in the Markdown files below `folder`."""
    found: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.md")):
        reading = read_runbook(path.read_text("utf-8", "replace"), file=str(path))
        found.update(command.text for step in reading.runbook.walk() for command in step.commands)
    return found


def _list(judged: dict[str, Assessment], only: str | None) -> None:
    for risk in Risk:
        if only is not None and risk.value != only:
            continue
        print(f"\n## {risk.value}\n")
        for text, assessment in judged.items():
            if assessment.risk is risk:
                print(f"{text.replace(chr(10), ' ⏎ ')}\n    {'; '.join(assessment.why)}")


if __name__ == "__main__":
    sys.exit(main())
