"""Decides what the gateway does, from what is declared and what is known live."""

from stationmaster.core.problem import Diagnostic
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir import Entrance, Ir, TokenIssuer
from stationmaster.gateway.plan.credentials import key_holders, public_jwks
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.pools import pool
from stationmaster.gateway.plan.routes import sites


def plan(spec: PlatformSpec, live: Live) -> tuple[Ir, tuple[Diagnostic, ...]]:
    """The whole gateway. What a diagnostic tells of was left out, in the direction that refuses."""
    keys, key_problems = key_holders(live.api_keys)
    jwks, jwks_problems = public_jwks(live.jwks)
    routed, site_problems = sites(spec)
    ir = Ir(
        environment=spec.environment,
        issuer=TokenIssuer(issuer=spec.issuer, audience=spec.environment, jwks=jwks),
        pools=tuple(pool(host, live.withdrawn) for host in spec.virtual_hosts),
        sites=routed,
        keys=keys,
        entrances=tuple(
            Entrance(node=node.name, host=node.listen.host, port=node.listen.port, origin=node.origin)
            for node in spec.nodes
        ),
    )
    return ir, (*key_problems, *jwks_problems, *site_problems)
