"""DNS checks against small name servers on loopback: right answers, wrong ones, lies about lengths, lost packets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import CheckKind, HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.probes.dns import judge
from stationmaster.monitor.probes.kinds import probe
from stationmaster.monitor.probes.verdict import Verdict
from tests.monitor.probes.asking import at

Ports = Callable[[], int]
Answering = Callable[[dns.message.Message, int], bytes | None]
CHECK = HealthCheck(kind=CheckKind.DNS, dns_name="shop.example", timeout_ms=900)


@asynccontextmanager
async def name_server(port: int, answering: Answering) -> AsyncIterator[None]:
    """`answering` gets the question and how many came before it."""
    count = 0

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            nonlocal count
            said = answering(dns.message.from_wire(data), count)
            count += 1
            if said is not None:
                self.transport.sendto(said, addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, ("127.0.0.1", port))
    try:
        yield
    finally:
        transport.close()


def answered(question: dns.message.Message, *records: str, kind: str = "A", rcode: int = 0) -> bytes:
    response = dns.message.make_response(question)
    response.set_rcode(dns.rcode.Rcode(rcode))
    if records and question.question[0].rdtype == dns.rdatatype.from_text(kind):
        response.answer.append(dns.rrset.from_text("shop.example.", 60, "IN", kind, *records))
    return response.to_wire()


async def ask(port: int, answering: Answering, check: HealthCheck = CHECK) -> ProbeAnswer:
    async with name_server(port, answering):
        return await probe(at(port), check)


def lying(question: dns.message.Message, _count: int) -> bytes:
    """The record says that its data are 200 bytes long; four come."""
    raw = bytearray(answered(question, "10.0.0.1"))
    raw[-6:-4] = (200).to_bytes(2, "big")
    return bytes(raw)


def counting_wrong(question: dns.message.Message, _count: int) -> bytes:
    """It says that 500 records follow; one does."""
    raw = bytearray(answered(question, "10.0.0.1"))
    raw[6:8] = (500).to_bytes(2, "big")
    return bytes(raw)


def looping(question: dns.message.Message, _count: int) -> bytes:
    """The name of the record points at itself."""
    raw = bytearray(answered(question, "10.0.0.1"))
    place = len(raw) - 16
    raw[place : place + 2] = (0xC000 | place).to_bytes(2, "big")
    return bytes(raw)


@pytest.mark.parametrize(
    ("answering", "ok", "detail"),
    [
        (lambda question, _: answered(question, "10.0.0.1"), True, "NOERROR, 1 record"),
        (lambda question, _: answered(question, "10.0.0.1", "10.0.0.2"), True, "NOERROR, 2 records"),
        (lambda question, _: answered(question, "fd00::1", kind="AAAA"), True, "NOERROR, 1 record"),
        (lambda question, _: answered(question), False, "NOERROR, and no address of shop.example"),
        (lambda question, _: answered(question, rcode=3), False, "NXDOMAIN"),
        (lambda question, _: answered(question, rcode=2), False, "SERVFAIL"),
        (lambda question, _: answered(question, rcode=5), False, "REFUSED"),
        (lambda question, count: None if count == 0 else answered(question, "10.0.0.1"), True, "NOERROR, 1 record"),
        (lying, False, "no valid DNS answer"),
        (counting_wrong, False, "no valid DNS answer"),
        (looping, False, "no valid DNS answer"),
        (lambda question, _: question.to_wire()[:7], False, "no valid DNS answer"),
        (lambda question, _: question.to_wire(), False, "no valid DNS answer: it belongs to another question"),
        (lambda question, _: question.to_wire()[:2] + b"\xff" * 60_000, False, "no valid DNS answer"),
        (lambda _question, _: None, False, "no answer within 900 ms"),
        (lambda _question, _: b"\x00", False, "no answer within 900 ms"),
    ],
)
async def test_every_answer_is_judged_and_said_in_words(
    free_port: Ports, answering: Answering, ok: bool, detail: str
) -> None:
    answer = await ask(free_port(), answering)
    assert (answer.ok, answer.detail[: len(detail)]) == (ok, detail)


async def test_an_answer_to_somebody_else_is_not_taken_for_ours(free_port: Ports) -> None:
    def forged(question: dns.message.Message, _count: int) -> bytes:
        question.id ^= 1
        return answered(question, "10.0.0.1")

    answer = await ask(free_port(), forged)
    assert (answer.ok, answer.fault) == (False, Fault.SILENT)


async def test_nobody_listening_is_said(free_port: Ports) -> None:
    answer = await probe(at(free_port()), CHECK)
    assert (answer.ok, answer.detail, answer.fault) == (False, "connection refused", Fault.REFUSED)


async def test_a_name_that_is_none_is_said(free_port: Ports) -> None:
    check = HealthCheck(kind=CheckKind.DNS, dns_name="a" * 70 + ".example", timeout_ms=900)
    answer = await ask(free_port(), lambda question, _: answered(question), check)
    assert (answer.ok, "is no name that can be asked for" in answer.detail) == (False, True)


@given(st.binary(max_size=120))
def test_any_bytes_are_judged_without_a_fault(said: bytes) -> None:
    question = dns.message.make_query("shop.example", "A", id=7)
    verdict = judge(question, said)
    assert verdict is None or isinstance(verdict, Verdict)


@given(st.data())
def test_a_right_answer_with_some_bytes_spoilt_is_judged_without_a_fault(data: st.DataObject) -> None:
    question = dns.message.make_query("shop.example", "A", id=7)
    raw = bytearray(answered(question, "10.0.0.1", "10.0.0.2"))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    verdict = judge(question, bytes(raw))
    assert verdict is None or isinstance(verdict, Verdict)
