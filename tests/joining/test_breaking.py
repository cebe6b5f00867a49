"""What is broken on purpose is really broken, and after it was taken back nothing is different from before."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from stationmaster.core.drills import OF_THE_WHOLE, OVER_AT_ONCE, Fault, FaultKind
from stationmaster.core.names import NodeName
from stationmaster.core.problem import PlatformError
from stationmaster.core.proofs import Proofs
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
from stationmaster.drills.filler import NAME, Filler
from stationmaster.gateway import self_signed
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.plan.faults import NOTHING_WRONG, Swapped, Wrong
from stationmaster.joining.breaking import PlatformBreaker
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now

NODE = GatewayNode(
    name=NodeName("gateway-1"),
    listen=Address(host="127.0.0.1", port=1),
    admin=Address(host="127.0.0.1", port=2),
    listen_tls=Address(host="127.0.0.1", port=3),
)
SPEC = PlatformSpec(environment="test", nodes=(NODE,))


@dataclass
class Nodes:
    """The gateway, as far as faults of the whole reach."""

    wrong: Wrong = NOTHING_WRONG
    seen: list[Wrong] = field(default_factory=list)

    async def set_wrong(self, wrong: Wrong) -> None:
        self.wrong = wrong
        self.seen.append(wrong)


def breaker(state: Path, nodes: Nodes, spec: PlatformSpec = SPEC) -> PlatformBreaker:
    limited = replace(spec, monitoring=replace(spec.monitoring, state_limit_bytes=2_000_000))
    return PlatformBreaker(
        fleet=cast(Any, None),
        gateway=cast(Gateway, nodes),
        declared=Cell(limited),
        filler=Filler(state, state / "logs"),
    )


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


async def test_entrances_show_an_expired_certificate_for_their_names_and_then_their_own(
    nodes: Nodes, tmp_path: Path
) -> None:
    made, fault = breaker(tmp_path, nodes), Fault(kind=FaultKind.EXPIRED_CERTIFICATE)
    await made.begin(fault)
    shown = nodes.wrong.certificate
    assert shown is not None
    assert timedelta(0) < utc_now() - self_signed.expiry(shown) < timedelta(days=2)
    await made.undo(fault)
    assert nodes.wrong == NOTHING_WRONG


async def test_a_platform_without_tls_has_no_certificate_to_expire(nodes: Nodes, tmp_path: Path) -> None:
    made = breaker(tmp_path, nodes, replace(SPEC, nodes=(replace(NODE, listen_tls=None),)))
    with pytest.raises(PlatformError, match="no gateway node has a TLS entrance"):
        await made.begin(Fault(kind=FaultKind.EXPIRED_CERTIFICATE))
    assert nodes.seen == []


async def test_nodes_know_another_signing_key_and_the_certificate_is_left_alone(nodes: Nodes, tmp_path: Path) -> None:
    made = breaker(tmp_path, nodes)
    rotation, expired = Fault(kind=FaultKind.BAD_ROTATION), Fault(kind=FaultKind.EXPIRED_CERTIFICATE)
    await made.begin(rotation)
    await made.begin(expired)
    jwks = nodes.wrong.jwks
    assert jwks is not None
    assert ('"kid"' in jwks, '"d"' in jwks) == (True, False), "public keys alone"
    await made.undo(rotation)
    assert (nodes.wrong.jwks, nodes.wrong.certificate is None) == (None, False)
    await made.undo(expired)
    assert nodes.wrong == NOTHING_WRONG


async def test_metrics_go_astray_for_one_and_come_back(nodes: Nodes, tmp_path: Path) -> None:
    made, fault = breaker(tmp_path, nodes), Fault(kind=FaultKind.METRICS_GONE, of="gateway-1")
    await made.begin(fault)
    await made.begin(replace(fault, of="gateway-2"))
    assert made.astray.value == {"gateway-1", "gateway-2"}
    await made.undo(fault)
    assert made.astray.value == {"gateway-2"}


async def test_the_room_is_taken_and_given_back_also_by_one_who_did_not_take_it(nodes: Nodes, tmp_path: Path) -> None:
    fault = Fault(kind=FaultKind.DISK_FULL)
    await breaker(tmp_path, nodes).begin(fault)
    assert (tmp_path / "logs" / NAME).stat().st_size > 1_000_000
    said = await breaker(tmp_path, nodes).undo(fault)
    assert (said, (tmp_path / "logs" / NAME).exists()) == ("the room is given back", False)


@pytest.mark.parametrize(
    "kind", [each for each in OF_THE_WHOLE if each not in OVER_AT_ONCE], ids=lambda each: each.value
)
async def test_after_a_restart_every_fault_of_the_whole_can_be_taken_back(
    kind: FaultKind, nodes: Nodes, tmp_path: Path
) -> None:
    assert await breaker(tmp_path, nodes).undo(Fault(kind=kind))
    assert nodes.wrong == NOTHING_WRONG


def test_the_same_proofs_with_the_same_key_set_are_planned_once() -> None:
    swapped, right = Swapped(), Proofs(jwks='{"keys":[1]}')
    assert swapped(right, None) is right
    wrong = swapped(right, '{"keys":[2]}')
    assert (wrong.jwks, swapped(right, '{"keys":[2]}') is wrong) == ('{"keys":[2]}', True)
    assert swapped(right, None) is right
