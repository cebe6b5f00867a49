"""Describes in the OpenAPI document the request bodies that routes read themselves, to say where they are wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody

_DEFINITIONS = "#/$defs/"


def operation_with(description: str, content: Mapping[str, Any]) -> type[Operation]:
    """An operation whose body has one of these media types, each with its JSON Schema."""
    body = RequestBody(
        content={media_type: OpenAPIMediaType(schema=schema) for media_type, schema in content.items()},
        description=description,
        required=True,
    )

    @dataclass
    class Described(Operation):
        described: ClassVar[RequestBody] = body

        def __post_init__(self) -> None:
            self.request_body = self.described

    return Described


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type with every part in its place: the document holds no definitions of ours."""
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template=_DEFINITIONS + "{name}")
    inlined = _inlined(schema, definitions)
    if not isinstance(inlined, dict):
        raise TypeError(f"{kind} has no schema")
    return inlined


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    match node:
        case {"$ref": str(reference), **rest}:
            found = _inlined(definitions[reference.removeprefix(_DEFINITIONS)], definitions)
            return {**found, **_inlined(rest, definitions)}
        case dict():
            return {name: _inlined(each, definitions) for name, each in node.items()}
        case list():
            return [_inlined(each, definitions) for each in node]
        case _:
            return node
