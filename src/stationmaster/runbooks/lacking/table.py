"""What programs say when their surroundings are missing: no cluster, no account, no engine, nobody at home."""

import re
from dataclasses import dataclass
from enum import Enum

from stationmaster.runbooks.risk.classes import cells


class Scope(Enum):
    ALWAYS = "always"
    DEFAULT_ADDRESS = "default-address"
    """Counts only where the command does not say itself whom it asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """`said` is what the program writes, `why` what that means (groups as in `re`); `addresses` are the options that
    say whom it asks. `whatever_status`: it ends with 0 all the same."""

    programs: frozenset[str]
    said: re.Pattern[str]
    why: str
    scope: Scope = Scope.ALWAYS
    addresses: frozenset[str] = frozenset()
    whatever_status: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """`asks` are the words of a look that needs the same surroundings as a change; `carries` the options of the change
    that say which ones are meant."""

    programs: frozenset[str]
    asks: tuple[str, ...]
    carries: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    """Verbs that need none of it: they set up this machine."""


_KUBERNETES = "kubectl oc helm k9s kustomize stern flux argocd istioctl velero linkerd"
_DOCKER = "docker docker-compose nerdctl"
_POSTGRES = "psql pg_dump pg_dumpall pg_restore pg_basebackup createdb dropdb vacuumdb reindexdb"
_SSH = "ssh scp sftp rsync"


def _lack(programs: str, said: str, why: str, **more: str | bool) -> Lack:
    addresses = cells(str(more.get("addresses", "")))
    return Lack(
        programs=cells(programs),
        said=re.compile(said, re.MULTILINE),
        why=why,
        scope=Scope.DEFAULT_ADDRESS if addresses else Scope.ALWAYS,
        addresses=addresses,
        whatever_status=bool(more.get("whatever_status", False)),
    )


LACKS: tuple[Lack, ...] = (
    # Kubernetes
    _lack(
        _KUBERNETES,
        r"connection to the server (\S+?) was refused",
        r"no Kubernetes cluster answers at \1",
    ),
    _lack(_KUBERNETES, r"Unable to connect to the server: (.+)", r"no Kubernetes cluster can be reached: \1"),
    _lack(_KUBERNETES, r"Kubernetes cluster unreachable: (.+)", r"no Kubernetes cluster can be reached: \1"),
    _lack(
        _KUBERNETES,
        r"current-context is not set|no configuration has been provided|Missing or incomplete configuration info",
        "no Kubernetes cluster is configured",
    ),
    _lack(_KUBERNETES, r"context was not found for specified context: (\S+)", r"there is no Kubernetes context \1"),
    _lack(_KUBERNETES, r"context:? \"?([^\s\"]+)\"? does not exist", r"there is no Kubernetes context \1"),
    _lack(
        _KUBERNETES,
        r"must be logged in to the server|error: You must be logged in|the server has asked for the client to provide",
        "nobody is logged in to the Kubernetes cluster",
    ),
    # Clouds
    _lack("aws", r"Unable to locate credentials|Partial credentials found", "aws has no credentials"),
    _lack("aws", r"must specify a region", "aws has no region and no account"),
    _lack("aws", r"config profile \((.+?)\) could not be found", r"aws has no profile \1"),
    _lack(
        "aws",
        r"(?:ExpiredToken|InvalidClientTokenId|UnrecognizedClientException|SSO session .* (?:expired|invalid))",
        "the credentials of aws are not valid",
    ),
    _lack("aws", r"Could not connect to the endpoint URL: \"?([^\s\"]+)", r"AWS cannot be reached at \1"),
    _lack(
        "gcloud gsutil bq",
        r"do not currently have an active account|problem refreshing your current auth tokens|Anonymous caller",
        "nobody is logged in to Google Cloud",
    ),
    _lack("gcloud gsutil bq", r"required property \[project\] is not", "no project of Google Cloud is chosen"),
    _lack("gcloud", r"No credentialed accounts", "nobody is logged in to Google Cloud", whatever_status=True),
    _lack("az", r"[Pp]lease run '?\"?az login", "nobody is logged in to Azure"),
    # Containers
    _lack(
        _DOCKER,
        r"Cannot connect to the Docker daemon at (\S+?)\.?(?:\s|$)",
        r"no Docker engine answers at \1",
    ),
    _lack(
        _DOCKER,
        r"permission denied while trying to connect to the Docker daemon",
        "the Docker engine lets nobody in here",
    ),
    _lack(_DOCKER, r"error during connect: (.+)", r"no Docker engine answers: \1"),
    _lack("podman", r"Cannot connect to Podman", "no Podman service answers"),
    _lack(
        f"{_DOCKER} podman",
        r"No such (container|object|service|volume|network): (\S+)",
        r"this engine has no \1 \2",
    ),
    _lack(f"{_DOCKER} podman", r"no container with name or ID \"?([^\s\"]+)", r"this engine has no container \1"),
    _lack(
        f"{_DOCKER} podman podman-compose",
        r"no configuration file provided|Can't find a suitable configuration file",
        "there is no compose file here",
    ),
    _lack(_DOCKER, r"'(compose|buildx|stack|swarm)' is not a docker command", r"docker has no command \1 here"),
    _lack(_DOCKER, r"unknown command: docker (compose|buildx)", r"docker has no command \1 here"),
    _lack(_DOCKER, r"This node is not a swarm manager", "the Docker engine belongs to no swarm"),
    # Databases, asked where they are by default
    _lack(
        _POSTGRES,
        r"connection to server (?:at|on socket) (\"[^\"]+\".*?) failed: (?:Connection refused|No such file)",
        r"no PostgreSQL server answers at \1",
        addresses="-h --host",
    ),
    _lack(_POSTGRES, r"no password supplied|password authentication failed", "no password for PostgreSQL is known"),
    _lack("pg_isready", r"^(\S+:\d+) - no response", r"no PostgreSQL server answers at \1", addresses="-h --host"),
    _lack(
        "redis-cli valkey-cli",
        r"Could not connect to (?:Redis|Valkey) at (\S+): Connection refused",
        r"no Redis server answers at \1",
        addresses="-h -u",
    ),
    _lack(
        "mysql mysqladmin mysqldump mariadb mariadb-admin mariadb-dump",
        r"[Cc]an't connect to (?:local )?(?:MySQL |MariaDB )?server (?:through socket|on) '([^']+)'",
        r"no MySQL server answers at \1",
        addresses="-h --host",
    ),
    _lack(
        "mongosh mongo",
        r"ECONNREFUSED (\S+?:27017)",
        r"no MongoDB server answers at \1",
        addresses="--host --port",
    ),
    _lack(
        "consul vault nomad etcdctl",
        r"(?:dial tcp|endpoint:?) \[?((?:127\.0\.0\.1|\[?::1\]?|localhost):\d+).*?(?:connection refused|deadline)",
        r"nothing answers at \1",
        addresses="--endpoints -address --address -http-addr",
    ),
    # The machine itself
    _lack(
        "systemctl service loginctl hostnamectl timedatectl",
        r"not been booted with systemd|Failed to connect to bus",
        "this machine is not run by systemd",
    ),
    _lack("systemctl service", r"Unit (\S+?) (?:could not be found|not found|not loaded)", r"there is no unit \1 here"),
    _lack("service", r"^(\S+): unrecognized service", r"there is no service \1 here"),
    _lack(
        "journalctl", r"No journal files were (?:found|opened)", "this machine keeps no journal", whatever_status=True
    ),
    _lack("sudo", r"sudo: a (?:password|terminal) is required", "sudo wants a password"),
    # Other machines
    _lack(_SSH, r"Could not resolve hostname (\S+?):", r"the name \1 means nothing on this machine"),
    _lack(_SSH, r"Permission denied \((?:publickey|password|keyboard)", "the other machine lets nobody in from here"),
    _lack(_SSH, r"Host key verification failed", "the key of the other machine is not known here"),
)

_CLUSTER = "--context --kubeconfig --cluster --server -s --user --token --as"

PROBES: tuple[Asks, ...] = (
    Asks(
        programs=cells("kubectl"),
        asks=("version", "--request-timeout=4s"),
        carries=cells(_CLUSTER),
        alone=cells("config kustomize completion plugin"),
    ),
    Asks(
        programs=cells("oc"),
        asks=("whoami", "--request-timeout=4s"),
        carries=cells(_CLUSTER),
        alone=cells("config login logout completion"),
    ),
    Asks(
        programs=cells("helm"),
        asks=("list", "--max", "1"),
        carries=cells("--kube-context --kubeconfig --kube-apiserver --kube-token --namespace -n"),
        alone=cells("repo plugin completion dependency package pull lint template registry"),
    ),
    Asks(
        programs=cells("aws"),
        asks=("sts", "get-caller-identity"),
        carries=cells("--profile --region --endpoint-url"),
        alone=cells("configure sso"),
    ),
    Asks(
        programs=cells("gcloud"),
        asks=("auth", "list"),
        carries=cells("--account --project --configuration"),
        alone=cells("config auth init components"),
    ),
    Asks(
        programs=cells("az"),
        asks=("account", "show"),
        carries=cells("--subscription"),
        alone=cells("login logout config account"),
    ),
    Asks(
        programs=cells("docker"),
        asks=("version",),
        carries=cells("-H --host --context -c"),
        alone=cells("context login logout"),
    ),
    Asks(programs=cells("podman"), asks=("version",), alone=cells("login logout")),
    Asks(programs=cells("systemctl"), asks=("list-jobs",)),
)

OF_CONTAINERS = cells("docker podman nerdctl")
NEEDS_CONTAINER = cells("restart stop start kill rm exec pause unpause update rename attach")
"""Verbs of theirs that can do nothing where there is no such container."""
