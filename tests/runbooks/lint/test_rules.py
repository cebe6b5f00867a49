"""Every rule finds what it is for, on its line, and leaves alone what is right."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.runbooks.lint.check import check
from stationmaster.runbooks.lint.rules import BY_CODE, RULES
from stationmaster.runbooks.lint.settings import find_settings
from stationmaster.runbooks.lint.subject import Ground
from stationmaster.runbooks.lint.web import asker
from tests.runbooks.lint.bench import HEAD, KEPT, TODAY, Bench


def fence(*lines: str, info: str = "bash") -> str:
    return "\n".join((f"```{info}", *lines, "```", ""))


RIGHT = {
    "a command that reads": fence("kubectl get pods"),
    "a place that the alert fills": fence("curl http://$INSTANCE:$PORT/healthz", "kubectl logs <instance>"),
    "a place that an earlier command fills": fence("POD=$(kubectl get pods -o name)", "kubectl logs $POD"),
    "a place with a pattern": fence("kubectl logs <pod>", info='bash {pattern="pod=/[a-z-]+/"}'),
    "a dollar that no shell touches": fence("ps aux | awk '{print $NF}'"),
    "a variable of a loop": fence("for n in a b; do kubectl logs $n; done"),
    "a change that is checked": fence("kubectl scale deployment/a --replicas=5", info='bash {expect="scaled"}'),
    "a change with a probe": fence("kubectl delete pod a", info='bash {verify="kubectl get pod a"}'),
    "what is destroyed after a backup": "1. Make a backup:\n\n   ```bash\n   pg_dump shop > shop.sql\n   ```\n"
    '2. Drop it.\n\n   ```bash {expect="DROP"}\n   psql -c "DROP TABLE orders"\n   ```\n',
    "what is destroyed and can be taken back": fence(
        'psql -c "DROP TABLE orders"', info='bash {expect="DROP" rollback="psql -f orders.sql"}'
    ),
    "a link with a template": "1. See [it]($DOCS/a.md).\n\n" + fence("ls -l"),
    "a link to its own heading": "## See there\n\n1. See [it](#see-there).\n\n" + fence("ls -l"),
    "a mail address": "1. Ask [them](mailto:a@example.org).\n\n" + fence("ls -l"),
    "a web address that nobody asked about": "1. See [it](http://127.0.0.1:1/).\n\n" + fence("ls -l"),
    "an unknown program with a class": fence("frobnicate --all", info="bash {risk=read}"),
    "a pod's shell as one command": fence("kubectl exec -it db-0 -- sh", "ls -l"),
}

WRONG: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "no steps": ("Only prose about the past.\n", [("SM107", 1 - HEAD)]),
    "an attribute that is none": (fence("ls -l", info="bash {colour=red}"), [("SM105", 1)]),
    "an attribute without a value": (fence("ls -l", info="bash {risk}"), [("SM104", 1)]),
    "a place that nothing fills": (fence("kubectl get pods", "kubectl logs <pod-name>"), [("SM201", 3)]),
    "a variable that nothing sets": (fence("psql -h $DB_HOST -c 'SELECT 1'"), [("SM201", 2)]),
    "a link to no file": ("1. See [it](missing.md).\n\n" + fence("ls -l"), [("SM202", 1)]),
    "a picture that is not there": ("1. See ![it](a/b.png).\n\n" + fence("ls -l"), [("SM202", 1)]),
    "a link to no heading": ("1. See [it](#nowhere).\n\n" + fence("ls -l"), [("SM203", 1)]),
    "a program that nobody knows": (fence("frobnicate --all"), [("SM301", 2)]),
    "a program known only when it runs": (fence("$TOOL --all"), [("SM201", 2), ("SM301", 2)]),
    "a text that is no shell": (fence("kubectl get pods ((", "done"), [("SM303", 2)]),
    "a console": (fence("rails console", "Order.count"), [("SM304", 3), ("SM305", 2)]),
    "an editor": (fence("vim /etc/hosts"), [("SM305", 2)]),
    "a change that nothing looks at": (fence("kubectl scale deployment/a --replicas=5"), [("SM401", 2)]),
    "a change that is looked at and not judged": (
        fence("kubectl scale deployment/a --replicas=5") + "\n" + fence("kubectl get pods"),
        [("SM401", 2)],
    ),
    "something destroyed with no way back": (
        fence('psql -c "DROP TABLE orders"', info='bash {expect="DROP"}'),
        [("SM402", 2)],
    ),
    "a class that is too low": (
        fence("kubectl delete namespace shop", info='bash {risk=read expect="deleted" rollback="velero restore"}'),
        [("SM403", 2)],
    ),
    "a person restarts what the platform could": (
        '1. Restart it:\n\n   ```bash {expect="a"}\n   docker restart a\n   ```\n',
        [("SM405", 1)],
    ),
}


@pytest.mark.parametrize("body", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_left_alone(bench: Bench, body: str) -> None:
    assert [each for each in bench.of(body) if BY_CODE[each[0]].level.value != "info"] == []


@pytest.mark.parametrize(("body", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found_on_its_line(bench: Bench, body: str, expected: list[tuple[str, int]]) -> None:
    found = bench.of(body)
    assert [each for each in found if each[0] in {code for code, _ in expected}] == sorted(expected, key=lambda e: e[1])
    assert not [code for code, _ in found if BY_CODE[code].level.value == "error" and code not in dict(expected)]


def test_a_command_that_a_warning_forbids_is_told(bench: Bench) -> None:
    body = fence("# DO NOT RUN this in production", "kubectl delete namespace shop")
    codes = [code for code, _ in bench.of(body)]
    assert ("SM404", 3) in bench.of(body)
    assert not {"SM401", "SM402"} & set(codes)


def test_the_check_of_another_cause_does_not_count(bench: Bench) -> None:
    causes = (
        "## Common causes\n\n### 1. Too few\n\n**Solution:**\n\n"
        + fence("kubectl scale deployment/a --replicas=5")
        + "\n### 2. Too slow\n\n**Solution:**\n\n"
        + fence("kubectl get pods", info='bash {expect="Running"}')
    )
    assert [code for code, _ in bench.of(causes) if code == "SM401"] == ["SM401"]
    verified = causes + "\n## Verification\n\n" + fence("kubectl get pods", info='bash {expect="Running"}')
    assert "SM401" not in dict(bench.of(verified))


UPKEEP = {
    "nobody keeps it": ("---\nnext_review: 2027-01-01\nalert: A\n---\n# A\n\n", ["SM501"]),
    "a team keeps it": ("---\nteam: Keys\nnext_review: 2027-01-01\nalert: A\n---\n# A\n\n", []),
    "its review is today": ("---\nowner: K\nnext_review: 2026-06-01\nalert: A\n---\n# A\n\n", []),
    "its review was yesterday": ("---\nowner: K\nnext_review: 2026-05-31\nalert: A\n---\n# A\n\n", ["SM502"]),
    "no review at all": ("---\nowner: K\nalert: A\n---\n# A\n\n", ["SM503"]),
    "it is retired": ("---\ntitle: RETIRED A\nnext_review: 2020-01-01\n---\n", []),
    "it answers nothing": ("---\nowner: K\nnext_review: 2027-01-01\n---\n# A\n\n", ["SM606"]),
    "it is begun by hand": ("---\nowner: K\nnext_review: 2027-01-01\ntype: procedure\n---\n# A\n\n", []),
    "its front matter is broken": ('---\nowner: K: "\nnext_review: 2027-01-01\nalert: A\n---\n# A\n\n', ["SM102"]),
    "its template is broken": (
        "---\nowner: K\nnext_review: 2027-01-01\nalert: A\n---\n# A\n\n{% include a.md %}\n\n",
        ["SM103"],
    ),
}


@pytest.mark.parametrize(("head", "codes"), UPKEEP.values(), ids=UPKEEP)
def test_upkeep(bench: Bench, head: str, codes: list[str]) -> None:
    assert [code for code, _ in bench.of(fence("ls -l"), head=head)] == codes


def test_an_overdue_review_is_told_on_the_line_of_its_date(bench: Bench) -> None:
    head = "# A\n\n"
    body = fence("ls -l") + "\n**Owner**: SRE Team\n**Next Review**: 2025-04-26\n"
    assert ("SM502", 6) in bench.of(body, head=head)


def test_a_library_as_a_whole(bench: Bench) -> None:
    answering = "---\nowner: K\nnext_review: 2027-01-01\nalert: {}\nservice: {}\n---\n\n# {}\n\n" + fence("ls -l")
    bench.write("a.md", answering.format("Down", "keys", "It is down"))
    bench.write("b.md", answering.format("Down", "keys", "It is down"))
    bench.write("c.md", answering.format("Down", "doctor", "The doctor is down"))
    bench.write("d.md", answering.format("Slow", "keys", "RETIRED It is slow"))
    rules = bench.write("rules.yml", RULE_FILE)
    assert bench.found(rules) == [
        ("b.md", "SM602", 4),
        ("b.md", "SM603", 8),
        ("d.md", "SM604", 4),
        ("rules.yml", "SM602", 4),
        ("rules.yml", "SM601", 9),
    ]


RULE_FILE = """\
groups:
  - name: keys
    rules:
      - alert: Down
        expr: up == 0
        labels: {service: keys}
      - record: job:up
        expr: sum(up)
      - alert: Full
        expr: disk > 90
        annotations: {runbook_url: "https://example.org/nowhere"}
      - alert: Slow
        expr: latency > 2
        labels: {service: keys}
