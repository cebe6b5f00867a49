"""Rules about commands: whether they can be understood, found and run."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Ground, Judged, Subject
from stationmaster.runbooks.read.document import SessionKind
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.sessions import compose

_BUILT_IN = frozenset(
    "cd echo export set unset source . read test [ [[ true false printf type alias exit return wait trap".split()  # noqa: SIM905
)


def findings(subject: Subject, ground: Ground) -> Iterator[Finding]:
    missing: set[str] = set()
    for judged in subject.commands:
        if judged.command.session.kind is not SessionKind.LOCAL:
            yield from _of_session(subject, judged)
            continue
        yield from _of_class(subject, ground, judged)
        if ground.on_path is not None:
            for program in _programs(judged) - missing:
                if not ground.on_path(program):
                    missing.add(program)
                    yield _missing(subject, judged, program)


def _of_class(subject: Subject, ground: Ground, judged: Judged) -> Iterator[Finding]:
    text, programs = judged.command.text, _programs(judged)
    if any("not valid shell" in why for why in parse(text).opaque):
        hint = "give the fence its language, or put what is output into a fence of its own"
        yield finding("SM303", subject.file, judged.line, f"`{_short(text)}` is not valid shell", hint=hint)
    elif judged.risk is Risk.UNKNOWN and not (programs and programs <= ground.programs):
        message = f"`{_short(text)}`: {'; '.join(judged.assessed.why)}"
        hint = "say it beside the step, for example {risk=read}, or list the program under `programs`"
        yield finding("SM301", subject.file, judged.line, message, hint=hint)
    elif judged.risk is Risk.INTERACTIVE:
        message = f"`{_short(text)}`: {'; '.join(judged.assessed.why)}"
        yield finding("SM305", subject.file, judged.line, message, hint="a form that ends by itself can be run")


def _of_session(subject: Subject, judged: Judged) -> Iterator[Finding]:
    session = judged.command.session
    before = [each.command.text for each in subject.commands if _typed_before(each, judged)]
    if compose(session, judged.command.text, before) is not None:
        return
    opened = _short(session.opened_by) or session.kind.value
    message = f"`{_short(judged.command.text)}` is typed into `{opened}`; no single command would do exactly the same"
    hint = "write it as one command, such as `kubectl exec POD -- sh -c '…'` or `ssh HOST '…'`"
    yield finding("SM304", subject.file, judged.line, message, hint=hint)


def _typed_before(one: Judged, other: Judged) -> bool:
    """Whether both are typed into the same session, which ends with its fence."""
    around = one.step.address.rpartition(".")[0] == other.step.address.rpartition(".")[0]
    return around and one.command.session == other.command.session and one.line < other.line


def _missing(subject: Subject, judged: Judged, program: str) -> Finding:
    hint = "install it, or name the program that is meant"
    return finding("SM302", subject.file, judged.line, f"`{program}` is not on the PATH", hint=hint)


def _programs(judged: Judged) -> set[str]:
    """Programs that are named as such, without shell's own words and without places to be filled in."""
    named = (each.words[0] for each in parse(judged.command.text).commands if each.words and not each.words[0].dynamic)
    names = {PurePosixPath(word.text).name if "/" not in word.text else word.text for word in named}
    return {name for name in names if name and name not in _BUILT_IN and "<" not in name and "{" not in name}


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 80 else f"{plain[:79]}…"
