"""What can be wrong with responders, channels, schedules, escalation policies, routes and the status page."""

import re
from collections.abc import Iterable

from msgspec import Struct

from stationmaster.core.response import ContactKind
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema_response import (
    ChannelDocument,
    ContactDocument,
    IncidentsDocument,
    LayerDocument,
    PolicyDocument,
    ResponderDocument,
    ScheduleDocument,
    StatusPageDocument,
)
from stationmaster.manifest.values import parse_seconds
from stationmaster.manifest.values_response import parse_date, parse_email
from stationmaster.manifest.web import parse_url
from stationmaster.manifest.words import BROKEN_TEXT

_BOX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def check_responder(part: Part, responder: ResponderDocument, problems: Problems) -> None:
    names = [each.name for each in responder.contacts]
    _refuse_twins(part, responder.contacts, "contact", problems)
    for contact in responder.contacts:
        check_contact(part, contact, problems)
    if not responder.contacts and not part.places.written(responder, "contacts"):
        message = f"nobody can reach the responder {quoted(responder.name)}"
        problems.warn("unreachable-responder", message, part.place, "add `contacts:`")
    for rule in responder.notify:
        if rule.contact not in names and rule.contact != BROKEN_TEXT:
            message = f"no contact of {quoted(responder.name)} is called {quoted(rule.contact)}"
            hint = problems.closest(rule.contact, names) or f"contacts are {', '.join(names) or 'none'}"
            problems.add("unknown-reference", message, part.origin(rule, "contact"), hint)
    quiet = responder.quiet_hours
    if quiet is not None and quiet.since == quiet.until and quiet.since != BROKEN_TEXT:
        message = "quiet hours that end when they begin would never end"
        problems.add("out-of-range", message, part.origin(quiet, "until"), "let them end at another time")


def check_channel(part: Part, channel: ChannelDocument, problems: Problems) -> None:
    check_contact(part, channel, problems)


def check_contact(part: Part, contact: ContactDocument | ChannelDocument, problems: Problems) -> None:
    """An address of e-mail stands here; URLs and keys of all else are secrets, or addresses of the web."""
    both = contact.address is not None and contact.secret_file is not None
    neither = contact.address is None and contact.secret_file is None
    if both or (neither and not part.places.names_field(contact, "address", "secret_file")):
        message = f"the contact {quoted(contact.name)} names {'two addresses' if both else 'no address'}"
        hint = "write exactly one of `address` and `secret_file`"
        problems.add("bad-contact", message, part.origin(contact), hint)
    if contact.kind is ContactKind.OUTBOX and contact.secret_file is not None:
        message = f"the contact {quoted(contact.name)} is an outbox, and its name is no secret"
        problems.add("bad-contact", message, part.origin(contact, "secret_file"), "write `address: NAME`")
    if contact.address is None or contact.address == BROKEN_TEXT:
        return
    try:
        if contact.kind is ContactKind.EMAIL:
            parse_email(contact.address)
        elif contact.kind in (ContactKind.SLACK, ContactKind.WEBHOOK):
            parse_url(contact.address)
    except ValueError as error:
        message = f"{quoted(contact.address)} {error}"
        problems.add("bad-contact", message, part.origin(contact, "address"), "write ada@example.org, or a whole URL")
    if contact.kind is ContactKind.OUTBOX and _BOX.fullmatch(contact.address) is None:
        message = f"{quoted(contact.address)} is no name of an outbox"
        hint = "write one word of letters, digits, `-` and `_`: it is a folder in the state folder"
        problems.add("bad-contact", message, part.origin(contact, "address"), hint)
    if contact.kind is ContactKind.PAGERDUTY:
        message = "a routing key is a secret, and this file is no place for secrets"
        problems.add("bad-contact", message, part.origin(contact, "address"), "write it to a file: `secret_file:`")


def check_schedule(part: Part, schedule: ScheduleDocument, problems: Problems) -> None:
    _refuse_twins(part, schedule.layers, "layer", problems)
    for layer in schedule.layers:
        _check_layer(part, layer, problems)


def _check_layer(part: Part, layer: LayerDocument, problems: Problems) -> None:
    if layer.turn != BROKEN_TEXT and parse_seconds(layer.turn) % 86_400:
        message = f"a turn of {layer.turn} is no whole number of days"
        hint = "write it in days; parts of a day are `restrictions` of layers of their own"
        problems.add("bad-duration", message, part.origin(layer, "turn"), hint)
    broken = BROKEN_TEXT in (layer.starts, layer.ends)
    if layer.ends is not None and not broken and parse_date(layer.ends) <= parse_date(layer.starts):
        message = f"the layer {quoted(layer.name)} ends before it begins"
        problems.add("out-of-range", message, part.origin(layer, "ends"), "let it end after `starts`")


def check_policy(part: Part, policy: PolicyDocument, problems: Problems) -> None:
    for at, level in enumerate(policy.levels):
        seen: set[str] = set()
        for number, text in enumerate(level.targets):
            if text in seen:
                message = f"{quoted(text)} is a target of level {at + 1} twice"
                problems.add("duplicate-target", message, part.origin(level, "targets", number), "keep one of them")
            seen.add(text)
        waits = parse_seconds(level.after) if level.after != BROKEN_TEXT else 1
        if at and not waits and not level.when:
            message = f"level {at + 1} is paged together with level {at}"
            hint = "give it `after:`, or move its targets into the level before"
            problems.warn("never-applies", message, part.origin(level), hint)
        if level.targets and all(_only_tells(text) for text in level.targets):
            message = f"level {at + 1} pages nobody: a channel is told, and cannot acknowledge"
            problems.warn("pages-nobody", message, part.origin(level, "targets"), "add a responder or a schedule")


def _only_tells(target: str) -> bool:
    return target.startswith("channel/")


def check_incidents(part: Part, incidents: IncidentsDocument, problems: Problems) -> None:
    for at, label in enumerate(incidents.group_by or ()):
        if label in (incidents.group_by or ())[:at]:
            message = f"the label {quoted(label)} stands here twice"
            problems.add("duplicate-name", message, part.origin(incidents, "group_by", at), "keep one of them")
    smtp = incidents.smtp
    if smtp is not None and (smtp.user is None) != (smtp.password_file is None):
        message = "a user without a password, or a password without a user"
        problems.add("missing-field", message, part.origin(smtp), "write both of `user` and `password_file`")


def check_status_page(part: Part, page: StatusPageDocument, problems: Problems) -> None:
    _refuse_twins(part, page.components, "component", problems)
    for component in page.components:
        written = sum(part.places.written(component, field) for field in ("services", "apis"))
        if not component.services and not component.apis and not written:
            message = f"no incident ever touches the component {quoted(component.name)}"
            problems.warn("never-applies", message, part.origin(component), "name its `services` or `apis`")


def _refuse_twins(part: Part, things: Iterable[Struct], noun: str, problems: Problems) -> None:
    first: dict[str, int] = {}
    for each in things:
        name, origin = str(getattr(each, "name", "")), part.origin(each, "name")
        if name in first and name != BROKEN_TEXT:
            message = f"the {noun} {quoted(name)} is declared twice; the first is on line {first[name]}"
            problems.add("duplicate-name", message, origin, "give one of them another name")
        first.setdefault(name, origin.line)
