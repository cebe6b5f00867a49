"""Entities written as YAML that reads back to them."""

from collections.abc import Iterable
from typing import Any

import yaml

from stationmaster.manifest.document import plain_kind
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.nodes import ScalarKind

_LONGEST_LINE = 120
_LISTS = {
    EntityKind.TOKEN_ISSUER: "token_issuers",
    EntityKind.SERVICE: "services",
    EntityKind.VIRTUAL_HOST: "virtual_hosts",
    EntityKind.API: "apis",
    EntityKind.USER: "api_users",
    EntityKind.RESPONDER: "responders",
    EntityKind.CHANNEL: "channels",
    EntityKind.SCHEDULE: "schedules",
    EntityKind.ESCALATION_POLICY: "escalation_policies",
}


def to_yaml(entities: Iterable[Entity]) -> str:
    """A platform YAML that reads back to the same entities."""
    return _write(document_of(entities))


def entity_yaml(entity: Entity) -> str:
    """The body of one entity as YAML."""
    return _write(entity.body)


def document_of(entities: Iterable[Entity]) -> dict[str, Any]:
    """The whole platform as builtins, in the order of the schema."""
    bodies: dict[EntityKind, list[dict[str, Any]]] = {kind: [] for kind in EntityKind}
    for entity in entities:
        bodies[entity.kind].append(entity.body)
    whole: dict[str, Any] = {}
    for settings in bodies[EntityKind.SETTINGS]:
        whole.update(settings)
    if bodies[EntityKind.NODE]:
        whole["gateway"] = {"nodes": bodies[EntityKind.NODE], **whole.get("gateway", {})}
    for kind, name in _LISTS.items():
        if bodies[kind]:
            whole[name] = bodies[kind]
    return whole


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Quoted where YAML 1.2 would take it for something else; PyYAML itself knows version 1.1 alone."""
    style = None if plain_kind(text) is ScalarKind.TEXT else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _list(dumper: _Dumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(each, str | int) for each in items) and sum(len(str(each)) + 2 for each in items) < 80
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def _write(value: object) -> str:
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=_LONGEST_LINE
    )
