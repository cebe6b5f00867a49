"""The names that a document declares, read from its nodes, so that a broken part is still known by its name."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stationmaster.manifest.nodes import Mapping, Node, Scalar, Sequence

REGION = "region"
INSTANCE = "instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What references may point at, by the word for the kind (an EntityKind's value, "region" or "instance")."""

    of: dict[str, frozenset[str]] = field(default_factory=dict)
    apis_of_users: frozenset[str] = frozenset()
    groups_of_users: frozenset[str] = frozenset()


def declared_names(root: Node) -> Names:
    users = list(_items(root, "api_users"))
    instances = (each for service in _items(root, "services") for each in _items(service, "instances"))
    return Names(
        of={
            REGION: _texts(_items(root, "regions")),
            INSTANCE: _named(instances),
            "virtual-host": _named(_items(root, "virtual_hosts")),
            "token-issuer": _named(_items(root, "token_issuers")),
            "api": _named(_items(root, "apis")),
            "user": _named(iter(users)),
            "service": _named(_items(root, "services")),
            "responder": _named(_items(root, "responders")),
            "channel": _named(_items(root, "channels")),
            "schedule": _named(_items(root, "schedules")),
            "escalation-policy": _named(_items(root, "escalation_policies")),
        },
        apis_of_users=_texts(each for user in users for each in _items(user, "apis")),
        groups_of_users=_texts(each for user in users for each in _items(user, "groups")),
    )


def _items(node: Node, key: str) -> Iterator[Node]:
    below = node.entries.get(key) if isinstance(node, Mapping) else None
    yield from below.items if isinstance(below, Sequence) else ()


def _named(nodes: Iterator[Node]) -> frozenset[str]:
    names = (each.entries.get("name") for each in nodes if isinstance(each, Mapping))
    return frozenset(name.text for name in names if isinstance(name, Scalar))


def _texts(nodes: Iterator[Node]) -> frozenset[str]:
    return frozenset(each.text for each in nodes if isinstance(each, Scalar))
