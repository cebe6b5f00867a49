"""The JSON of a runbook is complete, documented and stable."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stationmaster.runbooks import description
from stationmaster.runbooks.describe import as_json, describe
from stationmaster.runbooks.description import Description, json_schema
from stationmaster.runbooks.facts import facts_of, span, words_of_knowledge, words_of_step
from stationmaster.runbooks.library import read_file
from stationmaster.runbooks.read import document, knowledge
from tests.runbooks.world import OWN, loaded

DOCUMENTED = Path(__file__).parents[2] / "docs" / "runbook.schema.json"
_LEFT_OUT = {"Runbook": {"match"}, "Section": {"text"}, "Step": {"children", "attributes"}}
"""What the document has elsewhere or under another name."""
_PAIRS: dict[type, type[msgspec.Struct]] = {
    document.Expectation: description.ExpectationPart,
    document.Condition: description.ConditionPart,
    document.Edge: description.EdgePart,
    document.Session: description.SessionPart,
    document.Caution: description.CautionPart,
    document.Command: description.CommandPart,
    document.Action: description.ActionPart,
    document.Parameter: description.ParameterPart,
    document.Step: description.StepPart,
    document.MatchRules: description.MatchPart,
    document.Section: description.SectionPart,
    document.Runbook: Description,
    knowledge.About: description.AboutPart,
    knowledge.Phase: description.PhasePart,
    knowledge.Cause: description.CausePart,
    knowledge.Threshold: description.ThresholdPart,
    knowledge.Query: description.QueryPart,
    knowledge.Trigger: description.TriggerPart,
    knowledge.EscalationLevel: description.LevelPart,
    knowledge.Message: description.MessagePart,
    knowledge.Task: description.TaskPart,
    knowledge.Contact: description.ContactPart,
    knowledge.Link: description.LinkPart,
    knowledge.Knowledge: description.KnowledgePart,
}


def test_the_golden_schema_in_docs_is_generated_from_the_structs() -> None:
    generated = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "rewrite":
        DOCUMENTED.write_text(generated, encoding="utf-8")
    assert DOCUMENTED.read_text(encoding="utf-8") == generated, "run: make golden"


def test_every_struct_of_the_schema_says_what_it_is() -> None:
    for name, definition in json_schema()["$defs"].items():
        if definition.get("type") == "object":
            assert definition["description"], name
            assert definition["additionalProperties"] is False, name


@pytest.mark.parametrize("inner", _PAIRS, ids=lambda each: each.__name__)
def test_nothing_that_was_read_is_missing_in_the_json(inner: Any) -> None:
    left_out = _LEFT_OUT.get(inner.__name__, set())
    read = {each.name for each in fields(inner)} - left_out
    assert read <= {each.name for each in msgspec.structs.fields(_PAIRS[inner])}


def test_the_json_can_be_read_back_and_says_the_same() -> None:
    described = describe(loaded(OWN))
    assert msgspec.json.decode(as_json(described), type=Description) == described


def test_the_seeds_are_described_with_their_risks_and_reasons(seeds: Path) -> None:
    found = read_file(next(seeds.glob("001_*")))
    assert found.runbook is not None
    steps = {step.address: step for step in describe(found.runbook, found.diagnostics).steps}
    words = {address: dict(words_of_step(step)) for address, step in steps.items()}
    assert steps["1.6"].risk is not None
    assert steps["1.6"].risk.value == "read"
    assert steps["1.6"].parent == "1"
    assert words["1.6"]["expectation"].startswith("contains 'The API is available and operational'")
    assert steps["3.4"].commands[0].risk.value == "change"
    assert "nobody has to log in" in words["1.5"]["why"]


def test_everything_of_a_seed_with_knowledge_is_told_in_words(seeds: Path) -> None:
    found = read_file(next(seeds.glob("003_*")))
    assert found.runbook is not None
    described = describe(found.runbook)
    told = {title: [text for _, text in rows] for title, rows in words_of_knowledge(described.knowledge)}
    assert set(told) >= {"Phases", "Causes", "Thresholds", "Escalation", "Messages", "Tasks", "Links", "Other alerts"}
    assert any("within 1 week" in task for task in told["Tasks"])
    assert dict(facts_of(described))["next review"] == "2025-04-26"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "0.5 s"),
        (30, "30 s"),
        (90, "90 s"),
        (120, "2 min"),
        (3600, "1 h"),
        (86_400, "1 day"),
        (1_209_600, "2 weeks"),
    ],
)
def test_a_span_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words
