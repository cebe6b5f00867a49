"""Random platforms that hold together, and specs without their places, to be compared."""

import json
import re
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from stationmaster.core.problem import NOWHERE, InvalidInputError, Origin
from stationmaster.manifest.entities import Entity, EntityKind, parse_document

_BY_CHANCE = {"overlapping-route", "redirect-loop"}
"""Problems that a drawn platform may have; any other is one of the drawing."""

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=12)
_LOOKALIKES = st.sampled_from(
    ["no", "1e3", "0o17", "0x1F", "~", "null", "true", "1.5", "=", "<<", "- a", "a: b", "#c", " x "]
)
_HEADERS = st.sampled_from(["X-A", "X-B", "x-c", "Accept-Version"])
_VALUES = st.sampled_from(
    ["1", "true", "null", "~", "0x10", "a b", "%START_TIME%", "it's", '"q"', "2024-01-01", "a: b"]
)
_SEGMENTS = st.sampled_from(["a", "b", "c"])
_PATHS = st.one_of(
    st.lists(_SEGMENTS, max_size=2).map(lambda parts: "/" + "/".join(parts)),
    _SEGMENTS.map(lambda part: f"=/{part}"),
    st.just("~/x/[0-9]+"),
)


def bare(value: Any) -> Any:
    """The value with every origin blanked out."""
    if isinstance(value, Origin):
        return NOWHERE
    if isinstance(value, tuple):
        return tuple(bare(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: bare(getattr(value, each.name)) for each in fields(value)})
    return value


def _some(required: dict[str, Any], optional: dict[str, Any]) -> Any:
    return st.fixed_dictionaries(required, optional=optional)


_MAINTENANCE = _some({}, {"message": st.one_of(_TEXTS, _LOOKALIKES), "retry_after": st.sampled_from(["30s", "1d"])})
_LIMITS = st.lists(
    _some(
        {
            "requests": st.integers(1, 9),
            "per": st.sampled_from(["1s", "1m"]),
            "by": st.sampled_from(["api", "address"]),
        },
        {},
    ),
    max_size=2,
    unique_by=lambda limit: (limit["per"], limit["by"]),
)
_CHANGES = _some(
    {},
    {
        "set": st.dictionaries(_HEADERS, _VALUES, max_size=2),
        "add": st.dictionaries(_HEADERS, _VALUES, max_size=2),
        "remove": st.lists(st.just("X-Gone"), max_size=1),
    },
)


def _policies(hosts: list[str], own: str | None) -> Any:
    others = [host for host in hosts if host != own]
    optional: dict[str, Any] = {
        "rate_limits": _LIMITS,
        "request_headers": _CHANGES,
        "response_headers": _CHANGES,
        "max_body": st.sampled_from(["1B", "64KB", "1GB"]),
        "retries": st.integers(0, 10),
        "maintenance": _MAINTENANCE,
    }
    if own is None:
        to = st.sampled_from(["/a", "/b", "/c/a", "https://example.org/x"])
        return _some({"redirect": _some({"to": to}, {"status": st.sampled_from([301, 308])})}, optional)
    if others:
        optional["canary"] = _some({"virtual_host": st.sampled_from(others), "percent": st.integers(0, 100)}, {})
    return _some({}, optional)


def _document(draw: st.DrawFn) -> dict[str, Any]:
    regions = draw(st.lists(st.sampled_from(["north", "south"]), min_size=1, unique=True))
    services = [_service(draw, name, regions) for name in draw(st.lists(st.sampled_from("st"), unique=True))]
    instances = [each["name"] for service in services for each in service["instances"]]
    hosts = [_host(draw, name, instances) for name in draw(st.lists(st.sampled_from("vw"), min_size=1, unique=True))]
    names = [host["name"] for host in hosts]
    apis = [_api(draw, name, names) for name in draw(st.lists(st.sampled_from("klmn"), unique=True))]
    users = draw(st.lists(st.sampled_from(["ada", "bob"]), unique=True))
    called = st.lists(st.sampled_from([api["name"] for api in apis]), unique=True) if apis else st.just([])
    document = {
        "environment": draw(st.sampled_from(["lab", "prod-1"])),
        "issuer": draw(st.one_of(_LOOKALIKES, _TEXTS)),
        "regions": regions,
        "services": services,
        "virtual_hosts": hosts,
        "apis": apis,
        "api_users": [{"name": name, "apis": draw(called), "groups": ["g"]} for name in users],
        "gateway": {
            "limits": {"max_header_kb": draw(st.integers(1, 100))},
            "nodes": [
                {"name": f"g-{port}", "listen": f"127.0.0.1:{port}", "admin": f"127.0.0.1:{port + 1}"}
                for port in draw(st.lists(st.sampled_from([8000, 8010]), unique=True))
            ],
        },
        "token_issuers": [
            {"name": name, "issuer": f"https://{name}.example.org", "jwks_uri": f"https://{name}.example.org/keys"}
            for name in draw(st.lists(st.sampled_from(["corp", "club"]), unique=True))
        ],
    }
    return {key: value for key, value in document.items() if value != []}


def _service(draw: st.DrawFn, name: str, regions: list[str]) -> dict[str, Any]:
    count = draw(st.integers(0, 2))
    ports = st.integers(9000, 9010)
    return {
        "name": name,
        "port": 80,
        "command": draw(st.sampled_from([[], ["run", "{address}"], ["run", "~", "0x1"]])),
        "health": {"type": draw(st.sampled_from(["tcp", "grpc"]))},
        "instances": [
            {
                "name": f"{name}-{at}",
                "region": draw(st.sampled_from(regions)),
                "address": f"10.0.{ord(name)}.{at}:{draw(ports)}",
            }
            for at in range(count)
        ],
    }


