"""The IR as Envoy's resources, a snapshot for every node."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.gateway.admin import TRACES
from stationmaster.gateway.envoy import access, api_keys, policies, routing, siblings, tls, tokens, traces
from stationmaster.gateway.envoy.chain import BARRIER, TOKENS
from stationmaster.gateway.envoy.clusters import cluster
from stationmaster.gateway.envoy.endpoints import assignment, by_name
from stationmaster.gateway.envoy.listener import listener
from stationmaster.gateway.envoy.parts import extension
from stationmaster.gateway.envoy.routes import table
from stationmaster.gateway.ir import Entrance, Ir, KeyShard, Pool, Section
from stationmaster.gateway.ir_policy import Certificate
from stationmaster.gateway.remembered import Remembered
from stationmaster.gateway.snapshot import Kind, Named, Resource, Snapshot, resource

_NOTHING: Named = {}


class Made:
    """Resources of one kind, each made once of the thing that it stands for; the same things make the same mapping."""

    def __init__(self, make: Callable[[Any], Resource | None]) -> None:
        self._make = make
        self._things: tuple[object, ...] = ()
        self._by_id: dict[int, Resource | None] = {}
        """Things are known by identity: those that are kept cannot share it with new ones."""
        self._named: Named = {}

    def of(self, things: tuple[object, ...]) -> Named:
        if things != self._things:
            known = self._by_id
            self._by_id = {id(each): known.get(id(each)) or self._make(each) for each in things}
            self._things = things
            self._named = {each.name: each for each in self._by_id.values() if each}
        return self._named


class Translator:
    """What did not change in the IR stays the same resource, and a kind of which nothing changed the same mapping."""

    def __init__(self) -> None:
        self._pools, self._endpoints = Made(_pool), Made(_endpoints)
        self._sections, self._routes = Made(_scope), Made(_routes)
        self._shards = Made(_shard)
        self._joined: Remembered[Named] = Remembered()
        self._few: Remembered[Named] = Remembered()
        self._nodes: Remembered[Mapping[Kind, Named]] = Remembered()

    def translate(self, ir: Ir) -> Mapping[str, Snapshot]:
        """What every node, by name, is to have."""
        shared = {
            Kind.POOL: self._with(Kind.POOL, self._pools.of(ir.pools), self._traces(ir)),
            Kind.ENDPOINTS: self._with(Kind.ENDPOINTS, self._endpoints.of(ir.pools), self._siblings(ir)),
            Kind.FILTER: self._with(
                Kind.FILTER, self._shards.of(ir.shards), self._tokens(ir), self._barrier(ir), self._counting(ir)
            ),
            Kind.SECTION: self._sections.of(tuple(each.segment for each in ir.sections)),
            Kind.ROUTES: self._routes.of(ir.sections),
        }
        own: dict[str, list[Entrance]] = defaultdict(list)
        for each in ir.entrances:
            own[each.node].append(each)
        return {node: Snapshot(resources={**shared, **self._own(node, found, ir)}) for node, found in own.items()}

    def _own(self, node: str, entrances: Sequence[Entrance], ir: Ir) -> Mapping[Kind, Named]:
        """What is of one node alone."""

        def make() -> Mapping[Kind, Named]:
            return {Kind.ENTRANCE: _entrances(entrances), Kind.CERTIFICATE: _secrets(ir.certificate, entrances)}

        return self._nodes.of(node, (tuple(entrances), ir.certificate), make)

    def _with(self, key: Kind, many: Named, *few: Named) -> Named:
        """Compared by identity first: mappings that are not the same are not looked into."""

        def make() -> Named:
            return {name: each for named in (many, *few) for name, each in named.items()}

        return self._joined.of(key, (tuple(map(id, (many, *few))), many, few), make)

    def _siblings(self, ir: Ir) -> Named:
        return self._few.of(
            siblings.NAME,
            (ir.live_nodes,),
            lambda: _one(Kind.ENDPOINTS, siblings.NAME, siblings.assignment(ir.live_nodes)),
        )

    def _traces(self, ir: Ir) -> Named:
        sink = ir.traces
        if sink is None:
            return _NOTHING
        return self._few.of(TRACES, (sink,), lambda: _one(Kind.POOL, TRACES, traces.cluster(sink)))

    def _tokens(self, ir: Ir) -> Named:
        causes = (ir.issuers, ir.trusts)
        return self._few.of(TOKENS, causes, lambda: _filter(TOKENS, tokens.checker(ir.issuers, ir.trusts)))

    def _barrier(self, ir: Ir) -> Named:
        return self._few.of(BARRIER, (ir.refused,), lambda: _filter(BARRIER, access.barrier(ir.refused)))

    def _counting(self, ir: Ir) -> Named:
        def make() -> Named:
            shared = policies.shared(ir.counting).items()
            return {name: each for key, message in shared for name, each in _filter(key, message).items()}

        return self._few.of("counting", (ir.counting,), make)


def translate(ir: Ir) -> Mapping[str, Snapshot]:
    """What every node is to have, from an IR that stands alone."""
    return Translator().translate(ir)


def _entrances(entrances: Iterable[Entrance]) -> Named:
    messages = [(listener(each), each.origin) for each in entrances]
    return {each.name: _resource(Kind.ENTRANCE, each.name, each, origin) for each, origin in messages}


def _secrets(certificate: Certificate | None, entrances: Iterable[Entrance]) -> Named:
    secure = next((each for each in entrances if each.secure), None)
    if secure is None or certificate is None:
        return {}
    secret = tls.secret(certificate)
    return {secret.name: _resource(Kind.CERTIFICATE, secret.name, secret, secure.origin)}


def _pool(pool: Pool) -> Resource:
    return _resource(Kind.POOL, pool.name, cluster(pool), pool.origin)


def _endpoints(pool: Pool) -> Resource | None:
    return None if by_name(pool) else _resource(Kind.ENDPOINTS, pool.name, assignment(pool), pool.origin)


def _scope(segment: str | None) -> Resource:
    message = routing.scope(segment)
    return _resource(Kind.SECTION, message.name, message, NOWHERE)


def _routes(section: Section) -> Resource:
    """A refusal is told at the line of the first API."""
    origin = next((route.origin for site in section.sites for route in site.routes), NOWHERE)
    return _resource(Kind.ROUTES, routing.name(section.segment), table(section), origin)


def _shard(shard: KeyShard) -> Resource:
    name = api_keys.resource_of(shard.prefix)
    return _resource(Kind.FILTER, name, extension(name, api_keys.shard(shard.holders)), NOWHERE)


def _filter(name: str, message: Any) -> Named:
    return _one(Kind.FILTER, name, extension(name, message))


def _one(kind: Kind, name: str, message: Any) -> Named:
    return {name: _resource(kind, name, message, NOWHERE)}


def _resource(kind: Kind, name: str, message: Any, origin: Origin) -> Resource:
    return resource(kind, name, message.SerializeToString(deterministic=True), origin)
