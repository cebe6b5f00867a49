"""Every row of the tables is shown by lines of its own, which get the row's class for the row's reason."""

import pytest

from stationmaster.runbooks.risk import KNOWN_PROGRAMS, Risk, assess
from stationmaster.runbooks.risk.programs import FAMILIES, SPECIAL, TABLES
from stationmaster.runbooks.risk.rows import Row
from stationmaster.runbooks.risk.wrappers import WRAPPERS

ROWS = [row for family in FAMILIES for row in family.rows]


def _name(row: Row) -> str:
    return f"{min(row.programs)} {row.risk.value} {row.reason}"


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_each_example_of_a_row_gets_its_class_for_its_reason(row: Row) -> None:
    assert row.examples, "a row without an example is not tested"
    for example in row.examples:
        found = assess(example)
        assert found.risk is row.risk, (example, found.why)
        assert any(row.reason in why for why in found.why), (example, found.why)


@pytest.mark.parametrize("row", [row for row in ROWS if row.option is None], ids=_name)
def test_each_verb_of_a_row_is_at_least_as_grave_as_the_row_says(row: Row) -> None:
    for program in row.programs - {"[", "read"}:
        for verb in row.verbs:
            if any("*" in word or "[" in word for word in verb) or program in SPECIAL:
                continue
            line = " ".join((program, *verb))
            if row.risk is not Risk.READ:
                assert assess(line).risk is not Risk.READ, line


def test_a_verb_and_its_reason_end_in_no_full_stop() -> None:
    assert [row for row in ROWS if row.reason.endswith(".") or not row.reason] == []


def test_no_row_names_a_program_that_a_judge_or_a_wrapper_takes_away() -> None:
    hidden = (set(TABLES) & set(SPECIAL)) | (set(TABLES) & {name for each in WRAPPERS for name in each.programs})
    assert hidden <= {"aws-vault"}


def test_the_tables_are_not_empty() -> None:
    assert len(ROWS) > 400
    assert len(KNOWN_PROGRAMS) > 500
