"""Joins reviews with the incidents that they are about and with the ways to remind somebody: the loops of this room."""

from collections.abc import Awaitable, Callable

from stationmaster.incidents.links import Link
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.incidents.review.completing import Completing
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.loop import ReviewLoop
from stationmaster.incidents.review.reminding import Reminding
from stationmaster.incidents.telling import url_of
from stationmaster.runtime.metrics import ControlMetrics


def watched(reviews: Reviews, metrics: ControlMetrics) -> Reviews:
    """What is left to do stands among the metrics from now on."""
    metrics.sources = (*metrics.sources, ReviewLoop(reviews).readings)
    return reviews


def review_loops(incidents: Incidents, reviews: Reviews) -> dict[str, Callable[[], Awaitable[None]]]:
    """Loops by name. A draft that fails holds no reminder up."""
    loop, declared = ReviewLoop(reviews), incidents.declared

    def link(number: int) -> str:
        token = incidents.links.token(Link(incident=number), incidents.clock.now())
        return f"{url_of(declared.value)}/i/{token}"

    reminding = Reminding(
        reviews=reviews,
        send=every_notifier(lambda: declared.value.incidents.smtp, outbox=incidents.outbox).send,
        link=link,
        spec=lambda: declared.value,
    )
    return {
        "review facts": loop.consume,
        "review drafts": loop.run,
        "review completion": Completing(reviews).run,
        "review reminders": reminding.run,
    }
