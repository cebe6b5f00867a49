"""Platforms taken apart into entities, put together again, written as YAML, and changed one entity at a time."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import stationmaster.sample
from stationmaster.core.problem import InvalidInputError, Origin, Severity
from stationmaster.core.spec import Api, PlatformSpec, VirtualHost
from stationmaster.manifest.entities import (
    SETTINGS,
    Entity,
    EntityKind,
    check_files,
    entity_yaml,
    join,
    load_document,
    parse_document,
    read_entity,
    to_yaml,
)
from stationmaster.manifest.index import (
    Index,
    build_entity,
    check_against,
    check_removal,
    with_entity,
    without_entity,
)
from tests.manifest.platforms import bare, disturbed, platforms
from tests.manifest.test_policies import FULL

SAMPLE = Path(stationmaster.sample.__file__).parent / "platform.yaml"
FULL_ENTITIES = parse_document(FULL, file="platform.yaml", folder=Path("/")).entities


def named(kind: EntityKind, name: str) -> Entity:
    return next(each for each in FULL_ENTITIES if (each.kind, each.name) == (kind, name))


def changed(entity: Entity, **fields: Any) -> Entity:
    return replace(entity, body={**entity.body, **fields})


@pytest.mark.parametrize("text", [FULL, SAMPLE.read_text(), "environment: lab\n"])
def test_a_platform_is_the_same_after_being_taken_apart_and_put_together(text: str) -> None:
    parsed = parse_document(text, file="platform.yaml", folder=SAMPLE.parent)
    assert bare(join(parsed.entities)) == bare(parsed.spec)
    written = to_yaml(parsed.entities)
    again = parse_document(written, file="written.yaml", folder=Path("/"))
    assert again.entities == parsed.entities
    assert bare(again.spec) == bare(parsed.spec)


@settings(max_examples=60, deadline=None)
@given(platforms())
def test_entities_written_as_yaml_read_back_as_the_same(document: dict[str, Any]) -> None:
    parsed = parse_document(json.dumps(document, ensure_ascii=False), file="platform.json", folder=Path("/"))
    again = parse_document(to_yaml(parsed.entities), file="platform.yaml", folder=Path("/"))
    assert again.entities == parsed.entities
    assert bare(again.spec) == bare(parsed.spec) == bare(join(parsed.entities))
    for entity in parsed.entities:
        assert read_entity(entity.kind, entity_yaml(entity), file="one.yaml") == entity
        assert read_entity(entity.kind, json.dumps(entity.body), file="one.json") == entity


def codes(entities: list[Entity]) -> list[tuple[str, str]]:
    try:
        join(entities)
    except InvalidInputError as error:
        return sorted((each.code, each.message) for each in error.diagnostics if each.severity is Severity.ERROR)
    return []


@settings(max_examples=150, deadline=None)
@given(platforms(), platforms(), st.data())
def test_the_check_of_one_entity_finds_what_the_whole_check_finds(
    document: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    entities = list(parse_document(json.dumps(document, ensure_ascii=False), file="a", folder=Path("/")).entities)
    strangers = parse_document(json.dumps(other, ensure_ascii=False), file="a", folder=Path("/")).entities
    entity = data.draw(disturbed((*entities, *strangers)))
    index = Index(entities)
    rest = [each for each in entities if (each.kind, each.name) != (entity.kind, entity.name)]
    found = check_against(index, entity)
    errors = sorted((each.code, each.message) for each in found if each.severity is Severity.ERROR)
    for code, _ in errors:
        event(code)
    assert errors == codes([*rest, entity])
    assert check_against(index, entity) == found, "the index stays as it is"
    if entity.kind is not EntityKind.SETTINGS and len(rest) < len(entities):
        removal = check_removal(index, entity.kind, entity.name)
        assert sorted((each.code, each.message) for each in removal) == codes(rest)
    if not errors:
        spec = join(entities)
        index.put(entity)
        assert bare(with_entity(spec, index, entity)) == bare(join(list(index.entities())))


def test_a_body_holds_what_was_written_and_no_defaults() -> None:
    text = "environment: lab\ncontrol: {api: '127.0.0.1:4580'}\ntokens: {}\nhealing: {min_targets: 1}\n"
    (entity,) = parse_document(text, file="x", folder=Path("/")).entities
    assert (entity.kind, entity.name, entity.body) == (EntityKind.SETTINGS, SETTINGS, {"environment": "lab"})
    assert named(EntityKind.VIRTUAL_HOST, "shop").body["maintenance"] == {}
    assert list(named(EntityKind.API, "old").body) == ["name", "paths", "policies"]
    assert named(EntityKind.API, "old").origin.path == "apis[1]"


def test_files_are_absolute_in_entities_and_looked_at_on_demand(tmp_path: Path) -> None:
    (tmp_path / "books").mkdir()
    file = tmp_path / "platform.yaml"
    file.write_text("environment: lab\nrunbooks: [books]\n")
    parsed = load_document(file)
    assert parsed.entities[0].body["runbooks"] == [str(tmp_path / "books")]
    assert check_files(parsed.entities) == ()
    (tmp_path / "books").rmdir()
    assert join(parsed.entities).runbooks == (tmp_path / "books",)
    assert [each.code for each in check_files(parsed.entities)] == ["no-runbook-folder"]
    with pytest.raises(InvalidInputError) as caught:
        read_entity(EntityKind.SETTINGS, "environment: lab\nrunbooks: [books]\n", file="body")
    assert [each.code for each in caught.value.diagnostics] == ["relative-file"]


def test_stored_entities_that_do_not_fit_are_refused_at_their_origins() -> None:
    broken = [
        changed(named(EntityKind.SETTINGS, SETTINGS), regions=[]),
        replace(
            changed(named(EntityKind.API, "orders"), timeout="soon", colour="red"), origin=Origin(file="b", line=7)
        ),
        changed(named(EntityKind.USER, "ada"), name="grace"),
        changed(named(EntityKind.SERVICE, "shop"), health={"type": "tcp", "interval": "1ms"}),
    ]
    with pytest.raises(InvalidInputError) as caught:
        join(broken)
    found = [(each.code, each.origin.file, each.origin.line) for each in caught.value.diagnostics]
    assert ("bad-duration", "b", 7) in found
    assert ("unknown-field", "b", 7) in found
    assert {"wrong-name", "bad-duration"} <= {code for code, _, _ in found}
    with pytest.raises(InvalidInputError) as caught:
        join([named(EntityKind.NODE, "g-1")])
    assert [each.code for each in caught.value.diagnostics] == ["no-settings"]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("paths: [/a]\nvirtual_host: shop\n", "a", []),
        ('{"paths": ["/a"], "virtual_host": "shop"}', "a", []),
        ("name: a\npaths: [/a]\n", "a", []),
        ("name: a\npaths: [/a]\n", None, []),
        ("name: b\npaths: [/a]\n", "a", [("wrong-name", 1)]),
        ("paths: [/a]\n", None, [("missing-field", 1)]),
        ("paths: [/a]\n", "a b", [("bad-name", 1)]),
        ("paths: [/a]\ntimeout: soon\npath: /a\n", "a", [("bad-duration", 2), ("unknown-field", 3)]),
        ('{\n"paths": ["a"]}', "a", [("bad-path", 2)]),
        ("[1]", "a", [("wrong-type", 1)]),
        ("", "a", [("empty-document", 1)]),
        ("paths: [", "a", [("bad-yaml", 2)]),
        ('{"paths": ["/a"], "policies": {"maintenance": {"message": "\\ud83d\\ude00 soon"}}}', "a", []),
    ],
)
def test_the_body_of_one_entity_is_read_or_refused_line_by_line(
    text: str, name: str | None, expected: list[tuple[str, int]]
) -> None:
    if not expected:
        entity = read_entity(EntityKind.API, text, file="body", name=name)
        assert (entity.name, entity.body["name"], entity.body["paths"]) == ("a", "a", ["/a"])
        return
    with pytest.raises(InvalidInputError) as caught:
        read_entity(EntityKind.API, text, file="body", name=name)
    assert [(each.code, each.origin.line) for each in caught.value.diagnostics] == expected
    assert all(each.origin.file == "body" for each in caught.value.diagnostics)


def test_an_index_knows_who_names_what() -> None:
    index = Index(FULL_ENTITIES)
    found = index.referrers(EntityKind.VIRTUAL_HOST, "next")
    assert [(each.name, each.field) for each in found] == [
        ("orders", "policies.canary.virtual_host"),
        ("orders", "policies.mirror.virtual_host"),
    ]
    assert [each.name for each in index.referrers(EntityKind.SERVICE, "shop")] == ["shop", "next"]
    assert [each.field for each in index.referrers(EntityKind.TOKEN_ISSUER, "corp")] == ["policies.tokens.issuers[1]"]
    assert [each.code for each in check_removal(index, EntityKind.VIRTUAL_HOST, "next")] == ["unknown-reference"] * 2
    assert check_removal(index, EntityKind.USER, "ada") == ()
    assert [each.code for each in check_removal(index, EntityKind.SETTINGS, SETTINGS)][:1] == ["no-settings"]


def test_a_moved_instance_moves_in_every_virtual_host() -> None:
    index = Index(FULL_ENTITIES)
    spec = join(FULL_ENTITIES)
    service = changed(
        named(EntityKind.SERVICE, "shop"),
        instances=[{"name": "shop-1", "region": "north", "address": "10.0.0.9:80"}],
        health={"type": "tcp", "interval": "5s"},
    )
    assert check_against(index, service) == ()
    index.put(service)
    spec = with_entity(spec, index, service)
    assert {str(target.address) for host in spec.virtual_hosts for target in host.targets} == {"10.0.0.9:80"}
    assert spec.virtual_hosts[1].health is not None
    assert spec.virtual_hosts[1].health.interval_ms == 5000


def test_one_item_is_built_replaced_added_and_removed() -> None:
    index = Index(FULL_ENTITIES)
    spec = join(FULL_ENTITIES)
    entity = Entity(kind=EntityKind.API, name="new", body={"name": "new", "paths": ["/new"], "virtual_host": "next"})
    assert check_against(index, entity) == ()
    index.put(entity)
    assert isinstance(build_entity(entity, index), Api)
    assert isinstance(build_entity(named(EntityKind.VIRTUAL_HOST, "next"), index), VirtualHost)
    more = with_entity(spec, index, entity)
    assert [api.name for api in more.apis] == ["orders", "old", "new"]
    assert [each.name for each in index.entities(EntityKind.API)] == ["orders", "old", "new"]
    slower = changed(named(EntityKind.API, "old"), timeout="30s")
    index.put(slower)
    assert [api.timeout_ms for api in with_entity(more, index, slower).apis] == [15_000, 30_000, 15_000]
    index.remove(EntityKind.API, "new")
    assert index.find(EntityKind.API, "new") is None
    assert without_entity(more, EntityKind.API, "new") == spec
    with pytest.raises(KeyError):
        index.remove(EntityKind.API, "new")


def test_settings_change_without_touching_the_items() -> None:
    index = Index(FULL_ENTITIES)
    spec = join(FULL_ENTITIES)
    entity = changed(named(EntityKind.SETTINGS, SETTINGS), healing={"min_targets": 2})
    assert check_against(index, entity) == ()
    index.put(entity)
    after: PlatformSpec = with_entity(spec, index, entity)
    assert after.healing.min_targets == 2
    assert replace(after, healing=spec.healing) == spec
    no_region = changed(named(EntityKind.SETTINGS, SETTINGS), regions=["south"])
    assert [each.code for each in check_against(index, no_region)] == ["unknown-reference"]
