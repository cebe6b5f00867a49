"""Every field that does not fit its type, range or form is named, all at once, with a hint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import inspect

from stationmaster.core.problem import Diagnostic, InvalidInputError
from stationmaster.manifest.read import parse
from stationmaster.manifest.schema import PlatformDocument
from stationmaster.manifest.shape import stand_in


def problems(text: str) -> list[Diagnostic]:
    try:
        parse(text, file="platform.yaml", folder=Path.cwd())
    except InvalidInputError as error:
        return list(error.diagnostics)
    return []


@pytest.mark.parametrize(
    ("line", "code", "path", "hint"),
    [
        ("regoins: [here]", "unknown-field", "regoins", "did you mean 'regions'?"),
        ("colour: red", "unknown-field", "colour", "known fields are"),
        ("<<: {}", "unknown-field", "<<", "YAML 1.2 has no merge keys"),
        ("regions: here", "wrong-type", "regions", "write the items as"),
        ("regions: {here: 1}", "wrong-type", "regions", "write the items as"),
        ("regions:", "wrong-type", "regions", "write the items as"),
        ("regions: [[here]]", "wrong-type", "regions[0]", "letters"),
        ("regions: [1]", "wrong-type", "regions[0]", "put it between quotes"),
        ("regions: [true]", "wrong-type", "regions[0]", "put it between quotes"),
        ("regions: ['']", "bad-name", "regions[0]", "use letters"),
        ("regions: [a b]", "bad-name", "regions[0]", "use letters"),
        ('regions: ["a\\n"]', "bad-name", "regions[0]", "use letters"),
        ("issuer: ''", "bad-text", "issuer", "write something"),
        ("issuer: 1.5", "wrong-type", "issuer", "put it between quotes"),
        ('issuer: "a\\0"', "bad-text", "issuer", "remove it"),
        ("control: []", "wrong-type", "control", "write its fields"),
        ("control: {api: '127.0.0.1'}", "bad-address", "control.api", "write host:port"),
        ("control: {api: 4580}", "bad-address", "control.api", "write host:port"),
        ("control: {api: '127.0.0.1:0'}", "bad-address", "control.api", "write host:port"),
        ("control: {api: '127.0.0.1:65536'}", "bad-address", "control.api", "write host:port"),
        ("healing: {min_targets: 0}", "out-of-range", "healing.min_targets", "from 1 to 65535"),
        ("healing: {max_withdrawn_percent: 101}", "out-of-range", "healing.max_withdrawn_percent", "from 0 to 100"),
        ("healing: {max_withdrawn_percent: -1}", "out-of-range", "healing.max_withdrawn_percent", "from 0 to 100"),
        ("healing: {max_withdrawn_percent: 6.5}", "wrong-type", "healing.max_withdrawn_percent", "digits"),
        ("healing: {max_withdrawn_percent: '67'}", "wrong-type", "healing.max_withdrawn_percent", "without quotes"),
        (f"healing: {{min_targets: {'9' * 5000}}}", "out-of-range", "healing.min_targets", "from 1"),
        ("services: [{name: s}]", "missing-field", "services[0]", "add `port:`"),
        (
            "services: [{name: s, port: 1, supervision: runbok}]",
            "unknown-choice",
            "services[0].supervision",
            "'runbook'?",
        ),
        ("channels: [{name: a, kind: slck, address: wherever}]", "unknown-choice", "channels[0].kind", "'slack'?"),
        ("channels: [{name: a, address: wherever}]", "missing-field", "channels[0]", "add `kind:`"),
        (
            "responders: [{name: r, notify: [{contact: a}], contacts: [{name: a, kind: [], address: b@c}]}]",
            "wrong-type",
            "responders[0].contacts[0].kind",
            "",
        ),
        (
            "services: [{name: s, port: 1, supervision: 7}]",
            "unknown-choice",
            "services[0].supervision",
            "choose one of",
        ),
        ("services: [{name: s, port: 1, command: run it}]", "wrong-type", "services[0].command", "write the items"),
        ("services: [{name: s, port: 1, health: {path: x}}]", "bad-path", "services[0].health.path", "from its '/'"),
        ("services: [{name: s, port: 1, health: {path: /a b}}]", "bad-path", "services[0].health.path", "from its '/'"),
        (
            "services: [{name: s, port: 1, health: {path: /, interval: 500}}]",
            "bad-duration",
            "services[0].health.interval",
            "its unit",
        ),
        (
            "services: [{name: s, port: 1, health: {path: /, status: 99}}]",
            "out-of-range",
            "services[0].health.status",
            "100",
        ),
        (
            "services: [{name: s, port: 1, health: {path: /, down_after: 0}}]",
            "out-of-range",
            "services[0].health.down_after",
            "1",
        ),
        (
            "services: [{name: s, port: 1, health: {path: /, contains: ''}}]",
            "bad-text",
            "services[0].health.contains",
            "leave",
        ),
    ],
)
def test_a_field_that_does_not_fit_is_named_with_a_hint(line: str, code: str, path: str, hint: str) -> None:
    (found,) = problems(f"environment: lab\n{line}\n")
    assert (found.code, found.origin.path, found.origin.line) == (code, path, 2)
    assert hint in found.hint


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "n", "'true'", "1"])
def test_the_booleans_of_yaml_1_1_are_no_booleans(word: str) -> None:
    apis = f"apis: [{{name: a, paths: [/a], virtual_host: v, strip_path: {word}}}]"
    found = problems(f"environment: lab\nvirtual_hosts: [{{name: v, targets: [{{address: 'h:1'}}]}}]\n{apis}\n")
    assert [each.code for each in found] == ["wrong-type"]


@pytest.mark.parametrize("word", ["no", "on", "yes", "off", "2024-01-01", "1_000", "0b1", "12:30:45"])
def test_words_that_only_yaml_1_1_took_for_something_else_are_text(word: str) -> None:
    spec = parse(f"environment: lab\nissuer: {word}\n", file="x", folder=Path.cwd())
    assert spec.issuer == word


@pytest.mark.parametrize(("word", "value"), [("true", True), ("True", True), ("FALSE", False)])
def test_the_booleans_of_yaml_1_2_are_booleans(word: str, value: bool) -> None:
    text = f"""
    environment: lab
    virtual_hosts: [{{name: v, targets: [{{address: "h:1"}}]}}]
    apis: [{{name: a, paths: [/a], virtual_host: v, strip_path: {word}}}]
    """
    assert parse(text, file="x", folder=Path.cwd()).apis[0].strip_path is value


def test_numbers_may_be_hexadecimal_or_octal() -> None:
    spec = parse(
        "environment: lab\nhealing: {min_targets: 0x10, max_restarts_per_hour: 0o17}", file="x", folder=Path.cwd()
    )
    assert (spec.healing.min_targets, spec.healing.max_restarts_per_hour) == (16, 15)


def test_what_is_left_out_takes_its_default() -> None:
    spec = parse("environment: lab\n", file="x", folder=Path.cwd())
    assert (spec.issuer, spec.healing.max_withdrawn_percent, str(spec.control.xds)) == (
        "stationmaster",
        67,
        "127.0.0.1:4581",
    )


def test_all_problems_of_shape_and_meaning_come_at_once_in_the_order_of_lines() -> None:
    text = """\
