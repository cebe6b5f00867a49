"""Who may do what: four roles, each with all that the ones before it may."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """viewer reads; operator changes what runs; approver also releases risky steps; admin also changes who may what."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


_ORDER = tuple(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a person or a machine token, by name."""

    name: str
    role: Role


def permits(has: Role, needed: Role) -> bool:
    return _ORDER.index(has) >= _ORDER.index(needed)
