"""What can be wrong with APIs and API users: who may call them, and policies that could not do what they say."""

from stationmaster.core.policy import LimitBy
from stationmaster.core.spec import CredentialKind
from stationmaster.manifest.check_headers import check_claims, check_cors, check_header_changes, check_matched_headers
from stationmaster.manifest.check_monitoring import check_objectives, check_probe
from stationmaster.manifest.clashes import check_routes
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.redirects import check_redirect
from stationmaster.manifest.schema import ApiDocument, ApiUserDocument
from stationmaster.manifest.schema_policies import CanaryDocument, MirrorDocument, RateLimitDocument
from stationmaster.manifest.values import parse_duration
from stationmaster.manifest.words import BROKEN_TEXT


def check_api(part: Part, api: ApiDocument, lookup: Lookup, problems: Problems) -> None:
    check_routes(part, api, lookup, problems)
    _check_destination(part, api, problems)
    check_probe(part, api, problems)
    check_objectives(part, api, lookup, problems)
    check_redirect(part, api, lookup, problems)
    _check_callers(part, api, lookup, problems)
    _check_public(part, api, problems)
    _check_rate_limits(part, api.policies.rate_limits, problems)
    check_matched_headers(part, api, problems)
    policies = api.policies
    if policies.cors is not None:
        check_cors(part, policies.cors, problems)
    for changes in (policies.request_headers, policies.response_headers):
        check_header_changes(part, changes, problems)
    check_claims(part, policies.tokens, problems)


def _check_destination(part: Part, api: ApiDocument, problems: Problems) -> None:
    policies, places = api.policies, part.places
    redirects = policies.redirect is not None or places.names_field(policies, "redirect")
    if api.virtual_host is None and not redirects and not places.names_field(api, "virtual_host"):
        message = f"the API {quoted(api.name)} leads nowhere"
        problems.add("missing-field", message, part.place, "add `virtual_host:`, or `policies.redirect`")
    for field, named in (("canary", policies.canary), ("mirror", policies.mirror)):
        if named is None:
            continue
        _check_other_host(part, api, field, named, problems)
        if policies.redirect is not None:
            message = f"the {field} never applies, because the API redirects"
            problems.add("never-applies", message, part.origin(policies, field), "remove one of them")
    if api.virtual_host is not None and policies.redirect is not None:
        message = f"no request reaches the virtual host {quoted(api.virtual_host)}, because the API redirects"
        problems.warn("never-applies", message, part.origin(api, "virtual_host"), "remove `virtual_host`")


def _check_other_host(
    part: Part, api: ApiDocument, field: str, named: CanaryDocument | MirrorDocument, problems: Problems
) -> None:
    if named.virtual_host == api.virtual_host and named.virtual_host != BROKEN_TEXT:
        message = f"the {field} of {quoted(api.name)} is the virtual host that its requests go to anyway"
        problems.add("points-at-itself", message, part.origin(named, "virtual_host"), "name another virtual host")


def _check_callers(part: Part, api: ApiDocument, lookup: Lookup, problems: Problems) -> None:
    if not api.accepts:
        return
    also = lookup.also
    empty = [each for each in api.groups if each not in lookup.users_of_group and each not in also.groups_of_users]
    for group in empty:
        message = f"no API user is in the group {quoted(group)}"
        origin = part.origin(api, "groups", api.groups.index(group))
        hint = problems.closest(group, lookup.users_of_group) or "name it in `groups` of an API user"
        problems.warn("empty-group", message, origin, hint)
    named = api.name in lookup.users_of_api or api.name in also.apis_of_users
    anybody = api.any_user and (lookup.users or also.of.get("user"))
    if not named and not anybody and len(empty) == len(api.groups):
        message = f"the API {quoted(api.name)} asks for credentials, but no API user may call it"
        hint = "name it in `apis` of an API user, or drop `accepts` to make it public"
        problems.warn("nobody-may-call", message, part.origin(api, "accepts"), hint)


def _check_public(part: Part, api: ApiDocument, problems: Problems) -> None:
    """Rules about callers on an API that lets everybody in would look like protection, and be none."""
    if part.places.written(api, "accepts") > len(api.accepts):
        return  # a broken kind of credential is told already
    tokens = api.policies.tokens
    if not api.accepts:
        public = "the API is public, so nobody knows who calls"
        for field, written in (("groups", api.groups), ("any_user", api.any_user)):
            if written:
                message = f"`{field}` never applies: {public}"
                problems.add("never-applies", message, part.origin(api, field), "add `accepts:`")
        for limit in api.policies.rate_limits:
            if limit.by is LimitBy.USER:
                message = f"a limit by user never applies: {public}"
                problems.add("never-applies", message, part.origin(limit), "write `by: address`, or add `accepts:`")
    if CredentialKind.JWT not in api.accepts:
        for field in ("issuers", "scopes", "claims_to_headers"):
            if getattr(tokens, field):
                message = f"`{field}` never applies: the API accepts no tokens"
                problems.add("never-applies", message, part.origin(tokens, field), "add jwt to `accepts`")


def check_user(part: Part, user: ApiUserDocument, problems: Problems) -> None:
    _check_rate_limits(part, user.rate_limits, problems)
    for limit in user.rate_limits:
        if limit.by is not LimitBy.USER:
            message = f"a limit of an API user counts its own requests, not those by {limit.by.value}"
            problems.add("never-applies", message, part.origin(limit, "by"), "remove `by`")


def _check_rate_limits(part: Part, limits: list[RateLimitDocument], problems: Problems) -> None:
    first: dict[tuple[int, LimitBy], RateLimitDocument] = {}
    for limit in limits:
        if limit.per == BROKEN_TEXT:
            continue
        key = parse_duration(limit.per), limit.by
        if key in first:
            message = (
                f"a limit per {first[key].per} by {limit.by.value} stands here already: only the lower one applies"
            )
            problems.add("never-applies", message, part.origin(limit), "keep one of them")
        first.setdefault(key, limit)
