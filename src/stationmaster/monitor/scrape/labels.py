"""Joins what a target says of a series with what is known of the target, in the way of Prometheus."""

from collections.abc import Mapping

from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.scrape.target import ScrapeTarget

_EXPORTED = "exported_"


def known_of(target: ScrapeTarget) -> Mapping[str, str]:
    """The labels of the target: those declared, which may name another job or instance."""
    return {"job": target.job, "instance": target.instance} | dict(target.labels)


def joined(told: Mapping[str, str], known: Mapping[str, str], *, honor: bool) -> Labels:
    """The label set of a series. Where both have a label, `honor` lets the target's word count (an empty one takes the
    label away); else ours does, and the target's is kept under a name that begins with `exported_`."""
    if known.keys().isdisjoint(told):
        return of({**known, **told})
    if honor:
        return of({**known, **told})
    both = {**told, **known}
    clashing = [name for name in known if told.get(name)]
    for name in sorted(clashing, key=len):
        exported = _EXPORTED + name
        while both.get(exported):
            exported = _EXPORTED + exported
        both[exported] = told[name]
    return of(both)


def of(labels: Mapping[str, str]) -> Labels:
    """Sorted by name, without empty values."""
    return tuple(sorted([pair for pair in labels.items() if pair[1]]))


def report(metric: str, known: Mapping[str, str]) -> Labels:
    """The label set of what the scraper says itself of a target, as `up`."""
    return of({**known, "__name__": metric})
