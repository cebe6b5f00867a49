"""Liquid as runbooks use it: python-liquid with Jekyll's includes, limits, and nothing that renders to nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TextIO

from liquid import DictLoader, Environment, RenderContext, Token, TokenStream, is_undefined
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path, tokenize
from liquid.builtin.filters.string import replace as plain_replace
from liquid.builtin.output import Output, OutputNode
from liquid.exceptions import LiquidError, OutputStreamLimitError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from stationmaster.runbooks.read.context import ReadingContext, contact_of
from stationmaster.runbooks.read.knowledge import Contact
from stationmaster.runbooks.read.liquid_lines import Marks

_LARGEST_TEXT = 4_000_000
_LARGEST_VALUE = 200_000
_MOST_LOOPS = 5_000
_INCLUDE = re.compile(r"(?P<name>\"[^\"]*\"|'[^']*'|(?:\{\{.*?\}\}|[^\s{])+)(?P<rest>.*)$", re.DOTALL)
_ARGUMENT = re.compile(
    r"(?P<key>[\w-]+)\s*[=:]\s*(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\{\{.*?\}\}|[^\s,]+)"
)
_EMBEDDED = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_CONTACT_FIELDS = ("slack", "name", "userid", "notesid", "email", "phone")

RENDER_ERRORS = (LiquidError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What python-liquid and its filters raise on texts that they cannot render."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """What rendering finds out: values that are missing, with the line, and the people that are included."""

    marks: Marks
    context: ReadingContext
    missing: list[tuple[str, int]] = field(default_factory=list)
    includes: list[tuple[str, int]] = field(default_factory=list)
    people: list[Contact] = field(default_factory=list)
    line: int = 0
    """Where the include stands that is being rendered; 0 outside of one."""

    def line_of(self, token: Token) -> int:
        return self.line or self.marks.line_at(token.source, token.start_index)

    def placeholder(self, expression: str, token: Token) -> str:
        """A value that is missing stays visible, in a form that counts as a parameter."""
        name = expression.split("|", 1)[0].strip()
        self.missing.append((name, self.line_of(token)))
        return f"{self.marks.brace * 2}{name}}}}}"


class RunbookLiquid(Environment):
    """One environment serves one document: its tags write into `notes`."""

    loop_iteration_limit: ClassVar[int | None] = _MOST_LOOPS
    local_namespace_limit: ClassVar[int | None] = _LARGEST_VALUE
    output_stream_limit: ClassVar[int | None] = _LARGEST_TEXT
    notes: Notes

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in (_Output, _Include):
            self.add_tag(tag)
        self.tags["include_relative"] = self.tags["include"]
        for name in ("render", "liquid", "doc"):
            self.tags.pop(name, None)
        self.add_filter("replace", _replace)
        self.add_filter("join", _join)
        self.add_filter("relative_url", str)
        self.add_filter("absolute_url", str)


def engine(notes: Notes) -> RunbookLiquid:
    made = RunbookLiquid(loader=DictLoader(dict(notes.context.includes)), strict_filters=True)
    made.notes = notes
    return made


def _replace(value: object, old: object, new: object = "") -> str:
    """`replace`, unless its result would be out of all proportion."""
    text, sought, put = str(value), str(old), str(new)
    if len(text) + (text.count(sought) if sought else len(text) + 1) * len(put) > _LARGEST_TEXT:
        raise OutputStreamLimitError("the replaced text is too long", token=None)
    return str(plain_replace(text, sought, put))


def _join(values: object, separator: object = " ") -> str:
    texts = [str(each) for each in values] if isinstance(values, list | tuple) else [str(values)]
    if sum(map(len, texts)) + len(texts) * len(str(separator)) > _LARGEST_TEXT:
        raise OutputStreamLimitError("the joined text is too long", token=None)
    return str(separator).join(texts)


class _OutputNode(OutputNode):
    """`{{ … }}`: a value that is missing is written as it stands."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        notes = _notes(context)
        source = self.token.value.strip("{}- \t")
        value = _value(self.expression, context)
        if value is None:
            return buffer.write(notes.placeholder(source, self.token))
        return buffer.write(to_liquid_string(value, context.autoescape))


class _Output(Output):
    node_class = _OutputNode


def _notes(context: RenderContext) -> Notes:
    environment = context.env
    if not isinstance(environment, RunbookLiquid):
        raise TypeError("these tags render in an environment of runbooks")
    return environment.notes


