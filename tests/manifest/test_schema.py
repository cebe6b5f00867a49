"""The JSON Schema in docs is the one that the structs make, and it agrees with what is read."""

import json
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from stationmaster.manifest import schema
from stationmaster.manifest.forms import FORMS
from stationmaster.manifest.read import parse_document
from stationmaster.manifest.schema_healing import HealingDocument
from stationmaster.manifest.schema_hosts import HealthDocument

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
    for default in (schema.ControlDocument(), HealingDocument(), HealthDocument(path="/")):
        assert msgspec.convert(msgspec.to_builtins(default), type(default)) == default


def test_every_field_is_in_the_reference() -> None:
    reference = DOCUMENTED.with_name("platform-yaml.md").read_text(encoding="utf-8")
    for name, definition in schema.json_schema()["$defs"].items():
        for field in definition.get("properties", {}):
            assert f"| `{field}` |" in reference or f".{field}[]`" in reference, (name, field)


def examples() -> list[str]:
    reference = DOCUMENTED.with_name("platform-yaml.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", reference, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith("#")]


def test_the_examples_of_the_reference_are_one_good_platform_together() -> None:
    together: dict[str, Any] = {"environment": "lab"}
    for block in examples():
        for field, value in yaml.safe_load(block).items():
            known = together.setdefault(field, [] if isinstance(value, list) else {})
            known.extend(value) if isinstance(value, list) else known.update(value)
    together["virtual_hosts"].append({"name": "orders_next", "targets": [{"address": "10.0.0.3:9000"}]})
    parsed = parse_document(json.dumps(together), file="reference", folder=Path("/"))
    assert len(examples()) >= 6
    assert parsed.warnings == ()
    assert {api.name for api in parsed.spec.apis} == {"orders", "old_orders", "reports", "catalogue"}


def test_every_code_of_a_problem_is_in_the_reference() -> None:
    reference = DOCUMENTED.with_name("platform-yaml.md").read_text(encoding="utf-8")
    told = reference[reference.index("## Problems and their codes") :]
    source = Path(schema.__file__).parent
    codes = {
        code
        for file in source.glob("*.py")
        for code in re.findall(
            r'(?:\.add|\.warn|_stop|_stop_at)\(\s*(?:event, |parent\.node, )?"([a-z0-9-]+)"', file.read_text()
        )
    }
    codes |= {form.code for form in FORMS.values()}
    assert len(codes) > 40
    assert {code for code in codes if f"`{code}`" not in told} == set()
