"""Finds limits in prose, items and tables: "Error rate > 5%", "p95 < 1s", "exceeds 80 %"."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.read.clocks import UNIT_S
from stationmaster.runbooks.read.knowledge import Comparison, Threshold, Use
from stationmaster.runbooks.read.metrics import Metric, lasts, metric_before, names_a_metric, names_a_time
from stationmaster.runbooks.read.passages import Chapter, Passage, Shape, plain
from stationmaster.runbooks.read.words import ENGLISH

_SIGNS = {
    ">": Comparison.ABOVE,
    ">=": Comparison.AT_LEAST,
    "≥": Comparison.AT_LEAST,
    "<": Comparison.BELOW,
    "<=": Comparison.AT_MOST,
    "≤": Comparison.AT_MOST,
}
_WORDS: tuple[tuple[Comparison, str], ...] = (
    (
        Comparison.AT_MOST,
        r"(?:(?:must|should|do|does|can|shall)(?: not|n't)|not|never) (?:exceed|be (?:above|over|more than"
        r"|higher than))"
        r"|at most|no more than|no higher than|up to",
    ),
    (Comparison.AT_LEAST, r"at least|no less than|no lower than|reach(?:es|ed|ing)?|hits"),
    (Comparison.ABOVE, r"exceed(?:s|ed|ing)?|above|over|more than|greater than|higher than|larger than|beyond"),
    (Comparison.BELOW, r"below|under|less than|lower than|fewer than|smaller than"),
)
_AUXILIARY = (
    r"(?:(?:is|are|was|were|be|been|being|goes|go|gets|rises?|risen|grows?|climbs?|stays?|remains?|drops?"
    r"|dropped|falls?"
    r"|fallen|has|have|had|consistently|constantly|steadily|sustained|currently|usually|already|well|to|must"
    r"|should|will|keep|kept|can"
    r"|at|by|continuously|gone|reported|greater)\s+)*"
)
_LIMIT = re.compile(
    r"(?:(?<![-=<>])(?P<sign>>=|<=|[<>≥≤])|(?<![\w-])"
    + _AUXILIARY
    + r"(?:"
    + "|".join(f"(?P<{kind.name}>{words})" for kind, words in _WORDS)
    + r")(?:\s+(?:a|an|the|about|around|its|of|threshold|limit|or|equal|to|approximately))*)"
    r"\s*~?(?P<value>\d[\d,]*(?:\.\d+)?)(?P<scale>(?-i:[kKM])(?![A-Za-z]))?"
    r"(?:[\s-]?(?P<unit>%|percent\b|ms\b|milliseconds?\b|secs?\b|seconds?\b|s\b|mins?\b|minutes?\b|m\b|hrs?\b"
    r"|hours?\b|h\b|days?\b|d\b"
    r"|[KMGT]i?[Bb]?\b|[Bb]ytes?\b))?"
    r"(?P<rate>\s?/\s?(?:s|sec|second|m|min|minute|h|hour)\b|\s?rps\b|\s?qps\b|(?:\s[\w-]+){0,2}\s(?:per"
    r"|a)\s(?:second|minute|hour)\b"
    r"|\s?req(?:uest)?s?/s(?:ec(?:ond)?)?\b)?",
    ENGLISH,
)
_DIGIT = re.compile("[0-9]")
_LOOKED_AT = (Shape.PROSE, Shape.ITEM, Shape.ROW)
_MAYBE = re.compile(
    r"(?:[<>≥≤]=?|&[gl][te];|\b(?:exceed\w*|above|over|than|beyond|most|least|below|under"
    r"|up to|reach\w*|hits))\D{0,24}\d",
    ENGLISH,
)
_PERIOD = re.compile(r"over\s+(?:a|an|the)\s+", ENGLISH)
_CODE = re.compile(r"`[^`]*[({;$|\[][^`]*`")
_VERSION = re.compile(r"^(?:\.\d|[:/]\d|-\d)")
_LIMITS = re.compile(
    r"\bthresholds?\b|\bmetrics?\b|\bslos?\b|\bslas?\b|\bslis?\b|\bobjectives?\b|\bbaselines?\b|\btargets?\b",
    ENGLISH,
)
_ALERTING = re.compile(r"\balert|\bthreshold|\bsymptom|\bwarning|\bcritical|\bcondition|\btrigger|\bmeaning\b", ENGLISH)
_OBJECTIVE = re.compile(
    r"\bslos?\b|\bslas?\b|\bobjectives?\b|\btargets?\b|\bsuccess criteria\b|\bexpected\b|\bnormal\b|\bhealthy\b"
    r"|\bbaselines?\b"
    r"|\bkey metrics\b|\bverif",
    ENGLISH,
)
_WANTED = re.compile(
    r"\b(?:should|must|ensure|keep|goal|target|aim|normal(?:ly)?|expected|healthy|stays?|objective|verify)\b",
    ENGLISH,
)
_UNWANTED = re.compile(
    r"\b(?:if|when|alerts?|fires?|firing|triggers?|triggered|exceed\w*|critical|warning|page)\b", ENGLISH
)
_DEMANDED = re.compile(r"\b(?:must|should|ensure|keep|goal|target)\b", ENGLISH)
_HAPPENS = re.compile(r"\b(?:if|when|alerts?|fires?|triggers?|triggered)\b", ENGLISH)
_BYTES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_BINARY = {"k": 2.0**10, "m": 2.0**20, "g": 2.0**30, "t": 2.0**40}


def thresholds_of(root: Chapter) -> tuple[Threshold, ...]:
    found: list[Threshold] = []
    for chapter in root.walk():
        for passage in chapter.passages:
            if passage.shape not in _LOOKED_AT:
                continue
            text = " ".join(passage.cells) if passage.cells else passage.text
            if _DIGIT.search(text) and _MAYBE.search(text):
                found += _thresholds(passage, chapter)
    return tuple(dict.fromkeys(found))


def _thresholds(passage: Passage, chapter: Chapter) -> Iterator[Threshold]:
    declared = chapter.under(_LIMITS) or bool(_LIMITS.search(passage.lead))
    if passage.shape is Shape.ROW:
        yield from _row(passage, chapter, declared=declared)
        return
    for line, sentence in _sentences(passage):
        text = _CODE.sub("`code`", plain(sentence))
        for metric, match in _limits(text, declared=declared):
            yield _threshold(metric, match, text=text, line=line, use=_use(text, chapter, passage, match, metric))


def _limits(text: str, *, declared: bool) -> Iterator[tuple[Metric, re.Match[str]]]:
    """Every limit of a sentence with its metric; a second limit is of the metric before, unless it names its own."""
    metric: Metric | None = None
    offset = 0
    for match in _LIMIT.finditer(text):
        before = text[offset : match.start()]
        if (
            _VERSION.match(text[match.end("value") : match.end("value") + 2])
            or lasts(before)
            or _PERIOD.match(match[0])
        ):
            continue
        own = metric_before(before, declared=declared)
        metric = own or (metric if offset and len(before.split()) <= 4 else None)
        offset = match.end()
        if metric is not None and _believable(metric, match, declared=declared) and not _turned(metric, text[offset:]):
            yield metric, match


def _turned(metric: Metric, after: str) -> bool:
    """Whether a share of what is used is told of a metric that is about what is left."""
    return metric.better_high and bool(re.match(r"\s+used\b", after))


def _sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    """Every sentence with the line on which it begins; lines of a paragraph run on into one another."""
    start = 0
    for match in re.finditer(r"[.!?;](?=\s+[A-Z`*\[(])|\Z", passage.text):
        piece = passage.text[start : match.end()]
        if piece.strip():
            skipped = len(piece) - len(piece.lstrip())
            yield passage.line_of(start + skipped), piece
        start = match.end()


def _row(passage: Passage, chapter: Chapter, *, declared: bool) -> Iterator[Threshold]:
    if not passage.cells or not (declared or names_a_metric(passage.cells[0])):
        return
    metric = metric_before(passage.cells[0], declared=True)
    for number, cell in enumerate(passage.cells[1:], start=1):
        match = _LIMIT.match(cell)
        if metric is None or match is None:
            continue
        head = passage.header[number] if number < len(passage.header) else ""
        text = f"{passage.cells[0]} {cell}"
        yield _threshold(
            metric, match, text=text, line=passage.line, use=_use(f"{head} {text}", chapter, passage, match, metric)
        )


def _believable(metric: Metric, match: re.Match[str], *, declared: bool) -> bool:
    """A bare number needs a sign or a known metric; a length of time needs a metric that is one."""
    unit = (match["unit"] or "").lower()
    if unit[:1] in {"s", "m", "h", "d"} and not unit.startswith(("mb", "mi")):
        return names_a_time(metric.words)
    return declared or names_a_metric(metric.words)


def _threshold(metric: Metric, match: re.Match[str], *, text: str, line: int, use: Use) -> Threshold:
    value, unit = _measured(match)
    return Threshold(
        metric=metric.words,
        quantile=metric.quantile,
        comparison=_comparison(match),
        value=value,
        unit=unit,
        use=use,
        text=text.strip(),
        line=line,
    )


def _comparison(match: re.Match[str]) -> Comparison:
    if match["sign"]:
        return _SIGNS[match["sign"]]
    return next(kind for kind, _ in _WORDS if match[kind.name])


def _measured(match: re.Match[str]) -> tuple[float, str]:
    """Times in seconds "s", sizes in bytes "B", rates per second "/s", shares "%", counts ""."""
    value = float(match["value"].replace(",", "")) * {"k": 1e3, "m": 1e6}.get((match["scale"] or "").lower(), 1.0)
    unit, rate = (match["unit"] or "").lower(), (match["rate"] or "").lower()
    if rate:
        per = next(
            (each for each in ("minute", "min", "hour") if each in rate), "m" if re.search(r"/\s?m\b", rate) else "s"
        )
        value /= UNIT_S[per[0]]
    if unit in {"%", "percent"}:
        return value, "%"
    if unit.startswith("byte") or unit[:1] in {"k", "g", "t"} or unit in {"mb", "mib", "mi"}:
        size = value if unit.startswith("byte") else value * (_BINARY if "i" in unit else _BYTES)[unit[0]]
        return size, "B/s" if rate else "B"
    if rate:
        return value, "/s"
    if unit.startswith(("ms", "milli")):
        return value / 1000.0, "s"
    return (value * UNIT_S[unit[0]], "s") if unit else (value, "")


def _use(text: str, chapter: Chapter, passage: Passage, match: re.Match[str], metric: Metric) -> Use:
    """The section says it, else the sentence, else what is good for this metric."""
    near = f"{chapter.title} {passage.lead}"
    if _ALERTING.search(near):
        return Use.ALERT
    if _OBJECTIVE.search(near) and not _UNWANTED.search(text):
        return Use.OBJECTIVE
    if _DEMANDED.search(text) and not _HAPPENS.search(text):
        return Use.OBJECTIVE
    if _WANTED.search(text) and not _UNWANTED.search(text):
        return Use.OBJECTIVE
    if _UNWANTED.search(text):
        return Use.ALERT
    rises = _comparison(match) in {Comparison.ABOVE, Comparison.AT_LEAST}
    return Use.OBJECTIVE if rises is metric.better_high else Use.ALERT
