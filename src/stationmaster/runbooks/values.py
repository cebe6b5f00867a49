"""Says where the value of every place of a command comes from: given, label, inventory, data, output, environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from stationmaster.runbooks.read.parameters import plain_name
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.script import written_places


class Source(Enum):
    """In the order in which they are asked."""

    GIVEN = "given"
    LABEL = "label"
    INVENTORY = "inventory"
    DATA = "data"
    OUTPUT = "output"
    ENVIRONMENT = "environment"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPlace:
    """A place of a command as written, and what fills it. `told` names the source in words; `value` is None while it
    comes from the output of step `from_step` or has to be asked for, and always for a secret."""

    written: str
    name: str
    source: Source
    told: str
    value: str | None = None
    pattern: str = ""
    secret: bool = False
    from_step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What may give values, by plain name; `outputs` says which step's output gives a name, `patterns` what a value has
    to look like, `secrets` which names must not be shown."""

    given: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    inventory: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()


_SECRET = re.compile(
    r"(?:^|[_.])(?:password|passwd|passphrase|secret|token|api_?key|apikey|credentials?|private_?key|bearer|cookie"
    r"|jwt|access_?key|pgpassword)(?:$|[_.\d])",
)
_EVERYBODYS = re.compile(r"(?:name|id|value|x|y|n|key|type|user|object|resource|number|arg|args|file|path|string|text)")
"""Names that mean something else at every place: a value that somebody gives for one holds for that step alone."""
_LOGIN = cells("home user path shell pwd oldpwd lang host hostname name term editor mail logname tmpdir")
_LABEL_PREFIX = re.compile(r"^(?:[\w.]*\.)?(?:common_?)?labels?\.")
LARGEST_CHARS = 20_000


def is_secret(name: str, sources: Sources) -> bool:
    return name in sources.secrets or bool(_SECRET.search(name))


def is_everybodys(name: str) -> bool:
    """Whether a name is too general for one answer to hold for the whole run."""
    return bool(_EVERYBODYS.fullmatch(name))


def bind_places(text: str, sources: Sources, outputs: Mapping[str, str]) -> tuple[BoundPlace, ...]:
    """Every place of `text` with its source; `outputs` maps a name to the step before that gives it."""
    return tuple(bind_place(each.text, each.name, sources, outputs) for each in written_places(text))


def bind_place(written: str, name: str, sources: Sources, outputs: Mapping[str, str]) -> BoundPlace:
    """The first source that has the name holds."""
    secret, pattern = is_secret(name, sources), sources.patterns.get(name, "")
    found = _found(written, name, sources, outputs)
    if found is None:
        told = "asked for when the step is reached"
        return BoundPlace(written=written, name=name, source=Source.ASKED, told=told, pattern=pattern, secret=secret)
    source, told, value = found
    step = outputs[name] if source is Source.OUTPUT else ""
    return BoundPlace(
        written=written,
        name=name,
        source=source,
        told=told,
        value=None if secret or source is Source.OUTPUT else value,
        pattern=pattern,
        secret=secret,
        from_step=step,
    )


def known_value(place: BoundPlace, sources: Sources) -> str | None:
    """The value that a given source has for a place, secrets included."""
    found = _found(place.written, place.name, sources, {})
    return found[2] if found is not None else None


def _found(
    written: str, name: str, sources: Sources, outputs: Mapping[str, str]
) -> tuple[Source, str, str | None] | None:
    bare = _LABEL_PREFIX.sub("", name)
    for source, told, mapping, key in (
        (Source.GIVEN, "--set", sources.given, name),
        (Source.LABEL, "the alert's label", sources.labels, bare),
        (Source.INVENTORY, "the inventory", sources.inventory, name),
        (Source.DATA, "contacts and links", sources.data, name.removeprefix("site.data.")),
    ):
        if (hit := _lookup(mapping, key)) is not None:
            return source, f"{told} {hit[0]}", hit[1]
    if name in outputs:
        return Source.OUTPUT, f"the output of step {outputs[name]}", None
    return _from_environment(written, name, sources.env)


def _lookup(mapping: Mapping[str, str], name: str) -> tuple[str, str] | None:
    if name in mapping:
        return name, mapping[name]
    return next(((key, value) for key, value in mapping.items() if plain_name(key) == name), None)


def _from_environment(written: str, name: str, env: Mapping[str, str]) -> tuple[Source, str, str | None] | None:
    """`$NAME` by its very name; `<pod-name>` by `POD_NAME`, unless that is a variable of every login."""
    if written.startswith("$"):
        variable = written.strip("${}")
    elif name in _LOGIN:
        return None
    else:
        variable = re.sub(r"\W+", "_", name).upper()
    value = env.get(variable)
    return None if value is None else (Source.ENVIRONMENT, f"environment variable {variable}", value)


def problem_of(value: str, pattern: str) -> str:
    """Why a value may not be used anywhere; empty when it may. `pattern` is the author's, matched against all of it."""
    if len(value) > LARGEST_CHARS:
        return f"it is longer than {LARGEST_CHARS} characters"
    if "\0" in value or any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        return "it holds a character that no program can be given"
    if pattern:
        return "" if re.fullmatch(pattern, value) else f"it does not match /{pattern}/"
    if not value:
        return "it is empty"
    return "it begins with `-` and could be taken for an option" if value.startswith("-") else ""
