"""The REST API's documents about objectives and their error budgets."""

from stationmaster.api.wire import Answer


class ObjectiveStatus(Answer):
    """Shares are 0 to 1; None where nothing has been recorded."""

    api: str
    service: str
    objective: str
    """Unique within the API, as `availability-99.9-30d`; the label of its series and alerts."""
    line: str
    """As it is declared: "99.9% over 30d"."""
    standing: str
    """met, burning, exhausted or unknown."""
    good: float | None
    """The share of good requests over as much of the window as is known."""
    budget_left: float | None
    """Of the error budget; negative once it is overdrawn."""
    burn_rate: float | None
    """Over the last hour; at 1 the budget lasts exactly for the window."""
    empty_in_s: float | None
    """Until the budget is empty at the burn rate of the last hour; None while nothing fails."""


class ObjectiveProblem(Answer):
    """An objective that is watched by another bound than it says, or cannot be watched."""

    code: str
    severity: str
    file: str
    line: int
    message: str
    hint: str


class ObjectiveList(Answer):
    environment: str
    objectives: tuple[ObjectiveStatus, ...]
    problems: tuple[ObjectiveProblem, ...]


class BurnLevel(Answer):
    """When somebody is told; `failing` is the share of bad requests, 0 to 1, above which it fires."""

    severity: str
    long_window: str
    short_window: str
    burn_rate: float
    failing: float
    budget_percent: float
    """What share of the budget is gone when it fires, after a time without failures."""
    outage_told_s: float | None
    """How long a total outage takes until somebody is told; None where that never comes to be."""
    expr: str


class ObjectiveRule(Answer):
    """A rule in Prometheus' words; `record` or `alert` is its name, the other one empty."""

    record: str
    alert: str
    expr: str


class ObjectiveExplanation(Answer):
    objective: str
    line: str
    file: str
    at_line: int
    words: tuple[str, ...]
    levels: tuple[BurnLevel, ...]
    rules: tuple[ObjectiveRule, ...]


class ObjectiveExplanations(Answer):
    api: str
    explained: tuple[ObjectiveExplanation, ...]
    problems: tuple[ObjectiveProblem, ...]
