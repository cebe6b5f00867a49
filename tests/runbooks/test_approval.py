from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import (
    Approver,
    Ask,
    Granted,
    Refused,
    check_code,
    public_text,
    read_public,
    read_request,
    request_text,
    sign,
)

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
GRACE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
GRACE = Approver(name="grace", key=GRACE_KEY.public_key().public_bytes_raw(), logins=("ghopper",))
ASK = Ask(
    run="20260105-030000-a1b2",
    step="3.2",
    runbook="Volume full",
    command="kubectl delete pvc data-0",
    risk="destroy",
    why=("`kubectl delete` removes objects",),
    targets="data-0",
    digest="ab" * 32,
    requested_by="ada",
    expires_at=NOW + timedelta(minutes=15),
    nonce="n0nce",
)
TEXTS = st.text(max_size=40)
ASKS = st.builds(
    Ask,
    run=TEXTS,
    step=TEXTS,
    runbook=TEXTS,
    command=TEXTS,
    risk=TEXTS,
    why=st.lists(TEXTS, max_size=3).map(tuple),
    targets=TEXTS,
    digest=TEXTS,
    requested_by=st.just("ada"),
    expires_at=st.datetimes(min_value=datetime(2027, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    nonce=TEXTS,
)


def test_a_listed_approver_grants_what_was_asked() -> None:
    assert check_code(sign(ASK, GRACE_KEY), ASK, [GRACE], now=NOW) == Granted(by="grace")


@given(ask=ASKS)
def test_a_request_is_one_line_that_reads_back_as_it_was(ask: Ask) -> None:
    text = request_text(ask)
    assert len(text.split()) == 1
    assert read_request(text) == ask


def test_line_breaks_of_a_chat_do_no_harm() -> None:
    text = request_text(ASK)
    assert read_request(f"  {text[:70]}\r\n{text[70:]}\n") == ASK


@given(ask=ASKS, place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=6))
def test_any_changed_bit_of_a_request_refuses_it(ask: Ask, place: int, bit: int) -> None:
    text = request_text(ask)
    changed = _flipped(text, place % len(text), bit)
    with pytest.raises(PlatformError) as caught:
        read_request(changed)
    assert caught.value.code == "request-broken"


@given(ask=ASKS, place=st.integers(min_value=0, max_value=95), bit=st.integers(min_value=0, max_value=6))
def test_any_changed_bit_of_a_code_refuses_it(ask: Ask, place: int, bit: int) -> None:
    code = sign(ask, GRACE_KEY)
    assert isinstance(check_code(code, ask, [GRACE], now=NOW), Granted)
    assert isinstance(check_code(_flipped(code, place, bit), ask, [GRACE], now=NOW), Refused)


@given(ask=ASKS, other=ASKS)
def test_a_code_for_one_request_opens_no_other(ask: Ask, other: Ask) -> None:
    verdict = check_code(sign(ask, GRACE_KEY), other, [GRACE], now=NOW)
    assert isinstance(verdict, Granted) == (ask == other)


@pytest.mark.parametrize("name", [each for each in Ask.__struct_fields__ if each != "expires_at"])
def test_every_field_is_signed(name: str) -> None:
    value = getattr(ASK, name)
    other = msgspec.structs.replace(ASK, **{name: (*value, "x") if isinstance(value, tuple) else f"{value}x"})
    assert isinstance(check_code(sign(ASK, GRACE_KEY), other, [GRACE], now=NOW), Refused)


@pytest.mark.parametrize(
    ("ask", "approver", "now", "own", "word"),
    [
        (ASK, GRACE, NOW + timedelta(minutes=15), (), "expired"),
        (ASK, replace(GRACE, key=OTHER_KEY.public_key().public_bytes_raw()), NOW, (), "does not list"),
        (ASK, replace(GRACE, until=date(2026, 1, 4)), NOW, (), "until 2026-01-04"),
        (msgspec.structs.replace(ASK, requested_by="Grace"), GRACE, NOW, (), "another person"),
        (msgspec.structs.replace(ASK, requested_by="GHopper "), GRACE, NOW, (), "another person"),
        (msgspec.structs.replace(ASK, requested_by="ｇrace"), GRACE, NOW, (), "another person"),
        (ASK, GRACE, NOW, (GRACE.key,), "no second person"),
    ],
)
def test_a_code_is_refused_with_its_reason(
    ask: Ask, approver: Approver, now: datetime, own: tuple[bytes, ...], word: str
) -> None:
    verdict = check_code(sign(ask, GRACE_KEY), ask, [approver], now=now, own_keys=own)
    assert isinstance(verdict, Refused)
    assert word in verdict.why


@given(text=st.text())
def test_no_text_passes_as_a_code(text: str) -> None:
    assert isinstance(check_code(text, ASK, [GRACE], now=NOW), Refused)


@given(text=st.text())
def test_no_text_passes_as_a_request(text: str) -> None:
    with pytest.raises(PlatformError):
        read_request(text)


def test_a_public_key_reads_back_and_nothing_else_does() -> None:
    assert read_public(public_text(GRACE.key)) == GRACE.key
    for text in ("", "ed25519:", "ed25519:AAAA", public_text(GRACE.key)[:-1], public_text(GRACE.key) + "A", "rsa:x"):
        with pytest.raises(PlatformError):
            read_public(text)


def _flipped(text: str, place: int, bit: int) -> str:
    return text[:place] + chr(ord(text[place]) ^ (1 << bit)) + text[place + 1 :]
