"""Which parts of a platform name which others, and in which field."""

from collections.abc import Iterator

from stationmaster.manifest.names import INSTANCE, REGION
from stationmaster.manifest.parts import Part
from stationmaster.manifest.reference import Reference
from stationmaster.manifest.references_response import (
    references_of_policy,
    references_of_schedule,
    references_of_settings,
)
from stationmaster.manifest.schema import ApiDocument, ApiUserDocument, SettingsDocument
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument
from stationmaster.manifest.schema_response import PolicyDocument, ScheduleDocument
from stationmaster.manifest.words import BROKEN_TEXT

OWN_ISSUER = "stationmaster"
"""The name by which APIs name the platform itself as an issuer of tokens."""

NOUNS_OF_WORDS = {
    REGION: "region",
    INSTANCE: "instance",
    "virtual-host": "virtual host",
    "token-issuer": "token issuer",
    "api": "API",
    "user": "API user",
    "service": "service",
    "responder": "responder",
    "channel": "channel",
    "schedule": "schedule",
    "escalation-policy": "escalation policy",
}


def references_of(part: Part) -> Iterator[Reference]:
    """Every name of another part that the part holds, broken ones left out."""
    return (each for each in _all(part) if each.key[1] != BROKEN_TEXT)


def _all(part: Part) -> Iterator[Reference]:
    match part.document:
        case ServiceDocument() as service:
            for at, instance in enumerate(service.instances):
                yield Reference((REGION, instance.region), f"instances[{at}].region", instance, ("region",))
            if service.escalation_policy is not None:
                key = ("escalation-policy", service.escalation_policy)
                yield Reference(key, "escalation_policy", service, ("escalation_policy",))
            for at, name in enumerate(service.depends_on):
                yield Reference(("service", name), f"depends_on[{at}]", service, ("depends_on", at))
        case VirtualHostDocument() as host:
            for at, target in enumerate(host.targets):
                if target.instance is not None:
                    yield Reference((INSTANCE, target.instance), f"targets[{at}].instance", target, ("instance",))
        case ApiDocument() as api:
            yield from _of_api(api)
        case ApiUserDocument() as user:
            for at, name in enumerate(user.apis):
                yield Reference(("api", name), f"apis[{at}]", user, ("apis", at))
        case SettingsDocument() as settings:
            yield from references_of_settings(settings)
        case ScheduleDocument() as schedule:
            yield from references_of_schedule(schedule)
        case PolicyDocument() as policy:
            yield from references_of_policy(policy)
        case _:
            return


def _of_api(api: ApiDocument) -> Iterator[Reference]:
    policies = api.policies
    if api.virtual_host is not None:
        yield Reference(("virtual-host", api.virtual_host), "virtual_host", api, ("virtual_host",))
    if api.probe is not None and api.probe.user is not None:
        yield Reference(("user", api.probe.user), "probe.user", api.probe, ("user",))
    for field, named in (("canary", policies.canary), ("mirror", policies.mirror)):
        if named is not None:
            where = f"policies.{field}.virtual_host"
            yield Reference(("virtual-host", named.virtual_host), where, named, ("virtual_host",))
    for at, name in enumerate(policies.tokens.issuers):
        if name != OWN_ISSUER:
            where = f"policies.tokens.issuers[{at}]"
            yield Reference(("token-issuer", name), where, policies.tokens, ("issuers", at))
