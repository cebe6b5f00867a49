import asyncio
import unicodedata
from dataclasses import replace

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.access.passwords import Passwords, check_strength, generate
from stationmaster.core.problem import PlatformError
from tests.access.conftest import CHEAP, PHRASE, CountingPasswords


async def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106() -> None:
    hashed = await Passwords().hash(PHRASE)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert extract_parameters(hashed) == RFC_9106_LOW_MEMORY
    assert PHRASE not in hashed


async def test_only_the_password_itself_matches_and_no_two_hashes_are_alike() -> None:
    passwords = Passwords(CHEAP)
    first, second = await passwords.hash(PHRASE), await passwords.hash(PHRASE)
    assert first != second
    assert await passwords.verify(first, PHRASE)
    for wrong in ("", PHRASE.upper(), PHRASE + " ", PHRASE + "\0", "x" * 1000):
        assert not await passwords.verify(first, wrong)


async def test_an_unknown_name_costs_one_run_of_the_same_argon2() -> None:
    passwords = CountingPasswords()
    known = await passwords.hash(PHRASE)
    passwords.runs = 0
    assert not await passwords.verify(known, "wrong")
    assert passwords.runs == 1
    assert not await passwords.verify(None, "wrong")
    assert passwords.runs == 2
    assert extract_parameters(passwords._stand_in) == extract_parameters(known)


@pytest.mark.parametrize("broken", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$!!$!!", "$2b$12$abc"])
async def test_a_hash_that_is_none_matches_nothing(broken: str) -> None:
    assert not await Passwords(CHEAP).verify(broken, broken)


async def test_composed_and_decomposed_letters_are_the_same_password() -> None:
    passwords = Passwords(CHEAP)
    typed = "Grüße aus Köln"
    known = await passwords.hash(unicodedata.normalize("NFC", typed))
    assert await passwords.verify(known, unicodedata.normalize("NFD", typed))


async def test_half_a_surrogate_pair_is_an_odd_password_and_no_fault() -> None:
    assert not await Passwords(CHEAP).verify(await Passwords(CHEAP).hash(PHRASE), "\ud800")


async def test_a_flood_of_logins_is_refused_beyond_what_may_wait() -> None:
    passwords = Passwords(CHEAP)
    known = await passwords.hash(PHRASE)
    outcomes = await asyncio.gather(*(passwords.verify(known, PHRASE) for _ in range(40)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, PlatformError)]
    assert {each.code for each in refused} == {"login-busy"}
    assert len(refused) == 40 - 16
    assert await passwords.verify(known, PHRASE)


async def test_hashes_of_other_parameters_are_outdated() -> None:
    older, newer = Passwords(CHEAP), Passwords(replace(CHEAP, time_cost=2))
    known = await older.hash(PHRASE)
    assert not older.outdated(known)
    assert newer.outdated(known)
    assert await newer.verify(known, PHRASE)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "fewer than 12 characters"),
        ("elevenchars", "fewer than 12 characters"),
        ("x" * 257, "more than 256 characters"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("abababababababab", "different characters"),
        ("ada.lovelace1", "the name"),
        ("Ada.Lovelaceada.lovelace", "the name"),
    ],
)
def test_weak_passwords_are_refused_with_a_reason(password: str, why: str) -> None:
    with pytest.raises(PlatformError, match=why) as refused:
        check_strength("ada.lovelace", password)
    assert refused.value.code == "weak-password"
    assert password not in str(refused.value) or not password


@given(st.text(min_size=12, max_size=200))
def test_strength_is_decided_for_every_text(password: str) -> None:
    try:
        check_strength("ada", password)
    except PlatformError as error:
        assert error.code == "weak-password"  # noqa: PT017 only one of two answers is an error


def test_generated_passwords_are_strong_and_differ() -> None:
    made = {generate() for _ in range(100)}
    assert len(made) == 100
    for each in made:
        check_strength("admin", each)
