"""Reads tokens into a tree, and refuses what Go's text/template refuses before anything runs."""

import json
import re
from collections.abc import Collection

from stationmaster.monitor.alerting.template.errors import TemplateError
from stationmaster.monitor.alerting.template.lexer import Kind, Token, line_of, tokens
from stationmaster.monitor.alerting.template.nodes import (
    Action,
    Branch,
    Call,
    Chain,
    Command,
    Constant,
    Dot,
    Fields,
    Leave,
    Node,
    Number,
    Operand,
    Pipeline,
    String,
    Text,
    Tree,
    Variable,
    Word,
)

_DEEPEST = 60
_STARTS = frozenset(
    {Kind.WORD, Kind.FIELD, Kind.VARIABLE, Kind.NUMBER, Kind.CHARACTER, Kind.STRING, Kind.RAW, Kind.DOT, Kind.LEFT}
)
_CONSTANTS = {"true": True, "false": False, "nil": None}
_KEYWORDS = frozenset({"if", "range", "with", "end", "else", "define", "block", "template", "break", "continue"})
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))")


def parse(text: str, functions: Collection[str]) -> Tree:
    """Raises TemplateError; its text begins with the line."""
    parser = _Parser(text, functions)
    parser.whole()
    return parser.tree


class _Parser:
    def __init__(self, text: str, functions: Collection[str]) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.at = 0
        self.functions = functions
        self.tree = Tree(text)
        self.variables = ["$"]
        self.depth = 0
        self.loops = 0

    def whole(self) -> None:
        body, ending = self._nodes()
        if ending.text != "":
            raise self._failure(ending, f"unexpected {{{{{ending.text}}}}}")
        self.tree.bodies[""] = body

    def _nodes(self) -> tuple[tuple[Node, ...], Token]:
        """Up to `end`, `else` or the end of the text, whose token is handed back."""
        self._deeper()
        made: list[Node] = []
        while True:
            token = self._next()
            if token.kind is Kind.TEXT:
                made.append(Text(token.text, token.at))
                continue
            if token.kind is Kind.END:
                self.depth -= 1
                return tuple(made), token
            word = self._peek_solid()
            if word.kind is Kind.WORD and word.text in ("end", "else"):
                self._next_solid()
                self.depth -= 1
                return tuple(made), word
            node = self._action(word)
            if node is not None:
                made.append(node)

    def _action(self, word: Token) -> Node | None:
        if word.kind is Kind.WORD and word.text in _KEYWORDS:
            self._next_solid()
            match word.text:
                case "if" | "range" | "with":
                    return self._branch(word)
                case "define":
                    self._define(word)
                    return None
                case "block":
                    return self._block(word)
                case "template":
                    return self._call(word)
                case _:
                    return self._leave(word)
        pipeline = self._pipeline("command", Kind.CLOSE)
        return Action(pipeline, word.at)

    def _branch(self, word: Token) -> Branch:
        scope = len(self.variables)
        pipeline = self._pipeline(word.text, Kind.CLOSE)
        self.loops += word.text == "range"
        body, ending = self._nodes()
        self.loops -= word.text == "range"
        otherwise: tuple[Node, ...] = ()
        if ending.text == "else":
            following = self._peek_solid()
            if following.kind is Kind.WORD and following.text == word.text and word.text in ("if", "with"):
                self._next_solid()
                otherwise = (self._branch(following),)
                del self.variables[scope:]
                return Branch(word=word.text, pipeline=pipeline, body=body, otherwise=otherwise, at=word.at)
            self._close(ending)
            otherwise, ending = self._nodes()
        if ending.text != "end":
            told = "expected end; found {{else}}" if ending.text == "else" else f"unexpected {ending.text or 'EOF'}"
            raise self._failure(ending, told)
        self._close(ending)
        del self.variables[scope:]
        return Branch(word=word.text, pipeline=pipeline, body=body, otherwise=otherwise, at=word.at)

    def _define(self, word: Token) -> None:
        if self.depth > 1:
            raise self._failure(word, "unexpected {{define}}")
        name = self._name("define clause")
        self._close(word)
        self.tree.bodies[name] = self._body_of_its_own(word)

    def _block(self, word: Token) -> Call:
        name = self._name("block clause")
        pipeline = self._pipeline("block clause", Kind.CLOSE)
        self.tree.bodies[name] = self._body_of_its_own(word)
        return Call(name, pipeline, word.at)

    def _body_of_its_own(self, word: Token) -> tuple[Node, ...]:
        outer, self.variables = self.variables, ["$"]
        loops, self.loops = self.loops, 0
        body, ending = self._nodes()
        if ending.text != "end":
            raise self._failure(word, f"unexpected {ending.text or 'EOF'} in {word.text} clause")
        self._close(ending)
        self.variables, self.loops = outer, loops
        return body

    def _call(self, word: Token) -> Call:
        at = self._peek_solid().at
        name = self._name("template clause")
        if self._peek_solid().kind is Kind.CLOSE:
            self._next_solid()
            return Call(name, None, at)
        return Call(name, self._pipeline("template clause", Kind.CLOSE), at)

    def _leave(self, word: Token) -> Leave:
        if not self.loops:
            raise self._failure(word, f"{{{{{word.text}}}}} outside {{{{range}}}}")
        self._close(word)
        return Leave(word.text, word.at)

    def _name(self, where: str) -> str:
        token = self._next_solid()
        if token.kind not in (Kind.STRING, Kind.RAW):
            raise self._failure(token, f"unexpected {_shown(token)} in {where}")
        return self._string(token)

    def _close(self, word: Token) -> None:
        token = self._next_solid()
        if token.kind is not Kind.CLOSE:
            raise self._failure(token, f"unexpected {_shown(token)} in {word.text}")

    def _pipeline(self, where: str, end: Kind) -> Pipeline:
        self._deeper()
        at = self._peek_solid().at
        variables, assigns = self._declaration(where)
        commands: list[Command] = []
        while True:
            token = self._peek_solid()
            if token.kind is end:
                self._next_solid()
                break
            if token.kind not in _STARTS:
                raise self._failure(token, f"unexpected {_shown(token)} in {where}")
            commands.append(self._command())
        self._check(commands, where)
        self.depth -= 1
        self.variables.extend(() if assigns else variables)
        return Pipeline(tuple(commands), at, variables, assigns)

    def _check(self, commands: list[Command], where: str) -> None:
        if not commands:
            raise self._failure(self.tokens[self.at - 1], f"missing value for {where}")
        for number, command in enumerate(commands[1:], start=2):
            first = command.operands[0]
            if isinstance(first, Number | String | Constant | Dot):
                raise self._failure(self.tokens[self.at - 1], f"non executable command in pipeline stage {number}")

    def _declaration(self, where: str) -> tuple[tuple[str, ...], bool]:
        start = self.at
        names: list[str] = []
        while self._peek_solid().kind is Kind.VARIABLE:
            names.append(self._next_solid().text)
            token = self._peek_solid()
            if token.kind in (Kind.DECLARE, Kind.ASSIGN):
                self._next_solid()
                if token.kind is Kind.ASSIGN:
                    for name in names:
                        self._known(name, token)
                return tuple(names), token.kind is Kind.ASSIGN
            if token.kind is not Kind.COMMA:
                break
            if where != "range" or len(names) == 2:
                raise self._failure(token, f"too many declarations in {where}")
            self._next_solid()
        self.at = start
        return (), False

    def _command(self) -> Command:
        operands: list[Operand] = []
        at = self._peek_solid().at
        while True:
            token = self._peek_solid()
            if token.kind in _STARTS:
                operands.append(self._operand())
                following = self.tokens[self.at]
                if following.kind is Kind.SPACE:
                    continue
                token = following
            if token.kind is Kind.PIPE:
                self._next_solid()
            elif token.kind not in (Kind.CLOSE, Kind.RIGHT):
                raise self._failure(token, f"unexpected {_shown(token)} in operand")
            if not operands:
                raise self._failure(token, "empty command")
            return Command(tuple(operands), at)

    def _operand(self) -> Operand:
        term = self._term()
        fields: list[str] = []
        at = self.tokens[self.at].at
        while self.tokens[self.at].kind is Kind.FIELD:
            fields.append(self._next().text[1:])
        if not fields:
            return term
        match term:
            case Fields():
                return Fields((*term.names, *fields), at)
            case Variable():
                return Variable(term.name, (*term.fields, *fields), at)
            case Number() | String() | Constant():
                raise self._failure(self.tokens[self.at], f'unexpected . after term "{term}"')
            case _:
                return Chain(term, tuple(fields), at)

    def _term(self) -> Operand:
        token = self._next_solid()
        match token.kind:
            case Kind.WORD if token.text in _CONSTANTS:
                return Constant(_CONSTANTS[token.text], token.at)
            case Kind.WORD:
                if token.text not in self.functions:
                    raise self._failure(token, f'function "{token.text}" not defined')
                return Word(token.text, token.at)
            case Kind.FIELD:
                return Fields((token.text[1:],), token.at)
            case Kind.VARIABLE:
                self._known(token.text, token)
                return Variable(token.text, (), token.at)
            case Kind.STRING | Kind.RAW:
                return String(token.text, self._string(token), token.at)
            case Kind.NUMBER | Kind.CHARACTER:
                return Number(token.text, self._number(token), token.at)
            case Kind.DOT:
                return Dot(token.at)
            case _:
                return self._pipeline("parenthesized pipeline", Kind.RIGHT)

    def _number(self, token: Token) -> int | float:
        text = token.text
        if token.kind is Kind.CHARACTER:
            value = unquote(text)
            if len(value) != 1:
                raise self._failure(token, f"malformed character constant: {text}")
            return ord(value)
        try:
            octal = re.fullmatch(r"([+-]?)0([0-7]+)", text)
            return int(octal[1] + octal[2], 8) if octal else int(text, 0)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError as error:
            raise self._failure(token, f"illegal number syntax: {json.dumps(text)}") from error

    def _string(self, token: Token) -> str:
        return token.text[1:-1] if token.kind is Kind.RAW else unquote(token.text, line_of(self.text, token.at))

    def _known(self, name: str, token: Token) -> None:
        if name not in self.variables:
            raise self._failure(token, f'undefined variable "{name}"')

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._failure(self.tokens[self.at], f"nested deeper than {_DEEPEST} levels")

    def _next(self) -> Token:
        token = self.tokens[self.at]
        self.at += self.at < len(self.tokens) - 1
        return token

    def _next_solid(self) -> Token:
        while self.tokens[self.at].kind is Kind.SPACE:
            self.at += 1
        return self._next()

    def _peek_solid(self) -> Token:
        at = self.at
        while self.tokens[at].kind is Kind.SPACE:
            at += 1
        return self.tokens[at]

    def _failure(self, token: Token, message: str) -> TemplateError:
        return TemplateError(f"{line_of(self.text, token.at)}: {message}")


def unquote(text: str, line: int = 1) -> str:
    """What a quoted string of Go means."""
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    for found in re.finditer(r"\\.", _ESCAPE.sub("", inner)):
        raise TemplateError(f"{line}: invalid syntax: {found[0]} is no escape of a string")
    return _ESCAPE.sub(_unescaped, inner)


def _unescaped(found: "re.Match[str]") -> str:
    named, byte, short, long, octal = found.groups()
    if named:
        return _ESCAPES[named]
    number = int(octal, 8) if octal else int(byte or short or long, 16)
    return chr(number) if number < 0x110000 else "\N{REPLACEMENT CHARACTER}"


def _shown(token: Token) -> str:
    match token.kind:
        case Kind.END:
            return "EOF"
        case Kind.CLOSE:
            return '"}}"'
        case _:
            return (
                f'"{token.text}"' if token.kind is not Kind.WORD or token.text not in _KEYWORDS else f"<{token.text}>"
            )
