"""Runbooks read per second on one core, over a folder of public runbooks where one lies beside this checkout."""

import time
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from bench.figures import row
from stationmaster.runbooks.read.reader import read_runbook

_ROUNDS = 3
_BESIDE = Path(__file__).parents[2] / "shared" / "corpus" / "open"
_OWN = Path(__file__).parents[1] / "runbooks"


def rows() -> Iterator[str]:
    folder = _BESIDE if _BESIDE.is_dir() else _OWN
    texts = [(str(path), path.read_text("utf-8", "replace")) for path in sorted(folder.rglob("*.md"))]
    ours, bare, steps = [], [], 0
    for _ in range(_ROUNDS):
        ours.append(len(texts) / _read(texts))
        bare.append(len(texts) / _parse(texts))
    steps = sum(len(list(read_runbook(text, file=file).runbook.walk())) for file, text in texts)
    yield row(f"runbooks read ({len(texts)} files, {steps} steps)", ours, "1/s")
    yield row("the Markdown parser alone", bare, "1/s")
    ratios = [mine / peer for mine, peer in zip(ours, bare, strict=True)]
    yield row("ratio to the parser alone", ratios, "", note="same run, interleaved")


def _read(texts: list[tuple[str, str]]) -> float:
    started = time.perf_counter()
    for file, text in texts:
        read_runbook(text, file=file)
    return time.perf_counter() - started


def _parse(texts: list[tuple[str, str]]) -> float:
    parser = MarkdownIt("commonmark").enable("table")
    started = time.perf_counter()
    for _, text in texts:
        parser.parse(text)
    return time.perf_counter() - started
