"""Works a parsed template: the text that it gives, or why it fails, said as Go says it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from stationmaster.monitor.alerting.template.errors import CallError, TemplateError
from stationmaster.monitor.alerting.template.functions import FUNCTIONS, LONGEST_TEXT, Function, Surroundings, Wanted
from stationmaster.monitor.alerting.template.methods import method
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
from stationmaster.monitor.alerting.template.values import Arguments, Data, Sample, Value, printed, truth, type_of
from stationmaster.monitor.promql.results import QueryError

_MOST_STEPS = 200_000
_MOST_CALLS = 50
_MOST_QUERIES = 100
_WITHOUT: Final = object()


class _LeftError(Exception):
    """break or continue on its way to its range."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class Run:
    """One run of a template called `name`."""

    def __init__(self, tree: Tree, name: str, given: Surroundings) -> None:
        self.tree, self.name, self.given = tree, name, given
        self.body = name
        self.made: list[str] = []
        self.length = self.steps = self.calls = self.queries = 0
        self.variables: list[tuple[str, Value]] = []
        self.place: Node | Operand | Command = Text("", 0)
        """What was worked last: Go names it in an error, even where another part is at fault."""

    def whole(self, data: Value) -> str:
        self.variables = [("$", data)]
        self._nodes(self.tree.bodies[""], data)
        return "".join(self.made)

    def _nodes(self, nodes: Sequence[Node], dot: Value) -> None:
        for node in nodes:
            self._step(node)
            match node:
                case Text():
                    self._write(node.text, node)
                case Action():
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.variables:
                        self._write(printed(value), node)
                case Branch(word="range"):
                    with self._scope():
                        self._range(node, dot)
                case Branch():
                    with self._scope():
                        self._either(node, dot)
                case Leave():
                    raise _LeftError(node.word)
                case Call():
                    self._template(node, dot)

    def _either(self, node: Branch, dot: Value) -> None:
        value = self._pipeline(node.pipeline, dot)
        if truth(value):
            self._nodes(node.body, value if node.word == "with" else dot)
        else:
            self._nodes(node.otherwise, dot)

    def _range(self, node: Branch, dot: Value) -> None:
        value = self._commands(node.pipeline, dot)
        pairs = self._pairs(value, node)
        if not pairs:
            self._nodes(node.otherwise, dot)
        for key, each in pairs:
            with self._scope():
                self._name_the_turn(node.pipeline, key, each)
                try:
                    self._nodes(node.body, each)
                except _LeftError as left:
                    if left.word == "break":
                        return

    def _name_the_turn(self, pipeline: Pipeline, key: Value, each: Value) -> None:
        values = [each] if len(pipeline.variables) == 1 else [key, each]
        for name, value in zip(pipeline.variables, values, strict=False):
            self._keep(name, value, pipeline)

    def _pairs(self, value: Value, node: Branch) -> list[tuple[Value, Value]]:
        match value:
            case None:
                return []
            case Mapping():
                return [(key, value[key]) for key in sorted(value)]
            case str():
                pass
            case Sequence():
                return list(enumerate(value))
            case int() if not isinstance(value, bool):
                if value > _MOST_STEPS:
                    raise self._failure(node, f"range over more than {_MOST_STEPS} numbers")
                return [(each, each) for each in range(value)]
        raise self._failure(self.place, f"range can't iterate over {printed(value)}")

    def _template(self, node: Call, dot: Value) -> None:
        body = self.tree.bodies.get(node.name)
        if body is None:
            raise self._failure(node, f'template "{node.name}" not defined')
        value = self._pipeline(node.pipeline, dot) if node.pipeline else None
        self.calls += 1
        if self.calls > _MOST_CALLS:
            raise self._failure(node, f"exceeded maximum template depth ({_MOST_CALLS})")
        outer, self.variables = self.variables, [("$", value)]
        name, self.body = self.body, node.name
        self._nodes(body, value)
        self.variables, self.body = outer, name
        self.calls -= 1

    def _pipeline(self, pipeline: Pipeline, dot: Value) -> Value:
        value = self._commands(pipeline, dot)
        for name in pipeline.variables:
            self._keep(name, value, pipeline)
        return value

    def _commands(self, pipeline: Pipeline, dot: Value) -> Value:
        value: object = _WITHOUT
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        made: Value = value  # type: ignore[assignment] # a pipeline has a command
        return made

    def _keep(self, name: str, value: Value, pipeline: Pipeline) -> None:
        if pipeline.assigns:
            self._assign(name, value)
        else:
            self.variables.append((name, value))

    def _assign(self, name: str, value: Value) -> None:
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return

    def _command(self, command: Command, dot: Value, final: object) -> Value:
        self._step(command)
        first, *rest = command.operands
        self.place = first
        match first:
            case Word():
                return self._call(first, command, dot, final)
            case Fields():
                return self._walk(dot, first.names, first, self._given(command, dot, final))
            case Variable():
                return self._walk(self._variable(first), first.fields, first, self._given(command, dot, final))
            case Chain():
                return self._walk(self._operand(first.of, dot), first.fields, first, self._given(command, dot, final))
            case Constant(value=None):
                raise self._failure(first, "nil is not a command")
        if rest or final is not _WITHOUT:
            raise self._failure(first, f"can't give argument to non-function {first}")
        return self._operand(first, dot)

    def _given(self, command: Command, dot: Value, final: object) -> list[Value]:
        """The arguments of a method."""
        arguments = [self._operand(each, dot) for each in command.operands[1:]]
        if final is not _WITHOUT:
            arguments.append(final)  # type: ignore[arg-type] # what a pipeline handed on is a value
        return arguments

    def _walk(self, value: Value, names: Sequence[str], node: Operand, arguments: Sequence[Value]) -> Value:
        """Along the fields; only the last may be a method that takes arguments."""
        if not names and arguments:
            raise self._failure(node, f"can't give argument to non-function {node}")
        for at, name in enumerate(names):
            value = self._field(value, name, node, arguments if at == len(names) - 1 else ())
        return value

    def _field(self, value: Value, name: str, node: Operand, arguments: Sequence[Value] = ()) -> Value:
        try:
            found = method(value, name, arguments)
        except CallError as error:
            raise self._failure(node, f"error calling {name}: {error}") from error
        if found is not None:
            return found
        if arguments:
            raise self._failure(node, f"{name} has arguments but cannot be invoked as function")
        match value:
            case None:
                raise self._failure(node, f"nil data; no entry for key {name!r}".replace("'", '"'))
            case Mapping():
                entry: Value = value.get(name, None if isinstance(value, Arguments) else "")
                return entry
            case Sample() if name in ("Labels", "Value"):
                return value.labels if name == "Labels" else value.value
            case Data() if name in _DATA:
                taken: Value = getattr(value, _DATA[name])
                return taken
        raise self._failure(node, f"can't evaluate field {name} in type {type_of(value)}")

    def _variable(self, node: Variable) -> Value:
        for name, value in reversed(self.variables):
            if name == node.name:
                return value
        raise self._failure(node, f"undefined variable: {node.name}")

    def _operand(self, node: Operand, dot: Value) -> Value:
        self.place = node
        match node:
            case Number() | String() | Constant():
                return node.value
            case Dot():
                return dot
            case Pipeline():
                return self._pipeline(node, dot)
            case _:
                return self._command(Command((node,), node.at), dot, _WITHOUT)

    def _call(self, word: Word, command: Command, dot: Value, final: object) -> Value:
        function = FUNCTIONS[word.name]
        nodes = command.operands[1:]
        count = len(nodes) + (final is not _WITHOUT)
        self._check_count(word, function, count)
        if word.name in ("and", "or"):
            return self._lazily(word.name, nodes, dot, final)
        values = [self._argument(node, _wanted(function, at), dot) for at, node in enumerate(nodes)]
        if final is not _WITHOUT:
            value: Value = final  # type: ignore[assignment] # what a pipeline handed on is a value
            self._check_type(value, _wanted(function, count - 1))
            values.append(value)
        self._check_cost(word, values)
        try:
            return function.call(self.given, *values)
        except CallError as error:
            raise self._failure(command, f"error calling {word.name}: {error}") from error
        except QueryError as error:
            raise self._failure(command, f"error calling {word.name}: {error.message}") from error

    def _check_count(self, word: Word, function: Function, count: int) -> None:
        least = len(function.takes)
        if function.rest is not None and count < least:
            raise self._failure(word, f"wrong number of args for {word.name}: want at least {least} got {count}")
        if function.rest is None and count != least:
            raise self._failure(word, f"wrong number of args for {word.name}: want {least} got {count}")

    def _check_cost(self, word: Word, values: Sequence[Value]) -> None:
        if sum(len(value) for value in values if isinstance(value, str)) > LONGEST_TEXT:
            raise self._failure(word, f"more than {LONGEST_TEXT} characters are handed to {word.name}")
        self.queries += word.name == "query"
        if self.queries > _MOST_QUERIES:
            raise self._failure(word, f"more than {_MOST_QUERIES} queries in one template")

    def _lazily(self, word: str, nodes: Sequence[Operand], dot: Value, final: object) -> Value:
        """The rest is not worked once the answer stands."""
        value: Value = None
        for node in nodes:
            value = self._operand(node, dot)
            if truth(value) is (word == "or"):
                return value
        return value if final is _WITHOUT else final  # type: ignore[return-value] # a pipeline hands on values

    def _argument(self, node: Operand, wanted: Wanted, dot: Value) -> Value:
        if isinstance(node, Constant) and node.value is None and wanted is Wanted.STRING:
            raise self._failure(node, f"cannot assign nil to {wanted.value}")
        if isinstance(node, Number | Constant) and wanted is Wanted.STRING:
            raise self._failure(node, f"expected string; found {node}")
        if isinstance(node, Number | Constant | String) and wanted in (Wanted.SAMPLE, Wanted.VECTOR):
            raise self._failure(node, f"can't handle {node} for arg of type {wanted.value}")
        value = self._operand(node, dot)
        self._check_type(value, wanted)
        return value

    def _check_type(self, value: Value, wanted: Wanted) -> None:
        fits = {
            Wanted.ANY: True,
            Wanted.STRING: isinstance(value, str),
            Wanted.SAMPLE: isinstance(value, Sample),
            Wanted.VECTOR: isinstance(value, tuple),
        }[wanted]
        if fits:
            return
        if value is None:
            raise self._failure(self.place, f"invalid value; expected {wanted.value}")
        raise self._failure(self.place, f"wrong type for value; expected {wanted.value}; got {type_of(value)}")

    @contextmanager
    def _scope(self) -> Iterator[None]:
        known = len(self.variables)
        try:
            yield
        finally:
            del self.variables[known:]

    def _step(self, node: Node | Command) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise self._failure(node, f"more than {_MOST_STEPS} steps")

    def _write(self, text: str, node: Node) -> None:
        self.length += len(text)
        if self.length > LONGEST_TEXT:
            raise self._failure(node, f"more than {LONGEST_TEXT} characters come of it")
        self.made.append(text)

    def _failure(self, node: Node | Operand | Command, message: str) -> TemplateError:
        before = self.tree.text[: node.at]
        line = before.count("\n") + 1
        column = len(before[before.rfind("\n") + 1 :].encode())
        told = _told(node)
        return TemplateError(f'template: {self.name}:{line}:{column}: executing "{self.body}" at <{told}>: {message}')


_DATA: Final = {
    "Labels": "labels",
    "ExternalLabels": "external_labels",
    "ExternalURL": "external_url",
    "Value": "value",
}


def _wanted(function: Function, at: int) -> Wanted:
    return function.takes[at] if at < len(function.takes) else function.rest or Wanted.ANY


def _told(node: Node | Operand | Command) -> str:
    match node:
        case Action() | Branch():
            return str(node.pipeline)
        case Call():
            return f'{{{{template "{node.name}"{f" {node.pipeline}" if node.pipeline else ""}}}}}'
        case Text() | Leave():
            return ""
        case _:
            return str(node)
