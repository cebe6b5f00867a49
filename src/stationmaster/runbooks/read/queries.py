"""Finds the queries that a document shows, each in its own language, with the title that stands above it."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.read.knowledge import Query
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.passages import Chapter, Passage, Shape, plain

_LANGUAGES = {
    "promql": "promql",
    "prometheus": "promql",
    "metricsql": "promql",
    "logql": "logql",
    "loki": "logql",
    "sql": "sql",
    "postgresql": "sql",
    "postgres": "sql",
    "mysql": "sql",
    "pgsql": "sql",
    "lucene": "lucene",
    "kql": "kql",
    "kusto": "kql",
    "esql": "esql",
    "influxql": "influxql",
    "flux": "flux",
    "nrql": "nrql",
}
_NAMED = (
    (re.compile(r"\bpromql\b|\bprometheus quer", re.IGNORECASE), "promql"),
    (re.compile(r"\blogql\b", re.IGNORECASE), "logql"),
)
_PROMQL_LIKE = re.compile(
    r"^[\s(]*(?:sum|avg|rate|irate|increase|histogram_quantile|max|min|count|topk|absent|up"
    r"|[a-z_:]+)\s*[({\[]|[a-z_:]+\{[^}]*="
)
_READS = re.compile(r"^\s*\(?\s*(?:select|with|show|explain|describe|table|values)\b", re.IGNORECASE)
_COMMENT = {"sql": re.compile(r"^\s*--\s?(?P<text>.*)$")}
_HASH = re.compile(r"^\s*(?:#|//)\s?(?P<text>.*)$")
_OPERATOR_END = re.compile(
    r"(?:[-+*/%^,({\[=<>]|\b(?:and|or|unless|by|without|on|ignoring|group_left|group_right|offset|bool))\s*$"
)
_OPERATOR_START = re.compile(
    r"^\s*(?:[-+*/%^)}\],]|[<>=!]=|[<>]|(?:and|or|unless|by|without|on|ignoring|group_left|group_right|offset)\b)"
)
_PROMPT = re.compile(r"^\s*\$ ")
_STATEMENT_END = re.compile(r";\s*(?:--.*)?$")
_RULE = re.compile(r"^(?P<indent>\s*)-?\s*(?P<key>alert|record|expr)\s*:\s*(?P<value>.*)$")


def queries_of(root: Chapter) -> tuple[Query, ...]:
    return tuple(query for chapter in root.walk() for each in chapter.passages for query in _queries(each, chapter))


def _queries(passage: Passage, chapter: Chapter) -> Iterator[Query]:
    if passage.shape is not Shape.FENCE:
        return
    word = passage.info.split(maxsplit=1)[0].lower().strip("{}.") if passage.info else ""
    language = _LANGUAGES.get(word) or ("" if word else _named(passage, chapter))
    if word in {"yaml", "yml"} and "expr:" in passage.text:
        yield from _rules(passage)
    elif language:
        yield from _split(passage, language, _lead(passage, chapter))


def _named(passage: Passage, chapter: Chapter) -> str:
    """The language of a fence without one, when the words above it say it and it looks like it."""
    near = f"{chapter.title} {passage.lead}"
    found = next((language for pattern, language in _NAMED if pattern.search(near)), "")
    return found if found and _PROMQL_LIKE.search(passage.text) and not passage.text.lstrip().startswith("$") else ""


def _lead(passage: Passage, chapter: Chapter) -> str:
    """The label above the fence, else the sentence just above it, else its heading."""
    before = [each for each in chapter.passages if each.lines.last < passage.line and each.shape is not Shape.FENCE]
    nearest = before[-1] if before and before[-1].lines.last >= passage.line - 2 else None
    text = passage.lead or (plain(nearest.text) if nearest is not None else "") or chapter.title
    last = re.split(r"(?<=[.!?])\s+", text)[-1]
    return last.rstrip(":").strip()


def _split(passage: Passage, language: str, lead: str) -> Iterator[Query]:
    """One query for each stretch that a comment or a blank line sets apart."""
    fenced = passage.lines.last - passage.line >= passage.text.rstrip("\n").count("\n") + 1
    first = passage.line + fenced
    title, body, start = "", list[str](), 0
    texts = [_PROMPT.sub("", line) for line in passage.text.split("\n")]
    for number, line in enumerate([*texts, ""], start=first):
        comment = (_COMMENT.get(language) or _HASH).match(line)
        apart = comment or not line.strip() or (language == "promql" and line[:1].strip())
        if body and apart and _ends(body, language, passage.text, number - first):
            yield from _query(language, title or lead, body, start)
            title, body = "", []
        if comment:
            title = comment["text"].strip() if not body and comment["text"].strip() else title
        elif line.strip():
            start = number if not body else start
            body.append(line)
            if language == "sql" and _STATEMENT_END.search(line):
                yield from _query(language, title or lead, body, start)
                title, body = "", []
    if body:
        yield from _query(language, title or lead, body, start)


def _ends(body: list[str], language: str, text: str, at: int) -> bool:
    """Whether a blank line or a comment ends the query: its brackets are closed and no operator waits."""
    joined = "\n".join(body)
    if language == "sql":
        return joined.rstrip().endswith(";") or not any(";" in each for each in text.split("\n"))
    opened = sum(joined.count(each) for each in "([{") - sum(joined.count(each) for each in ")]}")
    following = next((line for line in text.split("\n")[at:] if line.strip() and not _HASH.match(line)), "")
    return opened <= 0 and not _OPERATOR_END.search(joined) and not _OPERATOR_START.match(following)


def _query(language: str, title: str, body: list[str], start: int) -> Iterator[Query]:
    text = "\n".join(body).strip()
    if language == "sql" and not _READS.match(text):
        return
    yield Query(language=language, title=title, text=text, lines=Lines(first=start, last=start + len(body) - 1))


def _rules(passage: Passage) -> Iterator[Query]:
    """The expressions of rules in Prometheus' own format."""
    lines = passage.text.split("\n")
    name = ""
    for at, line in enumerate(lines):
        match = _RULE.match(line)
        if match is None:
            continue
        value = match["value"].strip()
        if match["key"] != "expr":
            name = value.strip("\"'")
            continue
        body, last = _block(lines, at, len(match["indent"])) if value in {"", "|", ">", "|-", ">-"} else ([value], at)
        if text := "\n".join(body).strip().strip("\"'"):
            first = passage.line + 1
            yield Query(language="promql", title=name, text=text, lines=Lines(first=first + at, last=first + last))


def _block(lines: list[str], at: int, indent: int) -> tuple[list[str], int]:
    """The lines of a YAML block scalar that are indented deeper than its key."""
    body: list[str] = []
    last = at
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        if line.strip():
            body.append(line.strip())
            last = number
    return body, last
