"""Tells what the symptoms of a runbook's causes can be tested by: the alert itself, a number, or words of checks."""

import re
from collections.abc import Iterator, Mapping, Sequence

from stationmaster.core.facts import Alert
from stationmaster.runbooks.diagnosis.suspects import Bad, Gauge, Sign, Suspect
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.knowledge import Cause, Comparison, Symptom, Threshold
from stationmaster.runbooks.rules.limits import limit_of
from stationmaster.runbooks.rules.subjects import measure_of, words_of
from stationmaster.runbooks.rules.table import QUANTILE, WAYS, Measure, Scope, Way

WINDOW = "1m"
"""Over which rates are taken: a diagnosis asks how it is now, and the minutes before the failure would thin it out."""
NOTHING_MEASURES = "nothing here measures it"
_DOWNS = frozenset({Measure.SERVICE_DOWN, Measure.INSTANCE_DOWN})
_FOREIGN = re.compile(
    r"\b(?:databases?|db|sql|quer(?:y|ies)|connection (?:timeouts?|errors?|pools?)|redis|cache|kafka"
    r"|brokers?|queues?|dns|name resolution|pods?|mesh|storage"
    r"|schemas?|migrations?|third[- ]part(?:y|ies)|vendors?|e-?mails?)\b",
    re.IGNORECASE,
)
"""What symptoms speak of that no number of the platform stands for."""
_SHOWS: tuple[tuple[Measure, re.Pattern[str]], ...] = tuple(
    (measure, re.compile(pattern, re.IGNORECASE))
    for measure, pattern in (
        (
            Measure.CLIENT_ERROR_RATE,
            r"\b(?:4xx|40[13]s?|unauthori[sz]ed|forbidden|permission denied)\b|\bauth(?:entication|ori[sz]ation)?"
            r" (?:fail|err|issue|problem)\w*|\b(?:jwt|tokens?|log-?ins?|credentials?|api keys?)\b.*\b(?:fail|invalid"
            r"|reject|expire|refuse)\w*",
        ),
        (
            Measure.ERROR_RATE,
            r"\b(?:5xx|50[0-4]s?|service unavailable|bad gateway|(?:server|internal|upstream) errors?|error rates?"
            r"|failed (?:requests?|calls?)|(?:requests?|calls?) (?:are )?fail\w*)\b",
        ),
        (
            Measure.LATENCY,
            r"\b(?:latenc(?:y|ies)|(?:response|request|answer)s? times?|slow(?:ness)?|sluggish|time-?outs?"
            r"|timing out)\b",
        ),
        (
            Measure.INSTANCE_DOWN,
            r"\bhealth ?checks? (?:\w+ )?fail\w*|\bfail\w* health ?checks?|\b(?:instances?|targets?|upstreams?"
            r"|backends?|services?) (?:\w+ )?(?:down|dead|unhealthy|unavailable|unreachable|not respond\w*)\b",
        ),
        (Measure.CPU, r"\bcpu\b"),
        (Measure.MEMORY, r"\b(?:memory|ram)\b"),
        (Measure.CERTIFICATE, r"\b(?:certificates?|certs?)\b.*\bexpir\w+"),
    )
)
_USUAL: Mapping[Measure, tuple[Bad, float, str]] = {
    Measure.ERROR_RATE: (Bad.ABOVE, 5, "%"),
    Measure.CLIENT_ERROR_RATE: (Bad.ABOVE, 20, "%"),
    Measure.LATENCY: (Bad.ABOVE, 1, "s"),
    Measure.CPU: (Bad.ABOVE, 80, "%"),
    Measure.CERTIFICATE: (Bad.BELOW, 86_400, "s"),
    Measure.INSTANCE_DOWN: (Bad.EQUAL, 0, ""),
    Measure.SERVICE_DOWN: (Bad.EQUAL, 0, ""),
}
"""Limits where the runbook sets none."""
_BADS = {
    Comparison.ABOVE: Bad.ABOVE,
    Comparison.AT_LEAST: Bad.ABOVE,
    Comparison.BELOW: Bad.BELOW,
    Comparison.AT_MOST: Bad.BELOW,
}
_SHARES = {Measure.ERROR_RATE: "5xx", Measure.CLIENT_ERROR_RATE: "4xx"}
_PHRASE = re.compile(r"[\"“'`]([^\"“”'`]{6,80})[\"”'`]|\b([A-Z]\w*[a-z][A-Z]\w{4,}|[A-Z]{2,}[a-z]\w{4,})\b")
_WORD = re.compile(r"[a-z0-9][a-z0-9.-]+")
_DULL = frozenset(
    {"the", "and", "are", "for", "not", "high", "low", "many", "some", "with", "from", "has", "have", "error", "errors"}
    | {"failure", "failures", "failing", "fails", "failed", "issue", "issues", "problem", "problems", "service"}
    | {"services", "clients", "receiving", "state", "event", "events"}
)


def suspects_of(runbook: Runbook, alert: Alert, values: Mapping[str, str]) -> tuple[Suspect, ...]:
    """The causes that the runbook knows, with what each of their symptoms can be tested by. `values` say what the
    alert is about."""
    return tuple(_suspect(each, runbook, alert, values) for each in runbook.knowledge.causes)


