"""Says what an alert is about in the words that runbooks use for their places: node, virtual host, API, targets."""

from collections.abc import Iterator, Mapping

from stationmaster.core.facts import Alert
from stationmaster.core.spec import PlatformSpec, Service, VirtualHost

_LABELS = {"node": ("node", "gateway_node"), "api": ("api",), "virtual_host": ("virtual_host", "host", "upstream")}
"""Under which labels alerts name what."""
_METRICS_OF_NODES = "/stats/prometheus"


def values_about(alert: Alert, spec: PlatformSpec) -> Mapping[str, str]:
    """Only what the declaration leaves no doubt of; everything else stays open."""
    named = {what: _labelled(alert, labels) for what, labels in _LABELS.items()}
    instance = _instance_name(alert, spec)
    named["node"] = named["node"] or _node(alert, spec)
    host = _host(alert, spec, named["virtual_host"], named["api"])
    service = _service(alert, spec, host)
    found = {
        **{what: name for what, name in named.items() if name},
        **({"virtual_host": str(host.name)} if host is not None else {}),
        **({"service": str(service.name), "port": str(service.port)} if service is not None else {}),
        **_instance(instance, spec, host),
        **_entrance(alert, spec, named["node"], named["api"]),
        **_metrics(alert, spec, named["node"]),
        "control": str(spec.control.api),
        "environment": spec.environment,
        "incident_alert": alert.name,
    }
    return {name: value for key, value in found.items() for name in {key, key.replace("_", "-")}}


def _labelled(alert: Alert, labels: tuple[str, ...]) -> str:
    return next((alert.labels[each] for each in labels if alert.labels.get(each)), "")


def _node(alert: Alert, spec: PlatformSpec) -> str:
    """By its name, or by the address at which its metrics are read."""
    named = alert.labels.get("instance", "")
    return next((str(each.name) for each in spec.nodes if named in {each.name, str(each.admin)}), "")


def _instance_name(alert: Alert, spec: PlatformSpec) -> str:
    """By its name, or by its address."""
    named = alert.labels.get("instance", "")
    return next((name for name, _, address in _instances(spec) if named in {name, address}), named)


def _host(alert: Alert, spec: PlatformSpec, named: str, api: str) -> VirtualHost | None:
    """The one that the alert names, that its API leads to, or the only one with targets of its service."""
    found = [each for each in spec.virtual_hosts if each.name == named]
    leads_to = {each.virtual_host for each in spec.apis if each.name == api}
    found = found or [each for each in spec.virtual_hosts if each.name in leads_to]
    service = alert.labels.get("service", "")
    instances = {each.name for every in spec.services if every.name == service for each in every.instances}
    found = found or [
        each for each in spec.virtual_hosts if any(target.instance in instances for target in each.targets)
    ]
    return found[0] if len(found) == 1 else None


def _service(alert: Alert, spec: PlatformSpec, host: VirtualHost | None) -> Service | None:
    named = [each for each in spec.services if each.name == alert.labels.get("service")]
    behind = {target.instance for target in host.targets} if host is not None else set()
    found = named or [each for each in spec.services if behind & {instance.name for instance in each.instances}]
    return found[0] if len(found) == 1 else None


def _instance(name: str, spec: PlatformSpec, host: VirtualHost | None) -> Mapping[str, str]:
    for each in _instances(spec):
        if each[0] == name:
            targets = [target for target in (host.targets if host is not None else ()) if target.instance == name]
            return {
                "instance": name,
                "region": each[1],
                "address": each[2],
                **({"target": str(targets[0].address)} if len(targets) == 1 else {}),
            }
    return {}


def _entrance(alert: Alert, spec: PlatformSpec, node: str, api: str) -> Mapping[str, str]:
    """Where the node is asked, and the API through it: that node, otherwise the first."""
    entrance = next((each for each in spec.nodes if node in ("", each.name)), None)
    if entrance is None:
        return {}
    plain = [path.lstrip("=") for each in spec.apis if each.name == api for path in each.paths if path[:1] != "~"]
    found = {"admin": str(entrance.admin), "gateway": str(entrance.listen)}
    found |= {"entrance": str(entrance.listen_tls)} if entrance.listen_tls is not None else {}
    return found | ({"url": f"http://{entrance.listen}{plain[0]}"} if plain and not alert.url else {})


def _metrics(alert: Alert, spec: PlatformSpec, node: str) -> Mapping[str, str]:
    """Where the metrics of the alert's `job` and `instance` are read."""
    entrance = next((each for each in spec.nodes if node == each.name), None)
    if entrance is not None:
        return {"metrics": f"http://{entrance.admin}{_METRICS_OF_NODES}"}
    job, instance = alert.labels.get("job", ""), alert.labels.get("instance", "")
    found = [
        f"{each.scheme}://{target}{each.path}"
        for each in spec.monitoring.scrape
        for target in each.targets
        if each.name == job and str(target) == instance
    ]
    return {"metrics": found[0]} if len(found) == 1 else {}


def _instances(spec: PlatformSpec) -> Iterator[tuple[str, str, str]]:
    for service in spec.services:
        for each in service.instances:
            yield str(each.name), each.region, str(each.address)
