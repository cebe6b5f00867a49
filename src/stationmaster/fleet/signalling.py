"""Sends a signal to a process and to all that it started."""

from contextlib import suppress

import psutil


def signal_all(pid: int, number: int) -> bool:
    """Children first, so that none is born unseen of one that goes on; False where the process is gone."""
    try:
        leader = psutil.Process(pid)
        family = [*leader.children(recursive=True), leader]
    except psutil.NoSuchProcess:
        return False
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(number)
    return True
