"""What the public is told when nobody wrote anything: neutral words that promise nothing and name nothing internal."""

from collections.abc import Sequence
from enum import Enum

from stationmaster.incidents.status.words import PostStatus, Standing


class Moment(Enum):
    """What of an incident the platform itself tells."""

    OPENED = "opened"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


STATUS_AT = {
    Moment.OPENED: PostStatus.INVESTIGATING,
    Moment.MITIGATED: PostStatus.MONITORING,
    Moment.RESOLVED: PostStatus.RESOLVED,
}
_TITLES = {
    Standing.DEGRADED: "Degraded performance of {what}",
    Standing.PARTIAL: "Partial outage of {what}",
    Standing.MAJOR: "Outage of {what}",
}
_TEXTS = {
    PostStatus.INVESTIGATING: "We see a problem with {what} and are looking into it.",
    PostStatus.IDENTIFIED: "We have found the cause of the problem with {what} and are working on it.",
    PostStatus.MONITORING: "{what} should work again. We go on watching it.",
    PostStatus.RESOLVED: "The problem with {what} is over.",
    PostStatus.POSTMORTEM: "We have looked into what happened to {what}.",
}


def title(components: Sequence[str], standing: Standing) -> str:
    return _TITLES.get(standing, "A problem with {what}").format(what=listed(components))


def text(status: PostStatus, components: Sequence[str]) -> str:
    said = _TEXTS[status].format(what=listed(components))
    return said[:1].upper() + said[1:]


def listed(names: Sequence[str]) -> str:
    """ "Orders", "Orders and Payments", "Orders, Payments and Search"."""
    if not names:
        return "our services"
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
