import asyncio
import socket
from collections.abc import Callable

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.runtime.serve import bind


def refusal(address: Address) -> PlatformError:
    with pytest.raises(PlatformError) as refused:
        bind(address)
    assert "\n" not in refused.value.message
    assert refused.value.hint
    return refused.value


def test_a_taken_port_is_named_with_a_way_to_find_who_has_it(free_port: Callable[[], int]) -> None:
    address = Address(host="127.0.0.1", port=free_port())
    with bind(address):
        refused = refusal(address)
    assert refused.code == "port-taken"
    assert str(address) in refused.message
    assert str(address.port) in refused.hint


def test_a_port_can_be_had_again_at_once_after_a_connection_on_it(free_port: Callable[[], int]) -> None:
    address = Address(host="127.0.0.1", port=free_port())
    with bind(address) as listener, socket.create_connection((address.host, address.port)):
        accepted, _ = listener.accept()
        accepted.close()
    bind(address).close()


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7"])
def test_an_address_of_elsewhere_is_refused(free_port: Callable[[], int], host: str) -> None:
    assert refusal(Address(host=host, port=free_port())).code == "address-unusable"


async def test_an_answer_in_two_parts_does_not_wait_for_an_acknowledgement(free_port: Callable[[], int]) -> None:
    """With Nagle's algorithm on, the second part would wait up to 40 ms on a kept connection."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    address = Address(host="127.0.0.1", port=free_port())
    async with await asyncio.start_server(answer, sock=bind(address)):
        _, writer = await asyncio.open_connection(address.host, address.port)
        async with asyncio.timeout(5):
            assert await seen
        writer.close()
        await writer.wait_closed()
