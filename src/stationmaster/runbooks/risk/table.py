"""Finds the rows that a command selects, by its verb and its options; what cannot be placed is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import reduce

from stationmaster.runbooks.risk.classes import Judged, Risk, worst, worst_of
from stationmaster.runbooks.risk.rows import Family, Grammar, Row, Verb
from stationmaster.runbooks.shell.commands import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """The verb's words as they stand, what follows the program, and the word that keeps us from reading on."""

    words: Verb
    places: tuple[int, ...]
    rest: tuple[Word, ...]
    blocked: str = ""

    def but(self, length: int) -> tuple[Word, ...]:
        """What stands around the first `length` words of the verb."""
        return tuple(word for place, word in enumerate(self.rest) if place not in self.places[:length])


@dataclass(slots=True, kw_only=True)
class ProgramTable:
    """Every row of one program."""

    program: str
    grammar: Grammar
    plain: dict[Verb, Row] = field(default_factory=dict)
    wild: list[tuple[Verb, Row]] = field(default_factory=list)
    options: list[tuple[Verb, Row]] = field(default_factory=list)
    depth: int = 0

    def add(self, row: Row) -> None:
        for verb in row.verbs:
            self.depth = max(self.depth, len(verb))
            if row.option is not None:
                self.options.append((verb, row))
            elif any("*" in word for word in verb):
                self.wild.append((verb, row))
            else:
                self.plain[verb] = _worse(row, self.plain.get(verb, row))

    def judge(self, words: Sequence[Word]) -> Judged:
        path = self._path(words)
        verb, base = self._base(path.words)
        others = path.but(len(verb))
        added = [row for at, row in self.options if _begins(at, path.words)]
        chosen = [row for row in added if any(_matches(row, word) for word in others)]
        if base is None and (path.words or path.blocked or not chosen):
            return self._nameless(path)
        found = [base, *self._deeper(verb, path)] if base is not None else []
        rows = self._rows_that_count(found, chosen, others)
        name = " ".join((self.program, *verb))
        risk, reason = worst_of([(row.risk, row.reason) for row in rows])
        graver = [row for row in added if not row.weak and worst(risk, row.risk) is not risk]
        if graver and worst(risk, Risk.UNKNOWN) is not risk and (loose := self._loose(others)) is not None:
            return Risk.UNKNOWN, f"`{name}` gets `{loose.text}`, which may be any option"
        hidden = path.blocked == "$" or len(path.words) > len(verb)
        if risk is Risk.READ and hidden and self._has_deeper(verb):
            return Risk.UNKNOWN, f"`{name}` has a word behind it that is not in the table of known commands"
        return risk, f"`{name}` {reason}"

    def _loose(self, others: Sequence[Word]) -> Word | None:
        """The first word that may be any option; one word that is the value of a known option is none."""
        for before, word in zip((Word(text=""), *others), others, strict=False):
            if word.splits or (word.loose and before.text not in self.grammar.valued):
                return word
        return None

    def _rows_that_count(self, found: list[Row], chosen: list[Row], others: Sequence[Word]) -> list[Row]:
        """Options that soften take the place of the verb's own row and of weak options, never of other options."""
        instead = [row for row in chosen if row.instead and self._is_plainly_given(row, others)]
        firm = [row for row in chosen if not row.instead and not (instead and row.weak)]
        return instead + firm if instead else found + firm

    def _path(self, words: Sequence[Word]) -> _Path:
        rest = tuple(words[1:])
        found: list[str] = []
        places: list[int] = []
        position, blocked = 0, ""
        while position < len(rest) and len(found) < max(self.depth, 1):
            word = rest[position]
            if word.text.startswith("-") and len(word.text) > 1:
                option = word.text.split("=", 1)[0]
                if word.text in self.grammar.valued:
                    if any(each.splits for each in rest[position + 1 : position + 2]):
                        blocked = "$"
                        break
                    position += 2
                    continue
                if not (word.text in self.grammar.flags or (option != word.text and self._knows(option))):
                    blocked = word.text
                    break
            elif word.dynamic:
                blocked = "$"
                break
            elif found or word.text not in self.grammar.groups:
                found.append(word.text.lower() if self.grammar.folded else word.text)
                places.append(position)
            position += 1
        return _Path(words=tuple(found), places=tuple(places), rest=rest, blocked=blocked)

    def _knows(self, option: str) -> bool:
        return option.startswith("--") and option in self.grammar.valued | self.grammar.flags

    def _base(self, words: Verb) -> tuple[Verb, Row | None]:
        for length in range(min(len(words), self.depth), -1, -1):
            verb = words[:length]
            if (row := self.plain.get(verb)) is not None:
                return verb, row
            found = [row for at, row in self.wild if len(at) == length and _begins(at, verb)]
            if found:
                return verb, reduce(_worse, found)
        return (), None

    def _deeper(self, verb: Verb, path: _Path) -> list[Row]:
        """Rows of longer verbs whose next word stands anywhere behind: an option in between may have hidden it."""
        if not path.blocked or not self._has_deeper(verb):
            return []
        texts = {word.text for word in path.rest}
        return [
            row
            for at, row in self.plain.items()
            if at[: len(verb)] == verb and at[len(verb) :][:1] and at[len(verb)] in texts
        ]

    def _has_deeper(self, verb: Verb) -> bool:
        return any(len(at) > len(verb) and at[: len(verb)] == verb for at in self.plain)

    def _nameless(self, path: _Path) -> Judged:
        if path.blocked == "$":
            return Risk.UNKNOWN, f"`{self.program}` names what it does only when it runs"
        if path.blocked:
            return Risk.UNKNOWN, f"`{self.program}` has `{path.blocked}` before its verb, which is not known"
        if not path.words:
            return self.grammar.alone, f"`{self.program}` without a verb"
        named = " ".join((self.program, *path.words[:2]))
        return Risk.UNKNOWN, f"`{named}` is not in the table of known commands"

    def _is_plainly_given(self, row: Row, rest: Sequence[Word]) -> bool:
        """Whether the option that softens a command stands once, before any `--`, and is no other option's value."""
        position = next(number for number, word in enumerate(rest) if _matches(row, word))
        name = rest[position].text.split("=", 1)[0]
        if sum(word.text.split("=", 1)[0] == name for word in rest) > 1 or any(word.loose for word in rest):
            return False
        before = [word.text for word in rest[:position]]
        last = before[-1] if before else ""
        free = not last.startswith("-") or "=" in last or last in self.grammar.flags
        return free and "--" not in before


def _worse(one: Row, other: Row) -> Row:
    return one if worst(one.risk, other.risk) is one.risk else other


def _begins(at: Verb, words: Verb) -> bool:
    return len(at) <= len(words) and all(map(fnmatchcase, words, at))


def _matches(row: Row, word: Word) -> bool:
    """Whether a word is the row's option, as it stands or where its expansions give nothing."""
    option = row.option
    if option is None:
        return False
    return bool(option.fullmatch(word.text) or (not row.instead and word.dynamic and option.fullmatch(word.bare)))


def build_tables(families: Sequence[Family]) -> dict[str, ProgramTable]:
    grammars = {name: each for family in families for each in family.grammars for name in each.programs}
    tables: dict[str, ProgramTable] = {}
    for family in families:
        for row in family.rows:
            for program in sorted(row.programs):
                empty = ProgramTable(program=program, grammar=grammars.get(program, Grammar(programs=frozenset())))
                tables.setdefault(program, empty).add(row)
    return tables
