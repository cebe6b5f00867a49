"""Before a first start: whether every address that the platform is to listen on can be had."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.cli.port_holders import PortHolders
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, PlatformSpec
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.runtime.lock import holder
from stationmaster.runtime.serve import bind

UNAVAILABLE = "addresses-unavailable"


def refuse_taken_addresses(spec: PlatformSpec, state: StateDir) -> None:
    """Raises PlatformError `addresses-unavailable` that names every address which cannot be had, and whose it is.

    A platform of which anything still lives is left alone: its own processes hold its addresses.
    """
    if holder(state.control_lock) is not None or asyncio.run(ProcessExecutor(state).seen()):
        return
    refused = tuple(_refused(spec))
    if refused:
        holders = PortHolders()
        lines = "".join(f"\n  {each.whose}: {_told(each, holders)}" for each in refused)
        hints = dict.fromkeys(_hint(each, holders) for each in refused)
        raise PlatformError(
            UNAVAILABLE, f"nothing was started, since addresses cannot be had:{lines}", hint="; ".join(hints)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """An address that cannot be had, and what of the platform wants it."""

    whose: str
    address: Address
    error: PlatformError

    @property
    def is_taken(self) -> bool:
        return self.error.code == "port-taken"


def _refused(spec: PlatformSpec) -> Iterator[_Refused]:
    for whose, address in _own(spec):
        error = _refusal(address)
        if error is not None:
            yield _Refused(whose=whose, address=address, error=error)
    for whose, address in _of_instances(spec):
        error = _refusal(address)
        # A command may start its instance on another machine; only a port that somebody has here is a clash.
        if error is not None and error.code == "port-taken":
            yield _Refused(whose=whose, address=address, error=error)


def _told(refused: _Refused, holders: PortHolders) -> str:
    holder = holders.of(refused.address) if refused.is_taken else None
    return refused.error.message if holder is None else f"{refused.address} is taken by {holder}"


def _hint(refused: _Refused, holders: PortHolders) -> str:
    """The same for all that are of one kind, so that it is said once."""
    if not refused.is_taken:
        return refused.error.hint
    if holders.of(refused.address) is None:
        return "`ss -ltnp` as root shows who has a port; stop that process or listen elsewhere"
    return "stop the processes that are named or listen elsewhere"


def _own(spec: PlatformSpec) -> Iterator[tuple[str, Address]]:
    yield "control.api", spec.control.api
    yield "control.xds", spec.control.xds
    if spec.control.api_tls is not None:
        yield "control.api_tls", spec.control.api_tls
    for node in spec.nodes:
        yield f"gateway node {node.name}, listen", node.listen
        if node.listen_tls is not None:
            yield f"gateway node {node.name}, listen_tls", node.listen_tls
        yield f"gateway node {node.name}, admin", node.admin


def _of_instances(spec: PlatformSpec) -> Iterator[tuple[str, Address]]:
    for service in spec.services:
        if service.command:
            for instance in service.instances:
                yield f"instance {instance.name} of {service.name}", instance.address


def _refusal(address: Address) -> PlatformError | None:
    try:
        bind(address).close()
    except PlatformError as error:
        return error
    return None
