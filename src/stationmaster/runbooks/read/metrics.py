"""Tells the name of a metric in the words before a limit: "the API response time (p95" is "api response time"."""

import re
from dataclasses import dataclass

_QUANTILE = re.compile(
    r"\b[pP](?P<short>\d{2,3}(?:\.\d+)?)\b|\b(?P<long>\d{2}(?:\.\d+)?)(?:th|st|nd|rd)?[ -]?percentile\b"
    r"|\b(?P<median>median)\b"
)
_NOUNS = (
    r"rates?|ratio|percent(?:age)?|usage|utili[sz]ation|latenc(?:y|ies)|(?:response|query|request|evaluation"
    r"|apply|commit|fsync|wait|processing|"
    r"execution|run|start-?up|load|lead|rtt|round[- ]trip) ?times?|response times?|duration|lag|delay|cpu|memory"
    r"|disk|heap|load|saturation|apdex|"
    r"availability|uptime|throughput|traffic|queues?(?: (?:length|depth|size))?|backlog|connections?|errors?"
    r"|failures?|evictions?|"
    r"success rate|capacity|space|headroom|(?:queue|replica|pod|error|request|connection|shard|series|thread"
    r"|restart|record|message|file) counts?|"
    r"consumption|score|occupancy|drift|skew|iops|bandwidth|budget|burn ?rate|hit ratio|packet loss|loss|drops?"
    r"|pressure|cardinality|rss|age"
)
_METRIC = re.compile(rf"(?<![\w-])(?:{_NOUNS})(?![\w-])", re.IGNORECASE)
_TIME = re.compile(
    r"\b(?:latenc(?:y|ies)|times?|durations?|lag|delay|age|drift|skew|rtt|p\d\d)\b|_seconds\b", re.IGNORECASE
)
_METRIC_NAME = re.compile(r"^`?[a-z][a-z0-9]*(?:[_:][a-z0-9]+)+`?$|^`[A-Z][A-Za-z]+`$")
_BETTER_HIGH = re.compile(
    r"\b(?:availability|uptime|throughput|success|apdex|free|available|headroom|remaining|healthy|ready"
    r"|hit ratio|hit rate|budget|score|capacity"
    r"|durability)\b",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"\.(?!\d)|[;:,()\[\]—–|=→]|\s-\s|(?<![\w-])(?:if|when|whenever|whether|that|where|which|and|or|because|means?"
    r"|checks?|verify|ensure|while"
    r"|until|unless|indicates?|indicating|shows?|showing|detects?|detected|triggers?|triggered|alerts?|fires?"
    r"|caused|causes?|see|sees|as|but|so"
    r"|look|monitors?|against|reports?|keep|warns?|after|before|than|during|once|even|then|make|we|you|it|there"
    r"|has|have|had|uses?|using"
    r"|consider|since|is|are|was|not|should|must|be|can|will|did|does|do)(?![\w-])",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r"\b(?:for|within|in|every|last|past|lasting|takes?|took|least|wait|after|with)\s*$", re.IGNORECASE
)
_PREPOSITION = re.compile(r"^\s*(?:$|(?:of|for|in|on|at|from|across|to|per|by)\b)", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:(?:the|a|an|your|its|their|our|any|all|current|total|overall|average|avg|max(?:imum)?|min(?:imum)?"
    r"|high|low|actual|of|observed|this|these|"
    r"each|every|both|only|warning|critical|info|severity|sustained|elevated|spike|some|more|global"
    r"|cluster-wide)\s+)+",
    re.IGNORECASE,
)
_SEVERITY = re.compile(
    r"^(?:warning|critical|info|error|page|red|yellow|green|warn|crit|high|low|medium|severity)s?$", re.IGNORECASE
)
_TRAILING = re.compile(
    r"(?:\s+(?:of|value|values|level|levels|still|also|often|there|less|more|metric|metrics))+$", re.IGNORECASE
)
_BARE = re.compile(
    r"^(?:durations?|times?|load|errors?|failures?|delay|drops?|loss|space|age|run ?time|capacity|score|traffic"
    r"|budget|cpu|disk|pressure)$",
    re.IGNORECASE,
)
_NO_METRIC = re.compile(r"version|release|port\b|\bid\b", re.IGNORECASE)
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`words` are lower case, without the quantile."""

    words: str
    quantile: float | None = None

    @property
    def better_high(self) -> bool:
        return bool(_BETTER_HIGH.search(self.words))


def names_a_metric(text: str) -> bool:
    return bool(_METRIC.search(text) or _METRIC_NAME.match(text.strip()))


def names_a_time(words: str) -> bool:
    return bool(_TIME.search(words))


def lasts(text: str) -> bool:
    """Whether what follows is how long something lasts ("down for", "within") and no limit."""
    return bool(_LASTING.search(text))


def metric_before(text: str, *, declared: bool) -> Metric | None:
    """The metric that a text ends with; `declared` says that its section lists metrics, so that any name will do."""
    pieces = [piece for piece in _BOUNDARY.split(text) if piece.strip()]
    quantile: float | None = None
    while pieces:
        words, found = _without_quantile(pieces.pop())
        quantile = quantile if quantile is not None else found
        words = _TRAILING.sub("", _LEADING.sub("", words.strip())).strip(" *`\"'-")
        if words and not _SEVERITY.match(words):
            return _metric(words, quantile, declared=declared and (not pieces or _named_before(text)))
    return None


def _named_before(text: str) -> bool:
    """Whether the text is nothing but a name, with a label or a parenthesis."""
    return len(text.split()) <= _MOST_WORDS and not _BOUNDARY.search(re.sub(r"[:()]", " ", text))


def _metric(words: str, quantile: float | None, *, declared: bool) -> Metric | None:
    nouns = list(_METRIC.finditer(words))
    if nouns and _PREPOSITION.match(words[nouns[-1].end() :]):
        after = words[nouns[-1].end() :]
        words = words if after.lstrip().startswith("of ") else words[: nouns[-1].end()]
        words = _from_article(words)
        if not declared and _BARE.match(words):
            return None
    elif _NO_METRIC.search(words) or (not declared and not _METRIC_NAME.match(words)):
        return None
    if len(words.split()) > _MOST_WORDS or not re.search(r"[A-Za-z]{2}", words):
        return None
    return Metric(words=words if _METRIC_NAME.match(words) else words.lower(), quantile=quantile)


def _from_article(words: str) -> str:
    """ "reported a guest queue length" is "guest queue length", where that is still a metric."""
    parts = re.split(r"\b(?:the|an?|on|with|reported|experiencing|usually)\s+", words)
    return parts[-1] if len(parts) > 1 and _METRIC.search(parts[-1]) else words


def _without_quantile(words: str) -> tuple[str, float | None]:
    match = _QUANTILE.search(words)
    if match is None:
        return words, None
    rest = f"{words[: match.start()]} {words[match.end() :]}".strip()
    if match["median"]:
        return rest, 0.5
    digits = match["short"] or match["long"]
    value = float(digits)
    share = value / 100.0 if value <= 100 else value / 10 ** len(digits)
    return " ".join(rest.split()), round(share, 6)
