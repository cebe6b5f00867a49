"""The names that a document declares, read from its nodes, so that a broken part is still known by its name."""

from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.manifest.nodes import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What references may point at."""

    regions: frozenset[str]
    instances: frozenset[str]
    virtual_hosts: frozenset[str]
    apis: frozenset[str]
    apis_of_users: frozenset[str]


def declared_names(root: Node) -> Names:
    return Names(
        regions=_texts(_items(root, "regions")),
        instances=_named(each for service in _items(root, "services") for each in _items(service, "instances")),
        virtual_hosts=_named(_items(root, "virtual_hosts")),
        apis=_named(_items(root, "apis")),
        apis_of_users=_texts(each for user in _items(root, "api_users") for each in _items(user, "apis")),
    )


def _items(node: Node, key: str) -> Iterator[Node]:
    below = node.entries.get(key) if isinstance(node, Mapping) else None
    yield from below.items if isinstance(below, Sequence) else ()


def _named(nodes: Iterator[Node]) -> frozenset[str]:
    names = (each.entries.get("name") for each in nodes if isinstance(each, Mapping))
    return frozenset(name.text for name in names if isinstance(name, Scalar))


def _texts(nodes: Iterator[Node]) -> frozenset[str]:
    return frozenset(each.text for each in nodes if isinstance(each, Scalar))
