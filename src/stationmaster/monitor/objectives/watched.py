"""Names what is watched: an objective of an API with the labels that its rules, its alerts and its answers carry."""

from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.core.spec import Api, Objective, PlatformSpec

_GATEWAY = "gateway"
"""The service of an API that the gateway answers itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One objective of one API; `name` is unique within the API."""

    api: str
    service: str
    environment: str
    name: str
    objective: Objective
    ends_within_s: int | None = None
    """No short window of its alerts is longer."""

    @property
    def labels(self) -> dict[str, str]:
        return {"api": self.api, "service": self.service, "environment": self.environment, "objective": self.name}

    @property
    def selector(self) -> str:
        """PromQL's matchers for the series that are recorded for it."""
        return f'{{api="{self.api}",objective="{self.name}"}}'


def watched_of(spec: PlatformSpec) -> tuple[Watched, ...]:
    """Every objective that is declared, one that is declared twice for an API once."""
    found = {(each.api, each.name): each for api in spec.apis for each in _of_api(api, spec)}
    return tuple(found.values())


def line_of(objective: Objective) -> str:
    """The objective as it is written: "99% under 300ms over 7d"."""
    under = f" under {objective.latency_ms}ms" if objective.latency_ms is not None else ""
    return f"{_percent(objective)}%{under} over {objective.window_days}d"


def _of_api(api: Api, spec: PlatformSpec) -> Iterator[Watched]:
    for objective in api.objectives:
        yield Watched(
            api=api.name,
            service=_service(api, spec),
            environment=spec.environment,
            name=_name(objective),
            objective=objective,
            ends_within_s=spec.monitoring.budget_alerts_end_within_s,
        )


def _name(objective: Objective) -> str:
    """ "availability-99.9-30d", "latency-300ms-99-7d"."""
    kind = "availability" if objective.latency_ms is None else f"latency-{objective.latency_ms}ms"
    return f"{kind}-{_percent(objective)}-{objective.window_days}d"


def _percent(objective: Objective) -> str:
    return f"{objective.percent:.6f}".rstrip("0").rstrip(".")


def _service(api: Api, spec: PlatformSpec) -> str:
    """The one service that stands behind the API's virtual host, else the name of the virtual host."""
    host = next((each for each in spec.virtual_hosts if each.name == api.virtual_host), None)
    if host is None:
        return _GATEWAY
    by_instance = {each.name: service.name for service in spec.services for each in service.instances}
    by_address = {str(each.address): service.name for service in spec.services for each in service.instances}
    services = {
        by_instance.get(target.instance) if target.instance else by_address.get(str(target.address))
        for target in host.targets
    }
    (only, *others) = services or {None}
    return only if only is not None and not others else host.name
