"""Problems of meaning: names, references, clashes, bounds, commands."""

from pathlib import Path

import pytest

from stationmaster.core.problem import Diagnostic, InvalidInputError, Severity
from stationmaster.core.spec import HealthCheck, PlatformSpec
from stationmaster.manifest.read import parse, parse_document

FOLDER = Path(__file__).parent

GOOD = """\
environment: lab
regions: [north, south]
gateway:
  nodes:
    - {name: g-1, listen: 127.0.0.1:8000, admin: 127.0.0.1:9901}
services:
  - name: echo
    port: 8080
    command: [echo-server, "{address}"]
    health: {path: /healthz}
    instances:
      - {name: echo-1, region: north, address: 127.0.0.1:8081}
      - {name: echo-2, region: south, address: 127.0.0.1:8082}
  - name: watched
    port: 5432
    health: {path: /up}
    instances:
      - {name: watched-1, region: north, address: 10.0.0.1:5432}
virtual_hosts:
  - name: echo
    targets:
      - {instance: echo-1}
      - {instance: echo-2}
apis:
  - name: open
    paths: [/open]
    virtual_host: echo
  - name: closed
    paths: [/closed]
    virtual_host: echo
    accepts: [jwt]
api_users:
  - {name: ada, apis: [closed]}
runbooks: [.]
"""


def read(text: str) -> PlatformSpec:
    return parse(text, file="platform.yaml", folder=FOLDER)


def problems(text: str) -> list[Diagnostic]:
    try:
        read(text)
    except InvalidInputError as error:
        return list(error.diagnostics)
    return []


def test_the_text_that_the_tables_change_is_good() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        (
            "127.0.0.1:8082}",
            "127.0.0.1:8082}\n      - {name: echo-1, region: north, address: 127.0.0.1:8083}",
            "duplicate-name",
            "instance 'echo-1' is declared twice; the first is on line 12",
        ),
        (
            "instances:\n      - {name: watched-1",
            "instances:\n      - {name: w, region: north, address: h:1}\n      - {name: w",
            "duplicate-name",
            "instance 'w'",
        ),
        ("- name: watched\n", "- name: echo\n", "duplicate-name", "service 'echo'"),
        ("api_users:", "  - {name: open, paths: [/z], virtual_host: echo}\napi_users:", "duplicate-name", "API 'open'"),
        ("[north, south]", "[north, south, north]", "duplicate-name", "region 'north'"),
        (
            "{name: ada, apis: [closed]}",
            "{name: ada, apis: [closed]}\n  - {name: ada}",
            "duplicate-name",
            "API user 'ada'",
        ),
        ("region: south", "region: soth", "unknown-reference", "no region is called 'soth'"),
        ("{instance: echo-2}", "{instance: eco-2}", "unknown-reference", "no instance is called 'eco-2'"),
        ("virtual_host: echo", "virtual_host: ecco", "unknown-reference", "no virtual host is called 'ecco'"),
        ("[closed]}", "[closed, opne]}", "unknown-reference", "no API is called 'opne'"),
        (":8082", ":8081", "address-taken", "instance 'echo-2' and instance 'echo-1' (line 12) both listen"),
        (":8082", ":8000", "address-taken", "gateway node 'g-1' (listen)"),
        ("127.0.0.1:8082", "0.0.0.0:8081", "address-taken", "instance 'echo-1'"),
        ("127.0.0.1:8082", "localhost:8081", "address-taken", "instance 'echo-1'"),
        ("127.0.0.1:8082", "'[::]:4580'", "address-taken", "the control plane (api)"),
        ("127.0.0.1:8000", "127.0.0.1:9901", "address-taken", "gateway node 'g-1' (admin)"),
        ("10.0.0.1:5432", "127.0.0.1:8081", "address-taken", "instance 'watched-1'"),
        ("[/closed]", "[/open]", "overlapping-route", "'/open' leads to the API 'open' (line 25) already"),
        ("[/closed]", "[/open/]", "overlapping-route", "leads to the API 'open' (line 25) already"),
        ("[/closed]", "[/closed, /closed]", "overlapping-route", "the API 'closed'"),
        ("[/closed]", "[closed]", "bad-path", "does not start with '/'"),
        ("[/closed]", "['/closed?x']", "bad-path", "holds a '?'"),
        ("[/closed]", "['/closed#x']", "bad-path", "'#'"),
        ("[/closed]", "['//closed']", "bad-path", "no request ever has the path"),
        ("[/closed]", "['/closed/../open']", "bad-path", "no request ever has the path"),
        ("[/closed]", "['/clo%2Fsed']", "bad-path", "no request ever has the path"),
        ("name: g-1", "name: echo-1", "duplicate-name", "bears the name of a gateway node"),
        ("name: g-1", "name: control", "bad-name", "belongs to a process of the platform itself"),
        ("127.0.0.1:9901", "0.0.0.0:9901", "exposed-address", "can be reached from other machines"),
        ("127.0.0.1:9901", "gateway.example.org:9901", "exposed-address", "can be reached from other machines"),
        ("{instance: echo-1}", "{instance: echo-2}", "duplicate-target", "'echo-2' is a target of 'echo' twice"),
        ("{instance: echo-1}", "{}", "bad-target", "an instance or an address"),
        ("{instance: echo-1}", "{instance: echo-1, address: 'h:1'}", "bad-target", "not both"),
        ("{instance: echo-1}", "{instance: watched-1}", "ambiguous-health", "different health checks"),
        ("path: /up", "path: /up, interval: 10ms", "bad-duration", "shorter than 50ms"),
        ("environment: lab", "environment: ''", "bad-name", "is empty"),
        ("[echo-server,", "['',", "bad-command", "is empty"),
        ("[echo-server,", "['{instance}',", "bad-command", "is a placeholder"),
        ('[echo-server, "{address}"]', "[echo-server --listen x]", "bad-command", "in one item"),
        ('"{address}"', '"{adress}"', "unknown-placeholder", "nothing fills '{adress}' in"),
        ("runbooks: [.]", "runbooks: [nowhere]", "no-runbook-folder", "'nowhere' does not exist"),
        ("runbooks: [.]", "runbooks: [test_check.py]", "no-runbook-folder", "is no folder"),
        ("runbooks: [.]", "runbooks: [" + "x" * 5000 + "]", "no-runbook-folder", "cannot be read"),
    ],
)
def test_a_problem_of_meaning_is_found_on_its_line(old: str, new: str, code: str, words: str) -> None:
    assert old in GOOD
    changed = GOOD.replace(old, new, 1)
    found = problems(changed)
    assert [each.code for each in found] == [code], [str(each) for each in found]
    assert words in found[0].message
    assert found[0].hint
    assert 1 <= found[0].origin.line <= changed.count("\n")


