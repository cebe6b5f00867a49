"""Faults of the whole platform: which drills there are of them, and what may not be broken."""

from dataclasses import replace

import pytest

from stationmaster.core.address import Address
from stationmaster.core.drills import Fault, FaultKind
from stationmaster.core.names import ServiceName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ApiProbe, CredentialKind, HealthCheck, PlatformSpec
from stationmaster.drills.bounds import refuse_unless_allowed
from stationmaster.drills.catalogue import drill_named, drills_of
from tests.drills.test_desk import SHOP, SPEC

(NODE,), (ORDERS,) = SPEC.nodes, SPEC.apis
WITH_TLS = replace(SPEC, nodes=(replace(NODE, listen_tls=Address(host="127.0.0.1", port=5)),))
ASKED = replace(
    ORDERS, accepts=frozenset({CredentialKind.JWT}), probe=ApiProbe(check=HealthCheck(), user=UserName("ada"))
)
BASKET = replace(SHOP, name=ServiceName("basket"), instances=(), depends_on=(SHOP.name,))


def names(spec: PlatformSpec) -> set[str]:
    return {each.name for each in drills_of(spec)}


@pytest.mark.parametrize(
    ("spec", "drill"),
    [
        (WITH_TLS, "certificate-expired"),
        (replace(SPEC, apis=(ASKED,)), "signing-key-rotated-wrongly"),
        (replace(SPEC, services=(SHOP, BASKET)), "shop-dependency-down"),
    ],
)
def test_a_drill_is_there_where_the_declaration_has_what_it_breaks(spec: PlatformSpec, drill: str) -> None:
    assert drill in names(spec)
    assert drill not in names(SPEC)


def test_every_platform_has_a_disk_metrics_and_instances_that_write() -> None:
    assert {"disk-full", "gateway-node-metrics-gone", "shop-instance-disk-full"} <= names(SPEC)


def test_no_restart_frees_a_disk() -> None:
    drill = drill_named(SPEC, "shop-instance-disk-full", instance="shop-2")
    (fault,) = drill.faults
    assert (fault.kind, fault.of, fault.sticky, drill.cured) == (FaultKind.NO_SPACE, "shop-2", True, False)


def test_a_dependency_takes_no_connection_at_any_instance() -> None:
    drill = drill_named(replace(SPEC, services=(SHOP, BASKET)), "shop-dependency-down")
    assert [(each.kind, each.of) for each in drill.faults] == [
        (FaultKind.REFUSE, "shop-1"),
        (FaultKind.REFUSE, "shop-2"),
    ]
    assert "basket cannot answer without it" in drill.what


@pytest.mark.parametrize(
    ("fault", "standing", "code"),
    [
        (Fault(kind=FaultKind.DISK_FULL, of="shop-1"), (), "unknown-target"),
        (Fault(kind=FaultKind.EXPIRED_CERTIFICATE, of="gateway-1"), (), "unknown-target"),
        (Fault(kind=FaultKind.METRICS_GONE, of="shop-1"), (), "unknown-target"),
        (Fault(kind=FaultKind.METRICS_GONE), (), "unknown-target"),
        (Fault(kind=FaultKind.NO_SPACE, of="gone"), (), "unknown-target"),
        (Fault(kind=FaultKind.DISK_FULL), (Fault(kind=FaultKind.DISK_FULL),), "faulted-already"),
    ],
)
def test_what_cannot_be_broken_is_refused(fault: Fault, standing: tuple[Fault, ...], code: str) -> None:
    with pytest.raises(PlatformError) as refused:
        refuse_unless_allowed(fault, SPEC, standing, 60)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.METRICS_GONE, of="gateway-1"),
        Fault(kind=FaultKind.BAD_ROTATION),
        Fault(kind=FaultKind.CONTROL_KILL),
    ],
)
def test_different_faults_of_the_whole_may_stand_together(fault: Fault) -> None:
    refuse_unless_allowed(fault, SPEC, (Fault(kind=FaultKind.DISK_FULL),), 60)
