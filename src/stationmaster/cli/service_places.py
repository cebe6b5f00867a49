"""Where a service is: its instances, and the virtual hosts that lead to it."""

from urllib.parse import quote

from stationmaster.api.wire import PlatformStatus
from stationmaster.api.wire_services import ServiceVersions
from stationmaster.api.wire_targets import TargetStateList
from stationmaster.cli.client import ControlClient
from stationmaster.core.problem import PlatformError


def instances_of(client: ControlClient, service: str) -> tuple[str, ...]:
    """As declared. Raises PlatformError `unknown-service` where nothing runs it here."""
    found = [each for each in client.get("/api/v1/status", PlatformStatus).instances if each.service == service]
    if found:
        return tuple(each.name for each in found)
    versions = client.get(f"/api/v1/services/{quote(service, safe='')}/versions", ServiceVersions)
    return tuple(each.name for each in versions.instances)


def hosts_of(client: ControlClient, service: str) -> tuple[str, ...]:
    """Every virtual host with a target of that service. Raises PlatformError `unknown-service`, `no-hosts`."""
    names = set(instances_of(client, service))
    addresses = {each.address for each in client.get("/api/v1/status", PlatformStatus).instances if each.name in names}
    rows = client.get("/api/v1/targets", TargetStateList).targets
    found = tuple(
        dict.fromkeys(each.virtual_host for each in rows if each.instance in names or each.address in addresses)
    )
    if not found:
        hint = "`stationmaster get hosts` lists them"
        raise PlatformError("no-hosts", f"no virtual host leads to {service}: it has no traffic", hint=hint, status=409)
    return found
