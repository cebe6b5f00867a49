"""One named part of a platform as it was written."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from stationmaster.core.problem import NOWHERE, Origin

SETTINGS = "settings"
"""The name of the one entity that holds what has no name of its own."""


class EntityKind(Enum):
    """In the order in which a file declares them."""

    SETTINGS = "settings"
    """environment, regions, issuer, control, gateway.tls, gateway.limits, tokens, healing, monitoring, incidents,
    status_page, runbooks."""
    NODE = "node"
    SERVICE = "service"
    VIRTUAL_HOST = "virtual-host"
    TOKEN_ISSUER = "token-issuer"  # noqa: S105 a kind, no secret
    API = "api"
    USER = "user"
    RESPONDER = "responder"
    CHANNEL = "channel"
    SCHEDULE = "schedule"
    ESCALATION_POLICY = "escalation-policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One named part of a platform as it was written.

    `body` holds builtins (what JSON holds) in the YAML's words, without defaults, `name` first (settings have none);
    file names in it are absolute. `origin` is the place of the entity; equality does not look at it.
    """

    kind: EntityKind
    name: str
    body: dict[str, Any]
    origin: Origin = field(default=NOWHERE, compare=False)
