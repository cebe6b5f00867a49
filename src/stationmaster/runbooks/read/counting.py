"""Numbers steps: addresses that stay, and the numbers that the document itself gives, for its jumps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stationmaster.runbooks.read.document import Edge, EdgeKind, Step
from stationmaster.runbooks.read.edges import number_of


class Counter:
    """Numbers the children of one address."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}." if prefix else ""
        self._last, self._notes = 0, 0

    def at_least(self, number: int) -> None:
        """The next number is `number`, unless that one is taken."""
        self._last = max(self._last, number - 1)

    def next(self) -> str:
        self._last += 1
        return f"{self._prefix}{self._last}"

    def note(self) -> str:
        self._notes += 1
        return f"{self._prefix}n{self._notes}"

    def forget_note(self) -> None:
        """Gives the last note's address back."""
        self._notes -= 1


@dataclass(slots=True, kw_only=True)
class Numbered:
    """Which steps the document calls by a number: items of its ordered lists and headings such as "Step 2"."""

    found: dict[int, list[str]] = field(default_factory=dict)

    def add(self, number: int, address: str) -> None:
        self.found.setdefault(number, []).append(address)

    def nearest(self, number: int, address: str) -> str:
        """The step of that number whose address has most in common with `address`; empty where two are as near."""
        ranked = sorted(
            (
                (_shared(each, address), -each.count("."), each)
                for each in self.found.get(number, ())
                if each != address
            ),
            reverse=True,
        )
        if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
            return ""
        return ranked[0][2]


def _shared(first: str, second: str) -> int:
    count = 0
    for left, right in zip(first.split("."), second.split("."), strict=False):
        if left != right:
            break
        count += 1
    return count


def with_targets(steps: Sequence[Step], numbered: Numbered) -> tuple[Step, ...]:
    """The steps with their jumps resolved to addresses, as far as they name a step of this document."""
    every = [step for root in steps for step in root.walk()]
    if not any(edge.kind is EdgeKind.GOTO for step in every for edge in step.edges):
        return tuple(steps)
    order = [step.address for step in every]
    known = frozenset(order)
    return tuple(_resolved(step, numbered, order, known) for step in steps)


def _resolved(step: Step, numbered: Numbered, order: list[str], known: frozenset[str]) -> Step:
    edges = tuple(
        replace(edge, target=_target(edge, step.address, numbered, order, known))
        if edge.kind is EdgeKind.GOTO
        else edge
        for edge in step.edges
    )
    children = tuple(_resolved(child, numbered, order, known) for child in step.children)
    return replace(step, edges=edges, children=children)


def _target(edge: Edge, address: str, numbered: Numbered, order: list[str], known: frozenset[str]) -> str:
    number = number_of(edge.text)
    if "." in number:
        return number if number in known else ""
    if number:
        return numbered.nearest(int(number), address) if len(number) < 6 else ""
    if "next step" in edge.text.lower():
        return next(_after(address, order), "")
    return ""


def _after(address: str, order: list[str]) -> Iterator[str]:
    at = order.index(address)
    level = address.count(".")
    for each in order[at + 1 :]:
        if (
            not each.startswith(f"{address}.")
            and each.count(".") <= level
            and not each.rsplit(".", 1)[-1].startswith("n")
        ):
            yield each
