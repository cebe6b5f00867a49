"""Fills the places of shell text so that a value stays one value: argv where one call suffices, otherwise quoted."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from stationmaster.runbooks.read.document import Parameter
from stationmaster.runbooks.read.parameters import parameters_of
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.rereading import ends_its_text, interpreters_of, names_program, reread
from stationmaster.runbooks.shell.surroundings import Stand, command_around, parsed, stand_of, text_of, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What runs. `text` is the shell text with every place filled in; `argv` the same as words, where one plain call
    suffices, otherwise `bash` with the text; `why` says why a shell is needed."""

    text: str
    argv: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A value that may not stand at its place. `written` is the place, empty when the text itself is the problem."""

    written: str
    why: str


BASH = ("bash", "--noprofile", "--norc", "-o", "pipefail", "-c")
LONGEST_BYTES = 100_000
"""The kernel takes 128 KiB for one argument (execve(2), MAX_ARG_STRLEN)."""
_PLAIN = re.compile(r"/?[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_SHELL_OWN = cells(
    """
        HOME PATH PWD OLDPWD USER LOGNAME SHELL HOSTNAME UID EUID PPID RANDOM SECONDS LINENO IFS OPTARG OPTIND REPLY
        TMPDIR BASH BASHPID BASH_VERSION EPOCHSECONDS EPOCHREALTIME PIPESTATUS SHLVL LANG LC_ALL TERM COLUMNS LINES
        NF NR FS
        """
)
_BUILTINS = cells(
    """
        . : [[ alias bg bind builtin cd command compgen declare dirs disown enable eval exec exit export fc fg
        getopts hash help history jobs let local logout mapfile popd pushd read readarray readonly return set shift
        shopt source suspend time times trap type typeset ulimit umask unalias unset wait until while for if case
        select function ! {
        """
)
_GO_TEMPLATE = re.compile(
    r"\{\{-?\s*(?:\.|\$|range\b|end\b|json\b|with\b|if\b|else\b|printf?\b|println\b|index\b|len\b)"
)
_MARK = "Zq{}Place{}Qz"


def written_places(text: str) -> tuple[Parameter, ...]:
    """The places of a command that a value has to fill: never what the shell, or the text itself, gives a value."""
    return tuple(each for each in parameters_of(text) if _is_open(each.text, text))


def _is_open(written: str, text: str) -> bool:
    if written.startswith("{{"):
        return not _GO_TEMPLATE.match(written)
    if not written.startswith("$"):
        return True
    name = written.strip("${}")
    return name not in _SHELL_OWN and name not in variables_set(text) and _expanded(written, text)


def _expanded(written: str, text: str) -> bool:
    """Whether a shell would put a value there: not inside single quotes, a quoted heredoc or a comment."""
    kept = _kept_by_quotes(text)
    return any(match.start() not in kept for match in re.finditer(re.escape(written) + r"(?!\w)", text))


def _kept_by_quotes(text: str) -> frozenset[int]:
    """Where a `$` stands that a shell leaves as it is: in single quotes, a quoted heredoc, a comment, after `\\`."""
    root = parsed(text)
    spots = [match.start() for match in re.finditer(r"\$\{?\w", text)]
    raw = {Stand.SINGLE, Stand.RAW_HEREDOC, Stand.COMMENT}
    return frozenset(spot for spot in spots if _stand_at(root, text, spot) in raw or _escaped(text, spot))


def _stand_at(root: Node, text: str, spot: int) -> Stand:
    first = len(text[:spot].encode())
    return stand_of(root, first, first + 1)


def _escaped(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def variables_set(text: str) -> frozenset[str]:
    """Names that the text itself gives a value: assignments, loops, `read`."""
    found: set[str] = set()
    for node in walk(parsed(text)):
        if node.type in {"variable_assignment", "for_statement"}:
            named = node.child_by_field_name("name") or node.child_by_field_name("variable")
            found.add(text_of(named)) if named is not None else None
        elif (
            node.type == "command"
            and (words := [text_of(each) for each in node.named_children])
            and words[0] in {"read", "mapfile", "readarray", "getopts"}
        ):
            found.update(word for word in words[1:] if re.fullmatch(r"[A-Za-z_]\w*", word))
    return frozenset(found)


def kept_variables(text: str) -> tuple[str, ...]:
    """What later steps see of a text: variables that it sets at its top level, `PWD` where it changes the folder."""
    found: list[str] = []
    for node in parsed(text).named_children:
        if node.type == "variable_assignment" or node.type in {"variable_assignments", "declaration_command"}:
            nodes = [node, *node.named_children]
            names = [each.child_by_field_name("name") for each in nodes if each.type == "variable_assignment"]
            found += [text_of(each) for each in names if each is not None and each.type == "variable_name"]
    if any(command.program in {"cd", "pushd", "popd"} for command in parse(text).commands):
        found.append("PWD")
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """`free` when the author's own pattern has let it through: it may then begin with `-` or be empty."""

    text: str
    free: bool = False


def fill(text: str, values: Mapping[str, Value]) -> Filled | Misfit:
    """`values` by place as written. Places without a value stay as they stand: such a text is only to be shown."""
    return _Filling.of(text, values).done()


@dataclass(slots=True, kw_only=True)
class _Filling:
    template: str
    marked: str
    mark: str
    values: Mapping[str, Value]
    order: list[str] = field(default_factory=list)

    @staticmethod
    def of(text: str, values: Mapping[str, Value]) -> "_Filling":
        salt = next(number for number in range(1000) if f"Zq{number}Place" not in text)
        order: list[str] = []
        kept = _kept_by_quotes(text) if any(each.startswith("$") for each in values) else frozenset()
        wanted = sorted((each for each in values if each), key=len, reverse=True)

        def hide(match: re.Match[str]) -> str:
            if match.start() in kept:
                return match[0]
            order.append(match[0])
            return _MARK.format(salt, len(order) - 1)

        pattern = "|".join(re.escape(each) + (r"(?!\w)" if re.fullmatch(r"\$\w+", each) else "") for each in wanted)
        marked = re.sub(pattern, hide, text) if wanted else text
        return _Filling(template=text, marked=marked, mark=rf"Zq{salt}Place(\d+)Qz", values=values, order=order)

    def done(self) -> Filled | Misfit:
        if len(self.marked.encode()) > LONGEST_BYTES:
            return Misfit(written="", why=f"it is longer than {LONGEST_BYTES} bytes")
        root = parsed(self.marked)
        pieces: list[str] = []
        last = 0
        for match in re.finditer(self.mark, self.marked):
            number = int(match[1])
            quoted = self._quoted(root, match, self.values[self.order[number]])
            if isinstance(quoted, Misfit):
                return quoted
            pieces += [self.marked[last : match.start()], quoted]
            last = match.end()
        filled = "".join([*pieces, self.marked[last:]])
        argv = self._argv()
        if argv is not None:
            return Filled(text=filled, argv=argv)
        return Filled(text=filled, argv=(*BASH, filled), why=_why_shell(self.marked))

    def _quoted(self, root: Node, match: re.Match[str], value: Value) -> str | Misfit:
        """The text that stands for the value at this very place, whatever is around it."""
        first = len(self.marked[: match.start()].encode())
        stand = stand_of(root, first, first + len(match[0]))
        written = self.order[int(match[1])]
        if (why := self._misfit(root, stand, match, value, first)) is not None:
            return Misfit(written=written, why=why)
        match stand:
            case Stand.BARE:
                return shlex.quote(value.text)
            case Stand.SINGLE:
                return value.text.replace("'", "'\\''")
            case Stand.DOUBLE:
                return re.sub(r'([\\"$`])', r"\\\1", value.text)
            case Stand.HEREDOC:
                return re.sub(r"([\\$`])", r"\\\1", value.text)
            case _:
                return value.text

    def _misfit(self, root: Node, stand: Stand, match: re.Match[str], value: Value, first: int) -> str | None:
        plain = bool(_PLAIN.fullmatch(value.text))
        if stand is Stand.NEVER:
            return "a value may not say which program runs or which variable is read"
        if self._begins_option(match, value):
            return "it begins with `-` and could be taken for an option"
        if "\0" in value.text:
            return "it holds a character that no program can be given"
        if _after_escape(self.marked, match.start()) and stand not in {Stand.SINGLE, Stand.RAW_HEREDOC}:
            return "a backslash or `$` stands before its place"
        if stand is Stand.NUMBER and not re.fullmatch(r"\d{1,18}", value.text):
            return "only a whole number may stand there"
        if stand in {Stand.HEREDOC, Stand.RAW_HEREDOC}:
            return self._heredoc_misfit(root, match, value, first)
        if names_program(root, first, first + len(match[0])):
            return "a value may not say which program runs"
        if plain:
            return self._plain_misfit(root, first, first + len(match[0]), value)
        if root.has_error or stand in {Stand.OTHER, Stand.COMMENT}:
            return "only a plain word may stand there, because what surrounds the place cannot be quoted for"
        if value.text.startswith(("@", "<")) and "curl" in self.marked:
            return "curl would take it for the name of a file to send"
        return reread(root, first, first + len(match[0]), self.mark)

    def _plain_misfit(self, root: Node, first: int, end: int, value: Value) -> str | None:
        if ends_its_text(root, first, end, value.text, self.mark):
            return "it would end the expression in which it stands"
        return reread(root, first, end, self.mark, path=True) if value.text.startswith("/") else None

    def _begins_option(self, match: re.Match[str], value: Value) -> bool:
        before = self.marked[: match.start()]
        starts = not before or before[-1] in " \t\n'\"" or re.search(rf"{self.mark}$", before) is not None
        return value.text.startswith("-") and not value.free and starts

    def _heredoc_misfit(self, root: Node, match: re.Match[str], value: Value, first: int) -> str | None:
        if re.search(r"[\n\r\x0b\x0c]", value.text) or value.text.startswith("\t"):
            return "a value in a here-document has to stay on its line"
        start = self.marked.rfind("\n", 0, match.start()) + 1
        end = self.marked.find("\n", match.end())
        line = self.marked[start : len(self.marked) if end < 0 else end]
        shown = re.sub(self.mark, lambda each: self.values[self.order[int(each[1])]].text, line).strip("\t")
        ends = {text_of(node).strip("'\"\\") for node in walk(root) if node.type == "heredoc_start"}
        if shown in ends:
            return "it would end the here-document"
        if _PLAIN.fullmatch(value.text):
            return self._plain_misfit(root, first, first + 1, value)
        fed = interpreters_of(command_around(root.descendant_for_byte_range(first, first + 1)))
        if fed:
            return f"only a plain word may stand in what `{min(fed)}` takes for a program"
        return reread(root, first, first + 1, self.mark)

    def _argv(self) -> tuple[str, ...] | None:
        """The words of one plain program call, with the values put into them as they are."""
        script = parse(self.marked)
        if not script.simple or script.commands[0].assignments or script.commands[0].program in _BUILTINS:
            return None
        words = script.commands[0].words
        if not words or any(word.dynamic for word in words):
            return None
        return tuple(
            re.sub(self.mark, lambda each: self.values[self.order[int(each[1])]].text, word.text) for word in words
        )


def _after_escape(text: str, position: int) -> bool:
    before = text[:position]
    return _escaped(text, position) or (before.endswith("$") and not before.endswith("\\$"))


def _why_shell(text: str) -> str:
    kinds = {node.type for node in walk(parsed(text))}
    names = {
        "pipeline": "a pipe",
        "for_statement": "a loop",
        "while_statement": "a loop",
        "if_statement": "a condition",
        "heredoc_redirect": "a here-document",
        "herestring_redirect": "a here-string",
        "file_redirect": "a redirection",
        "list": "several commands",
        "command_substitution": "the output of another command",
        "variable_assignment": "a variable",
        "simple_expansion": "a variable",
        "expansion": "a variable",
        "subshell": "a subshell",
    }
    found = dict.fromkeys(told for kind, told in names.items() if kind in kinds)
    return f"a shell is needed for {', '.join(found)}" if found else "a shell is needed to read it"