def _value(expression: Expression, context: RenderContext) -> object:
    """The value of an expression; None where its first part has none and no filter gives it one."""
    if not isinstance(expression, FilteredExpression):
        value = expression.evaluate(context)
        return None if is_undefined(value) else value
    left = expression.left.evaluate(context)
    if not is_undefined(left) and left is not None:
        return expression.evaluate(context)
    filters = expression.filters or []
    if any(each.name == "default" for each in filters):
        return expression.evaluate(context)
    return None if filters else _elsewhere(expression.left, context)


def _elsewhere(expression: Expression, context: RenderContext) -> object:
    """The entry of the same name in the contacts and links of the library."""
    if not isinstance(expression, Path):
        return None
    path = tuple(each.evaluate(context) if isinstance(each, Path) else each for each in expression.path)
    return _notes(context).context.entry(path)


class _IncludeNode(Node):
    """`{% include NAME key=value … %}`; the contact card is rendered by us, everything else from the includes."""

    __slots__ = ("arguments", "name")

    def __init__(self, token: Token, name: str, arguments: list[tuple[str, str, Expression | None]]) -> None:
        super().__init__(token)
        self.blank = False
        self.name = name
        self.arguments = arguments

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        notes = _notes(context)
        name = _EMBEDDED.sub(lambda match: self._embedded(match[1], context), self.name).strip("\"'")
        said = {key: self._argument(text, value, context) for key, text, value in self.arguments}
        if name.rsplit("/", 1)[-1].split(".")[0] == "contact":
            return buffer.write(self._contact(said, notes))
        if name not in notes.context.includes:
            notes.includes.append((name, notes.line_of(self.token)))
            return buffer.write(f"{notes.marks.brace * 2}include:{name}}}}}")
        return self._included(name, said, context, buffer)

    def _embedded(self, expression: str, context: RenderContext) -> str:
        value = _value(_path(context.env, expression, self.token), context)
        return expression if value is None else to_liquid_string(value, autoescape=False)

    def _argument(self, text: str, value: Expression | None, context: RenderContext) -> object:
        if value is None:
            return text
        found = _value(value, context)
        return "" if found is None or self._unfilled(found, context) else found

    @staticmethod
    def _unfilled(value: object, context: RenderContext) -> bool:
        return isinstance(value, str) and value.strip().startswith(_notes(context).marks.brace * 2)

    def _contact(self, said: Mapping[str, object], notes: Notes) -> str:
        name = contact_name([f"{key}={text}" for key, text, _ in self.arguments])
        person = {**notes.context.person(name), **{key: value for key, value in said.items() if value}}
        contact = contact_of(name, person, line=notes.line_of(self.token))
        notes.people.append(contact)
        person_name = contact.name if contact.name != name else ""
        ways = ", ".join(
            each for each in (person_name, contact.role, contact.slack, contact.email, contact.phone) if each
        )
        return f"contact:{name} ({ways})" if ways else f"contact:{name}"

    def _included(self, name: str, said: Mapping[str, object], context: RenderContext, buffer: TextIO) -> int:
        notes = _notes(context)
        template = context.env.get_template(name, context=context, tag="include")
        outermost = notes.line == 0
        if outermost:
            notes.line = notes.line_of(self.token)
        with context.extend({"include": said}, template=template):
            template.render_with_context(context, buffer, partial=True)
        if outermost:
            notes.line = 0
        return True


class _Include(Tag):
    name = "include"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        words = stream.expect(TOKEN_EXPRESSION).value
        match = _INCLUDE.match(words)
        arguments = [
            (found["key"], found["value"].strip("\"'"), self._expression(found["value"], token))
            for found in _ARGUMENT.finditer(match["rest"] if match else "")
        ]
        return _IncludeNode(token, match["name"] if match else words, arguments)

    def _expression(self, text: str, token: Token) -> Expression | None:
        """The path that an unquoted value is; None for a quoted one."""
        if text.startswith(("'", '"')):
            return None
        inner = _EMBEDDED.fullmatch(text)
        try:
            return _path(self.env, inner[1] if inner else text, token)
        except LiquidError:
            return None


def _path(environment: Environment, text: str, token: Token) -> Path:
    return Path.parse(environment, TokenStream(tokenize(text, token)))


def contact_name(arguments: list[str]) -> str:
    """`slack=team-1-slack name=team-1-name …` is the contact `team-1`."""
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in _CONTACT_FIELDS and value:
            return value.strip("\"'").removesuffix(f"-{key}").removesuffix(f".{key}").rsplit(".", 1)[-1]
    return "unnamed"
