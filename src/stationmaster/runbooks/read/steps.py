"""Builds the tree of steps of a document from its sections, with addresses that stay when its wording changes."""

import re

from stationmaster.runbooks.read.blocks import BlockReader, with_children
from stationmaster.runbooks.read.counting import Counter, with_targets
from stationmaster.runbooks.read.document import Step, StepKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.meaning import Draft, step_of
from stationmaster.runbooks.read.prose import sentence
from stationmaster.runbooks.read.sections import Part, is_numbered_instruction, number_of_heading, procedures
from stationmaster.runbooks.read.sessions import OpenSessions


class StepBuilder(BlockReader):
    """Reads sections on top of blocks."""

    def document(self, root: Part) -> tuple[Step, ...]:
        """One procedure gives its own numbers; of several, each becomes a step that holds its own. What other sections
        tell to do is kept in notes: shown, and never part of a run."""
        chosen = procedures(root)
        counter = Counter("")
        steps = self._visit(root, frozenset(map(id, chosen)), counter, alone=len(chosen) == 1)
        return with_targets(steps, self.numbered)

    def _visit(self, part: Part, chosen: frozenset[int], counter: Counter, *, alone: bool) -> list[Step]:
        if id(part) in chosen:
            return self._blocks_of(part, counter) if alone else [self._section(part, counter)]
        found = self._aside(part, counter)
        for each in part.parts:
            found += self._visit(each, chosen, counter, alone=alone)
        return found

    def _blocks_of(self, part: Part, counter: Counter) -> list[Step]:
        """The steps of a section: its own blocks first, then its sub-sections."""
        self.in_step = is_numbered_instruction(part.title)
        found = self.blocks(part.nodes, counter, procedure=True)
        self.in_step = False
        outer = self.sessions
        for each in part.parts:
            self.sessions = outer.copy()
            done = each.has_steps and not (each.afterwards and not each.holds_code)
            found.append(self._section(each, counter) if done else self._note_part(each, counter))
        self.sessions = OpenSessions()
        return found

    def _section(self, part: Part, counter: Counter) -> Step:
        address = counter.next()
        draft = Draft(address=address, lines=self._span(part), text=part.title, original=self._original(part))
        draft.said = [sentence(part.title, line=part.first_line)]
        draft.told = is_numbered_instruction(part.title)
        draft.silent, draft.heads = not draft.told, True
        if (number := number_of_heading(part.title)) is not None:
            self.numbered.add(number, address)
        if draft.silent:
            draft.said = [each for each in draft.said if _CONDITIONAL.match(each.text)]
        draft.children = tuple(self._blocks_of(part, Counter(address)))
        if draft.told and all(each.kind is StepKind.NOTE and not each.children for each in draft.children):
            return self._by_hand(draft, part)
        return step_of(draft)

    def _by_hand(self, draft: Draft, part: Part) -> Step:
        """A heading that instructs, over nothing that the platform could do: a person needs to see all of it."""
        draft.children = ()
        draft.original = self._text_of(self._trimmed(draft.lines))
        return step_of(draft)

    def _note_part(self, part: Part, counter: Counter) -> Step:
        note = self.note(counter, self._span(part), part.title, "reference, not a step")
        return self._filled(note, part)

    def _filled(self, note: Step, part: Part) -> Step:
        inner = Counter(note.address)
        nodes = [each for each in part.nodes if each.type == "paragraph"] if part.afterwards else part.nodes
        found = self.asides(nodes, inner, describes=part.describes) if part.procedure or not part.afterwards else []
        for each in part.parts:
            below = self._note_part(each, inner)
            if below.children:
                found.append(below)
        return with_children(note, found)

    def _aside(self, part: Part, counter: Counter) -> list[Step]:
        """What a section that is no procedure tells nevertheless, in a note; without any, there is no note."""
        if part.afterwards or not part.nodes:
            return []
        note = self.note(counter, self._own_span(part), part.title, "told beside the procedure")
        self.sessions = OpenSessions()
        found = self.asides(part.nodes, Counter(note.address), describes=part.describes)
        if not found:
            counter.forget_note()
            return []
        return [with_children(note, found)]

    def _own_span(self, part: Part) -> Lines:
        ends = [node.map[1] for node in part.nodes if node.map]
        starts = [node.map[0] + 1 for node in part.nodes if node.map]
        first = part.first_line if part.level else min(starts, default=1)
        return Lines(first=first, last=max([first, *ends]))

    def _span(self, part: Part) -> Lines:
        last = max([part.first_line, *(node.map[1] for node in part.nodes if node.map)])
        return Lines(first=part.first_line, last=max([last, *(self._span(each).last for each in part.parts)]))

    def _original(self, part: Part) -> str:
        return self.lines[part.first_line - 1] if part.first_line <= len(self.lines) else ""


_CONDITIONAL = re.compile(r"\W*(?:\d+\W+)?(?:if|when|unless|in case|once)\b|.*\((?:if|when)\b", re.IGNORECASE)