def _host(draw: st.DrawFn, name: str, instances: list[str]) -> dict[str, Any]:
    found = draw(st.lists(st.sampled_from(instances), unique=True)) if instances else []
    targets: list[dict[str, Any]] = [{"instance": each, "weight": draw(st.integers(0, 9))} for each in found]
    host: dict[str, Any] = {"name": name, "targets": [*targets, {"address": "10.9.9.9:1"}]}
    if draw(st.booleans()) or len({each[0] for each in found}) > 1:
        host["health"] = {"path": "/up", "contains": draw(st.one_of(_TEXTS, _LOOKALIKES))}
    if draw(st.booleans()):
        host["maintenance"] = draw(_MAINTENANCE)
    return host


def _api(draw: st.DrawFn, name: str, hosts: list[str]) -> dict[str, Any]:
    own = draw(st.sampled_from([None, *hosts]))
    api: dict[str, Any] = {
        "name": name,
        "hosts": [f"{name}.example.org", *draw(st.sampled_from([[], ["shared.example.org"]]))],
        "paths": draw(st.lists(_PATHS, min_size=1, max_size=3, unique_by=lambda path: re.sub("/$", "", path))),
        "headers": draw(st.dictionaries(_HEADERS, st.one_of(st.none(), _VALUES), max_size=1)),
        "policies": draw(_policies(hosts, own)),
    }
    if draw(st.booleans()):
        api["accepts"] = ["jwt", "api-key"]
    return api if own is None else {**api, "virtual_host": own}


@st.composite
def platforms(draw: st.DrawFn) -> dict[str, Any]:
    """A document in which nothing is wrong; two of them often disagree."""
    document = _document(draw)
    if draw(st.booleans()):
        return _calm(document)
    try:
        parse_document(json.dumps(document, ensure_ascii=False), file="drawn", folder=Path("/"))
    except InvalidInputError as error:
        if not {each.code for each in error.diagnostics} & _BY_CHANCE:
            raise
        return _calm(document)
    return document


def _calm(document: dict[str, Any]) -> dict[str, Any]:
    """The platform with a host for every API, and redirects that lead away."""
    for api in document.get("apis", []):
        api["hosts"] = [f"{api['name']}.example.org"]
        if "redirect" in api["policies"]:
            api["policies"]["redirect"]["to"] = "https://example.org/x"
    return document


_CHANGES_OF: dict[EntityKind, list[dict[str, Any]]] = {
    EntityKind.SETTINGS: [
        {"regions": ["south"]},
        {"regions": []},
        {"control": {"api": "127.0.0.1:8000"}},
        {"control": {"xds": "0.0.0.0:8011"}},
        {"issuer": "https://corp.example.org"},
    ],
    EntityKind.NODE: [
        {"listen": "127.0.0.1:4580"},
        {"listen_tls": "0.0.0.0:8000"},
        {"admin": "10.0.0.1:9"},
        {"name": "s-0"},
        {"name": "g-8010"},
    ],
    EntityKind.SERVICE: [
        {"instances": []},
        {"health": {"type": "tcp", "interval": "9s"}},
        {"instances": [{"name": "g-8000", "region": "north", "address": "127.0.0.1:8000"}], "command": ["run"]},
        {"instances": [{"name": "t-0", "region": "south", "address": "10.0.116.0:9000"}]},
        {"name": "t"},
    ],
    EntityKind.VIRTUAL_HOST: [
        {"targets": []},
        {"targets": [{"instance": "s-0"}, {"instance": "t-0"}]},
        {"targets": [{"instance": "s-1"}, {"instance": "s-1"}]},
        {"name": "W"},
        {"name": "V", "health": {}},
    ],
    EntityKind.TOKEN_ISSUER: [
        {"issuer": "https://club.example.org"},
        {"issuer": "stationmaster"},
        {"name": "stationmaster"},
        {"jwks_uri": None},
    ],
    EntityKind.API: [
        {"hosts": ["shared.example.org"], "paths": ["/a", "/", "=/b"]},
        {"hosts": [], "policies": {"redirect": {"to": "/a"}}},
        {"hosts": ["shared.example.org"], "paths": ["/zzz"]},
        {"virtual_host": "w"},
        {"virtual_host": "v", "policies": {"canary": {"virtual_host": "v", "percent": 1}}},
        {"accepts": ["jwt"], "policies": {"tokens": {"issuers": ["corp"]}}},
        {"accepts": [], "any_user": True},
        {"name": "k"},
    ],
    EntityKind.USER: [
        {"apis": ["k", "nothing"]},
        {"name": "bob"},
        {"rate_limits": [{"requests": 1, "per": "1s", "by": "api"}]},
    ],
}


@st.composite
def disturbed(draw: st.DrawFn, entities: tuple[Entity, ...]) -> Entity:
    """One of the entities, changed in ways that are likely not to fit the rest."""
    kinds = sorted({each.kind for each in entities}, key=lambda kind: kind.value)
    kind = draw(st.sampled_from(kinds))
    entity = draw(st.sampled_from([each for each in entities if each.kind is kind]))
    body = dict(entity.body)
    for change in draw(st.lists(st.sampled_from(_CHANGES_OF[kind]), max_size=2)):
        body.update(change)
    body = {key: value for key, value in body.items() if value is not None}
    return replace(entity, name=body.get("name", entity.name), body=body, origin=Origin(file="a", line=1))
