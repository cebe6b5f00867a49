"""The JSON Schema in docs is the one that the structs make, and it agrees with what is read."""

import json
import os
from pathlib import Path

import msgspec

from stationmaster.manifest import schema

DOCUMENTED = Path(__file__).parents[2] / "docs" / "platform.schema.json"


def test_the_golden_schema_in_docs_is_generated_from_the_structs() -> None:
    generated = json.dumps(schema.json_schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("GOLDEN") == "rewrite":
        DOCUMENTED.write_text(generated, encoding="utf-8")
    assert DOCUMENTED.read_text(encoding="utf-8") == generated, "run: make golden"


def test_every_struct_is_described_and_refuses_unknown_fields() -> None:
    for name, definition in schema.json_schema()["$defs"].items():
        if definition.get("type") == "object":
            assert definition["description"], name
            assert definition["additionalProperties"] is False, name


def test_the_defaults_of_the_schema_fit_their_own_types() -> None:
    for default in (schema.ControlDocument(), schema.HealingDocument(), schema.HealthDocument(path="/")):
        assert msgspec.convert(msgspec.to_builtins(default), type(default)) == default


def test_every_field_is_in_the_reference() -> None:
    reference = DOCUMENTED.with_name("platform-yaml.md").read_text(encoding="utf-8")
    for name, definition in schema.json_schema()["$defs"].items():
        for field in definition.get("properties", {}):
            assert f"| `{field}` |" in reference or f".{field}[]`" in reference, (name, field)
