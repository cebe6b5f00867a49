"""Common issues become causes with their symptoms, in whatever form a team writes them."""

import pytest

from stationmaster.runbooks.read.causes import causes_of, symptoms_of
from tests.runbooks.chapters import chapter

SECTIONS = (
    "# X\n\n## Common Issues\n\n### 1. Full disk\n\n**Symptoms:**\n- no space\n- slow\n\n**Resolution:**\n\nClean.\n"
)
INLINE = "# X\n\n## Known Problems\n\n### Full disk\n\n**Symptoms**: no space\n\n**Fix**: clean\n"
DEEPER = "# X\n\n## Possible causes\n\n### Full disk\n\n#### Symptoms\n\n* no space\n\n#### Solution\n\n1. Clean.\n"
OUTSIDE = "# X\n\n## Guide\n\n### Full disk\n\n**Symptoms:**\n- no space\n\n**Diagnosis:**\n- look\n"


@pytest.mark.parametrize("text", [SECTIONS, INLINE, DEEPER, OUTSIDE])
def test_a_cause_is_found_in_any_form(text: str) -> None:
    found = causes_of(chapter(text), ())
    assert [each.title for each in found] == ["Full disk"]
    assert found[0].symptoms[0].text == "no space"
    assert text.split("\n")[found[0].symptoms[0].line - 1].endswith("no space")


def test_a_list_of_causes_gives_one_each() -> None:
    text = "# X\n\n## Possible causes\n\n- The disk is full. It happens.\n- **Network**: a cable is out\n- Why?\n"
    assert [(each.title, each.lines.first) for each in causes_of(chapter(text), ())] == [
        ("The disk is full", 5),
        ("Network", 6),
    ]


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Mitigation for a full disk", ["a full disk"]),
        ("Cause A: too many requests", ["too many requests"]),
        ("Scenario 2 - the node is gone", ["the node is gone"]),
        ("Mitigation", []),
        ("Symptoms", []),
        ("Cause and effect", []),
    ],
)
def test_a_heading_of_one_cause(title: str, wanted: list[str]) -> None:
    assert [each.title for each in causes_of(chapter(f"# X\n\n## {title}\n\n1. Act.\n"), ())] == wanted


def test_symptoms_of_the_whole_document_are_no_cause() -> None:
    root = chapter("# X\n\n## Symptoms\n\n- errors\n- silence\n\n## Mitigation\n\n1. Act.\n")
    assert [(each.text, each.line) for each in symptoms_of(root)] == [("errors", 5), ("silence", 6)]
    assert causes_of(root, ()) == ()
