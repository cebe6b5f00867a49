"""Blocks of shell: prompts, output, heredocs, sessions, warnings, and blocks that are no shell at all."""

import pytest

from stationmaster.runbooks.read.document import Command, SessionKind
from stationmaster.runbooks.read.reader import read_runbook


def commands(text: str) -> list[Command]:
    return [command for step in read_runbook(text, file="x.md").runbook.walk() for command in step.commands]


def fence(body: str, info: str = "bash") -> str:
    return (
        f"## Steps\n\n1. Do it:\n\n   ```{info}\n" + "".join(f"   {line}\n" for line in body.split("\n")) + "   ```\n"
    )


def texts(body: str, info: str = "bash") -> list[str]:
    return [each.text for each in commands(fence(body, info))]


@pytest.mark.parametrize(
    "prompt",
    ["$ ", "% ", "host$ ", "user@host:~$ ", "root@host:/etc# ", "[root@db1 ~]# ", "sh-5.1# ", "bash-4.4$ ", "(venv) $ ",
     "~ ", "~$ ", "/ # ", "$> "],
)  # fmt: skip
def test_a_prompt_is_taken_off(prompt: str) -> None:
    assert texts(f"{prompt}kubectl get pods\nNAME  READY\n{prompt}kubectl top nodes") == [
        "kubectl get pods",
        "kubectl top nodes",
    ]


def test_the_prompt_of_root_is_no_comment_in_a_console() -> None:
    assert texts("# systemctl status x\nactive\n# df -h /", "console") == ["systemctl status x", "df -h /"]
    assert texts("# df -h is not run\nkubectl get pods") == ["kubectl get pods"]


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("mysql> ", SessionKind.DATABASE),
        ("gitlabhq_production=# ", SessionKind.DATABASE),
        ("gitlab-rails> ", SessionKind.CONSOLE),
        ("irb(main):001:0> ", SessionKind.CONSOLE),
        ("10.0.0.1:6379> ", SessionKind.CONSOLE),
        ("PS C:\\Users\\me> ", SessionKind.CONSOLE),
        (">>> ", SessionKind.CONSOLE),
        ("sh-5.1# ", SessionKind.CONTAINER),
    ],
)
def test_a_prompt_alone_tells_where_its_command_is_typed(prompt: str, kind: SessionKind) -> None:
    found = commands(fence(f"{prompt}show status;\nanything"))
    assert [(each.text.rstrip(";"), each.session.kind) for each in found] == [("show status", kind)]
    assert found[0].session.opened_by


@pytest.mark.parametrize(
    ("opener", "kind"),
    [
        ("ssh -p 2222 ops@db-1", SessionKind.SSH),
        ("gcloud compute ssh db-1", SessionKind.SSH),
        ("kubectl exec -it pod-1 -n web -- sh", SessionKind.CONTAINER),
        ("kubectl exec -ti $(kubectl get po -o name | head -1) -- /bin/bash", SessionKind.CONTAINER),
        ("oc rsh pod-1", SessionKind.CONTAINER),
        ("oc debug node/worker-1", SessionKind.CONTAINER),
        ("docker exec -it db bash", SessionKind.CONTAINER),
        ("docker run --rm -it alpine sh", SessionKind.CONTAINER),
        ("kubectl exec -it db-0 -- psql -U app", SessionKind.DATABASE),
        ("psql -h db -U app", SessionKind.DATABASE),
        ("sudo -u postgres psql", SessionKind.DATABASE),
        ("redis-cli -h 10.0.0.1 -p 6379", SessionKind.CONSOLE),
        ("sudo gitlab-rails console", SessionKind.CONSOLE),
        ("sudo -i", SessionKind.LOCAL),
        ("sudo su -", SessionKind.LOCAL),
        ("su - postgres", SessionKind.LOCAL),
    ],
)
def test_what_follows_an_opener_belongs_to_its_session(opener: str, kind: SessionKind) -> None:
    typed = "SELECT 1;" if kind is SessionKind.DATABASE else "info"
    first, second = commands(fence(f"{opener}\n{typed}"))
    assert (first.session.opened_by, second.session.opened_by) == ("", opener)
    assert second.session.kind is kind


