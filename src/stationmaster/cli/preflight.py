"""Before a first start: whether every address that the platform is to listen on can be had."""

import asyncio
from collections.abc import Iterator

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
        lines = "".join(f"\n  {who}: {error.message}" for who, error in refused)
        hints = "; ".join(dict.fromkeys(error.hint for _, error in refused))
        raise PlatformError(UNAVAILABLE, f"nothing was started, since addresses cannot be had:{lines}", hint=hints)


def _refused(spec: PlatformSpec) -> Iterator[tuple[str, PlatformError]]:
    for who, address in _own(spec):
        error = _refusal(address)
        if error is not None:
            yield who, error
    for who, address in _of_instances(spec):
        error = _refusal(address)
        # A command may start its instance on another machine; only a port that somebody has here is a clash.
        if error is not None and error.code == "port-taken":
            yield who, error


def _own(spec: PlatformSpec) -> Iterator[tuple[str, Address]]:
    yield "control.api", spec.control.api
    yield "control.xds", spec.control.xds
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
