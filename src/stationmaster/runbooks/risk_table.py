"""What known programs do, as data: one row per program and sub-command with its class and the reason for it."""

from dataclasses import dataclass
from enum import Enum


class Risk(Enum):
    """What running a command may do; see `worst` for their order."""

    READ = "read"
    CHANGE = "change"
    INTERACTIVE = "interactive"
    UNKNOWN = "unknown"
    DESTROY = "destroy"


def cells(text: str) -> frozenset[str]:
    """The blank-separated words of a table's cell."""
    return frozenset(text.split())


_ORDER = tuple(Risk)


def worst(*risks: Risk) -> Risk:
    """The class that needs the most care; of nothing it is read."""
    return max(risks, key=_ORDER.index, default=Risk.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`verbs` are the words after the program that select the row: none of them means the program as such."""

    program: str
    verbs: frozenset[tuple[str, ...]]
    risk: Risk
    reason: str


def _rows(program: str, risk: Risk, verbs: str, reason: str) -> Row:
    """`verbs` separated by blanks; the words of a longer verb are joined by `/`."""
    return Row(program=program, verbs=frozenset(tuple(v.split("/")) for v in verbs.split()), risk=risk, reason=reason)


_READ, _CHANGE, _DESTROY, _ASK = Risk.READ, Risk.CHANGE, Risk.DESTROY, Risk.INTERACTIVE

VERB_ROWS: tuple[Row, ...] = (
    _rows(
        "docker",
        _READ,
        """logs ps inspect images stats top version info events port diff history search container/logs container/ls
        container/ps container/list container/inspect container/stats container/top container/port container/diff
        image/ls image/list image/inspect image/history volume/ls volume/list volume/inspect network/ls network/list
        network/inspect system/df system/info system/events service/ls service/ps service/logs service/inspect node/ls
        node/ps node/inspect stack/ls stack/ps stack/services compose/ps compose/logs compose/ls compose/images
        compose/top compose/version context/ls context/show""",
        "shows containers, images or logs",
    ),
    _rows(
        "docker",
        _CHANGE,
        """restart start stop kill pause unpause update rename tag pull create container/restart container/start
        container/stop container/kill container/pause container/unpause container/update compose/restart compose/start
        compose/stop compose/pull compose/up network/connect network/disconnect service/update service/scale
        service/rollback""",
        "changes what runs; it can be started, stopped or set back",
    ),
    _rows(
        "docker",
        _DESTROY,
        """rm rmi container/rm container/prune image/rm image/prune volume/rm volume/prune network/rm network/prune
        system/prune service/rm stack/rm compose/down compose/rm swarm/leave""",
        "removes containers, images, volumes or networks for good",
    ),
    _rows("docker", _ASK, "attach container/attach login", "holds the terminal"),
    _rows(
        "kubectl",
        _READ,
        """get describe logs top explain version cluster-info api-resources api-versions events wait diff
        rollout/status rollout/history config/view config/get-contexts config/current-context config/get-clusters
        auth/can-i auth/whoami""",
        "shows objects, logs or usage",
    ),
    _rows(
        "kubectl",
        _CHANGE,
        """apply create patch scale set/image set/env set/resources label annotate autoscale expose cordon uncordon
        taint rollout/restart rollout/undo rollout/pause rollout/resume cp config/use-context config/set-context run""",
        "changes objects of the cluster; the change can be taken back",
    ),
    _rows("kubectl", _CHANGE, "drain", "moves every pod away from a node; uncordon takes it back"),
    _rows("kubectl", _DESTROY, "delete replace", "removes objects, and with some of them their data"),
    _rows("kubectl", _ASK, "edit attach port-forward proxy debug", "holds the terminal"),
    _rows(
        "systemctl",
        _READ,
        """status is-active is-enabled is-failed show cat list-units list-unit-files list-timers list-sockets
        list-dependencies list-jobs get-default""",
        "shows units and their state",
    ),
    _rows(
        "systemctl",
        _CHANGE,
        """start stop restart reload try-restart reload-or-restart enable disable mask unmask daemon-reload reset-failed
        kill""",
        "changes which units run; it can be set back",
    ),
    _rows("systemctl", _CHANGE, "reboot", "stops everything on the host until it is up again"),
    _rows("systemctl", _DESTROY, "poweroff halt kexec", "the host does not come back by itself"),
    _rows("systemctl", _ASK, "edit", "opens an editor"),
    _rows(
        "redis-cli",
        _READ,
        "ping info get mget ttl type exists llen hgetall hget scard dbsize keys scan strlen time lastsave role",
        "reads keys or the state of the server",
    ),
    _rows("redis-cli", _CHANGE, "set expire persist bgsave bgrewriteaof", "changes keys or writes a dump"),
    _rows("redis-cli", _DESTROY, "flushall flushdb del unlink shutdown", "removes keys or stops the server"),
)

PROGRAM_ROWS: tuple[Row, ...] = (
    _rows(
        "-",
        _READ,
        """cat ls grep egrep fgrep zgrep head tail wc cut tr nl od stat du df free uptime
        uname whoami id groups pwd echo printf true false test [ which type ps pgrep pstree lsof netstat
        dig nslookup host ping traceroute
        tracepath getent vmstat iostat mpstat nproc lscpu lsblk last w
        who
        jq basename dirname readlink realpath seq sleep md5sum sha1sum sha256sum cmp diff comm column fold rev tac
        zcat printenv cd""",
        "only shows things",
    ),
    _rows(
        "-",
        _CHANGE,
        "mkdir touch ln cp chmod chown chgrp kill pkill killall renice tee service",
        "changes files or processes; it can be set back",
    ),
    _rows(
        "-",
        _DESTROY,
        "rm rmdir dd mkfs shred truncate wipefs fdisk parted mv unlink poweroff halt shutdown dropdb",
        "removes or overwrites for good",
    ),
    _rows(
        "-",
        _ASK,
        "vi vim nano emacs less more top htop su ssh telnet mysql mongo screen tmux man passwd visudo watch",
        "holds the terminal",
    ),
)

GLOBAL_OPTIONS_WITH_VALUE: dict[str, frozenset[str]] = {
    "docker": cells("-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey"),
    "kubectl": cells(
        """
        -n --namespace --context --cluster --user --kubeconfig -s --server --token --as --as-group
        --request-timeout --cache-dir --certificate-authority --client-certificate --client-key
        --tls-server-name -v --v
        """
    ),
    "systemctl": cells("-H --host -M --machine -t --type --state -p --property -n --lines -o --output"),
    "redis-cli": cells("-h -p -a -n -u --user --pass -s"),
}
"""Options that may stand before the verb and take the next word as their value."""

GLOBAL_FLAGS: dict[str, frozenset[str]] = {
    "docker": cells("-D --debug --tls --tlsverify"),
    "kubectl": cells("--insecure-skip-tls-verify --match-server-version --warnings-as-errors"),
    "systemctl": cells("--user --system --no-pager -q --quiet -a --all --no-legend --failed --now -l --full"),
    "redis-cli": cells("--raw --no-raw --tls --csv --json"),
}

ALIASES = {"oc": "kubectl", "k": "kubectl", "podman": "docker"}

HARMLESS_VARIABLES = cells(
    """
        KUBECONFIG LANG LC_ALL LC_CTYPE TZ NO_COLOR COLUMNS AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION PGPASSWORD
        PGHOST PGPORT PGUSER PGDATABASE
        """
)
"""Variables that may be set before a program without another program being run in its place."""
