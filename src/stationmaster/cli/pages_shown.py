"""Shows on the terminal of `up` what goes into outboxes while it runs: who was paged or told, and of what."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stationmaster.cli.output import out


class PagesShown:
    """What stood there before is not shown again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen = set(self._files())

    def show(self) -> None:
        """Whatever is new."""
        for path in sorted(self._files(), key=lambda each: each.name):
            if path not in self._seen:
                self._seen.add(path)
                with suppress(OSError, IndexError):
                    said = path.read_text("utf-8").splitlines()[0]
                    out.print(f"to {path.parent.name}: {said}", markup=False, highlight=False, soft_wrap=True)

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from self._root.glob("*/*.txt")
