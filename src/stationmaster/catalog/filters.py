"""Decides which entities somebody asks for: by name, host, path, and by who may call what."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.index import Index

Test = Callable[[Entity], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Empty texts ask for all. `name`, `host` and `path` are parts of a text, or patterns when they hold `*` or `?`;
    the others are whole names. `user` asks for the APIs that a user may call, `api` for the users who may call it,
    `target` for the virtual hosts that have it (an instance or an address)."""

    name: str = ""
    virtual_host: str = ""
    host: str = ""
    path: str = ""
    user: str = ""
    api: str = ""
    group: str = ""
    target: str = ""


def matching(kind: EntityKind, wanted: Wanted, index: Index) -> tuple[Entity, ...]:
    """The entities of a kind that are wanted, in their order. What a kind does not have cannot be asked of it."""
    tests = [test for word, test in _tests(wanted, index) if word]
    return tuple(each for each in index.entities(kind) if all(test(each) for test in tests))


def _tests(wanted: Wanted, index: Index) -> Iterable[tuple[str, Test]]:
    named, on_host, on_path = _like(wanted.name), _like(wanted.host), _like(wanted.path)
    yield wanted.name, lambda each: named(each.name)
    yield wanted.virtual_host, lambda each: wanted.virtual_host in _leads_to(each.body)
    yield wanted.host, lambda each: any(map(on_host, each.body.get("hosts", ())))
    yield wanted.path, lambda each: any(map(on_path, each.body.get("paths", ())))
    yield wanted.group, lambda each: wanted.group in each.body.get("groups", ())
    yield wanted.target, lambda each: wanted.target in _targets(each.body)
    if wanted.user:
        user = index.find(EntityKind.USER, wanted.user)
        yield wanted.user, lambda each: user is not None and _may_call(user, each)
    if wanted.api:
        api = index.find(EntityKind.API, wanted.api)
        yield wanted.api, lambda each: api is not None and _may_call(each, api)


def _like(text: str) -> Callable[[str], bool]:
    lower = text.lower()
    if "*" in text or "?" in text:
        pattern = re.compile(translate(lower))
        return lambda value: pattern.match(value.lower()) is not None
    return lambda value: lower in value.lower()


def _leads_to(body: dict[str, Any]) -> set[str]:
    policies = body.get("policies", {})
    further = (policies.get(name, {}).get("virtual_host") for name in ("canary", "mirror"))
    return {name for name in (body.get("virtual_host"), *further) if name}


def _targets(body: dict[str, Any]) -> set[str]:
    return {target[name] for target in body.get("targets", ()) for name in ("instance", "address") if name in target}


def _may_call(user: Entity, api: Entity) -> bool:
    if not api.body.get("accepts") or api.body.get("any_user"):
        return True
    named = api.name in user.body.get("apis", ())
    return named or not set(api.body.get("groups", ())).isdisjoint(user.body.get("groups", ()))