enviroment: lab
regions: [here, here]
services:
  - name: s
    port: 70000
    instances:
      - {name: s-1, region: there, address: 127.0.0.1:1}
      - {name: s-2, region: here, address: nowhere}
virtual_hosts:
  - name: v
    targets: [{instance: s-2}, {instance: s-3}]
apis:
  - {name: a, paths: [a], virtual_host: w, accepts: [jwt, key]}
"""
    lines = text.splitlines()
    found = [(each.code, lines[each.origin.line - 1][each.origin.column - 1 :]) for each in problems(text)]
    assert [(code, rest.split()[0].rstrip(",]}")) for code, rest in found] == [
        ("unknown-field", "enviroment:"),
        ("missing-field", "enviroment:"),
        ("duplicate-name", "here"),
        ("out-of-range", "70000"),
        ("unknown-reference", "there"),
        ("bad-address", "nowhere"),
        ("unknown-reference", "s-3"),
        ("bad-path", "a"),
        ("unknown-reference", "w"),
        ("nobody-may-call", "[jwt"),
        ("unknown-choice", "key"),
    ]


def test_a_broken_part_does_not_make_those_that_name_it_look_wrong() -> None:
    text = """
    environment: lab
    regions: [here]
    services: [{name: s, port: 0, instances: [{name: i, region: here, address: "h:1"}]}]
    virtual_hosts: [{name: v, algorithm: best, targets: [{instance: i}]}]
    apis: [{name: a, paths: [], virtual_host: v, accepts: [jwt]}]
    api_users: [{name: "", apis: [a]}]
    """
    assert sorted(each.code for each in problems(text)) == [
        "bad-name",
        "out-of-range",
        "too-few-items",
        "unknown-choice",
    ]


def required(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.Type]:
    """The types of every required field, at any depth."""
    match kind:
        case inspect.Metadata():
            yield from required(kind.type, seen)
        case inspect.ListType():
            yield from required(kind.item_type, seen)
        case inspect.DictType():
            yield from required(kind.value_type, seen)
        case inspect.UnionType():
            for each in kind.types:
                yield from required(each, seen)
        case inspect.StructType() if kind.cls not in seen:
            seen.add(kind.cls)
            for field in kind.fields:
                if field.required:
                    yield field.type
                yield from required(field.type, seen)


def test_something_stands_in_for_whatever_is_required() -> None:
    kinds = list(required(inspect.type_info(PlatformDocument), set()))
    assert len(kinds) > 40
    for each in kinds:
        stand_in(each)


def test_a_diagnostic_reads_as_file_line_column_message_code_and_hint() -> None:
    (found,) = problems("environment: lab\nregoins: []\n")
    assert str(found) == (
        "platform.yaml:2:1: error: unknown field 'regoins' [unknown-field]\n    hint: did you mean 'regions'?"
    )