"""


def test_a_rule_that_names_its_runbook_is_answered(bench: Bench) -> None:
    bench.write("disk-full.md", KEPT + fence("df -h"))
    rules = bench.write(
        "r.yml", RULE_FILE.replace("https://example.org/nowhere", "https://example.org/r/disk-full.html#x")
    )
    assert ("r.yml", "SM601", 9) not in bench.found(rules)
    assert ("r.yml", "SM601", 4) in bench.found(rules)


def test_rules_of_the_operator_for_kubernetes_are_read(bench: Bench) -> None:
    bench.write("a.md", KEPT + fence("df -h"))
    indented = "".join(f"  {line}\n" for line in RULE_FILE.splitlines())
    rules = bench.write("r.yml", f"kind: PrometheusRule\nspec:\n{indented}---\nkind: Other\n")
    assert ("r.yml", "SM601", 11) in bench.found(rules)


@pytest.mark.parametrize("text", ["a: [", "just text\n", "groups: 3\n", "\t- :\n"])
def test_a_rule_file_that_is_none_is_told(bench: Bench, text: str) -> None:
    bench.write("a.md", KEPT + fence("df -h"))
    assert [code for _, code, _ in bench.found(bench.write("r.yml", text))][-1] == "SM607"


def test_an_unreadable_file_never_hides_the_others(bench: Bench) -> None:
    (bench.folder / "binary.md").write_bytes(b"\x89PNG\x00\xff")
    (bench.folder / "latin.md").write_bytes(b"# caf\xe9\n")
    with (bench.folder / "large.md").open("wb") as file:
        file.truncate(50_000_000)
    (bench.folder / "dangling.md").symlink_to("nowhere.md")
    bench.write("one.md", KEPT + fence("frobnicate"))
    assert bench.found() == [
        ("binary.md", "SM101", 1),
        ("dangling.md", "SM101", 1),
        ("large.md", "SM101", 1),
        ("latin.md", "SM101", 1),
        ("one.md", "SM301", HEAD + 2),
    ]


def test_programs_are_looked_for_only_when_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Ground(today=TODAY, on_path=lambda program: program != "kubectl"))
    assert bench.of(fence("kubectl get pods", "ls -l", "kubectl get nodes")) == [("SM302", 2)]


class Web(http.server.BaseHTTPRequestHandler):
    """`/well` is there, `/get` for GET alone, `/private` wants a name, everything else is missing."""

    def do_HEAD(self) -> None:
        self._answer(get=False)

    def do_GET(self) -> None:
        self._answer(get=True)

    def _answer(self, *, get: bool) -> None:
        status = {"/well": 200, "/get": 200 if get else 405, "/private": 401}.get(self.path, 404)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keeps quiet."""


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(timeout=5)


