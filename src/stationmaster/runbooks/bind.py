"""Finds what an alert is about in the inventory: one instance, where it takes requests, and what is known of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stationmaster.core.facts import Alert
from stationmaster.core.names import InstanceName, VirtualHostName
from stationmaster.core.spec import Address, Instance, PlatformSpec, Service, VirtualHost


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryView:
    """What runbooks have to know of the platform."""

    services: tuple[Service, ...] = ()
    virtual_hosts: tuple[VirtualHost, ...] = ()

    @staticmethod
    def of(spec: PlatformSpec) -> "InventoryView":
        return InventoryView(services=spec.services, virtual_hosts=spec.virtual_hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundTarget:
    virtual_host: VirtualHostName
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What an alert is about: one instance, the balancers that it stands in, and the values for a runbook's places."""

    service: Service
    instance: Instance
    targets: tuple[BoundTarget, ...]
    values: Mapping[str, str]
    services: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbound:
    why: str


_OF_WHOLE_SERVICES = frozenset({"ServiceDown", "ServiceRegionDown"})
"""The URL of these is that of the first of several instances."""


def bind(alert: Alert, inventory: InventoryView) -> Binding | Unbound:
    """Finds the alert's instance by its label `instance`, otherwise by the address in its URL."""
    for service in inventory.services:
        for instance in service.instances:
            if _is_meant(instance, alert):
                return _binding(alert, service, instance, inventory)
    named = alert.labels.get("instance") or alert.url or "nothing"
    return Unbound(why=f"the alert is about {named}, which is no instance of the inventory")


def _is_meant(instance: Instance, alert: Alert) -> bool:
    if alert.name in _OF_WHOLE_SERVICES:
        return False
    if (name := alert.labels.get("instance")) is not None:
        return instance.name == name or str(instance.address) == name
    return bool(re.match(rf"https?://{re.escape(str(instance.address))}(?:/|$)", alert.url))


def targets_of(name: InstanceName, inventory: InventoryView) -> tuple[BoundTarget, ...] | None:
    """Where an instance takes requests; None where there is none of that name."""
    for service in inventory.services:
        for instance in service.instances:
            if instance.name == name:
                return _targets(instance, inventory)
    return None


def _targets(instance: Instance, inventory: InventoryView) -> tuple[BoundTarget, ...]:
    return tuple(
        BoundTarget(virtual_host=host.name, address=target.address)
        for host in inventory.virtual_hosts
        for target in host.targets
        if target.instance == instance.name or (target.instance is None and target.address == instance.address)
    )


def _binding(alert: Alert, service: Service, instance: Instance, inventory: InventoryView) -> Binding:
    targets = _targets(instance, inventory)
    address = instance.address
    values = {
        **alert.labels,
        "ip": address.host,
        "host": address.host,
        "port": str(address.port),
        "ip:port": str(address),
        "address": str(address),
        "instance": str(instance.name),
        "service": str(service.name),
        "region": instance.region,
        "url": alert.url,
    }
    names = frozenset(name for each in inventory.services for name in (str(each.name), *each.aliases))
    return Binding(service=service, instance=instance, targets=targets, values=values, services=names)
