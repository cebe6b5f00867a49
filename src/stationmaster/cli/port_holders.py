"""Which processes listen on this machine, as far as whoever asks may see it."""

import shlex

import psutil

from stationmaster.core.spec import Address

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 compared, not listened on
_V4_IN_V6 = "::ffff:"
"""So begins the address of a socket for IPv6 that listens on one of IPv4 (RFC 4291 2.5.5.2)."""
_SHOWN_CHARACTERS = 80


class PortHolders:
    """As of the moment in which it is made."""

    def __init__(self) -> None:
        self._listening = tuple(_listening())

    def of(self, address: Address) -> str | None:
        """The process in words, `pid 812 (nginx -g 'daemon off;')`; None where it cannot be seen."""
        asked = {address.host, *_EVERY_ADDRESS}
        for host, port, pid in self._listening:
            if port == address.port and (host in asked or address.host in _EVERY_ADDRESS):
                return _described(pid)
        return None


def _listening() -> list[tuple[str, int, int]]:
    """Host, port and process. Some systems show the processes of others to nobody but root, or show none at all."""
    try:
        found = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    return [
        (each.laddr.ip.removeprefix(_V4_IN_V6), each.laddr.port, each.pid)
        for each in found
        if each.status == psutil.CONN_LISTEN and each.laddr and each.pid is not None
    ]


def _described(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        words = shlex.join(process.cmdline()) or process.name()
    except psutil.Error:
        return f"pid {pid}"
    shown = words if len(words) <= _SHOWN_CHARACTERS else f"{words[: _SHOWN_CHARACTERS - 1]}…"
    return f"pid {pid} ({shown})"
