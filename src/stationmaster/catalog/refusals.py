"""Decides what a running platform cannot take, and says so: errors, what waits for a restart, what is in use."""

import difflib
from collections.abc import Iterable, Sequence

from stationmaster.core.problem import Diagnostic, InvalidInputError, PlatformError, Severity
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.index import Index, Referrer, check_removal

_MOST_COMPARED = 20_000
_FIXED = ("environment", "control")
"""Fields of the settings that the processes of a running platform were started with."""


class InUseError(InvalidInputError):
    """Something refers to what was to be deleted; `diagnostics` lists what does."""

    def __init__(self, what: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(diagnostics, what=what)
        self.code, self.status = "in-use", 409
        self.message = f"{what} is still referred to in {len(diagnostics)} place(s)"
        self.hint = "change what refers to it first"
        self.args = (self.message,)


def refuse_removal(index: Index, kind: EntityKind, name: str) -> None:
    """Raises InUseError naming who refers to the entity, or else what would be wrong without it."""
    problems = tuple(each for each in check_removal(index, kind, name) if each.severity is Severity.ERROR)
    if problems:
        what = f"{kind.value} {name}"
        raise InUseError(what, tuple(_named(what, each) for each in index.referrers(kind, name)) or problems)


def _named(what: str, referrer: Referrer) -> Diagnostic:
    who = f"{referrer.kind.value} {referrer.name}"
    return Diagnostic(
        code="in-use",
        message=f"{who} names it in `{referrer.field}`",
        origin=referrer.origin,
        hint=f"change {who} so that it no longer needs {what}",
    )


def refuse_errors(problems: tuple[Diagnostic, ...], what: str) -> None:
    """Raises InvalidInputError when there is more than warnings."""
    if any(each.severity is Severity.ERROR for each in problems):
        raise InvalidInputError(problems, what=what)


def refuse_restart(before: Iterable[Entity], after: Iterable[Entity]) -> None:
    """Raises InvalidInputError when settings change that only a start can change."""
    old = next((each for each in before if each.kind is EntityKind.SETTINGS), None)
    new = next((each for each in after if each.kind is EntityKind.SETTINGS), None)
    if old is None or new is None:
        return
    problems = tuple(
        Diagnostic(
            code="needs-restart",
            message=f"`{field}` cannot change while the platform runs",
            origin=new.origin,
            hint="`stationmaster down`, then `stationmaster up -f FILE` with the changed file",
        )
        for field in _FIXED
        if old.body.get(field) != new.body.get(field)
    )
    if problems:
        raise InvalidInputError(problems, what=new.origin.file)


def unknown(kind: EntityKind, name: str, known: Sequence[str]) -> PlatformError:
    near = difflib.get_close_matches(name, known, n=1) if len(known) < _MOST_COMPARED and len(name) < 200 else []
    words = kind.value.replace("-", " ")
    return PlatformError(
        f"unknown-{kind.value}",
        f"there is no {words} {name[:200]!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"list the {words}s to see their names",
        status=404,
    )
