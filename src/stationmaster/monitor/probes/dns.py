"""Asks one name server over UDP for the addresses of a name."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.verdict import Verdict, broken, told
from stationmaster.monitor.probes.wire import connected, others_turn
from stationmaster.runtime.db import utc_now

_KINDS = ("A", "AAAA")
_MOST_BYTES = 65_536
_TRIES = 2
"""A packet may be lost: within its time a question is asked again."""


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; NOERROR with a record is the good answer, IPv4 addresses are asked for first, then IPv6."""
    return await timed(partial(_ask, address, check), address.host, check, clock)


async def _ask(address: Address, check: HealthCheck, progress: Progress) -> Verdict:
    sock = await connected(address, socket.SOCK_DGRAM)
    progress.connected = True  # as far as UDP can tell
    try:
        for kind in _KINDS:
            verdict = await _ask_for(sock, kind, check)
            if verdict is not None:
                return verdict
    finally:
        sock.close()
    return Verdict(False, f"NOERROR, and no address of {told(check.dns_name)}")


async def _ask_for(sock: socket.socket, kind: str, check: HealthCheck) -> Verdict | None:
    """None where there is no record of this kind."""
    try:
        question = dns.message.make_query(check.dns_name, kind, id=secrets.randbits(16))
    except (dns.exception.DNSException, UnicodeError):
        return Verdict(False, f"'{told(check.dns_name)}' is no name that can be asked for")
    loop, raw = asyncio.get_running_loop(), question.to_wire()
    while True:
        await loop.sock_sendall(sock, raw)
        try:
            async with asyncio.timeout(check.timeout_ms / 1000 / (_TRIES + 1)):
                while True:
                    answer = await loop.sock_recv(sock, _MOST_BYTES)
                    if answer[:2] == raw[:2]:
                        return judge(question, answer)
                    await others_turn()
        except TimeoutError:
            continue


def judge(question: dns.message.QueryMessage, answer: bytes) -> Verdict | None:
    try:
        message = dns.message.from_wire(answer, ignore_trailing=True)
    except dns.message.Truncated:
        return broken("its answer does not fit into one packet")
    except (dns.exception.DNSException, ValueError) as error:
        return broken(f"no valid DNS answer: {told(str(error) or type(error).__name__)}")
    if not question.is_response(message):
        return broken("no valid DNS answer: it belongs to another question")
    if message.rcode() != dns.rcode.NOERROR:
        return Verdict(False, dns.rcode.to_text(message.rcode()))
    if not message.answer:
        return None
    count = sum(len(records) for records in message.answer)
    return Verdict(True, f"NOERROR, {count} record{'' if count == 1 else 's'}")
