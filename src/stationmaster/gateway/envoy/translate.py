"""The IR as Envoy's resources, a snapshot for every node."""

from collections.abc import Iterable, Mapping
from typing import Any

from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.gateway.envoy import api_keys, tokens
from stationmaster.gateway.envoy.clusters import cluster
from stationmaster.gateway.envoy.endpoints import assignment
from stationmaster.gateway.envoy.listener import listener
from stationmaster.gateway.envoy.parts import extension
from stationmaster.gateway.envoy.routes import ROUTES, TOKENS, table
from stationmaster.gateway.ir import Ir
from stationmaster.gateway.snapshot import Kind, Resource, Snapshot, resource, snapshot


def translate(ir: Ir) -> Mapping[str, Snapshot]:
    """What every node, by name, is to have."""
    shared = tuple(_shared(ir))
    return {
        each.node: snapshot((*shared, _resource(Kind.ENTRANCE, listener(each), each.origin))) for each in ir.entrances
    }


def _shared(ir: Ir) -> Iterable[Resource]:
    for pool in ir.pools:
        yield _resource(Kind.POOL, cluster(pool), pool.origin)
        yield _named(Kind.ENDPOINTS, pool.name, assignment(pool), pool.origin)
    yield _filter(TOKENS, tokens.checker(ir.issuer), ir.issuer.origin)
    yield _filter(api_keys.SHARD, api_keys.shard(ir.keys), NOWHERE)
    yield _named(Kind.ROUTES, ROUTES, table(ir.sites), NOWHERE)


def _filter(name: str, message: Any, origin: Origin) -> Resource:
    return _resource(Kind.FILTER, extension(name, message), origin)


def _resource(kind: Kind, message: Any, origin: Origin) -> Resource:
    return _named(kind, message.name, message, origin)


def _named(kind: Kind, name: str, message: Any, origin: Origin) -> Resource:
    return resource(kind, name, message.SerializeToString(deterministic=True), origin)
