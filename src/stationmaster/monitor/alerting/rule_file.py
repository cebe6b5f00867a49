"""Reads Prometheus' rule files: a bad rule is left out and named with its line, the others load."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.core.rules import Rule, RuleGroup
from stationmaster.manifest.document import compose
from stationmaster.manifest.nodes import Node, Scalar, ScalarKind, quoted
from stationmaster.manifest.problems import Problems
from stationmaster.monitor.alerting.rule_entry import RuleReader
from stationmaster.monitor.alerting.rule_fields import Fields

LARGEST_BYTES = 16_000_000

_GROUP_FIELDS = ("name", "interval", "query_offset", "limit", "labels", "rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """What could be read, and all that could not."""

    groups: tuple[RuleGroup, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def failed(self) -> bool:
        return any(each.severity is Severity.ERROR for each in self.diagnostics)

    @property
    def rules(self) -> int:
        return sum(len(group.rules) for group in self.groups)


def read_rules(text: str, file: str) -> RuleFiles:
    """The groups of one file; `file` is how it is called in origins."""
    problems = Problems(file)
    if _says_nothing(text):
        return RuleFiles()
    root = compose(text, problems)
    groups = _groups(root, problems) if root is not None else ()
    return RuleFiles(groups=groups, diagnostics=problems.everything())


def read_rule_paths(paths: Iterable[Path]) -> RuleFiles:
    """The files that the paths name, each once, in the order of the paths; the last part of a path may hold `*`,
    `?` and `[…]`."""
    groups: list[RuleGroup] = []
    diagnostics: list[Diagnostic] = []
    seen: set[Path] = set()
    for path in paths:
        found = matching(path)
        if not found:
            diagnostics.append(_nothing_there(path))
        for each in found:
            if each not in seen:
                seen.add(each)
                read = _read_path(each)
                groups += read.groups
                diagnostics += read.diagnostics
    return RuleFiles(groups=tuple(groups), diagnostics=tuple(diagnostics))


def matching(path: Path) -> Sequence[Path]:
    """The files that a path with `*` in its last part names, by name; the path itself where it has none."""
    if not any(each in path.name for each in "*?["):
        return (path,) if path.exists() else ()
    return sorted(each for each in path.parent.glob(path.name) if each.is_file())


def _nothing_there(path: Path) -> Diagnostic:
    globbed = any(each in path.name for each in "*?[")
    return Diagnostic(
        code="no-rule-file",
        message=f"no rule file matches {path}" if globbed else f"there is no rule file {path}",
        origin=Origin(file=str(path), line=1),
        hint=f"rule files are looked for in {path.parent}",
        severity=Severity.WARNING if globbed else Severity.ERROR,
    )


def _read_path(path: Path) -> RuleFiles:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            return _unreadable(path, f"it is larger than {LARGEST_BYTES:,} bytes")
        return read_rules(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        return _unreadable(path, f"it is no UTF-8 at byte {error.start}")
    except OSError as error:
        return _unreadable(path, error.strerror or str(error))


def _unreadable(path: Path, why: str) -> RuleFiles:
    message = f"the rule file cannot be read: {why}"
    origin = Origin(file=str(path), line=1)
    hint = "rule files are YAML in UTF-8 that this process may read"
    return RuleFiles(diagnostics=(Diagnostic(code="bad-rule-file", message=message, origin=origin, hint=hint),))


def _says_nothing(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") or line.strip() == "---" for line in text.splitlines())


def _groups(root: Node, problems: Problems) -> tuple[RuleGroup, ...]:
    if isinstance(root, Scalar) and root.kind is ScalarKind.NOTHING:
        return ()
    fields = Fields.of(root, problems, "a rule file", ("groups",))
    if fields is None:
        return ()
    broken = frozenset(each.origin.line for each in problems.everything() if each.severity is Severity.ERROR)
    reader = _GroupReader(problems, broken)
    listed = fields.items("groups")
    made = [reader.group(each, _end(listed, at)) for at, each in enumerate(listed)]
    return tuple(each for each in made if each is not None)


def _end(nodes: Sequence[Node], at: int) -> int:
    """The line where the node after this one begins."""
    return nodes[at + 1].line if at + 1 < len(nodes) else 2**31


@dataclass(slots=True)
class _GroupReader:
    """`broken` are lines in which the YAML itself was found wanting, as a key that stands there twice."""

    problems: Problems
    broken: Collection[int]
    names: set[str] = field(default_factory=set)

    def group(self, node: Node, end: int) -> RuleGroup | None:
        """`end` is the line at which the next one begins."""
        fields = Fields.of(node, self.problems, "a group", _GROUP_FIELDS)
        if fields is None or not self._named(fields):
            return None
        listed = fields.items("rules")
        rules = [self._rule(each, min(_end(listed, at), end)) for at, each in enumerate(listed)]
        return RuleGroup(
            name=fields.text("name"),
            file=self.problems.file,
            rules=tuple(each for each in rules if each is not None),
            interval_ms=fields.duration("interval") or None,
            limit=fields.whole("limit"),
            query_offset_ms=fields.duration("query_offset"),
            labels=fields.labels("labels", "label"),
            origin=fields.origin(),
        )

    def _named(self, fields: Fields) -> bool:
        name = fields.text("name")
        if not name:
            fields.refuse("no-group-name", "a group without a name", "write `name: …`", "name")
            return False
        if name in self.names:
            message = f"the group {quoted(name)} stands here a second time"
            hint = "names of groups are unique in a file: join them or rename one"
            fields.refuse("duplicate-group", message, hint, "name")
            return False
        self.names.add(name)
        return True

    def _rule(self, node: Node, end: int) -> Rule | None:
        rule = RuleReader(self.problems).read(node)
        return None if any(node.line <= line < end for line in self.broken) else rule
