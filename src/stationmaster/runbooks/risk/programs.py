"""Every program that is known: the tables of the families, and judges of programs that carry a text."""

from collections.abc import Callable, Sequence

from stationmaster.runbooks.risk import clients, text
from stationmaster.runbooks.risk.aws import AWS
from stationmaster.runbooks.risk.classes import Judged
from stationmaster.runbooks.risk.cloud import CLOUD
from stationmaster.runbooks.risk.containers import CONTAINERS
from stationmaster.runbooks.risk.coreutils import COREUTILS
from stationmaster.runbooks.risk.databases import DATABASES
from stationmaster.runbooks.risk.kubernetes import KUBERNETES
from stationmaster.runbooks.risk.network import NETWORK
from stationmaster.runbooks.risk.own import OWN
from stationmaster.runbooks.risk.packages import PACKAGES
from stationmaster.runbooks.risk.platforms import PLATFORMS
from stationmaster.runbooks.risk.rows import Family
from stationmaster.runbooks.risk.services import SERVICES
from stationmaster.runbooks.risk.table import build_tables
from stationmaster.runbooks.risk.vcs import VCS
from stationmaster.runbooks.risk.wrappers import WRAPPING
from stationmaster.runbooks.shell.commands import Word

FAMILIES: tuple[Family, ...] = (
    KUBERNETES,
    CONTAINERS,
    COREUTILS,
    SERVICES,
    NETWORK,
    DATABASES,
    AWS,
    CLOUD,
    VCS,
    PACKAGES,
    PLATFORMS,
    OWN,
)
TABLES = build_tables(FAMILIES)
SPECIAL: dict[str, Callable[[Sequence[Word], str | None], Judged]] = {
    "curl": clients.curl,
    "wget": clients.wget,
    **{name: clients.sql_client(name) for name in clients.SQL_CLIENTS},
    "mongo": clients.mongo,
    "mongosh": clients.mongo,
    "sed": text.sed,
    "awk": text.awk,
    "tar": text.tar,
    "kill": text.kill,
}
ALIASES = {
    "k": "kubectl",
    "podman": "docker",
    "nerdctl": "docker",
    "gawk": "awk",
    "mawk": "awk",
    "nawk": "awk",
    "gsed": "sed",
    "gtar": "tar",
    "bsdtar": "tar",
    "mariadb": "mysql",
    "gitlab-psql": "psql",
    "gitlab-patronictl": "patronictl",
    "egrep": "grep",
    "fgrep": "grep",
    "systemd-journalctl": "journalctl",
}
KNOWN_PROGRAMS = frozenset(TABLES) | frozenset(SPECIAL) | frozenset(ALIASES) | WRAPPING | frozenset({"sh", "bash"})
"""Every name that the tables have an opinion on."""
