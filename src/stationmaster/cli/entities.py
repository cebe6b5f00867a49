"""The kinds of declared things on the command line: their words, where they are, what a table shows of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stationmaster.api.wire_catalog import Entry, EntryList
from stationmaster.cli.client import ControlClient
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.entity import EntityKind

Column = tuple[str, Callable[[Mapping[str, Any]], str]]

_PAGE = "1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`words` are what people call the kind, `columns` what a table shows, `wide` what `-o wide` adds."""

    kind: EntityKind
    path: str
    words: tuple[str, ...]
    columns: tuple[Column, ...]
    wide: tuple[Column, ...] = ()
    filters: tuple[str, ...] = ("name",)


def _plain(field: str, default: str = "") -> Column:
    return field.replace("_", " "), lambda body: str(body.get(field, default))


def _joined(field: str, default: str = "") -> Column:
    return field.replace("_", " "), lambda body: ", ".join(map(str, body.get(field, ()))) or default


def _count(field: str) -> Column:
    return field, lambda body: str(len(body.get(field, ())))


def _who(body: Mapping[str, Any]) -> str:
    if not body.get("accepts"):
        return "public"
    return ", ".join(body["accepts"]) + (" (any user)" if body.get("any_user") else "")


APIS = Shown(
    kind=EntityKind.API,
    path="/api/v1/apis",
    words=("apis", "api"),
    columns=(_joined("hosts", "*"), _joined("paths"), _plain("virtual_host"), ("accepts", _who)),
    wide=(
        _joined("methods", "all"),
        _joined("groups"),
        _plain("timeout", "15s"),
        ("policies", lambda body: ", ".join(body.get("policies", ()))),
    ),
    filters=("name", "host", "path", "virtual_host", "user", "group"),
)
USERS = Shown(
    kind=EntityKind.USER,
    path="/api/v1/users",
    words=("users", "user"),
    columns=(_joined("apis"), _joined("groups")),
    wide=(_count("rate_limits"),),
    filters=("name", "api", "group"),
)
HOSTS = Shown(
    kind=EntityKind.VIRTUAL_HOST,
    path="/api/v1/virtual-hosts",
    words=("hosts", "host", "virtual-hosts", "virtual-host"),
    columns=(_plain("algorithm", "round-robin"), _plain("protocol", "http"), _count("targets")),
    wide=(
        ("health", lambda body: body.get("health", {}).get("type", "http") if "health" in body else "of its services"),
        _plain("slow_start", "none"),
        ("maintenance", lambda body: "on" if "maintenance" in body else "off"),
    ),
    filters=("name", "target"),
)
SERVICES = Shown(
    kind=EntityKind.SERVICE,
    path="/api/v1/services",
    words=("services", "service"),
    columns=(_plain("port"), _count("instances"), _plain("supervision", "restart")),
    wide=(("command", lambda body: " ".join(body.get("command", ()))),),
)
NODES = Shown(
    kind=EntityKind.NODE,
    path="/api/v1/nodes",
    words=("nodes",),
    columns=(_plain("listen"), _plain("listen_tls", "none"), _plain("admin")),
)
ISSUERS = Shown(
    kind=EntityKind.TOKEN_ISSUER,
    path="/api/v1/token-issuers",
    words=("issuers", "issuer", "token-issuers"),
    columns=(_plain("issuer"), _joined("audiences")),
    wide=(("keys", lambda body: str(body.get("jwks_uri") or body.get("jwks_file"))), _plain("user_claim", "sub")),
)

RESPONDERS = Shown(
    kind=EntityKind.RESPONDER,
    path="/api/v1/responders",
    words=("responders", "responder"),
    columns=(_plain("full_name"), _plain("time_zone", "UTC"), _count("contacts")),
    wide=(("notify", lambda body: ", ".join(each["contact"] for each in body.get("notify", ())) or "all at once"),),
)
CHANNELS = Shown(
    kind=EntityKind.CHANNEL,
    path="/api/v1/channels",
    words=("channels", "channel"),
    columns=(_plain("kind"), ("to", lambda body: str(body.get("address") or f"by {body.get('secret_file')}"))),
)
SCHEDULES = Shown(
    kind=EntityKind.SCHEDULE,
    path="/api/v1/schedules",
    words=("schedules", "schedule"),
    columns=(
        _plain("time_zone", "UTC"),
        ("layers", lambda body: ", ".join(each["name"] for each in body.get("layers", ()))),
    ),
)
POLICIES = Shown(
    kind=EntityKind.ESCALATION_POLICY,
    path="/api/v1/escalation-policies",
    words=("policies", "policy", "escalation-policies"),
    columns=(_count("levels"), _plain("repeats", "0"), _plain("acknowledged_for", "30m")),
)

KINDS = (APIS, USERS, HOSTS, SERVICES, NODES, ISSUERS, RESPONDERS, CHANNELS, SCHEDULES, POLICIES)


def shown_as(word: str) -> Shown:
    """Raises PlatformError `unknown-kind`."""
    for each in KINDS:
        if word in each.words:
            return each
    known = ", ".join((*(each.words[0] for each in KINDS), "targets", "settings"))
    raise PlatformError("unknown-kind", f"there is no kind {word!r}", hint=f"known are {known}")


def path_of(shown: Shown, name: str) -> str:
    return f"{shown.path}/{quote(name, safe='')}"


def every_entry(client: ControlClient, shown: Shown, wanted: Mapping[str, str]) -> Iterator[Entry]:
    """All that match, page after page."""
    after: str | None = ""
    while after is not None:
        page = client.get(shown.path, EntryList, **wanted, limit=_PAGE, after=after)
        yield from page.items
        after = page.next
