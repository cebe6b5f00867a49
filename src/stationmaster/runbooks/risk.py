"""Classes a shell command by its parsed words: what it may do, and why we think so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from stationmaster.runbooks import risk_programs
from stationmaster.runbooks.risk_table import (
    ALIASES,
    GLOBAL_FLAGS,
    GLOBAL_OPTIONS_WITH_VALUE,
    HARMLESS_VARIABLES,
    PROGRAM_ROWS,
    VERB_ROWS,
    Risk,
    Row,
    worst,
)
from stationmaster.runbooks.shell import SimpleCommand, Word, parse

__all__ = ["Assessment", "Risk", "assess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """`why` holds one sentence for every part that gave the line its class."""

    risk: Risk
    why: tuple[str, ...]


_VERBS: dict[str, dict[tuple[str, ...], Row]] = {}
for _row in VERB_ROWS:
    _VERBS.setdefault(_row.program, {}).update(dict.fromkeys(_row.verbs, _row))
_PROGRAMS: dict[str, Row] = {verb[0]: row for row in PROGRAM_ROWS for verb in row.verbs}
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_DECLARING = frozenset({"export", "unset", "declare", "local", "readonly", "typeset"})
_PROGRAM_FOLDERS = {("/", "bin"), ("/", "sbin"), ("/", "usr"), ("/", "opt")}
_DEEPEST = 8


def assess(text: str) -> Assessment:
    """The class of a whole text: its worst part wins; what cannot be read is unknown."""
    return _assess(text, depth=0)


def _assess(text: str, *, depth: int) -> Assessment:
    if depth > _DEEPEST:
        return Assessment(risk=Risk.UNKNOWN, why=("shells within shells are not followed any deeper",))
    script = parse(text)
    parts = [Assessment(risk=Risk.UNKNOWN, why=(reason,)) for reason in script.opaque]
    parts += [_assess_command(command, depth=depth) for command in script.commands]
    if not parts:
        return Assessment(risk=Risk.UNKNOWN, why=("there is no command in it",))
    risk = worst(*(part.risk for part in parts))
    return Assessment(risk=risk, why=tuple(reason for part in parts if part.risk is risk for reason in part.why))


def _assess_command(command: SimpleCommand, *, depth: int) -> Assessment:
    found = [_of(Risk.CHANGE, f"`> {name}` writes a file") for name in command.writes]
    if not command.words or command.program in _DECLARING:
        found += [_assigned(name) for name in command.assignments]
    else:
        found.append(_assess_words(command.words, piped=command.piped, depth=depth))
        strange = (name for name in command.assignments if name not in HARMLESS_VARIABLES)
        found += [_of(Risk.UNKNOWN, f"`{name}=` may change which program runs") for name in strange]
    if not found:
        return _of(Risk.UNKNOWN, "no program is named")
    risk = worst(*(each.risk for each in found))
    return Assessment(risk=risk, why=tuple(why for each in found if each.risk is risk for why in each.why))


def _assigned(name: str) -> Assessment:
    dangerous = name in {"PATH", "IFS", "ENV", "BASH_ENV", "PROMPT_COMMAND", "SHELLOPTS"} or name.startswith("LD_")
    if dangerous:
        return _of(Risk.UNKNOWN, f"`{name}=` may change which program runs")
    return _of(Risk.READ, f"`{name}=` only names a value")


def _of(risk: Risk, reason: str) -> Assessment:
    return Assessment(risk=risk, why=(reason,))


def _assess_words(words: Sequence[Word], *, piped: bool, depth: int) -> Assessment:
    if not words:
        return _of(Risk.UNKNOWN, "no program is named")
    if words[0].dynamic:
        return _of(Risk.UNKNOWN, f"`{words[0].text}` names its program only when it runs")
    path = PurePosixPath(words[0].text)
    if "/" in words[0].text and (path.parts[:2] not in _PROGRAM_FOLDERS or ".." in path.parts):
        return _of(Risk.UNKNOWN, f"`{path}` may be any program, whatever its name")
    program = path.name
    program = ALIASES.get(program, program)
    if program in _SHELLS:
        return _assess_shell(words, piped=piped, depth=depth)
    if (inner := risk_programs.wrapped(program, words)) is not None:
        return _assess_inner(program, inner, piped=piped, depth=depth)
    if program in risk_programs.SPECIAL:
        risk, reason = risk_programs.SPECIAL[program](words)
        return _of(risk, f"`{program}` {reason}")
    if program in _VERBS:
        return _assess_verb(program, words)
    if (row := _PROGRAMS.get(program)) is not None:
        return _of(row.risk, f"`{program}` {row.reason}")
    return _of(Risk.UNKNOWN, f"`{program}` is not in the table of known programs")


def _assess_inner(program: str, inner: risk_programs.Wrapped, *, piped: bool, depth: int) -> Assessment:
    if inner.problem:
        return _of(inner.risk, f"`{program}` {inner.problem}")
    if depth > _DEEPEST:
        return _of(Risk.UNKNOWN, "wrappers within wrappers are not followed any deeper")
    found = _assess_words(inner.words, piped=piped, depth=depth + 1)
    return Assessment(risk=worst(found.risk, inner.risk), why=found.why)


def _assess_shell(words: Sequence[Word], *, piped: bool, depth: int) -> Assessment:
    rest = list(words[1:])
    if not rest:
        return _of(
            *((Risk.UNKNOWN, "a shell runs whatever it is fed") if piped else (Risk.INTERACTIVE, "opens a shell"))
        )
    if rest[0].text in {"-c", "-lc", "-ec", "-exc", "-xc"} and len(rest) >= 2:
        if rest[1].dynamic:
            return _of(Risk.UNKNOWN, "the text for the shell is known only when it runs")
        return _assess(rest[1].text, depth=depth + 1)
    return _of(Risk.UNKNOWN, f"what `{rest[0].text}` does cannot be seen here")


def _assess_verb(program: str, words: Sequence[Word]) -> Assessment:
    position = _verb_position(program, words)
    if position is None:
        return _of(Risk.UNKNOWN, f"an option before the verb of `{program}` is not known")
    rest = words[position:]
    if not rest:
        return _of(Risk.INTERACTIVE if program == "redis-cli" else Risk.READ, f"`{program}` without a verb")
    rows = _VERBS[program]
    for length in (2, 1):
        verb = tuple(word.text.lower() if program == "redis-cli" else word.text for word in rest[:length])
        if any(word.dynamic for word in rest[:length]) and length == 1:
            break
        if (row := rows.get(verb)) is not None:
            refine = risk_programs.REFINE.get((program, verb), _as_it_stands)
            risk, reason = refine(rest[length:]) or (row.risk, row.reason)
            return _of(risk, f"`{program} {' '.join(verb)}` {reason}")
    return _of(Risk.UNKNOWN, f"`{program} {rest[0].text}` is not in the table of known commands")


def _as_it_stands(_rest: Sequence[Word]) -> tuple[Risk, str] | None:
    return None


def _verb_position(program: str, words: Sequence[Word]) -> int | None:
    """Where the verb stands; None when an unknown option could swallow it."""
    with_value, flags = GLOBAL_OPTIONS_WITH_VALUE[program], GLOBAL_FLAGS[program]
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        option = words[position].text
        if option in with_value:
            position += 2
        elif option in flags or (option.startswith("--") and option.split("=", 1)[0] in with_value | flags):
            position += 1
        else:
            return None
    return position if position < len(words) or position == len(words) else None
