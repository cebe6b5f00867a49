"""Files and YAML text that a person may hand in: what loads, what is refused, and that nothing crashes."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stationmaster.sample
from stationmaster.core.problem import Diagnostic, InvalidInputError
from stationmaster.core.spec import Address, Algorithm, CredentialKind, Supervision
from stationmaster.manifest.read import MOST_BYTES, load, parse

SAMPLE = Path(stationmaster.sample.__file__).parent / "platform.yaml"


def refused(text: str) -> list[tuple[str, int, int]]:
    """Codes with line and column of everything wrong in a text."""
    with pytest.raises(InvalidInputError) as caught:
        parse(text, file="platform.yaml", folder=Path.cwd())
    return [(each.code, each.origin.line, each.origin.column) for each in caught.value.diagnostics]


def test_the_sample_platform_loads() -> None:
    spec = load(SAMPLE)
    assert spec.environment == "sample"
    assert spec.regions == ("us-south", "us-east", "eu-de")
    keys, doctor, sample = spec.services
    assert keys.supervision is Supervision.RUNBOOK
    assert doctor.supervision is Supervision.RESTART
    assert keys.command[:3] == ("stationmaster", "keys", "--listen")
    assert keys.health is not None
    assert (keys.health.interval_ms, keys.health.timeout_ms) == (500, 1000)
    assert [str(each.address) for each in sample.instances] == ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083"]
    assert spec.apis[1].accepts == {CredentialKind.JWT, CredentialKind.API_KEY}
    assert spec.nodes[0].listen == Address(host="127.0.0.1", port=8000)
    assert spec.control.api == Address(host="127.0.0.1", port=4580)
    assert spec.runbooks == (SAMPLE.parent / "runbooks",)
    assert spec.runbooks[0].is_absolute()


def test_a_target_that_names_an_instance_takes_its_address_and_its_services_check() -> None:
    spec = load(SAMPLE)
    keys, sample = spec.virtual_hosts
    assert [each.address for each in keys.targets] == [each.address for each in spec.services[0].instances]
    assert keys.health == spec.services[0].health
    assert sample.algorithm is Algorithm.LEAST_CONNECTIONS


def test_every_part_knows_its_line() -> None:
    spec = load(SAMPLE)
    lines = SAMPLE.read_text().splitlines()
    instance = spec.services[0].instances[1]
    assert "key-us-east" in lines[instance.origin.line - 1]
    assert instance.origin.path == "services[0].instances[1]"
    assert instance.origin.file == str(SAMPLE)
    places = [(str(service.name), service.origin) for service in spec.services]
    places += [(str(host.name), host.origin) for host in spec.virtual_hosts]
    places += [(str(api.name), api.origin) for api in spec.apis]
    places += [(str(user.name), user.origin) for user in spec.api_users]
    places += [(str(node.name), node.origin) for node in spec.nodes]
    for name, origin in places:
        assert name in lines[origin.line - 1]


@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_a_byte_order_mark_and_dos_line_ends_change_nothing(tmp_path: Path, change: Callable[[str], str]) -> None:
    file = tmp_path / "platform.yaml"
    text = SAMPLE.read_text().replace("runbooks: [runbooks]", "runbooks: []")
    file.write_bytes(text.encode())
    plain = load(file)
    file.write_bytes(change(text).encode())
    assert load(file) == plain


@pytest.mark.parametrize(
    ("raw", "code", "line"),
    [
        (b"", "empty-document", 1),
        (b"# only a comment\n", "empty-document", 1),
        (b"environment: lab\nissuer: caf\xe9\n", "not-utf8", 2),
        ("environment: lab".encode("utf-16"), "not-utf8", 1),
        (b"#" * (MOST_BYTES + 1), "file-too-large", 1),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, raw: bytes, code: str, line: int
) -> None:
    file = tmp_path / "platform.yaml"
    file.write_bytes(raw)
    with pytest.raises(InvalidInputError) as caught:
        load(file)
    (found,) = caught.value.diagnostics
    assert (found.code, found.origin.line, found.origin.file) == (code, line, str(file))
    assert found.hint


@pytest.mark.parametrize("name", [".", "missing.yaml", "missing/platform.yaml", "nul\0.yaml", "long" * 200])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load(tmp_path / name)
    assert caught.value.diagnostics[0].code == "unreadable-file"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("environment: lab\n\tregions: []\n", ("bad-yaml", 2, 1)),
        ("environment: [lab\n", ("bad-yaml", 2, 1)),
        ("environment: 'lab\n", ("bad-yaml", 2, 1)),
        ("environment: lab\n regions: []\n", ("bad-yaml", 2, 9)),
        ("environment: lab\x07", ("bad-character", 1, 17)),
        ("environment: lab\nissuer: é\x00", ("bad-character", 2, 10)),
        ("environment: \ud800", ("bad-character", 1, 1)),
        ("environment: lab\n---\nenvironment: two\n", ("several-documents", 2, 1)),
        ("environment: !!python/object:os.system lab\n", ("yaml-tag", 1, 14)),
        ("environment: !!str lab\n", ("yaml-tag", 1, 14)),
        ("environment: lab\nenvironment: lab\n", ("duplicate-key", 2, 1)),
        ("environment: lab\ncontrol: {api: '1.2.3.4:1', api: '1.2.3.4:2'}\n", ("duplicate-key", 2, 29)),
        ("environment: lab\n? [a, b]\n: c\n", ("bad-key", 2, 3)),
        ("environment: *nobody\n", ("unknown-alias", 1, 14)),
        ("environment: lab\nregions: &a [*a]\n", ("recursive-alias", 2, 14)),
        ("[" * 300_000, ("too-deep", 1, 41)),
        ("- " * 300_000, ("too-deep", 1, 81)),
        ("lab", ("wrong-type", 1, 1)),
        ("- lab", ("wrong-type", 1, 1)),
        ("null", ("wrong-type", 1, 1)),
    ],
)
def test_text_that_is_no_document_is_refused_at_its_place(text: str, found: tuple[str, int, int]) -> None:
    assert refused(text) == [found]


def test_a_tab_gets_a_hint_of_its_own() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse("environment: lab\n\tregions: []\n", file="x", folder=Path.cwd())
    assert "tab" in caught.value.diagnostics[0].hint


def test_aliases_that_multiply_are_refused_before_they_are_written_out() -> None:
    levels = [f"a{at}: &a{at} [" + ", ".join([f"*a{at - 1}"] * 10) + "]\n" for at in range(1, 12)]
    assert [code for code, _, _ in refused("a0: &a0 [x]\n" + "".join(levels))] == ["too-many-values"]


def test_an_alias_stands_for_its_value_wherever_it_stands() -> None:
    text = """
    environment: lab
    regions: [here]
    services:
      - {name: a, port: 1, health: &check {path: /healthz}, instances: [{name: a1, region: here, address: "h:1"}]}
      - {name: b, port: 1, health: *check, instances: [{name: b1, region: here, address: "h:2"}]}
    """
    spec = parse(text, file="x", folder=Path.cwd())
    assert spec.services[0].health is not None
    assert spec.services[1].health is not None
    assert spec.services[1].health.path == "/healthz"
    assert spec.services[1].health.origin.path == "services[1].health"


def big_platform(apis: int) -> str:
    head = """
