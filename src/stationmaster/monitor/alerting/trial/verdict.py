"""What differs between what a test expects and what there is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stationmaster.core.problem import Origin
from stationmaster.monitor.alerting.template.formatting import quoted
from stationmaster.monitor.alerting.template.values import shortest
from stationmaster.monitor.alerting.trial.document import ExpectedAlert
from stationmaster.monitor.promql.samples import Labels

Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`test` is the name of the test, if it has one; `origin` the case in the test file, or the rule that failed."""

    origin: Origin
    test: str
    message: str


def mismatch_of_alerts(expected: Sequence[ExpectedAlert], got: Sequence[ExpectedAlert]) -> str:
    """Empty where both are the same, whatever their order."""
    wanted, found = sorted(map(_told, expected)), sorted(map(_told, got))
    return "" if wanted == found else _difference(wanted, found)


def mismatch_of_samples(expected: Sequence[Sample], got: Sequence[Sample], same: Callable[[float, float], bool]) -> str:
    wanted, found = sorted(expected, key=_place), sorted(got, key=_place)
    alike = len(wanted) == len(found) and all(
        one[0] == other[0] and same(one[1], other[1]) for one, other in zip(wanted, found, strict=True)
    )
    return "" if alike else _difference([_sample(each) for each in wanted], [_sample(each) for each in found])


def _difference(wanted: Sequence[str], found: Sequence[str]) -> str:
    return f"\n  expected: {_listed(wanted)}\n  got:      {_listed(found)}"


def _listed(texts: Sequence[str]) -> str:
    return "\n            ".join(texts) if texts else "nothing"


def _told(alert: ExpectedAlert) -> str:
    return f"{_braced(sorted(alert.labels.items()))} annotations {_braced(sorted(alert.annotations.items()))}"


def _braced(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name}={quoted(value)}" for name, value in pairs if value) + "}"


def _sample(sample: Sample) -> str:
    labels, value = sample
    name = dict(labels).get("__name__", "")
    return f"{name}{_braced([pair for pair in labels if pair[0] != '__name__'])} {shortest(value)}"


def _place(sample: Sample) -> Labels:
    return sample[0]
