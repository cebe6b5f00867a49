"""Cuts a text into chapters, as the readers of knowledge get it."""

from stationmaster.runbooks.read.passages import Chapter, chapter_of
from stationmaster.runbooks.read.sections import parse_document


def chapter(text: str) -> Chapter:
    return chapter_of(parse_document(text).root)
