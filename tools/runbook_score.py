"""Compares what the reader finds in documents with what people labelled there, and prints precision and recall."""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from stationmaster.runbooks.read.document import ExpectationKind, Reading, Step
from stationmaster.runbooks.read.reader import read_runbook

_ROOT = Path(__file__).parents[1]
LABELS = _ROOT / "tests" / "runbooks" / "labels"
CORPUS = _ROOT.parent / "shared" / "corpus" / "open"
SUBJECTS = ("steps", "commands", "expectations", "edges")
_NEAR = {"steps": 0, "commands": 0, "expectations": 1, "edges": 1}
"""How many lines a find may lie from its label: a sentence in a wrapped paragraph begins where the eye says."""
_KINDS = {
    ExpectationKind.JSON_SUBSET: "json",
    ExpectationKind.JSON_LIST: "json",
    ExpectationKind.EXIT_STATUS: "status",
    ExpectationKind.HTTP_STATUS: "status",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mark:
    """A line of a document and what stands there: a program, a kind, or nothing for a step."""

    line: int
    name: str = ""


Marks = dict[str, frozenset[Mark]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How the finds of one subject and the labels of it meet."""

    both: tuple[tuple[Mark, Mark], ...] = ()
    missed: tuple[Mark, ...] = ()
    false: tuple[Mark, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    right: int = 0
    found: int = 0
    labelled: int = 0
    same_kind: int = 0

    def add(self, match: Match) -> None:
        self.right += len(match.both)
        self.found += len(match.both) + len(match.false)
        self.labelled += len(match.both) + len(match.missed)
        self.same_kind += sum(label.name == find.name for label, find in match.both)


class ChangedDocumentError(Exception):
    """A document is not the one that was labelled."""


def counts_as_step(step: Step) -> bool:
    """What a person would call a step: words that tell somebody to do or to check something. A heading or a list item
    that only holds others is none, nor is a command of a fence by itself."""
    return step.instructs


def found_in(reading: Reading) -> Marks:
    steps, commands, expectations, edges = set(), set(), set(), set()
    for step in reading.runbook.walk():
        if counts_as_step(step):
            steps.add(Mark(line=step.lines.first))
        commands |= {Mark(line=each.lines.first, name=program_of(each.text)) for each in step.commands}
        expectations |= {
            Mark(line=each.line, name=_KINDS.get(each.kind, each.kind.value)) for each in step.expectations
        }
        edges |= {Mark(line=each.line, name=each.kind.value) for each in step.edges}
    named = (steps, commands, expectations, edges)
    return {subject: frozenset(marks) for subject, marks in zip(SUBJECTS, named, strict=True)}


_ASSIGNMENT = re.compile(
    r"""\s*([A-Za-z_]\w*)=(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\((?:[^()]|\([^()]*\))*\)|<[^<>]*>|[^\s"'])*"""
)


def program_of(text: str) -> str:
    """The first word of a statement after assignments and `sudo`; of a mere assignment the variable's name."""
    rest, name = text.strip(), ""
    while match := _ASSIGNMENT.match(rest):
        name, rest = match[1], rest[match.end() :].strip()
    words = rest.split()
    while words and words[0] == "sudo":
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[2:] if words[0] in {"-u", "-g", "-h"} else words[1:]
    return words[0].strip("`") if words else name or text.split(maxsplit=1)[0]


def labelled_in(labels: dict[str, object]) -> Marks:
    def marks(subject: str, name: str) -> frozenset[Mark]:
        entries = labels.get(subject) or []
        if not isinstance(entries, list):
            raise TypeError(f"`{subject}` has to be a list")
        return frozenset(Mark(line=_line(each), name=str(each.get(name, ""))) for each in entries)

    names = {"steps": "", "commands": "program", "expectations": "kind", "edges": "kind"}
    return {subject: marks(subject, name) for subject, name in names.items()}


def _line(entry: dict[str, object]) -> int:
    return int(str(entry.get("line") or entry.get("lines")).split("-")[0])


def compare(subject: str, found: frozenset[Mark], labelled: frozenset[Mark]) -> Match:
    """Each label takes one find: the same kind before another, the same line before its neighbours."""
    left, both = set(found), []
    missed = set(labelled)
    for same_name in (True, False) if subject != "commands" else (True,):
        for distance in range(_NEAR[subject] + 1):
            for label in sorted(missed):
                near = (each for each in sorted(left) if abs(each.line - label.line) == distance)
                pick = next((each for each in near if not same_name or each.name == label.name), None)
                if pick is not None:
                    both.append((label, pick))
                    left.remove(pick)
                    missed.remove(label)
    return Match(both=tuple(both), missed=tuple(sorted(missed)), false=tuple(sorted(left)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    document: str
    lines: Sequence[str]
    matches: dict[str, Match] = field(default_factory=dict)


def score(labels_file: Path, corpus: Path) -> Scored:
    labels = yaml.safe_load(labels_file.read_text("utf-8"))
    document = str(labels["document"])
    content = (corpus / document).read_bytes()
    if hashlib.sha256(content).hexdigest() != labels["sha256"]:
        raise ChangedDocumentError(f"{document} is not the document that {labels_file.name} is about; label it anew")
    text = content.decode("utf-8", "replace")
    found, labelled = found_in(read_runbook(text, file=document)), labelled_in(labels)
    matches = {subject: compare(subject, found[subject], labelled[subject]) for subject in SUBJECTS}
    return Scored(document=document, lines=text.split("\n"), matches=matches)


def tallies(scored: Sequence[Scored]) -> dict[str, Tally]:
    found = {subject: Tally() for subject in SUBJECTS}
    for each in scored:
        for subject, match in each.matches.items():
            found[subject].add(match)
    return found


def table(name: str, scored: Sequence[Scored]) -> Iterator[str]:
    yield f"{name} ({len(scored)} documents)"
    yield f"  {'':13} {'labelled':>8} {'found':>6} {'right':>6} {'precision':>10} {'recall':>8} {'kind':>8}"
    for subject, tally in tallies(scored).items():
        precision, recall = _percent(tally.right, tally.found), _percent(tally.right, tally.labelled)
        kind = _percent(tally.same_kind, tally.right) if subject in {"expectations", "edges"} else ""
        counts = f"{tally.labelled:>8} {tally.found:>6} {tally.right:>6}"
        yield f"  {subject:13} {counts} {precision:>10} {recall:>8} {kind:>8}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def differences(scored: Scored) -> Iterator[str]:
    yield scored.document
    for subject, match in scored.matches.items():
        for word, marks in (("missed", match.missed), ("false", match.false)):
            for mark in marks:
                text = scored.lines[mark.line - 1].strip() if 0 < mark.line <= len(scored.lines) else ""
                yield f"  {word:6} {subject:12} {mark.line:>4} {mark.name:12} {text[:150]}"
        for label, find in match.both:
            if label.name != find.name:
                yield f"  kind   {subject:12} {label.line:>4} {label.name} read as {find.name}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, default=LABELS, help="folder of the sets of labels")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="folder of the labelled documents")
    parser.add_argument("--only", default="", help="one set: tuning or heldout")
    parser.add_argument("--show", default="", metavar="FILE", help="list misses and false finds of labels named so")
    chosen = parser.parse_args(arguments)
    if not chosen.corpus.is_dir():
        print(f"there are no documents at {chosen.corpus}; name their folder with --corpus", file=sys.stderr)
        return 2
    for folder in sorted(path for path in chosen.labels.iterdir() if path.is_dir()):
        if chosen.only in {"", folder.name}:
            _print(folder, chosen.corpus, chosen.show)
    return 0


def _print(folder: Path, corpus: Path, show: str) -> None:
    scored = {path.stem: score(path, corpus) for path in sorted(folder.glob("*.yaml"))}
    print("\n".join(table(folder.name, list(scored.values()))))
    for name, each in scored.items():
        if show and show in name:
            print("\n".join(differences(each)))


if __name__ == "__main__":
    sys.exit(main())
