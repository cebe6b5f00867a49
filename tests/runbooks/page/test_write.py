"""The page shows every line of the document beside what became of it, and lets no text act."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.runbooks.describe import describe
from stationmaster.runbooks.page.paint import Paint, paints
from stationmaster.runbooks.page.write import page
from stationmaster.runbooks.read.reader import read_runbook

VOID = {"meta", "link", "br", "img", "input", "hr"}
SAMPLE = """\
---
title: A & B <script>alert(1)</script>
service: shop
---

# A

Nothing was taken from this line.

1. Look at the pods of <tenant>. You should see 3 pods with the status `Running`.

   ```bash
   # how many there are
   kubectl get pods -n <tenant>
   kubectl delete namespace shop
   ```
2. If it does not work, go to step 1.
"""


class Reading(HTMLParser):
    """Checks that tags are closed in order, and keeps the lines of the document, ids, links and classes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.lines: list[str] = []
        self.paints: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if identity := said.get("id"):
            self.ids.append(identity)
        if tag == "a" and (href := said.get("href")):
            self.links.append(href)
        if tag == "div" and (said.get("class") or "").startswith("line "):
            self.paints.append(str(said["class"]).split()[1])
            self.lines.append("")
        self._in_code = self._in_code or (tag == "code" and self.open[-2:-1] == ["div"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._in_code = self._in_code and tag != "code"

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.lines[-1] += data


def read(text: str) -> Reading:
    reading = read_runbook(text, file="a <b>.md")
    parser = Reading()
    parser.feed(page(text, describe(reading.runbook, reading.diagnostics)))
    parser.close()
    assert parser.open == []
    return parser


def test_every_line_is_shown_as_it_stands() -> None:
    assert [line.strip(" ") for line in read(SAMPLE).lines] == [line.strip(" ") for line in SAMPLE.splitlines()]


def test_every_line_has_the_colour_of_what_it_became() -> None:
    colours = dict(zip(SAMPLE.splitlines(), read(SAMPLE).paints, strict=True))
    said = {line.strip(): colour for line, colour in colours.items()}
    assert said["title: A & B <script>alert(1)</script>"] == "about"
    assert said["Nothing was taken from this line."] in {"plain", "note"}
    assert said["# how many there are"] == "step"
    assert said["kubectl get pods -n <tenant>"] == "read"
    assert said["kubectl delete namespace shop"] == "destroy"
    assert said["2. If it does not work, go to step 1."] == "edge"


def test_links_lead_to_something_on_the_page_and_nothing_comes_from_elsewhere() -> None:
    parser = read(SAMPLE)
    assert all(link.startswith("#") for link in parser.links)
    assert {link[1:] for link in parser.links} <= set(parser.ids)
    assert len(parser.ids) == len(set(parser.ids))
    assert not parser.tags & {"script", "link", "img", "iframe", "object", "form"}


def test_the_page_holds_no_address_that_a_browser_would_fetch() -> None:
    reading = read_runbook(SAMPLE, file="a.md")
    document = page(SAMPLE, describe(reading.runbook))
    assert not re.search(r"url\(|@import|src=|https?://", document)
    assert "<script" not in document
    assert "default-src 'none'" in document


def test_places_to_be_filled_in_are_marked() -> None:
    reading = read_runbook(SAMPLE, file="a.md")
    assert "<mark>&lt;tenant&gt;</mark>" in page(SAMPLE, describe(reading.runbook))


@pytest.mark.parametrize("name", ["000", "001", "002", "003", "004"])
def test_the_seeds_are_shown_whole(seeds: Path, name: str) -> None:
    text = next(seeds.glob(f"{name}_*")).read_text("utf-8")
    parser = read(text)
    assert [line.strip() for line in parser.lines] == [line.strip() for line in text.rstrip("\n").split("\n")]
    assert {link[1:] for link in parser.links} <= set(parser.ids)


@given(st.text(max_size=300))
def test_no_text_breaks_the_page(text: str) -> None:
    read(text)


def test_a_painted_line_is_never_blank() -> None:
    reading = read_runbook(SAMPLE, file="a.md")
    lines = SAMPLE.split("\n")
    for line, paint in zip(lines, paints(lines, describe(reading.runbook)), strict=True):
        assert line.strip() or paint is Paint.PLAIN
