"""Every problem of meaning in the parts of a platform: names, references, clashes, bounds, commands, policies."""

from collections.abc import Iterable
from typing import assert_never

from stationmaster.manifest.check_apis import check_api, check_user
from stationmaster.manifest.check_hosts import check_service, check_virtual_host
from stationmaster.manifest.check_response import check_channel, check_policy, check_responder, check_schedule
from stationmaster.manifest.check_settings import check_issuer, check_node, check_settings
from stationmaster.manifest.clashes import check_listeners, check_name, check_references
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import (
    ApiDocument,
    ApiUserDocument,
    NodeDocument,
    SettingsDocument,
    TokenIssuerDocument,
)
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument
from stationmaster.manifest.schema_response import ChannelDocument, PolicyDocument, ResponderDocument, ScheduleDocument


def check(parts: Iterable[Part], lookup: Lookup, problems: Problems) -> None:
    """Adds what is wrong in any of the parts to `problems`; the lookup holds all of them."""
    for part in parts:
        check_part(part, lookup, problems)


def check_part(part: Part, lookup: Lookup, problems: Problems) -> None:
    """What is wrong with one part among the rest. Of two that clash, the one with the higher position is named."""
    check_name(part, lookup, problems)
    check_references(part, lookup, problems)
    check_listeners(part, lookup, problems)
    match part.document:
        case SettingsDocument() as settings:
            check_settings(part, settings, lookup, problems)
        case NodeDocument() as node:
            check_node(part, node, lookup, problems)
        case ServiceDocument() as service:
            check_service(part, service, lookup, problems)
        case VirtualHostDocument() as host:
            check_virtual_host(part, host, lookup, problems)
        case TokenIssuerDocument() as issuer:
            check_issuer(part, issuer, lookup, problems)
        case ApiDocument() as api:
            check_api(part, api, lookup, problems)
        case ApiUserDocument() as user:
            check_user(part, user, problems)
        case ResponderDocument() as responder:
            check_responder(part, responder, problems)
        case ChannelDocument() as channel:
            check_channel(part, channel, problems)
        case ScheduleDocument() as schedule:
            check_schedule(part, schedule, problems)
        case PolicyDocument() as policy:
            check_policy(part, policy, problems)
        case _:
            assert_never(part.document)
