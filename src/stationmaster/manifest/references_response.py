"""Which parts about who answers name which others, and in which field."""

from collections.abc import Iterator

from msgspec import Struct

from stationmaster.manifest.reference import Reference
from stationmaster.manifest.schema import SettingsDocument
from stationmaster.manifest.schema_response import PolicyDocument, ScheduleDocument
from stationmaster.manifest.words import BROKEN_TEXT


def references_of_schedule(schedule: ScheduleDocument) -> Iterator[Reference]:
    for number, layer in enumerate(schedule.layers):
        for at, name in enumerate(layer.responders):
            field = f"layers[{number}].responders[{at}]"
            yield Reference(("responder", name), field, layer, ("responders", at))


def references_of_policy(policy: PolicyDocument) -> Iterator[Reference]:
    for number, level in enumerate(policy.levels):
        for at, text in enumerate(level.targets):
            kind, _, name = text.partition("/")
            if text != BROKEN_TEXT:
                yield Reference((kind, name), f"levels[{number}].targets[{at}]", level, ("targets", at))


def references_of_settings(settings: SettingsDocument) -> Iterator[Reference]:
    incidents = settings.incidents
    yield from _policy(incidents, incidents.policy, "incidents.policy")
    yield from _channels(incidents, incidents.channels, "incidents.channels")
    for number, route in enumerate(incidents.routes):
        yield from _policy(route, route.policy, f"incidents.routes[{number}].policy")
        yield from _channels(route, route.channels, f"incidents.routes[{number}].channels")
    for number, component in enumerate(settings.status_page.components):
        where = f"status_page.components[{number}]"
        for at, name in enumerate(component.services):
            yield Reference(("service", name), f"{where}.services[{at}]", component, ("services", at))
        for at, name in enumerate(component.apis):
            yield Reference(("api", name), f"{where}.apis[{at}]", component, ("apis", at))


def _policy(thing: Struct, name: str | None, field: str) -> Iterator[Reference]:
    if name is not None:
        yield Reference(("escalation-policy", name), field, thing, ("policy",))


def _channels(thing: Struct, names: list[str], field: str) -> Iterator[Reference]:
    for at, name in enumerate(names):
        yield Reference(("channel", name), f"{field}[{at}]", thing, ("channels", at))
