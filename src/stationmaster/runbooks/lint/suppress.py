"""Takes out findings that the author explains: `<!-- lint-disable SM203 why it is right so -->`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import BY_CODE, finding

_COMMENT = re.compile(r"<!--\s*lint-disable(?P<file>-file)?\b(?P<rest>.*?)-->")
_CODES = re.compile(r"\s*(?P<codes>[A-Za-z]+\d+(?:\s*,\s*[A-Za-z]+\d+)*)\b\s*(?P<reason>.*)", re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_FENCE = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])?[ \t]*(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One comment: it holds for `first` to `last`, which is the whole file for `lint-disable-file`."""

    line: int
    codes: tuple[str, ...]
    reason: str
    first: int
    last: int

    def covers(self, found: Finding) -> bool:
        return found.code in self.codes and self.first <= found.line <= self.last


def suppressions(file: str, lines: Sequence[str]) -> tuple[tuple[Suppression, ...], tuple[Finding, ...]]:
    """The comments of a document outside its fences, and what is wrong with them."""
    found: list[Suppression] = []
    broken: list[Finding] = []
    for number, match in _comments(lines):
        said = _CODES.fullmatch(match["rest"])
        codes = tuple(re.split(r"\s*,\s*", said["codes"].upper())) if said else ()
        problem = _problem(codes, said["reason"].strip(" -:") if said else "")
        if said is None or problem:
            hint = "write <!-- lint-disable SM203 why it is right so -->"
            broken.append(finding("SM504", file, number, problem or "it names no rule", hint=hint))
            continue
        first, last = (1, max(len(lines), 1)) if match["file"] else _span(lines, number)
        reason = said["reason"].strip(" -:")
        found.append(Suppression(line=number, codes=codes, reason=reason, first=first, last=last))
    return tuple(found), tuple(broken)


def _problem(codes: tuple[str, ...], reason: str) -> str:
    unknown = [code for code in codes if code not in BY_CODE]
    if unknown:
        return f"there is no rule {', '.join(unknown)}"
    if codes and not reason:
        return f"it gives no reason for leaving {', '.join(codes)}"
    return "" if codes else "it names no rule"


def _comments(lines: Sequence[str]) -> Iterator[tuple[int, re.Match[str]]]:
    fence = ""
    for number, line in enumerate(lines, start=1):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
        elif mark:
            fence = mark[1]
        else:
            plain = _CODE.sub(lambda span: " " * len(span[0]), line)
            yield from ((number, match) for match in _COMMENT.finditer(plain))


def _span(lines: Sequence[str], number: int) -> tuple[int, int]:
    """The rest of its line; for a comment alone on its line also the block below it, fences in it as a whole."""
    if _COMMENT.sub("", lines[number - 1]).strip(" \t>-*"):
        return number, number
    last = number
    while last < len(lines) and not lines[last].strip():
        last += 1
    fence = ""
    while last < len(lines) and (fence or lines[last].strip()):
        mark = _FENCE.match(lines[last])
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
        elif mark:
            fence = mark[1]
        last += 1
    return number, max(last, number)


def apply(
    found: Iterable[Finding], given: Sequence[Suppression], file: str
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is left, with the comments that hide nothing, and what was suppressed."""
    left: list[Finding] = []
    hidden: list[Finding] = []
    used: set[Suppression] = set()
    for each in found:
        covering = next((one for one in given if one.covers(each)), None)
        if covering is None:
            left.append(each)
        else:
            used.add(covering)
            hidden.append(replace(each, suppressed=covering.reason))
    for one in given:
        if one not in used:
            message = f"{', '.join(one.codes)} finds nothing here"
            left.append(finding("SM505", file, one.line, message, hint="take the comment out"))
    return tuple(left), tuple(hidden)
