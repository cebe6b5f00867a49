"""The registry document: what is declared, as the control plane tells the doctor and the doctor tells everybody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredTarget:
    address: str
    weight: int
    instance: str | None
    state: str
    """in or out of the balancer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredApi:
    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    strip_path: bool
    accepts: tuple[str, ...]
    """Kinds of credentials that open it; none means public."""
    virtual_host: str
    targets: tuple[RegisteredTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNode:
    name: str
    listen: str
    connected: bool
    acknowledged: bool
    """The node serves the newest configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredConsumer:
    username: str
    apis: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    environment: str
    apis: tuple[RegisteredApi, ...]
    nodes: tuple[RegisteredNode, ...]
    consumers: tuple[RegisteredConsumer, ...]
