"""Fills a runbook's places from the alert and the inventory, and turns its commands into argv or platform actions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stationmaster.core.facts import Alert
from stationmaster.core.names import VirtualHostName
from stationmaster.core.spec import Address, Instance, PlatformSpec, Service, VirtualHost
from stationmaster.runbooks.read.document import PlatformAction
from stationmaster.runbooks.read.parameters import parameters_of
from stationmaster.runbooks.shell import Word, parse

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
"""What a value may look like: never an option, never anything that a shell would take apart."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundCommand:
    """`argv` to run where the instance runs, or the `action` that the platform does in its place."""

    argv: tuple[str, ...]
    why: tuple[str, ...] = ()
    action: PlatformAction | None = None


_OF_WHOLE_SERVICES = frozenset({"ServiceDown", "ServiceRegionDown"})
"""The URL of these is that of the first of several instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    why: str


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


def _binding(alert: Alert, service: Service, instance: Instance, inventory: InventoryView) -> Binding:
    targets = tuple(
        BoundTarget(virtual_host=host.name, address=target.address)
        for host in inventory.virtual_hosts
        for target in host.targets
        if target.instance == instance.name or (target.instance is None and target.address == instance.address)
    )
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
    names = frozenset(str(each.name) for each in inventory.services)
    return Binding(service=service, instance=instance, targets=targets, values=values, services=names)


def bind_command(text: str, binding: Binding) -> BoundCommand | Refusal:
    """One plain program call with every place filled in; what only a shell could work out is refused."""
    script = parse(text)
    if not script.simple:
        return Refusal(why="it is more than one plain program call, which would need a shell")
    words = list(script.commands[0].words)
    if script.commands[0].assignments:
        return Refusal(why="it sets variables, which would need a shell")
    if (container := _container(words)) is not None and (bound := _platform(container, words, binding)) is not None:
        return bound
    argv: list[str] = []
    why: list[str] = []
    for word in words:
        filled = _fill(word, binding)
        if isinstance(filled, Refusal):
            return filled
        argv.append(filled[0])
        why += filled[1]
    return BoundCommand(argv=tuple(argv), why=tuple(why))


def _container(words: list[Word]) -> str | None:
    """The container of `docker restart NAME` or `docker logs … NAME`."""
    texts = [word.text for word in words]
    if texts[:1] == ["sudo"]:
        texts = texts[1:]
    if len(texts) >= 3 and texts[0] in {"docker", "podman"} and texts[1] in {"restart", "logs"}:
        return texts[-1]
    return None


def _platform(container: str, words: list[Word], binding: Binding) -> BoundCommand | Refusal | None:
    verb = "restart" if any(word.text == "restart" for word in words) else "logs"
    named = container.replace("-", "_")
    line = " ".join(word.text for word in words)
    if named in {str(binding.service.name).replace("-", "_"), str(binding.instance.name).replace("-", "_")}:
        action = PlatformAction.SERVICE_RESTART if verb == "restart" else PlatformAction.SERVICE_LOGS
        what = "restart of" if verb == "restart" else "log of"
        why = f"`{line}` -> {what} {binding.instance.name} by its executor"
        return BoundCommand(argv=tuple(word.text for word in words), why=(why,), action=action)
    if container in binding.services:
        return Refusal(why=f"`{line}` is about {container}, and the alert about {binding.service.name}")
    return None


def _fill(word: Word, binding: Binding) -> tuple[str, list[str]] | Refusal:
    why: list[str] = []
    text = word.text
    for parameter in parameters_of(text):
        if parameter.text.startswith("$") and not word.dynamic:
            continue
        value = binding.values.get(parameter.name)
        if value is None:
            return Refusal(why=f"nothing says what `{parameter.text}` is")
        if not _PLAIN.fullmatch(value):
            return Refusal(why=f"the value {value!r} for `{parameter.text}` is not a plain word")
        text = text.replace(parameter.text, value)
        why.append(f"{parameter.text} is {value}")
    if word.dynamic and (word.substituted or re.search(r"[$`*{\[]|^~", text)):
        return Refusal(why=f"only a shell could say what `{word.text}` is")
    return _readdress(text, binding, why)


def _readdress(text: str, binding: Binding, why: list[str]) -> tuple[str, list[str]]:
    """`localhost:PORT` with the service's nominal port means the instance itself, wherever it listens."""
    address, port = str(binding.instance.address), binding.service.port
    nominal = re.compile(
        rf"(?<![\w.-])(?:localhost|127\.0\.0\.1|{re.escape(binding.instance.address.host)}):{port}(?!\d)"
    )
    if (match := nominal.search(text)) is None or match[0] == address:
        return text, why
    return nominal.sub(address, text), [*why, f"{match[0]} is {binding.instance.name} at {address}"]
