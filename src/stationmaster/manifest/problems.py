"""The collected problems of one document, in the order of its lines."""

import difflib
from collections.abc import Callable, Collection

from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin, Severity

MOST_SHOWN = 1000
_COMPARISONS = 50_000


class Problems:
    """Gathers diagnostics; beyond `MOST_SHOWN` it only counts."""

    def __init__(self, file: str, comparisons: int = _COMPARISONS) -> None:
        self.file = file
        self._found: list[Diagnostic] = []
        self._warnings: list[Diagnostic] = []
        self._uncounted = 0
        self._comparisons = comparisons

    def __bool__(self) -> bool:
        """Whether there is an error."""
        return bool(self._found)

    def add(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        if len(self._found) < MOST_SHOWN:
            self._found.append(Diagnostic(code=code, message=message, origin=origin, hint=hint))
        else:
            self._uncounted += 1

    def warn(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        """What forbids nothing, yet is most likely not meant."""
        if len(self._warnings) < MOST_SHOWN:
            self._warnings.append(
                Diagnostic(code=code, message=message, origin=origin, hint=hint, severity=Severity.WARNING)
            )

    def take(self, other: "Problems") -> None:
        """All that another document's reading found."""
        self._found.extend(other._found[: MOST_SHOWN - len(self._found)])
        self._warnings.extend(other._warnings)
        self._uncounted += other._uncounted

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._warnings, key=_place))

    def everything(self) -> tuple[Diagnostic, ...]:
        """Errors and warnings, in the order of lines."""
        found = sorted((*self._found, *self._warnings), key=_place)
        if self._uncounted:
            last = Origin(file=self.file, line=found[-1].origin.line)
            message = f"{self._uncounted} more problems are not shown"
            found.append(Diagnostic(code="more-problems", message=message, origin=last, hint="mend these first"))
        return tuple(found)

    def closest(self, word: str, options: Collection[str] | Callable[[], Collection[str]]) -> str:
        """ "did you mean 'x'?" or "", within a budget of comparisons for the whole document; options that cost
        something are handed in as a callable."""
        if self._comparisons <= 0 or len(word) > 200:
            return ""
        if callable(options):
            options = options()
        self._comparisons -= len(options)
        if self._comparisons < 0:
            return ""
        near = difflib.get_close_matches(word, options, n=1)
        return f"did you mean '{near[0]}'?" if near else ""

    def refuse_if_any(self) -> None:
        """Raises InvalidInputError when something was found."""
        if self._found:
            raise InvalidInputError(self.everything(), what=self.file)


def _place(diagnostic: Diagnostic) -> tuple[int, int]:
    return diagnostic.origin.line, diagnostic.origin.column
