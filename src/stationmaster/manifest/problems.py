"""The collected problems of one document, in the order of its lines."""

import difflib
from collections.abc import Collection

from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin

MOST_SHOWN = 1000
_COMPARISONS = 50_000


class Problems:
    """Gathers diagnostics; beyond `MOST_SHOWN` it only counts."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[Diagnostic] = []
        self._uncounted = 0
        self._comparisons = _COMPARISONS

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        if len(self._found) < MOST_SHOWN:
            self._found.append(Diagnostic(code=code, message=message, origin=origin, hint=hint))
        else:
            self._uncounted += 1

    def closest(self, word: str, options: Collection[str]) -> str:
        """ "did you mean 'x'?" or "", within a budget of comparisons for the whole document."""
        self._comparisons -= len(options)
        if self._comparisons < 0 or len(word) > 200:
            return ""
        near = difflib.get_close_matches(word, options, n=1)
        return f"did you mean '{near[0]}'?" if near else ""

    def refuse_if_any(self) -> None:
        """Raises InvalidInputError when something was found."""
        if not self._found:
            return
        found = sorted(self._found, key=lambda each: (each.origin.line, each.origin.column))
        if self._uncounted:
            last = Origin(file=self.file, line=found[-1].origin.line)
            message = f"{self._uncounted} more problems are not shown"
            found.append(Diagnostic(code="more-problems", message=message, origin=last, hint="mend these first"))
        raise InvalidInputError(tuple(found), what=self.file)