def test_web_addresses_are_asked_only_when_wanted(bench: Bench, web: str, free_port: Callable[[], int]) -> None:
    addresses = (f"{web}/well#part", f"{web}/get", f"{web}/private", f"{web}/gone", f"http://127.0.0.1:{free_port()}/")
    body = "".join(f"{number}. See [it]({url}).\n" for number, url in enumerate(addresses, start=1)) + fence("ls -l")
    assert "SM204" not in dict(bench.of(body))
    asking = replace(bench, ground=Ground(today=TODAY, answers=asker()))
    assert [each for each in asking.of(body) if each[0] == "SM204"] == [("SM204", 4), ("SM204", 5)]


def test_the_project_s_own_runbooks_are_clean() -> None:
    folder = Path(__file__).parents[3] / "runbooks"
    report = check([folder], Ground(today=TODAY), find_settings(folder))
    assert report.files == len([*folder.glob("*.md")]) >= 16
    assert [str(each) for each in report.findings] == []


def test_every_rule_has_a_family_a_name_and_a_place_in_the_docs() -> None:
    described = (Path(__file__).parents[3] / "docs" / "runbooks.md").read_text(encoding="utf-8")
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert f"| {rule.code} | {rule.name} | {rule.level.value} | {rule.summary} |" in described


def test_a_broken_link_in_another_document_is_told_there(bench: Bench) -> None:
    bench.write(
        "deep/other.md", KEPT.replace("SomethingIsDown", "Other").replace("# Some", "# Other ") + fence("ls -l")
    )
    bench.write(
        "one.md",
        KEPT + "1. See [a](deep/other.md#other-thing-is-down), [b](deep/other.md#none), [c](deep).\n" + fence("ls"),
    )
    assert [each for each in bench.found() if each[1].startswith("SM20")] == [("one.md", "SM203", HEAD + 1)]
