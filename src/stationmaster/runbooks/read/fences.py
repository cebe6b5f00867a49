"""Reads a block of shell as somebody typed it: statements, prompts, output, sessions, and the warnings beside them."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from stationmaster.runbooks.read.cautions import caution_of
from stationmaster.runbooks.read.document import LOCAL, Command, Session, SessionKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.programs import KNOWN, SHELL_ONLY, WORDS_TOO
from stationmaster.runbooks.read.prompts import Line, begins_command, first_word, looks_like_output, read_line
from stationmaster.runbooks.read.sessions import OpenSessions, leaves, may_open_prompt, opened_by
from stationmaster.runbooks.shell.commands import statements

_GOES_ON = re.compile(r"(?:\\|\|\||&&|\||\{|\(|\bdo|\bthen|\belse)\s*$")
_HEREDOC = re.compile(r"<<-?\s*[\"']?([A-Za-z_]\w*)[\"']?")
_OPENS = re.compile(r"(?:^|[;&|]\s*)(?:for|while|until|if|case|select)\b|\{\s*$")
_CLOSES = re.compile(r"(?:^|[;&]\s*)(?:done|fi|esac)\b|^\s*\}")
_ANGLE = re.compile(r"\s*>\s+(?=[a-z])", re.IGNORECASE)
PROMPTING = (SessionKind.DATABASE, SessionKind.CONSOLE)
_NEVER_IN_A_CONSOLE = (KNOWN - WORDS_TOO - {"select", "set", "help", "info", "use", "exit", "quit"}) | SHELL_ONLY
"""Programs that no database or console knows: such a line is typed into a shell again."""
_SHORT_KUBECTL = re.compile(r"\s*k (?:exec|get|logs|describe|apply|delete|port-forward|rollout|scale|edit|patch)\s")
_ASSIGNS = re.compile(r"[a-z]\w* = \S|[A-Z]\w+(?:::\w+)*\.\w+")
_TO_ROOT = re.compile(r"sudo (?:su|-i|-s|su -|bash|su - root)|su(?: -)?(?: root)?")
_REMARKS = ("# ", "-- ", "// ")
"""How a comment begins in the languages that consoles read."""
_SQL_STARTS = re.compile(
    r"(?:select|update|insert|delete|show|alter|create|drop|begin|commit|rollback|explain|with|set|vacuum|analyze"
    r"|reindex|truncate"
    r"|grant|revoke|use|describe|kill|call|copy|pause|resume|reload|\\|db\.|rs\.|exit|quit)",
    re.IGNORECASE,
)


def fence_commands(text: str, *, first_line: int, sessions: OpenSessions, console: bool = False) -> tuple[Command, ...]:
    """The statements of a block whose first line is `first_line` of the document.

    When any line has a prompt, lines without one are output. What follows a command that opens a session on another
    machine belongs to that session, and so does the next block where nothing else was typed into it here.
    """
    raw = text.split("\n")
    hashes = sessions.current.kind not in PROMPTING and (console or _only_hashes(raw))
    lines = _read(raw, hashes=hashes)
    if sessions.current.kind not in PROMPTING and _begins_with_angle(lines, raw) and _is_foreign(raw):
        return ()
    if sessions.current.kind in PROMPTING or _begins_with_angle(lines, raw):
        _as_console(lines, raw, sessions.current)
    reading = _Fence(lines=lines, first_line=first_line, sessions=sessions)
    reading.read()
    return reading.with_output()


def _read(raw: list[str], *, hashes: bool) -> list[Line]:
    """Every line; after somebody has become root, `# ` before a command is the prompt of root."""
    found: list[Line] = []
    root = False
    for line in raw:
        as_root = root and line.startswith("# ") and begins_command(line[2:])
        found.append(read_line(line, hashes=hashes or as_root))
        root = root or (bool(found[-1].prompt) and _TO_ROOT.fullmatch(found[-1].text.strip()) is not None)
    return found


def only_for_shell(text: str) -> bool:
    """Whether a line begins with a program that no prompt but a shell's reads."""
    return first_word(text) in _NEVER_IN_A_CONSOLE or _SHORT_KUBECTL.match(text) is not None


def _begins_with_angle(lines: list[Line], raw: list[str]) -> bool:
    """Whether a block begins with `> ` before something that is no program of a shell."""
    first = next((at for at, line in enumerate(raw) if line.strip()), None)
    return first is not None and not lines[first].prompt and _ANGLE.match(raw[first]) is not None


def _is_foreign(raw: list[str]) -> bool:
    """Whether `> ` stands before code of a language whose prompt nobody has opened."""
    typed = [match.string[match.end() :] for line in raw if (match := _ANGLE.match(line))]
    return any(_ASSIGNS.match(each) for each in typed)


