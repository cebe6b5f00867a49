"""The registry document: what is declared, as the control plane tells the doctor and the doctor tells everybody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredTarget:
    address: str
    weight: int
    state: str
    """in or out of the balancer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredApi:
    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    virtual_host: str
    accepts: tuple[str, ...]
    targets: tuple[RegisteredTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNode:
    name: str
    listen: str
    status: str
    """up or down."""


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
