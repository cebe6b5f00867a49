"""Joins pages with the ways to send them: the loops that page, and the one that watches them."""

from collections.abc import Awaitable, Callable

from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.incidents.pager import Pager
from stationmaster.incidents.talk.loop import Updates
from stationmaster.incidents.telling import Telling
from stationmaster.incidents.watch import PageWatch


def page_loops(incidents: Incidents) -> dict[str, Callable[[], Awaitable[None]]]:
    """Loops by name. The watchdog has threads of its own: what makes the pager hang must not hold it up."""
    pager = Pager(incidents.ground, telling(incidents))
    watch = PageWatch(incidents.ground, incidents.overdue, telling(incidents))
    return {"pages": pager.run, "page watchdog": watch.run, "updates": Updates(incidents.talk).run}


def telling(incidents: Incidents) -> Telling:
    declared = incidents.declared
    return Telling(
        every=every_notifier(lambda: declared.value.incidents.smtp, outbox=incidents.outbox),
        links=incidents.links,
        spec=lambda: declared.value,
        now=incidents.clock.now,
    )