def measure_shown(text: str) -> Measure | None:
    """What a symptom is a sign of; None where it speaks of something that the platform does not measure."""
    found = measure_of(text)
    if found is None and not _FOREIGN.search(text):
        found = next((measure for measure, pattern in _SHOWS if pattern.search(text)), None)
    return Measure.INSTANCE_DOWN if found in _DOWNS else found


def measure_alerted(alert: Alert) -> Measure | None:
    """What an alert is about, by its name, otherwise by its words."""
    words = words_of(alert.name)
    told = (alert.summary, alert.annotations.get("summary", ""), alert.annotations.get("description", ""))
    return next((found for text in (words, *told) if text and (found := measure_shown(text))), None)


def _suspect(cause: Cause, runbook: Runbook, alert: Alert, values: Mapping[str, str]) -> Suspect:
    signs = [_sign(each, runbook, alert, values) for each in cause.symptoms]
    titled = _sign(Symptom(text=cause.title, line=cause.lines.first), runbook, alert, values)
    if titled.told and not any(each.told for each in signs):
        signs.insert(0, titled)
    return Suspect(title=cause.title, signs=tuple(signs), diagnosis=cause.diagnosis, remedy=cause.remedy)


def _sign(symptom: Symptom, runbook: Runbook, alert: Alert, values: Mapping[str, str]) -> Sign:
    measure = measure_shown(symptom.text)
    gauge = _gauge(measure, symptom, runbook, values) if measure is not None else None
    told = f"the alert {alert.name} tells of it" if _tells(alert, measure, symptom.text) else ""
    phrases = tuple(first or second for first, second in _PHRASE.findall(symptom.text))
    unseen = "" if gauge is not None or told or phrases else NOTHING_MEASURES
    return Sign(
        text=symptom.text,
        measure=measure.value if measure is not None else "",
        gauge=gauge,
        told=told,
        unseen=unseen,
        phrases=phrases,
    )


def _tells(alert: Alert, measure: Measure | None, text: str) -> bool:
    """It is of the same measure, or it says the same words."""
    if measure is not None:
        return measure_alerted(alert) is measure
    wanted = set(_words(text))
    said = set(_words(" ".join((words_of(alert.name), alert.summary, *alert.annotations.values()))))
    return len(wanted) > 1 and wanted <= said


def _words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        if len(word) > 2 and word not in _DULL:
            yield word.rstrip("s")


def _gauge(measure: Measure, symptom: Symptom, runbook: Runbook, values: Mapping[str, str]) -> Gauge | None:
    bad, limit, unit, quantile = _limit(measure, symptom, runbook)
    way = next((way for way in WAYS if way.measure is measure and way.unit == unit and not way.mean), None)
    if way is None:
        return None
    quantile = quantile or QUANTILE
    name = f"{measure.value} p{quantile * 100:g}" if measure is Measure.LATENCY else measure.value
    return Gauge(
        name=name,
        query=_query(way, quantile, values),
        bad=bad,
        limit=limit / way.divisor,
        unit=unit,
        factor=way.divisor,
    )


def _limit(measure: Measure, symptom: Symptom, runbook: Runbook) -> tuple[Bad, float, str, float | None]:
    """What the symptom says itself, then what the runbook says elsewhere, then the usual."""
    known = [each for each in runbook.knowledge.thresholds if _is_of(each, measure, runbook)]
    own = [each for each in runbook.knowledge.thresholds if each.line == symptom.line and each.comparison in _BADS]
    for each in (*(one for one in own if one in known), *known):
        return _BADS[each.comparison], each.value, each.unit, each.quantile
    return (*_USUAL.get(measure, (Bad.ABOVE, 0.0, "")), None)


def _is_of(threshold: Threshold, measure: Measure, runbook: Runbook) -> bool:
    """An objective is good while it holds: it is no limit for what is bad."""
    bad = _USUAL.get(measure, (Bad.ABOVE,))[0]
    return _BADS.get(threshold.comparison) is bad and limit_of(threshold, runbook).measure is measure


def _query(way: Way, quantile: float, values: Mapping[str, str]) -> str:
    name = values.get({Scope.API: "api", Scope.INSTANCE: "service"}.get(way.scope, ""), "")
    matcher = f'{way.scope.value}="{name}"' if name and '"' not in name and "\\" not in name else ""
    expr = way.expr
    if way.measure in _SHARES and way.unit == "%":
        # Of an API that never gave such an answer there is no series to divide: its share is none, not unknown.
        expr = f"({expr}) or 0 * sum by (api) (rate(stationmaster_api_requests_total$ONLY[$WINDOW]))"
    filled = expr.replace("$QUANTILE", f"{quantile:g}").replace("$WINDOW", WINDOW)
    return filled.replace("$ONLY", f"{{{matcher}}}" if matcher else "").replace(
        "$AND", f",{matcher}" if matcher else ""
    )


def measures_of(alerts: Sequence[Alert]) -> frozenset[str]:
    """What the alerts are about, by the names that signs have."""
    return frozenset(found.value for each in alerts if (found := measure_alerted(each)) is not None)
