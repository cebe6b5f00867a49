"""The JSON Schemas (2020-12) of what runs tell to programs; docs/ holds them, a test keeps them current."""

from typing import Any, TypeAlias

import msgspec

from stationmaster.runbooks.transcript.document import RunDocument
from stationmaster.runbooks.transcript.events import EventDocument
from stationmaster.runbooks.transcript.questions import Question

LineDocument: TypeAlias = EventDocument | Question
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def events_schema() -> dict[str, Any]:
    """Of each line of `run --json`."""
    return _schema(LineDocument, "One event of a run, a line of `stationmaster runbook run --json`")


def run_schema() -> dict[str, Any]:
    """Of `transcript --format json`."""
    return _schema(RunDocument, "A run, as `stationmaster runbook transcript --format json` tells it")


def _schema(of: Any, title: str) -> dict[str, Any]:
    (found,), parts = msgspec.json.schema_components([of], ref_template="#/$defs/{name}")
    return {"$schema": _DIALECT, "title": title, **found, "$defs": parts}
