from collections.abc import Iterable
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.names import UserName
from stationmaster.core.proofs import ApiKeyProof, shard_of
from stationmaster.keys.book import Book, Held
from tests.keys.conftest import ADA, GRACE, NOW

USERS = (ADA, GRACE, UserName("alan"))


def key(number: int, user: UserName = ADA, expires_at: datetime | None = None) -> Held:
    text = f"stm_{number % 256:02x}{number:062x}"
    return Held(proof=ApiKeyProof(key=text, key_id=str(number), user=user), expires_at=expires_at)


def shown(book: Book) -> set[str]:
    return {proof.key_id for shard in book.shards().values() for proof in shard}


def test_a_change_leaves_every_other_shard_the_same_object() -> None:
    book = Book()
    book.put(key(number) for number in range(1024))
    before = book.shards()
    assert len(before) == 256
    book.put([key(5000)])
    book.drop(["7"])
    after = book.shards()
    changed = {shard for shard in after if after[shard] is not before[shard]}
    assert changed == {shard_of(key(5000).proof.key), shard_of(key(7).proof.key)}
    assert book.shards() is after


def test_an_emptied_shard_is_left_out() -> None:
    book = Book()
    book.put([key(1)])
    book.drop(["1"])
    book.drop(["1", "unknown"])
    assert dict(book.shards()) == {}


def test_keys_leave_when_they_expire_and_not_before() -> None:
    book, hour = Book(), timedelta(hours=1)
    book.put([key(1, expires_at=NOW + hour), key(2, expires_at=NOW + 2 * hour), key(3)])
    assert book.next_expiry == NOW + hour
    book.expire(NOW + hour - timedelta(microseconds=1))
    assert shown(book) == {"1", "2", "3"}
    book.expire(NOW + hour)
    assert shown(book) == {"2", "3"}
    book.expire(NOW + 9 * hour)
    assert shown(book) == {"3"}


def test_another_end_leaves_the_shard_as_it_is_until_then() -> None:
    book = Book()
    book.put([key(1)])
    before = book.shards()["01"]
    book.end("1", NOW)
    assert book.shards()["01"] is before
    book.expire(NOW)
    assert shown(book) == set()


def test_text_that_is_no_key_is_in_no_shard() -> None:
    book = Book()
    book.put([Held(proof=ApiKeyProof(key=text, key_id=text, user=ADA)) for text in ("", "stm_", "stm_zz", "abc")])
    assert dict(book.shards()) == {}


steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "user", "end", "expire"]), st.integers(0, 20), st.integers(0, 5)),
    max_size=40,
)


@given(taken=steps)
def test_the_shards_show_what_a_plain_list_would(taken: Iterable[tuple[str, int, int]]) -> None:
    book, plain = Book(), dict[str, Held]()
    for step, number, hours in taken:
        moment, user = NOW + timedelta(hours=hours), USERS[number % 3]
        match step:
            case "put":
                plain[str(number)] = key(number, user, moment if hours else None)
                book.put([plain[str(number)]])
            case "drop":
                plain.pop(str(number), None)
                book.drop([str(number)])
            case "user":
                plain = {name: held for name, held in plain.items() if held.proof.user != user}
                book.drop_user(user)
            case "end":
                if str(number) in plain:
                    plain[str(number)] = key(number, user, moment)
                book.end(str(number), moment)
            case _:
                alive = {n: h for n, h in plain.items() if h.expires_at is None or h.expires_at > moment}
                plain = alive
                book.expire(moment)
        assert shown(book) == plain.keys()
