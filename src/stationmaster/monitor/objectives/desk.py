"""The objectives of a running platform: what is declared, the rules for it, and how it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stationmaster.core.problem import Diagnostic, PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.objectives.budget import Ask, Budget, budgets
from stationmaster.monitor.objectives.explain import Explanation, explain
from stationmaster.monitor.objectives.generate import Generated, bucket_problems, generate
from stationmaster.monitor.objectives.indicator import unmeasured
from stationmaster.monitor.objectives.watched import Watched, watched_of
from stationmaster.monitor.promql.results import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """`declared` gives what is declared now, `bounds_s` are the bounds of the gateway's histogram of durations."""

    declared: Callable[[], PlatformSpec]
    ask: Ask
    bounds_s: Sequence[float]

    def rules(self) -> Generated:
        return generate(self.declared(), self.bounds_s)

    async def standing(self) -> tuple[Budget, ...]:
        """Of every objective, by API."""
        try:
            found = await budgets(watched_of(self.declared()), self.ask)
        except QueryError as error:
            message = f"the metrics cannot be asked now: {error.message}"
            hint = error.hint or "`stm status` shows what fails"
            raise PlatformError("metrics-unavailable", message, hint=hint, status=503) from error
        return tuple(sorted(found, key=lambda each: (each.watched.api, each.watched.name)))

    def explained(self, api: str) -> tuple[Explanation, ...]:
        """Of one API; those that cannot be measured are left out, `rules` names them."""
        return tuple(
            explain(each, self.bounds_s) for each in self._of(api) if not unmeasured(each.objective, self.bounds_s)
        )

    def problems(self, api: str) -> tuple[Diagnostic, ...]:
        """Of the objectives of one API."""
        return tuple(problem for each in self._of(api) for problem in bucket_problems(each, self.bounds_s))

    def _of(self, api: str) -> Sequence[Watched]:
        spec = self.declared()
        if api not in {each.name for each in spec.apis}:
            hint = "`stm get apis` shows them"
            raise PlatformError("unknown-api", f"there is no API {api}", hint=hint, status=404)
        found = [each for each in watched_of(spec) if each.api == api]
        if not found:
            hint = "declare one in its YAML, as objectives: [99.9% over 30d]"
            raise PlatformError("no-objective", f"the API {api} has no objective", hint=hint, status=404)
        return found
