"""A declaration with every policy, one API for each, and the rig that runs it."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from stationmaster.core.names import ApiName, UserName, VirtualHostName
from stationmaster.core.policy import (
    Canary,
    Cors,
    Fault,
    HeaderChanges,
    LimitBy,
    Maintenance,
    Mirror,
    Policies,
    RateLimit,
    Redirect,
    TokenRules,
)
from stationmaster.core.spec import Api, ApiUser, CredentialKind, PlatformSpec, Target, VirtualHost
from stationmaster.runtime.db import metadata, open_database
from tests.gateway.rig import BOTH, HOST, Rig, declared, eventually, local, running

ANNEX, CLOSED = VirtualHostName("annex"), VirtualHostName("closed")
JWT = frozenset({CredentialKind.JWT})
PUBLIC: frozenset[CredentialKind] = frozenset()
MINUTE_MS = 60_000
NODES = 2
LARGEST = 1_000

CORS = Cors(
    origins=("https://shop.test",),
    methods=("GET", "PUT"),
    request_headers=("authorization", "x-cart"),
    response_headers=("x-total",),
    credentials=True,
    max_age_s=60,
)


def limit(requests: int, by: LimitBy) -> RateLimit:
    return RateLimit(requests=requests, per_ms=MINUTE_MS, by=by)


APIS: dict[str, tuple[frozenset[CredentialKind], Policies]] = {
    "plain": (PUBLIC, Policies()),
    "by-api": (PUBLIC, Policies(rate_limits=(limit(6, LimitBy.API),))),
    "by-user": (BOTH, Policies(rate_limits=(limit(4, LimitBy.USER),))),
    "by-two": (BOTH, Policies(rate_limits=(limit(10, LimitBy.API), limit(4, LimitBy.USER)))),
    "by-address": (PUBLIC, Policies(rate_limits=(limit(4, LimitBy.ADDRESS),))),
    "by-user-public": (PUBLIC, Policies(rate_limits=(limit(4, LimitBy.USER),))),
    "in-pieces": (PUBLIC, Policies(rate_limits=(limit(3, LimitBy.API),))),
    "seldom": (PUBLIC, Policies(rate_limits=(RateLimit(requests=1, per_ms=MINUTE_MS, by=LimitBy.API),))),
    "soon": (PUBLIC, Policies(rate_limits=(RateLimit(requests=3, per_ms=3_000, by=LimitBy.API),))),
    "guarded": (BOTH, Policies()),
    "cors": (JWT, Policies(cors=CORS)),
    "cors-any": (PUBLIC, Policies(cors=Cors(origins=("*",), credentials=True))),
    "headers": (
        PUBLIC,
        Policies(
            request_headers=HeaderChanges(
                set=(("x-tenant", "100% %REQ(apikey)%"), ("X-Consumer-Username", "root")),
                add=(("x-more", "2"),),
                remove=("x-secret",),
            ),
            response_headers=HeaderChanges(set=(("cache-control", "no-store"),), remove=("x-powered-by",)),
        ),
    ),
    "sized": (PUBLIC, Policies(max_body_bytes=LARGEST)),
    "canary": (PUBLIC, Policies(canary=Canary(virtual_host=ANNEX, percent=30))),
    "canary-all": (JWT, Policies(canary=Canary(virtual_host=ANNEX, percent=100))),
    "canary-closed": (PUBLIC, Policies(canary=Canary(virtual_host=CLOSED, percent=100))),
    "mirror": (PUBLIC, Policies(mirror=Mirror(virtual_host=ANNEX))),
    "moved": (PUBLIC, Policies(redirect=Redirect(to="https://new.test/shop?from=old", status=301))),
    "moved-path": (PUBLIC, Policies(redirect=Redirect(to="/elsewhere", status=307))),
    "moved-guarded": (JWT, Policies(redirect=Redirect(to="/elsewhere"))),
    "resting": (BOTH, Policies(maintenance=Maintenance(message='back at "noon"', retry_after_s=90))),
    "late": (JWT, Policies(fault=Fault(delay_ms=400))),
    "failing": (JWT, Policies(fault=Fault(abort_status=503, abort_percent=100))),
    "sometimes": (PUBLIC, Policies(fault=Fault(abort_status=500, abort_percent=50))),
    "scoped": (BOTH, Policies(tokens=TokenRules(scopes=("read", "write")))),
    "claims": (JWT, Policies(tokens=TokenRules(claims_to_headers=(("org", "x-org"), ("roles", "x-roles"))))),
}


def api(name: str) -> Api:
    accepts, policies = APIS[name]
    return Api(name=ApiName(name), paths=(f"/{name}",), virtual_host=HOST, accepts=accepts, policies=policies)


def policed(free_port: Callable[[], int]) -> PlatformSpec:
    spec = declared(free_port, nodes=NODES, targets=1)
    every = tuple(ApiName(name) for name in APIS)
    shop, annex = spec.virtual_hosts[0], (Target(address=local(free_port())),)
    shut = replace(api("plain"), name=ApiName("shut"), paths=("/shut",), virtual_host=CLOSED, accepts=JWT)
    hasty = replace(api("plain"), name=ApiName("hasty"), paths=("/hasty",), timeout_ms=300)
    return replace(
        spec,
        virtual_hosts=(
            shop,
            VirtualHost(name=ANNEX, targets=annex),
            VirtualHost(name=CLOSED, targets=annex, maintenance=Maintenance(message="moving house")),
        ),
        apis=(*map(api, APIS), shut, hasty),
        api_users=(
            ApiUser(name=UserName("ada"), apis=every),
            ApiUser(name=UserName("bob"), apis=every),
            ApiUser(name=UserName("slow"), apis=every, rate_limits=(limit(2, LimitBy.USER),)),
        ),
    )


@asynccontextmanager
async def running_policed(spec: PlatformSpec, folder: Path) -> AsyncIterator[Rig]:
    """Everything of it, with a target behind every virtual host."""
    database = open_database(folder / "test.db")
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(spec, database, folder) as rig:
            rig.start_upstreams([each.address.port for each in spec.virtual_hosts[1].targets])
            await eventually(lambda: all(_takes(each.address.port) for each in spec.virtual_hosts[1].targets))
            yield rig
    finally:
        await database.close()


def _takes(number: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def bearer(rig: Rig, caller: str = "ada", **claims: object) -> dict[str, str]:
    return {"authorization": f"Bearer {rig.signer.token(sub=caller, **claims)}"}
