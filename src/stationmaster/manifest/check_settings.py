"""What can be wrong with settings, gateway nodes and token issuers."""

import ipaddress

from msgspec import Struct

from stationmaster.manifest.check_hosts import refuse_reserved
from stationmaster.manifest.check_monitoring import check_monitoring
from stationmaster.manifest.check_response import check_incidents, check_status_page
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.references import OWN_ISSUER
from stationmaster.manifest.schema import NodeDocument, SettingsDocument, TokenIssuerDocument
from stationmaster.manifest.values import parse_address, parse_seconds
from stationmaster.manifest.web import parse_url
from stationmaster.manifest.words import BROKEN_TEXT


def check_settings(part: Part, settings: SettingsDocument, lookup: Lookup, problems: Problems) -> None:
    first: dict[str, int] = {}
    for at, region in enumerate(settings.regions):
        origin = part.origin(settings, "regions", at)
        if region in first:
            message = f"the region {quoted(region)} is declared twice; the first is on line {first[region]}"
            problems.add("duplicate-name", message, origin, "give one of them another name")
        first.setdefault(region, origin.line)
    _check_exposure(part, settings.control, "xds", problems)
    check_monitoring(part, settings.monitoring, problems)
    check_incidents(part, settings.incidents, problems)
    check_status_page(part, settings.status_page, problems)
    _check_issuer_of_tokens(part, settings, settings.issuer, lookup, problems)
    tokens = settings.tokens
    if parse_seconds(tokens.lifetime) > parse_seconds(tokens.rotate_every):
        message = f"tokens live for {tokens.lifetime}, longer than a signing key signs ({tokens.rotate_every})"
        origin = part.origin(tokens, "lifetime")
        problems.add("out-of-range", message, origin, "shorten `lifetime`, or lengthen `rotate_every`")


def check_node(part: Part, node: NodeDocument, lookup: Lookup, problems: Problems) -> None:
    origin = part.origin(node, "name")
    if any(row.part.position < part.position for row in lookup.instances.get(node.name, ())):
        message = f"the gateway node {quoted(node.name)} bears the name of an instance"
        problems.add("duplicate-name", message, origin, "give one of them another name")
    refuse_reserved(node.name, origin, problems)
    _check_exposure(part, node, "admin", problems)


def _check_exposure(part: Part, thing: Struct, field: str, problems: Problems) -> None:
    """The configuration of the nodes holds API keys, and whoever reaches a node's administration may stop it; neither
    asks who calls."""
    text = getattr(thing, field)
    if text != BROKEN_TEXT and not _loopback(parse_address(text).host):
        message = f"{field} {quoted(text)} can be reached from other machines, and it asks nobody who he is"
        problems.add("exposed-address", message, part.origin(thing, field), "listen on 127.0.0.1")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_issuer(part: Part, issuer: TokenIssuerDocument, lookup: Lookup, problems: Problems) -> None:
    if issuer.name == OWN_ISSUER:
        message = f"the name {quoted(OWN_ISSUER)} belongs to the platform's own key service"
        problems.add("bad-name", message, part.origin(issuer, "name"), "choose another name")
    _check_issuer_of_tokens(part, issuer, issuer.issuer, lookup, problems)
    both = issuer.jwks_file is not None and issuer.jwks_uri is not None
    neither = issuer.jwks_file is None and issuer.jwks_uri is None
    if both or (neither and not part.places.names_field(issuer, "jwks_file", "jwks_uri")):
        message = f"the token issuer {quoted(issuer.name)} names {'two key sets' if both else 'no key set'}"
        hint = "write exactly one of `jwks_file` and `jwks_uri`"
        problems.add("bad-issuer", message, part.place, hint)
    _check_uri(part, issuer, problems)


def _check_issuer_of_tokens(part: Part, thing: Struct, text: str, lookup: Lookup, problems: Problems) -> None:
    """One issuer has one key set: otherwise either could make the tokens of the other."""
    others = (each for each in lookup.issuers.get(text, ()) if each.position < part.position)
    first = min(others, key=lambda each: each.position, default=None)
    if first is not None and text != BROKEN_TEXT:
        message = f"{quoted(text)} is the issuer of {quoted(first.name)} (line {first.place.line}) already"
        problems.add("duplicate-issuer", message, part.origin(thing, "issuer"), "keep one of them")


def _check_uri(part: Part, issuer: TokenIssuerDocument, problems: Problems) -> None:
    if issuer.jwks_uri is None:
        return
    url = parse_url(issuer.jwks_uri)
    if url.scheme == "http" and not _loopback(url.hostname or ""):
        message = f"{quoted(issuer.jwks_uri)} is fetched without TLS: who stands in between can make tokens"
        problems.warn("insecure-url", message, part.origin(issuer, "jwks_uri"), "use https")
