"""What a program says when its surroundings are missing is told from what it finds wrong."""

import pytest

from stationmaster.core.command import CommandResult
from stationmaster.runbooks.lacking.told import lacks, missing_program, probes_of

REFUSED_HERE = "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
NO_SOCKET = (
    'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory'
)
REFUSED_BY_HOST = 'psql: error: connection to server at "db1" (10.0.0.7), port 5432 failed: Connection refused'

# command, exit status, what it wrote, why it could not look ("" where it did)
TOLD = [
    ("kubectl get pods", 1, f"E1121 memcache.go\n{REFUSED_HERE}", "no Kubernetes cluster answers at localhost:8080"),
    ("kubectl get pods | grep web", 1, REFUSED_HERE, "no Kubernetes cluster answers at localhost:8080"),
    ("kubectl logs web", 0, f"{REFUSED_HERE} is what the program itself has logged", ""),
    ("echo hello", 1, REFUSED_HERE, ""),
    (
        "kubectl --context prod get po",
        1,
        "Error in configuration: context was not found for specified context: prod",
        "there is no Kubernetes context prod",
    ),
    ("oc get pods", 1, "error: Missing or incomplete configuration info.", "no Kubernetes cluster is configured"),
    ("kubectl get pods", 1, 'Error from server (NotFound): pods "web" not found', ""),
    (
        "helm list",
        1,
        "Error: Kubernetes cluster unreachable: dial tcp: timeout",
        "no Kubernetes cluster can be reached: dial tcp: timeout",
    ),
    ("aws s3 ls", 255, "Unable to locate credentials. You can configure", "aws has no credentials"),
    ("aws s3 ls", 255, "You must specify a region.", "aws has no region and no account"),
    ("aws s3 ls", 254, "An error occurred (AccessDenied) when calling the ListBuckets operation", ""),
    (
        "gcloud compute instances list",
        1,
        "ERROR: You do not currently have an active account selected.",
        "nobody is logged in to Google Cloud",
    ),
    ("docker ps", 1, NO_DAEMON, "no Docker engine answers at unix:///var/run/docker.sock"),
    (
        "docker logs x",
        1,
        "Error response from daemon: No such container: x",
        "this engine has no container x",
    ),
    (
        "psql -c 'SELECT 1'",
        2,
        NO_SOCKET,
        'no PostgreSQL server answers at "/var/run/postgresql/.s.PGSQL.5432"',
    ),
    ("psql -h db1 -c 'SELECT 1'", 2, REFUSED_BY_HOST, ""),
    ("psql postgres://db1/x -c 'SELECT 1'", 2, REFUSED_BY_HOST, ""),
    (
        "redis-cli ping",
        1,
        "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
        "no Redis server answers at 127.0.0.1:6379",
    ),
    ("redis-cli -h cache ping", 1, "Could not connect to Redis at cache:6379: Connection refused", ""),
    (
        "sudo systemctl status x",
        1,
        "System has not been booted with systemd as init system (PID 1). Can't operate.",
        "this machine is not run by systemd",
    ),
    ("systemctl status x", 4, "Unit x.service could not be found.", "there is no unit x.service here"),
    ("systemctl status x", 3, "x.service - X\n   Active: inactive (dead)", ""),
    ("journalctl -u x", 0, "No journal files were found.\n-- No entries --", "this machine keeps no journal"),
    ("curl http://prometheus:9090/", 6, "curl: (6) Could not resolve host: prometheus", "the name prometheus means"),
    ("curl -I http://a.b.local/", 6, "curl: (6) Could not resolve host: a.b.local", "the name a.b.local means"),
    ("curl https://shop.example.org/", 6, "curl: (6) Could not resolve host: shop.example.org", ""),
    ("curl http://127.0.0.1:1/", 7, "curl: (7) Failed to connect", ""),
    ("jq . x | frob", 127, "bash: line 1: frob: command not found", "frob not found on PATH"),
    ("run-all", 127, "./inner.sh: line 3: kubectl: command not found", ""),
    ("ssh web1 uptime", 255, "ssh: Could not resolve hostname web1: Name or service not known", "the name web1 means"),
    ("ssh web1 uptime", 255, "ssh: connect to host web1 port 22: Connection refused", ""),
]


@pytest.mark.parametrize(("text", "status", "wrote", "why"), TOLD)
def test_what_could_not_look_is_told_from_what_found_something_wrong(
    text: str, status: int, wrote: str, why: str
) -> None:
    found = lacks(text, CommandResult(exit_status=status, output=wrote))
    assert found.startswith(f"not runnable here: {why}") if why else found == ""


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("kubectl scale deploy/web --replicas=2", ("kubectl", "version", "--request-timeout=4s")),
        (
            "kubectl --context=prod scale deploy/web --replicas=2",
            ("kubectl", "--context=prod", "version", "--request-timeout=4s"),
        ),
        ("aws s3 rm s3://a --profile ops", ("aws", "--profile", "ops", "sts", "get-caller-identity")),
        ("docker restart -t 5 web", ("docker", "inspect", "--type", "container", "--format", "{{.Id}}", "web")),
        ("sudo docker build .", ("docker", "version")),
        ("systemctl restart x", ("systemctl", "list-jobs")),
    ],
)
def test_a_change_is_preceded_by_a_look_for_what_it_changes(text: str, asked: tuple[str, ...]) -> None:
    assert [each.argv for each in probes_of(text)] == [asked]


@pytest.mark.parametrize(
    "text", ["kubectl config use-context a", "aws configure set region x", "touch x", "helm repo add a b"]
)
def test_what_sets_up_this_machine_needs_nothing_else(text: str) -> None:
    assert probes_of(text) == ()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("kubectl get pods", "kubectl"),
        ("frobnicate --all", "frobnicate"),
        ("cd /tmp && kubectl get pods", "kubectl"),
        ("cd /tmp && mine", ""),
        ("./here.sh", ""),
    ],
)
def test_a_program_that_is_not_there_is_missed_before_it_is_run(text: str, missing: str) -> None:
    found = missing_program(text, lambda _program: None)
    assert found == (f"not runnable here: {missing} not found on PATH" if missing else "")
    assert missing_program(text, lambda program: program) == ""
