"""What can be wrong with scrape jobs, intervals, and probes through the gateway."""

from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.objective_text import parse_objective
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import ApiDocument
from stationmaster.manifest.schema_monitoring import MonitoringDocument, ScrapeDocument
from stationmaster.manifest.values import parse_duration, parse_interval, parse_seconds
from stationmaster.manifest.words import BROKEN_TEXT

LONGEST_BUDGET_ALERT_S, SCRAPES_OF_A_RATE = 3600, 4
RESERVED_LABELS = frozenset({"job", "instance", "le", "quantile", "alertname", "alertstate"})


def check_monitoring(part: Part, monitoring: MonitoringDocument, problems: Problems) -> None:
    first: dict[str, int] = {}
    for job in monitoring.scrape:
        origin = part.origin(job, "name")
        if job.name in first and job.name != BROKEN_TEXT:
            message = f"the scrape job {quoted(job.name)} is declared twice; the first is on line {first[job.name]}"
            problems.add("duplicate-name", message, origin, "give one of them another name")
        first.setdefault(job.name, origin.line)
        _check_job(part, job, monitoring, problems)
    _check_timeout(part, monitoring, monitoring.scrape_interval, monitoring.scrape_timeout, problems)
    _check_budget_alerts(part, monitoring, problems)
    if monitoring.prometheus is not None and monitoring.scrape:
        message = "nothing is scraped: `prometheus` answers all queries"
        hint = "let that Prometheus scrape these targets, or remove `prometheus`"
        problems.warn("never-applies", message, part.origin(monitoring, "scrape"), hint)


def _check_budget_alerts(part: Part, monitoring: MonitoringDocument, problems: Problems) -> None:
    """A rate over a window needs several scrapes in it."""
    within = monitoring.budget_alerts_end_within
    if within is None or BROKEN_TEXT in (within, monitoring.scrape_interval):
        return
    origin = part.origin(monitoring, "budget_alerts_end_within")
    if parse_seconds(within) > LONGEST_BUDGET_ALERT_S:
        message = f"{within} is no short window"
        problems.add("out-of-range", message, origin, "write at most 1h")
    elif parse_seconds(within) * 1000 < SCRAPES_OF_A_RATE * parse_interval(monitoring.scrape_interval):
        message = f"in {within} there are too few scrapes for a rate: one every {monitoring.scrape_interval}"
        problems.add("out-of-range", message, origin, f"write at least {SCRAPES_OF_A_RATE} times `scrape_interval`")


def _check_job(part: Part, job: ScrapeDocument, monitoring: MonitoringDocument, problems: Problems) -> None:
    interval = job.interval or monitoring.scrape_interval
    timeout = job.timeout or monitoring.scrape_timeout
    if job.interval is not None or job.timeout is not None:
        _check_timeout(part, job, interval, timeout, problems)
    seen: set[str] = set()
    for at, target in enumerate(job.targets):
        if target in seen:
            message = f"{quoted(target)} is a target of {quoted(job.name)} twice"
            problems.add("duplicate-target", message, part.origin(job, "targets", at), "keep one of them")
        seen.add(target)
    for name in job.labels:
        if name in RESERVED_LABELS:
            message = f"the label {quoted(name)} is set by the monitor itself"
            problems.add("reserved-label", message, part.origin(job, "labels"), "choose another name")


def _check_timeout(
    part: Part, thing: MonitoringDocument | ScrapeDocument, interval: str, timeout: str, problems: Problems
) -> None:
    """One scrape of a target at a time."""
    if parse_duration(timeout) > parse_interval(interval):
        field = "scrape_timeout" if isinstance(thing, MonitoringDocument) else "timeout"
        message = f"a scrape may take {timeout}, longer than the interval of {interval}"
        problems.add("out-of-range", message, part.origin(thing, field), "shorten the timeout")


def check_objectives(part: Part, api: ApiDocument, lookup: Lookup, problems: Problems) -> None:
    """What an objective looks back on has to be kept."""
    settings = lookup.settings()
    kept = settings.monitoring.retention if settings is not None else MonitoringDocument().retention
    if kept == BROKEN_TEXT:
        return
    for at, text in enumerate(api.objectives):
        days = parse_objective(text).window_days
        if days * 86_400 > parse_seconds(kept):
            message = f"{quoted(text)} looks back on {days} days, and samples are kept for {kept}"
            hint = f"write `retention: {days}d` in `monitoring`, or a shorter window"
            problems.warn("window-not-kept", message, part.origin(api, "objectives", at), hint)


def check_probe(part: Part, api: ApiDocument, problems: Problems) -> None:
    """A probe has to be able to succeed."""
    probe = api.probe
    if probe is None:
        return
    if api.virtual_host is None and not part.places.names_field(api, "virtual_host"):
        message = f"the API {quoted(api.name)} only redirects: no target could answer its probe"
        problems.add("never-applies", message, part.origin(probe), "remove `probe`")
    refused = {401, 403}
    if api.accepts and probe.user is None and probe.status not in refused:
        message = f"the probe of {quoted(api.name)} has no credentials, and would be refused with 401"
        hint = "add `user:`, the API user in whose name it asks, or `status: 401`"
        problems.add("probe-refused", message, part.origin(probe), hint)
    if not api.accepts and probe.user is not None and part.places.written(api, "accepts") == 0:
        message = "`user` never applies: the API is public"
        problems.add("never-applies", message, part.origin(probe, "user"), "remove `user`")