@pytest.mark.parametrize(
    "command",
    [
        "ssh db-1 uptime",
        "ssh -N -L 9115:localhost:9115 db-1",
        "kubectl exec pod-1 -- ls /",
        "kubectl exec -it pod-1 -- sh -c 'ls /'",
        "psql -h db -c 'SELECT 1'",
        "psql -h db < dump.sql",
        "echo 'SELECT 1' | psql -h db",
        "redis-cli -h db ping",
        "bash deploy.sh",
        "docker exec db ls",
    ],
)
def test_a_command_that_carries_its_own_work_opens_nothing(command: str) -> None:
    assert [each.session.opened_by for each in commands(fence(f"{command}\ndate -u"))] == ["", ""]


def test_leaving_closes_a_session_and_sessions_nest() -> None:
    found = commands(fence("ssh db-1\nsudo -i\nls -l\nexit\nls -a\nlogout\nls -h"))
    assert [each.session.opened_by for each in found] == [
        "",
        "ssh db-1",
        "sudo -i",
        "sudo -i",
        "ssh db-1",
        "ssh db-1",
        "",
    ]


def test_the_operators_own_prompt_coming_back_ends_a_session() -> None:
    found = commands(fence("me@laptop:~$ ssh db-1\nroot@db-1:~# df -h\nme@laptop:~$ df -i"))
    assert [each.session.opened_by for each in found] == ["", "ssh db-1", ""]


def test_a_session_ends_with_its_block_unless_nothing_was_typed_into_it() -> None:
    ended = "## Steps\n\n```bash\nssh db-1\ndf -h\n```\n\nThen:\n\n```bash\ndf -i\n```\n"
    lasting = "## Steps\n\n```bash\nssh db-1\n```\n\nThen:\n\n```bash\ndf -i\n```\n\n```bash\nexit\n```\n"
    lasting += "\n```bash\nls -l\n```\n"
    home = "## Steps\n\n```bash\nssh db-1\n```\n\nOn your own machine, run:\n\n```bash\ndf -i\n```\n"
    assert [each.session.opened_by for each in commands(ended)] == ["", "ssh db-1", ""]
    assert [each.session.opened_by for each in commands(lasting)] == ["", "ssh db-1", "ssh db-1", ""]
    assert [each.session.opened_by for each in commands(home)] == ["", ""]


def test_the_prose_may_keep_a_session_open() -> None:
    text = "## Steps\n\n```bash\nssh db-1\ndf -h\n```\n\nIn the same shell, run:\n\n```bash\ndf -i\n```\n"
    assert [each.session.opened_by for each in commands(text)] == ["", "ssh db-1", "ssh db-1"]


def test_another_section_is_at_home_again() -> None:
    text = "## Steps\n\n### A\n\n```bash\nssh db-1\n```\n\n### B\n\n```bash\ndf -h\n```\n"
    assert [each.session.opened_by for each in commands(text)] == ["", ""]


def test_statements_of_a_database_end_with_their_semicolon() -> None:
    found = commands(fence("psql -h db\nSELECT a,\n  b FROM t;\n\\dt\nexit\nls -l"))
    assert [each.text for each in found] == ["psql -h db", "SELECT a,\n  b FROM t;", "\\dt", "exit", "ls -l"]
    assert [(each.lines.first, each.lines.last) for each in found][1] == (7, 8)


def test_heredocs_continuations_and_loops_are_one_statement() -> None:
    body = "cat <<'EOF' | kubectl apply -f -\na: 1\n\nb: 2\nEOF\n"
    body += "curl -s \\\n  http://x\nfor i in 1 2; do\n  echo $i\ndone\ntrue && \\\n  date"
    found = commands(fence(body))
    assert [(each.lines.first - 5, each.lines.last - 5) for each in found] == [(1, 5), (6, 7), (8, 10), (11, 12)]