def _as_console(lines: list[Line], raw: list[str], current: Session) -> None:
    session = current if current.kind in PROMPTING else Session(kind=SessionKind.CONSOLE, opened_by=">")
    for at, line in enumerate(raw):
        if match := _ANGLE.match(line):
            lines[at] = Line(text=line[match.end() :], prompt=">", session=session, console=True)


def _only_hashes(raw: list[str]) -> bool:
    """Whether `# ` can only be a prompt: no line stands without one but below such a line."""
    typed = [line for line in raw if line.strip()]
    if not typed or not typed[0].lstrip().startswith("# "):
        return False
    return bool(read_line(typed[0], hashes=True).prompt) and not any(
        begins_command(line)
        for line in typed
        if not line.lstrip().startswith("#") and not read_line(line, hashes=False).prompt
    )


@dataclass(slots=True, kw_only=True)
class _Fence:
    lines: list[Line]
    first_line: int
    sessions: OpenSessions
    found: list[Command] = field(default_factory=list)
    printed: list[tuple[int, str]] = field(default_factory=list)
    outer_prompt: str = ""
    inner_prompts: set[str] = field(default_factory=set)
    any_prompt: bool = False
    any_console: bool = False
    first_prompt: int = 0

    def read(self) -> None:
        self.any_prompt = any(line.prompt and line.prompt != ">" for line in self.lines)
        self.any_console = any(line.console for line in self.lines)
        self.first_prompt = next((at for at, line in enumerate(self.lines) if line.prompt), 0)
        before = len(self.sessions.stack)
        lasting = self.sessions.lasting
        position = 0
        while position < len(self.lines):
            typed_in = self.sessions.current.kind
            here = self.lines[position]
            read = self._console if here.console or typed_in in PROMPTING else self._shell
            position = read(position)
        last = self.found[-1].text if self.found else ""
        opened_last = len(self.sessions.stack) > 0 and self.sessions.current.opened_by == last
        self.sessions.lasting = opened_last or (lasting and before > 0 and len(self.sessions.stack) > 0)
        if not self.sessions.lasting:
            self.sessions.clear()

    def _console(self, position: int) -> int:
        """One statement of a prompt that reads its own language; returns where the next one begins."""
        here = self.lines[position]
        text = here.text.strip()
        if not text or (not here.prompt and text.startswith(_REMARKS)):
            return position + 1
        if self._left_for_shell(here):
            self.sessions.clear()
            return position
        session = here.session if here.console and self.sessions.current is LOCAL else self.sessions.current
        if not here.console and self._printed_in(session, text):
            self.printed.append((position, here.text))
            return position + 1
        last = self._end_of_console(position, session)
        body = "\n".join(line.text for line in self.lines[position : last + 1]).strip()
        self._add(body, position, last, session=session)
        if self.sessions.stack and leaves(body):
            self.sessions.note(body)
        return last + 1

    def _left_for_shell(self, here: Line) -> bool:
        if here.console or not self.sessions.stack:
            return False
        return here.prompt not in {"", ">"} or only_for_shell(here.text)

    def _printed_in(self, session: Session, text: str) -> bool:
        if self.any_console or text.startswith("=> "):
            return True
        return session.kind is SessionKind.DATABASE and not (_SQL_STARTS.match(text) or leaves(text))

    def _end_of_console(self, position: int, session: Session) -> int:
        last = position
        limit = len(self.lines) - 1
        if session.kind is SessionKind.DATABASE and not leaves(self.lines[position].text):
            if self.lines[position].text.lstrip().startswith("\\"):
                return position
            while last < limit and not self.lines[last].text.rstrip().endswith((";", "\\G", "\\gx")):
                following = self.lines[last + 1]
                if following.console or not following.text.strip():
                    break
                last += 1
            return last
        depth = _brackets(self.lines[position].text)
        while (
            last < limit
            and not self.lines[last + 1].console
            and (depth > 0 or self.lines[last + 1].text[:1] in {" ", "\t", "}"})
        ):
            last += 1
            depth += _brackets(self.lines[last].text)
        return last

    def _shell(self, position: int) -> int:
        """The statements of a shell from here on, up to one that changes what reads the next line."""
        end = self._end_of_shell(position)
        body = self._typed(position, end)
        for each in statements("\n".join(body)):
            first, last = position + each.first_line, position + each.last_line
            self._back_at_outer_prompt(first)
            implied = self.lines[first].session
            session = self.sessions.current if self.sessions.stack or implied is LOCAL else implied
            self._add(each.text, first, last, session=session, beside=_beside(body, each.last_line, each.text))
            depth = len(self.sessions.stack)
            self.sessions.note(each.text)
            if len(self.sessions.stack) > depth:
                self.outer_prompt = self.outer_prompt or self.lines[first].prompt
            if self.sessions.current.kind in PROMPTING:
                return last + 1
        return end

    def _end_of_shell(self, position: int) -> int:
        """Up to a line of a console, or past one that may open it: what follows has to be read anew."""
        state = _Continuation()
        for at in range(position, len(self.lines)):
            if self.lines[at].console:
                return at
            state.take(self.lines[at].text)
            if may_open_prompt(self.lines[at].text) and not state.open:
                return at + 1
        return len(self.lines)

    def _back_at_outer_prompt(self, at: int) -> None:
        prompt = self.lines[at].prompt
        if not self.sessions.stack or not prompt or not self.outer_prompt:
            return
        if prompt != self.outer_prompt:
            self.inner_prompts.add(prompt)
        elif self.inner_prompts:
            self.sessions.clear()
            self.outer_prompt = ""
            self.inner_prompts.clear()

    def _typed(self, start: int, end: int) -> list[str]:
        """The lines as a shell would get them; output is blanked so that line numbers stay."""
        any_prompt = self.any_prompt
        state = _Continuation()
        body: list[str] = []
        after_command = bool(self.found)
        for at in range(start, end):
            line = self.lines[at]
            if line.prompt == ">" and any_prompt and not state.open:
                line = Line(text=f"> {line.text}")
            opens = at < self.first_prompt and begins_command(line.text) and opened_by(line.text) is not None
            if state.open or opens or self._is_typed(line, any_prompt, after_command):
                state.take(line.text)
                body.append(line.text)
                after_command = after_command or bool(line.text.strip())
            else:
                if line.text.strip():
                    self.printed.append((at, line.text))
                body.append("")
        return body

    def _is_typed(self, line: Line, any_prompt: bool, after_command: bool) -> bool:
        text = line.text.strip()
        if line.prompt or not text or text.startswith("#") or leaves(text):
            return True
        if any_prompt:
            return False
        return not looks_like_output(line.text, after_command=after_command)

    def _add(self, text: str, first: int, last: int, *, session: Session, beside: str = "") -> None:
        comments = [*self._comments_above(first), *([(last, beside)] if beside else [])]
        found = (caution_of(comment, line=self.first_line + at) for at, comment in comments)
        self.found.append(
            Command(
                text=text,
                lines=Lines(first=self.first_line + first, last=self.first_line + last),
                comment=" ".join(comment for _, comment in comments),
                session=session,
                cautions=tuple(each for each in found if each is not None),
            )
        )

    def _comments_above(self, first: int) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for at in range(first - 1, -1, -1):
            text = self.lines[at].text.strip()
            if text and not (text.startswith("#") and not self.lines[at].prompt):
                break
            if text:
                found.append((at, text.lstrip("# ").rstrip()))
        return found[::-1]

    def with_output(self) -> tuple[Command, ...]:
        """Every command with the lines that the document shows below it."""
        typed = {at for each in self.found for at in range(each.lines.first, each.lines.last + 1)}
        ends = [each.lines.last for each in self.found]
        shown: dict[int, list[str]] = {}
        for at, text in sorted(self.printed):
            line = self.first_line + at
            above = bisect_left(ends, line) - 1
            if above >= 0 and line not in typed:
                shown.setdefault(above, []).append(text)
        return tuple(
            replace(each, shown="\n".join(shown[number])) if number in shown else each
            for number, each in enumerate(self.found)
        )


