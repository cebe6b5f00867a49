"""What an author explains is left out, with the reason; an explanation without a reason is itself a problem."""

import pytest

from tests.runbooks.lint.bench import HEAD, KEPT, Bench

CHANGE = "```bash\nkubectl scale deployment/a --replicas=5\n```\n"
FILE_WIDE = "<!-- lint-disable-file SM401 it scales at once -->\n\n"

CASES: dict[str, tuple[str, list[tuple[str, int]], int]] = {
    "without a comment": (CHANGE, [("SM401", 2)], 0),
    "above the block": (f"<!-- lint-disable SM401 it scales at once -->\n{CHANGE}", [], 1),
    "with an empty line between": (f"<!-- lint-disable SM401 it scales at once -->\n\n{CHANGE}", [], 1),
    "two codes": (f"<!-- lint-disable SM401, SM201 it scales -->\n{CHANGE}", [], 1),
    "in small letters": (f"<!-- lint-disable sm401 it scales at once -->\n{CHANGE}", [], 1),
    "another code": (f"<!-- lint-disable SM402 it scales -->\n{CHANGE}", [("SM505", 1), ("SM401", 3)], 0),
    "only the next block": (
        f"<!-- lint-disable SM401 it scales -->\nThis.\n\n{CHANGE}",
        [("SM505", 1), ("SM401", 5)],
        0,
    ),
    "for the whole file": (f"{FILE_WIDE}{CHANGE}\nThen:\n\n{CHANGE}", [], 2),
    "without a reason": (f"<!-- lint-disable SM401 -->\n{CHANGE}", [("SM504", 1), ("SM401", 3)], 0),
    "only dashes for a reason": (f"<!-- lint-disable SM401 -- -->\n{CHANGE}", [("SM504", 1), ("SM401", 3)], 0),
    "a rule that is none": (f"<!-- lint-disable SM999 it is so -->\n{CHANGE}", [("SM504", 1), ("SM401", 3)], 0),
    "no rule": (f"<!-- lint-disable because -->\n{CHANGE}", [("SM504", 1), ("SM401", 3)], 0),
    "shown in a line": (f"Write `<!-- lint-disable SM401 it scales -->`.\n\n{CHANGE}", [("SM401", 4)], 0),
    "shown in a fence": (f"```md\n<!-- lint-disable SM401 it scales -->\n```\n\n{CHANGE}", [("SM401", 6)], 0),
}


@pytest.mark.parametrize(("body", "left", "hidden"), CASES.values(), ids=CASES)
def test_what_is_explained_is_left_out(bench: Bench, body: str, left: list[tuple[str, int]], hidden: int) -> None:
    assert bench.of(body) == left
    suppressed = bench.report().suppressed
    assert [each.code for each in suppressed] == ["SM401"] * hidden
    assert all("scales" in each.suppressed for each in suppressed)


def test_a_finding_about_the_whole_library_can_be_explained(bench: Bench) -> None:
    bench.write("a.md", KEPT + CHANGE)
    bench.write("b.md", f"{KEPT}<!-- lint-disable-file SM401, SM602, SM603 it is a copy for a test -->\n\n{CHANGE}")
    assert bench.found() == [("a.md", "SM401", HEAD + 2)]
    assert sorted(each.code for each in bench.report().suppressed) == ["SM401", "SM602", "SM603"]
