"""Runbooks read per second and core, over a folder of public runbooks where one lies beside this checkout."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from bench.figures import row
from stationmaster.runbooks.read.reader import read_runbook

_ROUNDS = 3
_BESIDE = Path(__file__).parents[2] / "shared" / "corpus" / "open"
_OWN = Path(__file__).parents[1] / "runbooks"

Texts = list[tuple[str, str]]


def rows() -> Iterator[str]:
    folder = _BESIDE if _BESIDE.is_dir() else _OWN
    texts = [(str(path), path.read_text("utf-8", "replace")) for path in sorted(folder.rglob("*.md"))]
    ours, bare = [], []
    for _ in range(_ROUNDS):
        ours.append(len(texts) / _core_seconds(_read, texts))
        bare.append(len(texts) / _core_seconds(_parse, texts))
    steps = sum(len(list(read_runbook(text, file=file).runbook.walk())) for file, text in texts)
    yield row(f"runbooks read ({len(texts)} files, {steps} steps)", ours, "1/s", note="per core; aim 500")
    yield row("the Markdown parser alone", bare, "1/s", note="per core")
    ratios = [mine / peer for mine, peer in zip(ours, bare, strict=True)]
    yield row("ratio to the parser alone", ratios, "", note="same run, interleaved")


def _core_seconds(work: Callable[[Texts], None], texts: Texts) -> float:
    """Time of this process on its core, so that neighbours on the machine count less."""
    started = time.process_time()
    work(texts)
    return time.process_time() - started


def _read(texts: Texts) -> None:
    for file, text in texts:
        read_runbook(text, file=file)


def _parse(texts: Texts) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    for _, text in texts:
        parser.parse(text)
