"""Every page of the documentation is found from the README, and no link in it is dead."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "index.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"(?<!\\)\]\(\s*<?([^()\s>]*(?:\([^()\s]*\))?[^()\s>]*)>?(?:\s+\"[^\"]*\")?\s*\)")
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)


@cache
def prose(page: Path) -> str:
    """Without fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def links(page: Path) -> list[str]:
    found = _LINK.findall(_CODE.sub("``", prose(page)))
    return [each for each in found if not re.match(r"[a-z][a-z0-9+.-]*:", each, re.IGNORECASE)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings."""
    made: list[str] = []
    for heading in _HEADING.findall(prose(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        made.append(slug if slug not in made else f"{slug}-{made.count(slug)}")
    return frozenset(made)


def target_of(page: Path, link: str) -> tuple[Path, str]:
    path, _, anchor = link.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_of_a_page_is_dead(page: Path) -> None:
    dead = []
    for link in links(page):
        target, anchor = target_of(page, link)
        if (
            not target.exists()
            or not target.is_relative_to(ROOT)
            or (anchor and target.suffix == ".md" and anchor not in anchors(target))
        ):
            dead.append(link)
    assert dead == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    left = [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            left += [target_of(page, link)[0] for link in links(page)]
    assert {str(each.relative_to(ROOT)) for each in PAGES if each.resolve() not in seen} == set()


def test_the_index_lists_every_page_of_its_folder_itself() -> None:
    linked = {target_of(INDEX, link)[0] for link in links(INDEX)}
    wanted = {each for each in (ROOT / "docs").rglob("*") if each.suffix in (".md", ".json")} - {INDEX}
    assert {each.name for each in wanted - linked} == set()


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b`: c\n[one](gone.md) [two](#a-b-c) ![three](x.png)\n```\n[no](code.md)\n```\n`[no](x)`\n")
    assert links(page) == ["gone.md", "#a-b-c", "x.png"]
    assert anchors(page) == {"a-b-c"}
