"""What can be wrong, said so that a person can act on it: located diagnostics and errors with a stable code."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a declared thing stands: file, line and column (both counted from 1), and its path in the document."""

    file: str
    line: int
    column: int = 1
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Origin(file="<none>", line=0)


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One located problem with a hint that says what to do next."""

    code: str
    message: str
    origin: Origin
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.origin}: {self.severity.value}: {self.message} [{self.code}]{hint}"


class PlatformError(Exception):
    """A refusal that a caller can act on.

    `code` is stable and lower-case-with-dashes; `hint` says what to do next; `status` is the HTTP status
    that a face answers with (RFC 9110).
    """

    def __init__(self, code: str, message: str, *, hint: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status


class InvalidInputError(PlatformError):
    """A document was refused as a whole; `diagnostics` lists every problem found in it."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], *, what: str) -> None:
        errors = sum(each.severity is Severity.ERROR for each in diagnostics)
        super().__init__("invalid-input", f"{what} has {errors} problem(s)", hint="mend the lines that are named")
        self.diagnostics = diagnostics
