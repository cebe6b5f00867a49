"""Says in PromQL what a bad request of an API is, on the metrics that the gateway tells of every API."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.spec import Objective

REQUESTS = "stationmaster_api_requests_total"
DURATIONS = "stationmaster_api_request_duration_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The bound in seconds of the classic histogram that stands for a latency; None where none is low enough."""

    bound_s: float | None
    exact: bool


def bucket_of(latency_ms: int, bounds_s: Sequence[float]) -> Bucket:
    """The bound that is the latency, else the next lower one: a request between the two then counts as too slow."""
    wanted = latency_ms / 1000
    bound = max((each for each in bounds_s if each <= wanted), default=None)
    return Bucket(bound_s=bound, exact=bound == wanted)


def unmeasured(objective: Objective, bounds_s: Sequence[float]) -> bool:
    """Whether its latency is below every bound, so that the histogram cannot tell which requests met it."""
    return objective.latency_ms is not None and bucket_of(objective.latency_ms, bounds_s).bound_s is None


def bad_rate(objective: Objective, api: str, window: str, bounds_s: Sequence[float]) -> str:
    """Bad requests per second over a PromQL duration: server errors, and where a latency is given also answers that
    took longer. A server error that was slow as well counts twice, so that the rate errs on the safe side."""
    errors = f'(sum(rate({REQUESTS}{{api="{api}",code_class="5xx"}}[{window}])) or vector(0))'
    if objective.latency_ms is None:
        return errors
    bound = bucket_of(objective.latency_ms, bounds_s).bound_s
    if bound is None:
        raise ValueError(f"no bucket ends at {objective.latency_ms} ms or below")
    all_answers = f'sum(rate({DURATIONS}_count{{api="{api}"}}[{window}]))'
    in_time = f'sum(rate({DURATIONS}_bucket{{api="{api}",le=~"{_spellings(bound)}"}}[{window}]))'
    return f"({errors} + (clamp_min({all_answers} - {in_time}, 0) or vector(0)))"


def total_rate(api: str, window: str) -> str:
    """Requests per second over a PromQL duration."""
    return f'sum(rate({REQUESTS}{{api="{api}"}}[{window}]))'


def _spellings(bound_s: float) -> str:
    """A regular expression for the label `le`: clients write 1 or 1.0 for the same bound."""
    short = f"{bound_s:.15g}"
    texts = {short, repr(bound_s)}
    return "|".join(sorted(text.replace("+", r"\\+").replace(".", r"\\.") for text in texts))
