"""Finds the links of a document and says what they lead to: a dashboard, logs, another document."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from stationmaster.runbooks.read.knowledge import Link, LinkKind
from stationmaster.runbooks.read.passages import Chapter, Passage

_MAYBE = re.compile(r"\[[^\]\n]{2,}\]|\]\(|https?://|<[a-z]+:")
_MARKED = re.compile(r"[\[`<]")
_BARE = re.compile(r"https?://[^\s<>()\[\]`\"'|]+[^\s<>()\[\]`\"'|.,;:!?*_]")
_LOGS = re.compile(
    r"kibana|logdna|loki|splunk|papertrail|logmet|logstash|cloudwatch.*logs?|//logs?\.|/logs?(?:/|$|\b)"
    r"|opensearch|datadog.*logs",
    re.IGNORECASE,
)
_LOGS_SAID = re.compile(r"\blogs?\b|\blogging\b|kibana|logdna|logmet", re.IGNORECASE)
_DASHBOARD = re.compile(
    r"grafana|dashboards?\b|/d/[\w-]+|new-?relic|datadog|thanos|prometheus.*/graph|metrics?\.", re.IGNORECASE
)
_DASHBOARD_SAID = re.compile(r"\bdashboards?\b|\bgrafana\b", re.IGNORECASE)
_DOCUMENT = re.compile(
    r"\.(?:md|markdown|html?|txt|pdf|rst|adoc)(?:[#?]|$)|/(?:docs?|wiki|runbooks?|manual|handbook|blob)/"
    r"|confluence|docs\.google|readthedocs|//docs\.",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:md|markdown|html?)(?:[#?]|$)", re.IGNORECASE)
_BRACES = re.compile(r"%7B|%7D", re.IGNORECASE)


def links_of(root: Chapter) -> tuple[Link, ...]:
    """Every link outside of code; jumps within the document and pictures are left out."""
    found: list[Link] = []
    for chapter in root.walk():
        for passage in chapter.passages:
            if passage.node is not None and _MAYBE.search(passage.text):
                found += _links(passage)
    return tuple(dict.fromkeys(found))


def _links(passage: Passage) -> Iterator[Link]:
    if not _MARKED.search(passage.text):
        yield from (_link(each[0], each[0], passage.line_of(each.start())) for each in _BARE.finditer(passage.text))
        return
    line, url, words, at = passage.line, "", list[str](), 0
    for token in passage.node.tokens if passage.node is not None else ():
        if token.type in {"softbreak", "hardbreak"}:
            line += 1
            words.append(" ")
        elif token.type == "link_open":
            url, words, at = str(token.attrs.get("href", "")), [], line
        elif token.type == "link_close":
            if url and not url.startswith(("#", "mailto:")):
                yield _link("".join(words), url, at)
            url = ""
        elif url:
            words.append(token.content)
        elif token.type == "text":
            yield from (_link(match[0], match[0], line) for match in _BARE.finditer(token.content))


def _link(text: str, url: str, line: int) -> Link:
    if _BRACES.search(url):
        url = unquote(url)
    return Link(text=" ".join(text.split()), url=url, line=line, kind=_kind(text, url))


def _kind(text: str, url: str) -> LinkKind:
    if _FILE.search(url) and not re.match(r"[a-z]+:|//|\{\{", url):
        return LinkKind.DOCUMENT
    if _DASHBOARD.search(url) and not _LOGS_SAID.search(text):
        return LinkKind.DASHBOARD
    if _LOGS.search(url):
        return LinkKind.LOGS
    if _DOCUMENT.search(url) or not re.match(r"[a-z]+:|//|\{\{", url):
        return LinkKind.DOCUMENT
    if _DASHBOARD_SAID.search(text):
        return LinkKind.DASHBOARD
    return LinkKind.LOGS if _LOGS_SAID.search(text) else LinkKind.OTHER
