import json
from pathlib import Path
from typing import Any

import pytest

from stationmaster.runbooks.transcript.events import document_of
from stationmaster.runbooks.transcript.questions import Question
from stationmaster.runbooks.transcript.schema import events_schema, run_schema
from tests.runbooks.terminal.sample import story

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("file", "schema"), [("runbook-events.schema.json", events_schema()), ("runbook-run.schema.json", run_schema())]
)
def test_the_documented_schemas_are_those_of_the_code(file: str, schema: dict[str, Any]) -> None:
    assert json.loads((DOCS / file).read_text()) == json.loads(json.dumps(schema))


def test_every_event_is_named_in_the_manual() -> None:
    manual = (DOCS / "runbooks-run.md").read_text()
    tags = {each["properties"]["event"]["enum"][0] for each in events_schema()["$defs"].values() if _tagged(each)}
    assert tags == {"opened", "began", "output", "ended", "waiting", "finished", "question"}
    assert all(f"| `{tag}` |" in manual for tag in tags)


def test_every_told_event_has_a_schema() -> None:
    names = set(events_schema()["$defs"])
    assert {type(document_of(event)).__name__ for event in story()} | {Question.__name__} <= names


def _tagged(part: dict[str, Any]) -> bool:
    return "event" in part.get("properties", {})
