"""Every verb of our command line has a class of its own: none is unknown, none is left to a guess."""

from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from stationmaster.cli.main import app
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.own import OWN

DRY = "--dry-run"
TELLING = "stm incident escalate 3|stm incident update 3 -m a|stm incident assign 3 ada|stm status-page post 3|"
PAGING = "stm silence add a=b --for 1h|stm maintenance on a b=c|stm oncall override add a b|stm heartbeat beat a"


def verbs(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand | TyperGroup]]:
    """Every verb that can be called, groups that do something by themselves among them."""
    assert isinstance(command, TyperCommand | TyperGroup)
    if isinstance(command, TyperCommand):
        yield path, command
        return
    if command.invoke_without_command and path:
        yield path, command
    for name, inner in command.commands.items():
        yield from verbs(inner, (*path, name))


VERBS = dict(verbs(typer.main.get_command(app)))
DRY_RUNNING = [verb for verb, command in VERBS.items() if any(DRY in option.opts for option in command.params)]
OWN_ROWS = {verb for row in OWN.rows if row.option is None for verb in row.verbs}


def test_the_command_line_was_walked_to_its_ends() -> None:
    assert len(VERBS) > 150
    assert {("status",), ("audit",), ("audit", "export"), ("oncall", "override", "add")} <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_each_verb_has_a_class(verb: tuple[str, ...]) -> None:
    found = assess(" ".join(("stm", *verb)))
    assert verb in OWN_ROWS, f"add it to a row of risk/own.py; it is {found.risk.value} now"
    assert found.risk is not Risk.UNKNOWN, found.why
    assert assess(" ".join(("stationmaster", *verb))).risk is found.risk


def test_no_row_names_a_verb_that_does_not_exist() -> None:
    named = {verb for row in OWN.rows for verb in row.verbs}
    assert named - set(VERBS) == set()


@pytest.mark.parametrize("verb", DRY_RUNNING, ids=" ".join)
def test_a_dry_run_only_reads(verb: tuple[str, ...]) -> None:
    assert assess(" ".join(("stm", *verb, "a", DRY))).risk is Risk.READ


@pytest.mark.parametrize("line", [*f"{TELLING}{PAGING}".split("|"), "stm drill run a", "stm drill inject kill a"])
def test_what_pages_tells_the_public_or_breaks_is_never_a_read(line: str) -> None:
    assert assess(line).risk in {Risk.CHANGE, Risk.DESTROY}


@pytest.mark.parametrize(
    ("line", "risk"),
    [
        ("stm audit --since 1h --limit 20", Risk.READ),
        ("stm audit --since 1h export", Risk.CHANGE),
        ("stm --url http://127.0.0.1:1 status", Risk.READ),
        ("stm status --json", Risk.READ),
        ("stm target list --only out --json", Risk.READ),
        ("stm instance exec a -- rm -rf /", Risk.DESTROY),
        ("stm approval allow run-7 1 --yes", Risk.INTERACTIVE),
        ("stm oncall", Risk.UNKNOWN),
        ("stm incident obliterate 3", Risk.UNKNOWN),
        ("stm status > /etc/passwd", Risk.DESTROY),
        ("stm apply -f a --dry-run --dry-run", Risk.CHANGE),
        ("stm service deploy a --env --dry-run", Risk.CHANGE),
    ],
)
def test_lines_as_people_write_them(line: str, risk: Risk) -> None:
    found = assess(line)
    assert found.risk is risk, found.why
