"""The alerts that numbers are missing: a target that is not scraped, a rule that reads nothing any more."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule, RuleGroup
from stationmaster.monitor.alerting.evaluate import Ask, vector_of
from stationmaster.monitor.alerting.reads import Reading, readings_of
from stationmaster.monitor.alerting.states import RuleError
from stationmaster.monitor.promql.results import QueryError
from stationmaster.monitor.promql.samples import Labels

TARGET_METRIC: Final = "stationmaster_scrape_target"
"""One series for every target that is declared; its value is 1."""
MISSING_METRIC: Final = "stationmaster_rule_without_metrics"
"""One series for every rule that reads nothing any more; its value is when it last did, in seconds since 1970."""

TARGET_DOWN: Final = "ScrapeTargetDown"
FILE: Final = "stationmaster"
_ORIGIN: Final = Origin(file="stationmaster/no-data", line=0)
_LONGEST_S = 300
LOOK_EVERY_MS: Final = 60_000


def no_data_group(slowest_interval_ms: int, targets: Sequence[Labels]) -> RuleGroup:
    """A target counts as not scraped when its scrapes fail, or when there is none for three intervals of the slowest
    job (5 minutes at most: then its samples are too old to be read)."""
    late_s = min(max(3 * slowest_interval_ms // 1000, 3), _LONGEST_S)
    absent = f" or {TARGET_METRIC} unless on (job, instance) up" if targets else ""
    expr = f"up == 0 or time() - timestamp(up) > {late_s}{absent}"
    return RuleGroup(
        name="no-data",
        file=FILE,
        rules=(_target_down(expr, 2 * slowest_interval_ms), replace(_METRICS_MISSING, for_ms=4 * slowest_interval_ms)),
        origin=_ORIGIN,
    )


def _target_down(expr: str, for_ms: int) -> AlertingRule:
    return AlertingRule(
        name=TARGET_DOWN,
        expr=expr,
        for_ms=for_ms,
        labels={"severity": "warning"},
        annotations={
            "summary": "Metrics of {{ if $labels.service }}service {{ $labels.service }}, {{ end }}"
            "job {{ $labels.job }}, instance {{ $labels.instance }} are not scraped"
            "{{ if $externalLabels.environment }} in {{ $externalLabels.environment }}{{ end }}",
            "description": "Its scrapes fail or do not happen. Rules that read these metrics see nothing of it.",
        },
        origin=_ORIGIN,
    )


_METRICS_MISSING: Final = AlertingRule(
    name="MetricsMissing",
    expr=MISSING_METRIC,
    labels={"severity": "warning"},
    annotations={
        "summary": "Rule {{ $labels.rule }} reads nothing any more: {{ $labels.metric }}"
        "{{ if $labels.job }} of job {{ $labels.job }}{{ end }}"
        "{{ if $labels.instance }}, instance {{ $labels.instance }},{{ end }}"
        " is gone since {{ $value | humanizeTimestamp }}",
        "description": "The rule cannot fire while its metrics are missing: "
        "is the exporter gone, or was a metric renamed?",
    },
    origin=_ORIGIN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """When a metric was last there, and of which jobs and instances (empty where it was of several)."""

    at_ms: int
    job: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """An alerting rule and all that it reads."""

    group: str
    rule: str
    readings: frozenset[Reading]


class MetricsWatch:
    """Remembers which metrics the rules have seen, and tells of rules that see none of theirs any more."""

    def __init__(self, every_ms: int = LOOK_EVERY_MS) -> None:
        self._every_ms = every_ms
        self.seen: dict[Reading, Sighting] = {}
        self._readers: tuple[_Reader, ...] = ()
        self._looked_ms: int | None = None
        self._there: frozenset[Reading] = frozenset()

    def follow(self, groups: Iterable[RuleGroup]) -> None:
        """The rules as they are now; what no rule reads any more is forgotten."""
        self._readers = tuple(
            _Reader(group.name, rule.name, found)
            for group in groups
            if group.file != FILE
            for rule in group.rules
            if isinstance(rule, AlertingRule) and (found := readings_of(rule.expr))
        )
        wanted = self._wanted()
        self.seen = {reading: at for reading, at in self.seen.items() if reading in wanted}
        self._looked_ms = None

    def look(self, ask: Ask, at_ms: int, timeout_ms: int) -> None:
        """Blocks. Everything once every `every_ms`, what is missing at every call: a target that is scraped again has
        its metrics back at once. A metric that cannot be asked about counts as it did before."""
        if self._looked_ms is not None and 0 <= at_ms - self._looked_ms < self._every_ms:
            self._there |= self._found(self.seen.keys() - self._there, ask, at_ms, timeout_ms)
            return
        self._looked_ms = at_ms
        self._there = self._found(self._wanted(), ask, at_ms, timeout_ms)

    def forget(self, jobs: Collection[str]) -> None:
        """What was seen of these jobs is not missed: they are not declared any more."""
        self.seen = {reading: at for reading, at in self.seen.items() if at.job not in jobs}

    def _found(self, readings: Iterable[Reading], ask: Ask, at_ms: int, timeout_ms: int) -> frozenset[Reading]:
        """Those that are there now."""
        there: set[Reading] = set()
        for reading in readings:
            try:
                found = vector_of(ask(f"count by (job, instance) ({reading.selector})", at_ms, timeout_ms))
            except (QueryError, RuleError):
                there |= self._there & {reading}
                continue
            if found:
                there.add(reading)
                self.seen[reading] = _sighting([dict(each.labels) for each in found], at_ms)
        return frozenset(there)

    def resume(self, missed: Mapping[Labels, float]) -> None:
        """After a restart: what was missing then had been there before, until a moment in seconds since 1970."""
        for labels, since_s in missed.items():
            told = dict(labels)
            for reader in self._readers:
                if reader.rule == told.get("rule") and reader.group == told.get("rule_group"):
                    at_ms = int(since_s * 1000)
                    for reading in reader.readings:
                        sighting = Sighting(at_ms=at_ms, job=told.get("job", ""), instance=told.get("instance", ""))
                        self.seen.setdefault(reading, sighting)

    def missing(self, down_jobs: frozenset[str] = frozenset()) -> Mapping[Labels, float]:
        """A series for every rule that reads nothing any more. Whoever read from jobs alone that are down is left
        out: there the target is what has to be told."""
        if self._looked_ms is None:
            return {}
        made: dict[Labels, float] = {}
        for reader in self._readers:
            gone = [(self.seen[each], each) for each in reader.readings if each in self.seen]
            if not gone or reader.readings & self._there:
                continue
            if all(sighting.job in down_jobs for sighting, _ in gone):
                continue
            sighting, reading = max(gone, key=lambda each: (each[0].at_ms, each[1].metric))
            labels = {
                "__name__": MISSING_METRIC,
                "rule": reader.rule,
                "rule_group": reader.group,
                "metric": reading.metric,
                "job": sighting.job,
                "instance": sighting.instance,
            }
            made[tuple(sorted((name, value) for name, value in labels.items() if value))] = sighting.at_ms / 1000
        return made

    def _wanted(self) -> frozenset[Reading]:
        return frozenset(reading for reader in self._readers for reading in reader.readings)


def _sighting(found: Sequence[Mapping[str, str]], at_ms: int) -> Sighting:
    jobs = {each.get("job", "") for each in found}
    instances = {each.get("instance", "") for each in found}
    return Sighting(
        at_ms=at_ms,
        job=jobs.pop() if len(jobs) == 1 else "",
        instance=instances.pop() if len(instances) == 1 else "",
    )
