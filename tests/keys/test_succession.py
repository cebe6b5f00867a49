from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey
from stationmaster.keys.succession import Activate, Make, Remove, Step, Wait, Wanted, known_until, next_step
from stationmaster.keys.verify import LEEWAY_S
from tests.keys.conftest import NOW

KeysByAlgorithm = dict[SigningAlgorithm, SigningKey]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ES, ED = SigningAlgorithm.ES256, SigningAlgorithm.EDDSA
WANTED = Wanted(algorithm=ES, every=30 * DAY, lead=timedelta(seconds=5))


@pytest.fixture
def signer(signing_keys: KeysByAlgorithm) -> SigningKey:
    return signing_keys[ES]


@pytest.fixture
def pending(signing_keys: KeysByAlgorithm, signer: SigningKey) -> SigningKey:
    made = signing_keys[ED]
    return replace(signer, kid=made.kid, private=made.private, active_from=None, created_at=NOW + DAY)


def step(*keys: SigningKey, at: timedelta, published: bool = True, wanted: Wanted = WANTED) -> Step:
    return next_step(KeySet(keys), wanted, NOW + at, published=published)


def test_the_first_key_signs_at_once() -> None:
    assert step(at=HOUR) == Make(at_once=True)


def test_a_key_is_left_alone_until_its_time(signer: SigningKey) -> None:
    assert step(signer, at=HOUR) == Wait(NOW + 30 * DAY)
    assert step(signer, at=30 * DAY) == Make(at_once=False)


def test_another_algorithm_wants_another_key(signer: SigningKey) -> None:
    assert step(signer, at=HOUR, wanted=replace(WANTED, algorithm=ED)) == Make(at_once=False)


def test_a_new_key_signs_when_everybody_knows_it_and_has_for_a_while(signer: SigningKey, pending: SigningKey) -> None:
    assert step(signer, pending, at=DAY) == Wait(NOW + DAY + WANTED.lead)
    later = DAY + WANTED.lead
    assert isinstance(step(signer, pending, at=later, published=False), Wait)
    assert isinstance(step(signer, pending, at=later + 3 * DAY, published=False), Wait)
    assert step(signer, pending, at=later) == Activate(pending.kid)


def test_without_a_signer_a_waiting_key_signs_at_once(pending: SigningKey) -> None:
    assert step(pending, at=DAY, published=False) == Activate(pending.kid)


def test_a_waiting_key_of_an_algorithm_that_is_not_wanted_any_more_goes(
    signer: SigningKey, pending: SigningKey
) -> None:
    gone = replace(pending, algorithm=ED)
    assert step(signer, gone, at=DAY) == Remove((gone.kid,))


def test_a_retired_key_stays_known_until_its_last_token_has_expired(signer: SigningKey, pending: SigningKey) -> None:
    old = replace(signer, retired_at=NOW + DAY, lifetime_s=7200)
    new = replace(pending, active_from=NOW + DAY)
    end = NOW + DAY + 2 * HOUR + timedelta(seconds=2 * LEEWAY_S)
    assert known_until(old) == end
    assert step(old, new, at=DAY) == Wait(end)
    assert isinstance(step(old, new, at=end - NOW - timedelta(seconds=1)), Wait)
    assert step(old, new, at=end - NOW) == Remove((old.kid,))
