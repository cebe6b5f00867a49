"""Tells what words speak of: "api response time" of latency, "HighErrorRate" of errors, "replication lag" of nothing
that the platform measures."""

import re
from collections.abc import Iterable

from stationmaster.runbooks.rules.table import Measure

_AROUND = (
    r"(?:the|a|an|of|in|on|is|are|was|for|too|very|at|to|our|all|any|total|overall|average|avg|mean|median|current"
    r"|high|low|elevated|increased|increasing|excessive|sustained|degraded|large|many|slow"
    r"|apis?|gateways?|services?|servers?|https?|rest|web|requests?|calls?|responses?|answers?|endpoints?|ingress|proxy"
    r"|upstreams?|backends?|apps?|applications?|platform|load balancers?|alerts?|critical|warning"
    r"|\d+[- ](?:second|minute|min|hour|hr|day)s?|rolling)"
)
_RATE = r"(?: (?:rates?|ratios?|percent(?:age)?s?|counts?|levels?))?"
_USE = r"(?: (?:usage|utili[sz]ation|consumption|load|percent(?:age)?|pressure|used|saturation))*"
_DOWN = r"(?:(?:is|are|not) )?(?:down|unavailable|unreachable|dead|offline|unhealthy|responding|reachable|available)"

_CORES: tuple[tuple[Measure, str], ...] = (
    (
        Measure.CLIENT_ERROR_RATE,
        rf"(?:(?:4xx|40[13]|client|auth(?:entication|ori[sz]ation)?|unauthori[sz]ed|forbidden|refus(?:ed|als?)|login)"
        rf" ?)+(?:errors?|failures?|requests?|rejections?|responses?)?{_RATE}",
    ),
    (
        Measure.ERROR_RATE,
        rf"(?:5xx|50[0234]|internal|errors?|failed|failures?)(?: (?:errors?|failures?|requests?))?{_RATE}",
    ),
    (Measure.SUCCESS_RATE, rf"(?:success(?:ful)?|availability|uptime)(?: requests?)?{_RATE}"),
    (
        Measure.LATENCY,
        r"(?:latenc(?:y|ies)|(?:response|request|answer|processing) ?times?|(?:response|request) (?:durations?|latenc"
        r"(?:y|ies))|slow(?:ness)?(?: (?:responses?|requests?|answers?))?|durations?)",
    ),
    (Measure.NODE_CPU, rf"(?:nodes?(?:'s)?|hosts?(?:'s)?|machines?(?:'s)?|vms?) cpu{_USE}"),
    (Measure.CPU, rf"(?:(?:instance|process|container|pod)s? )?cpu{_USE}"),
    (Measure.MEMORY_FREE, r"(?:free|available|remaining) (?:memory|ram)(?: (?:left|remaining))?"),
    (Measure.MEMORY, rf"(?:(?:nodes?|hosts?|machines?|instance|process|container|pod)s? )?(?:memory|ram|rss){_USE}"),
    (
        Measure.DISK_FREE,
        r"(?:(?:free|available|remaining) (?:disk|file ?system|storage)(?: space)?"
        r"|(?:disk|file ?system|storage)(?: space)? (?:free|available|left|remaining))",
    ),
    (Measure.DISK_USED, rf"(?:disks?|file ?systems?|storage|stores?)(?: space)?(?: full)?{_USE}"),
    (
        Measure.REQUEST_RATE,
        r"(?:throughput|traffic|rps|qps|(?:request|traffic) (?:rates?|volumes?)|requests? per second|requests?)",
    ),
    (Measure.CONNECTIONS, r"(?:(?:active|open|concurrent|client|current) )?connections?(?: counts?)?"),
    (
        Measure.CERTIFICATE,
        r"(?:tls |ssl |server )?(?:certificates?|certs?)(?: (?:is|are|will|about|to|expir\w+|validity|lifetime))*",
    ),
    (Measure.CAPACITY, r"(?:capacity|saturat(?:ed|ion)|overload(?:ed)?|resource exhaustion|headroom)"),
    (Measure.INSTANCE_DOWN, rf"(?:(?:service|api|key|upstream) )*(?:instances?|targets?|replicas?) {_DOWN}"),
    (
        Measure.SERVICE_DOWN,
        rf"(?:(?:key|upstream|doctor|kong) )*(?:services?|apis?|gateways?|upstreams?|backends?) {_DOWN}",
    ),
)  # fmt: skip
_ROWS = tuple(
    (measure, re.compile(rf"(?:{_AROUND} )*{core}(?: {_AROUND})*", re.IGNORECASE)) for measure, core in _CORES
)
_WITHIN = tuple(re.compile(rf"\b(?:{core})\b", re.IGNORECASE) for _, core in _CORES)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z']+|[A-Z]+|\d+(?:xx)?")
_MOST = 120
_ABOUT_CALLERS = re.compile(
    r"\b(?:4xx|40[13]|auth(?:entication|ori[sz]ation)?|unauthori[sz]ed|forbidden|refused)\b", re.IGNORECASE
)


def measure_of(words: str, *, around: str = "") -> Measure | None:
    """The measure that the words speak of and nothing else; None where they speak of something that has none.

    `around` is what the document is about: errors of a runbook about authentication are refusals.
    """
    text = " ".join(words.lower().split())[:_MOST]
    found = next((measure for measure, pattern in _ROWS if pattern.fullmatch(text)), None)
    if found is Measure.ERROR_RATE and _ABOUT_CALLERS.search(around):
        return Measure.CLIENT_ERROR_RATE
    return found


def is_foreign(name: str, about: Iterable[str]) -> bool:
    """Whether the name of an alert speaks of a measure, but of something that the platform does not measure it of:
    "KubeClientErrors". `about` are names of what its runbook is about, which may well stand in it."""
    known = {word for each in about for word in words_of(each).split()}
    text = " ".join(word for word in words_of(name).split() if word not in known)
    return measure_of(text) is None and any(pattern.search(text) for pattern in _WITHIN)


def words_of(name: str) -> str:
    """ "HighAPIResponseTime" in words: "high api response time"."""
    return " ".join(_WORD.findall(name)).lower()