@dataclass(slots=True, kw_only=True)
class _Continuation:
    """Whether the line after the ones taken still belongs to their statement."""

    open: bool = False
    delimiter: str = ""
    depth: int = 0
    quote: str = ""

    def take(self, text: str) -> None:
        if self.delimiter:
            if text.strip() == self.delimiter:
                self.delimiter = ""
                self.open = self.depth > 0
            return
        if text.strip().startswith("#") and not self.quote:
            return
        self._quotes(text)
        if not self.quote:
            self.depth = max(0, self.depth + bool(_OPENS.search(text)) - bool(_CLOSES.search(text)))
            if match := _HEREDOC.search(text):
                self.delimiter = match[1]
        self.open = bool(self.delimiter or self.quote or self.depth or _GOES_ON.search(text))

    def _quotes(self, text: str) -> None:
        if not self.quote and "'" not in text and '"' not in text:
            return
        escaped = False
        for character in text:
            if escaped:
                escaped = False
            elif character == "\\" and self.quote != "'":
                escaped = True
            elif self.quote:
                self.quote = "" if character == self.quote else self.quote
            elif character in "'\"":
                self.quote = character


def _brackets(text: str) -> int:
    return (
        sum(text.count(each) for each in "([{")
        - sum(text.count(each) for each in ")]}")
        + len(re.findall(r"\bdo\b(?:\s*\|[^|]*\|)?\s*$", text))
        - bool(re.match(r"\s*end\b", text))
    )


def _beside(body: list[str], last: int, text: str) -> str:
    """The comment that stands behind a statement on its last line."""
    end = text.rsplit("\n", 1)[-1].strip()
    line = body[last] if last < len(body) else ""
    rest = line[line.rfind(end) + len(end) :].strip() if end and end in line else ""
    return rest.lstrip("# ") if rest.startswith("#") else ""