def test_output_below_a_command_is_shown_and_never_run() -> None:
    found = commands(fence("$ kubectl get pods\nNAME   READY\nrm     1/1\n$ date"))
    assert [(each.text, each.shown) for each in found] == [
        ("kubectl get pods", "NAME   READY\nrm     1/1"),
        ("date", ""),
    ]


def test_output_without_prompts_is_told_from_commands() -> None:
    found = commands(fence("kubectl get pods\nNAME   READY   STATUS\nweb-1  1/1     Running\n\nkubectl top nodes"))
    assert [each.text for each in found] == ["kubectl get pods", "kubectl top nodes"]
    assert "web-1" in found[0].shown


@pytest.mark.parametrize(
    ("info", "body"),
    [
        ("yaml", "kubectl: true"),
        ("promql", "rate(x[5m])"),
        ("", "Error: connection refused"),
        ("text", "NAME  READY"),
        ("json", '{"a": 1}'),
        ("console", "node_filesystem_free_bytes"),
        ("", "hosts: all"),
    ],
)
def test_what_is_no_shell_gives_no_command(info: str, body: str) -> None:
    assert texts(body, info) == []


@pytest.mark.parametrize(
    "body", ["df -h", "sudo service x status", "/opt/x/bin/check --all", "X=$(date) ./run.sh", "oc get co network"]
)
def test_a_block_without_a_language_is_shell_by_its_first_line(body: str) -> None:
    assert texts(body, "") == [body]


def test_what_is_announced_as_output_is_none() -> None:
    text = "## Steps\n\n1. Look.\n\n   The output looks like this:\n\n   ```\n   service is up\n   ```\n"
    assert commands(text) == []


@pytest.mark.parametrize(
    ("body", "forbids"),
    [
        ("# DO NOT RUN this in production\nkubectl delete ns web", True),
        ("kubectl delete ns web  # never run this", True),
        ("# WARNING: this deletes all data\nkubectl delete ns web", False),
        ("# only if the master is not running\nkubectl delete ns web", False),
    ],
)
def test_a_warning_in_a_comment_stays_with_its_command(body: str, forbids: bool) -> None:
    (found,) = commands(fence(body))
    assert [each.forbids for each in found.cautions] == [forbids]


def test_a_warning_in_the_prose_stays_with_the_commands_below_it() -> None:
    text = "## Steps\n\n1. Do not run this while the primary is up:\n\n   ```bash\n   rm -rf /data\n   ```\n"
    (found,) = commands(text)
    assert [(each.forbids, each.line) for each in found.cautions] == [(True, 3)]


def test_a_warning_about_something_else_forbids_nothing() -> None:
    text = "## Steps\n\nDo not use `KEYS`. Instead use:\n\n```bash\nredis-cli -h db --scan\n```\n"
    (found,) = commands(text)
    assert [each.forbids for each in found.cautions] == [False]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Run `kubectl get pods`.", ["kubectl get pods"]),
        ("You can check it with `df -h /data`.", ["df -h /data"]),
        ("Restart it by running `chef-client`.", ["chef-client"]),
        ("1. `systemctl restart x`", ["systemctl restart x"]),
        ("- On the host: `/opt/x/bin/tool --version`", ["/opt/x/bin/tool --version"]),
        ("Look at `kubectl`.", []),
        ("The pods are listed by `kubectl get pods` every minute.", []),
        ("Set `spec.replicas` to 3.", []),
        ("To run `etcdctl` commands, open a shell.", []),
        ("Read `/var/log/messages`.", []),
    ],
)
def test_inline_code_is_a_command_where_the_sentence_says_to_run_it(sentence: str, found: list[str]) -> None:
    assert [each.text for each in commands(f"## Steps\n\n{sentence}\n")] == found


def test_a_code_span_over_two_lines_keeps_the_lines_of_what_follows() -> None:
    text = "## Steps\n\n1. Run `kubectl get\n   pods -A` first and\n   then run `kubectl top nodes`.\n"
    assert [(each.text, each.lines.first) for each in commands(text)] == [
        ("kubectl get pods -A", 3),
        ("kubectl top nodes", 5),
    ]