environment: lab
regions: [r]
services: [{name: s, port: 1, instances: [{name: i, region: r, address: "10.0.0.1:80"}]}]
virtual_hosts: [{name: v, targets: [{instance: i}]}]
"""
    listed = "".join(
        f"- name: api-{at}\n  paths: [/api/{at}]\n  virtual_host: v\n  accepts: [jwt]\n" for at in range(apis)
    )
    names = ", ".join(f"api-{at}" for at in range(apis))
    return f"{head}apis:\n{listed}api_users: [{{name: u, apis: [{names}]}}]\n"


def test_ten_thousand_apis_load_in_seconds_of_work() -> None:
    before = time.process_time()
    assert len(parse(big_platform(10_000), file="x", folder=Path.cwd()).apis) == 10_000
    assert time.process_time() - before < 5


def test_ten_thousand_problems_are_counted_and_the_first_thousand_shown() -> None:
    before = time.process_time()
    found = refused(big_platform(10_000).replace("virtual_host: v", "virtual_host: w"))
    assert len(found) == 1001
    assert found[-1][0] == "more-problems"
    assert time.process_time() - before < 8


def loads_or_refuses(text: str) -> None:
    found: tuple[Diagnostic, ...] | None = None
    try:
        parse(text, file="x", folder=Path("/nonexistent"))
    except InvalidInputError as error:
        found = error.diagnostics
    assert found != ()
    assert all(each.origin.line >= 1 and each.origin.column >= 1 and each.code for each in found or ())


@given(st.text())
def test_any_text_loads_or_is_refused(text: str) -> None:
    loads_or_refuses(text)


@given(
    st.lists(st.sampled_from([*"{}[]:-,&*?|>'\"#!%@ \n\t~<", "a", "environment", "apis", ": ", "\n  ", "&a ", "*a"]))
)
def test_any_run_of_yaml_signs_loads_or_is_refused(signs: list[str]) -> None:
    loads_or_refuses("".join(signs))


@given(st.data())
@settings(max_examples=150)
def test_a_sample_with_a_piece_replaced_loads_or_is_refused(data: st.DataObject) -> None:
    text = SAMPLE.read_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(st.sampled_from(["", "x", "[]", "{}", "null", "-1", "no", "'", ": ", "\n", "*a", "\0", "9" * 30]))
    loads_or_refuses(text[:start] + piece + text[end:])
