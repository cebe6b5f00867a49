"""What a process that watches over thousands of others asks of its machine and of its own interpreter, at its start."""

import gc
import resource
from typing import Final

import structlog

log = structlog.get_logger("process")

_MOST_FILES: Final = 1 << 20
"""Nobody refuses this many; programs that go through all numbers of descriptors suffer from more."""

_COLLECT_AFTER: Final = (20_000, 5, 200)
"""Of Python's collector: a whole collection walks all that is known of a million series, and everybody waits meanwhile.
With the usual 700 new objects for the youngest generation, a scrape of many new series asks for one after the other."""


def prepare() -> None:
    """Once, before there are loops or children: as many descriptors as are allowed, and fewer whole collections."""
    raise_descriptors()
    gc.set_threshold(*_COLLECT_AFTER)


def raise_descriptors() -> int:
    """Lifts the soft limit of open files to the hard one (a million at most), where that may be done; the limit that
    holds then, which children inherit.

    Every check and every scrape under way has a connection: 2,000 targets that hang need more than the usual 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.warning("the limit of open files stays", limit=soft, why=str(error))
        return soft
    return wanted
