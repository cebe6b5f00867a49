"""What a new declaration changes is told entity by entity and field by field."""

from typing import Any

import msgspec
import pytest

from stationmaster.catalog.diff import Action, EntityChange, FieldChange, compare, diff
from stationmaster.manifest.entity import Entity, EntityKind


def api(name: str, **fields: Any) -> Entity:
    return Entity(kind=EntityKind.API, name=name, body={"name": name, **fields})


def host(name: str, **fields: Any) -> Entity:
    return Entity(kind=EntityKind.VIRTUAL_HOST, name=name, body={"name": name, **fields})


def changed(before: Entity, after: Entity) -> tuple[FieldChange, ...]:
    change = compare(before, after)
    return change.fields if change else ()


def test_equal_declarations_differ_in_nothing() -> None:
    assert diff([api("a"), api("b")], [api("b"), api("a")]) == ()


def test_what_is_new_changed_and_gone_is_told_in_the_order_of_the_new_declaration() -> None:
    before = [api("gone"), api("kept"), api("changed", timeout="1s")]
    after = [api("new"), api("changed", timeout="2s"), api("kept")]
    assert [(each.action, each.name) for each in diff(before, after)] == [
        (Action.CREATE, "new"),
        (Action.UPDATE, "changed"),
        (Action.DELETE, "gone"),
    ]


def test_one_name_of_two_kinds_is_two_things() -> None:
    assert [(each.action, each.kind) for each in diff([api("x")], [host("x")])] == [
        (Action.CREATE, EntityKind.VIRTUAL_HOST),
        (Action.DELETE, EntityKind.API),
    ]


def test_a_creation_holds_what_comes_and_a_deletion_what_went() -> None:
    assert compare(None, api("a")) == EntityChange(
        action=Action.CREATE, kind=EntityKind.API, name="a", after={"name": "a"}
    )
    assert compare(api("a"), None) == EntityChange(
        action=Action.DELETE, kind=EntityKind.API, name="a", before={"name": "a"}
    )
    assert compare(None, None) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"timeout": "1s"}, {"timeout": "2s"}, [("timeout", "1s", "2s")]),
        ({}, {"timeout": "2s"}, [("timeout", None, "2s")]),
        ({"timeout": "1s"}, {}, [("timeout", "1s", None)]),
        ({"paths": ["/a"]}, {"paths": ["/a", "/b"]}, [("paths", ["/a"], ["/a", "/b"])]),
        ({"health": {"interval": "1s"}}, {"health": {"interval": "2s"}}, [("health.interval", "1s", "2s")]),
        ({}, {"health": {"path": "/x"}}, [("health", None, {"path": "/x"})]),
        (
            {"targets": [{"address": "h:1"}, {"instance": "i", "weight": 1}]},
            {"targets": [{"address": "h:1", "weight": 5}, {"instance": "i", "weight": 1}]},
            [("targets[h:1].weight", None, 5)],
        ),
        (
            {"targets": [{"address": "h:1"}]},
            {"targets": [{"address": "h:1"}, {"address": "h:2"}]},
            [("targets[h:2]", None, {"address": "h:2"})],
        ),
        (
            {"targets": [{"address": "h:1"}, {"address": "h:2"}]},
            {"targets": [{"address": "h:2"}, {"address": "h:1"}]},
            [("targets (order)", ["h:1", "h:2"], ["h:2", "h:1"])],
        ),
        (
            {"rate_limits": [{"requests": 1, "per": "1s"}]},
            {"rate_limits": [{"requests": 2, "per": "1s"}]},
            [("rate_limits", [{"requests": 1, "per": "1s"}], [{"requests": 2, "per": "1s"}])],
        ),
        ({"x": {"a": 1}}, {"x": ["a"]}, [("x", {"a": 1}, ["a"])]),
        ({"headers": {"x-a": None}}, {"headers": {"x-a": None, "x-b": "1"}}, [("headers.x-b", None, "1")]),
    ],
)
def test_an_update_names_every_field_from_what_to_what(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, Any, Any]]
) -> None:
    found = changed(api("a", **before), api("a", **after))
    assert [(each.path, each.before, each.after) for each in found] == expected


def test_a_header_that_becomes_any_value_is_a_change() -> None:
    found = changed(api("a", headers={}), api("a", headers={"x-a": None}))
    assert [(each.path, each.after) for each in found] == [("headers", {"x-a": None})]
    found = changed(api("a", headers={"x-b": "1"}), api("a", headers={"x-b": "1", "x-a": None}))
    assert [(each.path, each.after) for each in found] == [("headers", {"x-b": "1", "x-a": None})]


def test_a_difference_can_be_written_as_json() -> None:
    [change] = diff([api("a", timeout="1s")], [api("a", timeout="2s")])
    document = msgspec.json.decode(msgspec.json.encode(change))
    assert document["fields"] == [{"path": "timeout", "before": "1s", "after": "2s"}]
