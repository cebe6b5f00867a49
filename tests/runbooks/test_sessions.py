"""What belongs into a session is sent through its opener, or left to a person; never run on the operator's machine."""

from pathlib import Path

import pytest

from stationmaster.runbooks.alone import plan_alone
from stationmaster.runbooks.plan.planned import PlannedKind
from stationmaster.runbooks.read.document import Session, SessionKind
from stationmaster.runbooks.shell.sessions import compose, without_terminal
from tests.runbooks.people import request

SSH, CONTAINER, DATABASE, CONSOLE = (
    SessionKind.SSH,
    SessionKind.CONTAINER,
    SessionKind.DATABASE,
    SessionKind.CONSOLE,
)

# kind, opener, command, typed before, what runs (None: a person types it)
TABLE = [
    (SSH, "ssh db-1", "df -h /var", (), "ssh db-1 'df -h /var'"),
    (SSH, "ssh -t db-1", "uptime", (), "ssh db-1 uptime"),
    (SSH, "ssh db-1", "ls", ("cd /var",), None),
    (SSH, "ssh db-1", "ls", ("uptime",), "ssh db-1 ls"),
    (SSH, "ssh db-1", "echo $X", ("X=1",), None),
    (SSH, "ssh $(pick)", "ls", (), None),
    (CONTAINER, "kubectl exec -it web -n p -- sh", "ls | wc -l", (), "kubectl exec web -n p -- sh -c 'ls | wc -l'"),
    (CONTAINER, "docker exec -ti web /bin/bash", "id", (), "docker exec web /bin/bash -c id"),
    (CONTAINER, "oc rsh web", "id", (), "oc rsh web sh -c id"),
    (CONTAINER, "kubectl attach web", "id", (), None),
    (DATABASE, "psql -U a b", "select 1;", (), "psql -U a b -c 'select 1;'"),
    (DATABASE, "mysql -h x", "show tables", (), "mysql -h x -e 'show tables'"),
    (DATABASE, "psql", "select 1;", ("begin;",), None),
    (DATABASE, "psql", "select 1;", ("\\c other",), None),
    (CONSOLE, "rails console", "User.count", (), None),
]


@pytest.mark.parametrize(("kind", "opener", "text", "before", "sent"), TABLE)
def test_a_command_is_sent_through_its_session(
    kind: SessionKind, opener: str, text: str, before: tuple[str, ...], sent: str | None
) -> None:
    assert compose(Session(kind=kind, opened_by=opener), text, before) == sent


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("kubectl exec -it web -- ls -t", "kubectl exec -i web -- ls -t"),
        ("kubectl -n p exec web -ti -- ls", "kubectl -n p exec web -i -- ls"),
        ("kubectl exec web -- psql -t -c 'select 1'", "kubectl exec web -- psql -t -c 'select 1'"),
        ("docker exec -it web ls", "docker exec -i web ls"),
        ("docker exec -u root -t web ls -t", "docker exec -u root web ls -t"),
        ("docker exec web psql -t", "docker exec web psql -t"),
        ("ls -t", "ls -t"),
    ],
)
def test_a_step_asks_for_no_terminal(text: str, without: str) -> None:
    assert without_terminal(text) == without


def test_a_session_in_a_fence_never_runs_here(tmp_path: Path) -> None:
    text = "# T\n\n## Steps\n\n```bash\nkubectl exec -it web -- sh\ncat /etc/passwd\ncd /tmp\nls\n```\n"
    steps = plan_alone(request(text, tmp_path)).steps
    for step in steps[1:]:
        sent = step.script.startswith("kubectl exec web -- sh -c")
        assert sent or step.kind is PlannedKind.MANUAL, step
    assert steps[1].command == "kubectl exec web -- sh -c 'cat /etc/passwd'"
    assert "has to be typed into `kubectl exec -it web -- sh`" in steps[3].why