def test_an_api_that_nobody_may_call_yet_is_told_and_taken() -> None:
    text = GOOD.replace("apis: [closed]", "apis: [open]")
    (found,) = parse_document(text, file="platform.yaml", folder=FOLDER).warnings
    assert (found.code, found.severity, found.origin.line) == ("nobody-may-call", Severity.WARNING, 31)
    assert "'closed' asks for credentials" in found.message


def test_an_unknown_reference_points_at_the_word_and_suggests_the_nearest_name() -> None:
    text = GOOD.replace("apis: [closed]", "apis: [closed, opne]")
    (found,) = problems(text)
    assert text.splitlines()[found.origin.line - 1][found.origin.column - 1 :].startswith("opne")
    assert found.origin.path == "api_users[0].apis[1]"
    assert found.hint == "did you mean 'open'?"


@pytest.mark.parametrize("target", ["{address: nowhere}", "{instance: [a]}", "{instance: a, address: nowhere}"])
def test_a_target_that_is_broken_already_is_not_called_incomplete_too(target: str) -> None:
    assert "bad-target" not in [each.code for each in problems(GOOD.replace("{instance: echo-1}", target))]


@pytest.mark.parametrize("targets", ["", "\n    targets: []"])
def test_a_virtual_host_without_targets_is_refused(targets: str) -> None:
    (found,) = problems(f"environment: lab\nvirtual_hosts:\n  - name: v{targets}\n")
    assert (found.code, found.origin.line) == ("no-targets", 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[/closed]", "[/open/more]"),
        ("paths: [/closed]", "paths: [/open]\n    hosts: [api.example.org]"),
        ("10.0.0.1:5432", "127.0.0.1:8000"),
        ("10.0.0.1:5432", "10.0.0.2:8081"),
        ('"{address}"', "'{\"json\": {}}'"),
        ("[echo-server,", "['/opt/my program/run',"),
    ],
)
def test_what_only_looks_like_a_clash_is_taken(old: str, new: str) -> None:
    assert old in GOOD
    assert problems(GOOD.replace(old, new, 1)) == []


def test_apis_with_the_same_path_on_the_same_host_overlap_whatever_its_case() -> None:
    text = GOOD.replace("paths: [/open]", "paths: [/x]\n    hosts: [A.org]").replace(
        "paths: [/closed]", "paths: [/x]\n    hosts: [b.org, a.org]"
    )
    (found,) = problems(text)
    assert found.code == "overlapping-route"


def test_a_virtual_host_keeps_its_own_check() -> None:
    spec = read(GOOD.replace("  - name: echo\n    targets", "  - name: echo\n    health: {path: /own}\n    targets"))
    assert spec.virtual_hosts[0].health is not None
    assert spec.virtual_hosts[0].health.path == "/own"


def test_a_target_by_address_has_no_instance_and_inherits_no_check() -> None:
    (host,) = read(
        "environment: lab\nvirtual_hosts: [{name: v, targets: [{address: 'h:1', weight: 0}]}]\n"
    ).virtual_hosts
    assert host.health is None
    assert (host.targets[0].instance, host.targets[0].weight, str(host.targets[0].address)) == (None, 0, "h:1")


def test_a_check_without_details_has_the_defaults_of_the_spec() -> None:
    check = read(GOOD).services[0].health
    assert check is not None
    assert check == HealthCheck(path="/healthz", origin=check.origin)
