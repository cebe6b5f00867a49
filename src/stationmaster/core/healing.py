"""The bounds of what the platform changes by itself, for the whole of it and for one service."""

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingPolicy:
    """Bounds of what is changed unasked, by self-healing and by runs: never leave fewer targets in a virtual host, nor
    withdraw a larger share, nor restart one instance or change a service more often within an hour.

    `one_change_at_a_time`: a run that wants to change a service waits while another one changes it. `stop_when_worse`:
    when what callers get has become worse after a change, nothing more is changed unasked. `slow_start_ms` is that of
    virtual hosts that declare none.
    """

    min_targets: int = 1
    max_withdrawn_percent: int = 67
    max_restarts_per_hour: int = 6
    """Of one instance."""
    max_actions_per_hour: int = 60
    """Of the whole platform; where a service declares it, of that service as well."""
    one_change_at_a_time: bool = True
    stop_when_worse: bool = True
    slow_start_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingOverrides:
    """What one service declares in place of the platform's bounds; None stands for those."""

    min_targets: int | None = None
    max_withdrawn_percent: int | None = None
    max_restarts_per_hour: int | None = None
    max_actions_per_hour: int | None = None
    one_change_at_a_time: bool | None = None
    stop_when_worse: bool | None = None
    slow_start_ms: int | None = None

    def over(self, policy: HealingPolicy) -> HealingPolicy:
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(policy, **{name: value for name, value in said.items() if value is not None})


NO_OVERRIDES = HealingOverrides()
