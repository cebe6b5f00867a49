"""Audit bundles: what changes in one is noticed and named, whatever it is; what is in one, and what never is."""

import hashlib
import io
import json
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from stationmaster.core.facts import BalancerState, EscalationAsked, FaultInjected, NoteAdded, RunStarted, TargetChanged
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Channel, Contact, ContactKind, LabelMatch
from stationmaster.incidents import silences_store
from stationmaster.incidents.bundle import (
    END,
    HEAD,
    BrokenBundleError,
    Bundle,
    Chain,
    canonical,
    checked,
    read_bundle,
    records_of,
)
from stationmaster.incidents.bundle_clean import HIDDEN, clean
from stationmaster.incidents.bundle_desk import Bundles, load_or_make_key
from stationmaster.incidents.silences import Silence
from stationmaster.runbooks import journal
from stationmaster.runbooks import store as runs_store
from stationmaster.runtime import outbox
from stationmaster.runtime.audit import Change, audit, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.test_incidents import alert, fired, recovered
from tests.incidents.world import LADDER, ZERO, World, channel, spec

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
HEAD_BODY = {
    "schema": 1,
    "what": "audit",
    "environment": "lab",
    "version": "0",
    "exported_at": ZERO.isoformat(),
    "since": "a",
    "until": "b",
}


def written(*bodies: dict[str, Any]) -> list[bytes]:
    chain = Chain(KEY)
    return [chain.line(HEAD, HEAD_BODY), *(chain.line("audit", each) for each in bodies), chain.end()]


def broken_at(lines: list[bytes]) -> int | None:
    """The record that is named; None where everything holds."""
    try:
        for _ in checked(lines):
            pass
    except BrokenBundleError as error:
        return error.record
    return None


LINES = written({"id": 1, "text": "é\u2028"}, {"id": 2, "deep": {"b": [1, 2.5, None], "a": True}}, {"id": 3})


def test_a_bundle_that_nobody_touched_holds() -> None:
    assert broken_at(LINES) is None
    assert [each.n for each in checked(LINES)] == [0, 1, 2, 3, 4]


def test_a_chain_is_as_the_document_says() -> None:
    """Computed here by the standard library alone, as a stranger would."""
    last = "0" * 64
    for line in LINES:
        found = json.loads(line)
        said = found.pop("hash")
        assert found["prev"] == last
        text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == said
        last = said


@pytest.mark.parametrize(
    ("lines", "record"),
    [
        ([LINES[0], LINES[2], LINES[3], LINES[4]], 1),
        ([LINES[0], LINES[1], LINES[1], LINES[2], LINES[3], LINES[4]], 2),
        ([LINES[0], LINES[2], LINES[1], LINES[3], LINES[4]], 1),
        (LINES[1:], 0),
        (LINES[:-1], -1),
        (LINES[:2], -1),
        ([], -1),
        ([*LINES, LINES[1]], 5),
        ([*LINES[:3], LINES[3][:-20], LINES[4]], 3),
        ([LINES[0], b"\n", *LINES[1:]], 1),
        ([LINES[0], LINES[1].replace(b'{"body"', b'{ "body"'), *LINES[2:]], 1),
        ([LINES[0], b"[" * 100_000, *LINES[1:]], 1),
        ([*written({"id": 1})[:-1], LINES[4]], 2),
    ],
)
def test_the_first_record_that_does_not_hold_is_named(lines: list[bytes], record: int) -> None:
    assert broken_at(lines) == record


@given(st.integers(0, sum(map(len, LINES)) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed_at_its_record(place: int, by: int) -> None:
    text = bytearray(b"".join(LINES))
    text[place] ^= by
    line = b"".join(LINES)[:place].count(b"\n")
    found = broken_at(list(io.BytesIO(bytes(text))))
    if found is None:  # the end of a line may be CRLF or missing at the very end
        assert place == len(text) - 1 or bytes(text).replace(b"\r", b"") == b"".join(LINES)
    else:
        assert found in (line, line + 1, -1)


def test_a_record_that_was_rewritten_with_a_fitting_chain_fails_at_the_signature() -> None:
    forged = written({"id": 1, "text": "something else"})
    mine = Chain(Ed25519PrivateKey.from_private_bytes(b"z" * 32))
    own = [mine.line(HEAD, HEAD_BODY), mine.line("audit", {"id": 1}), mine.end()]
    assert broken_at([*forged[:-1], own[-1]]) == 2
    end = json.loads(own[-1])
    end["prev"] = json.loads(forged[-2])["hash"]
    end.pop("hash")
    resealed = Chain(KEY, count=end["n"], last=end["prev"]).line(END, end["body"])
    assert broken_at([*forged[:-1], resealed]) == 2


@given(st.lists(st.binary(max_size=80) | st.sampled_from([*LINES, b"9" * 9_000, b'{"n":1e999}']), max_size=5))
def test_any_bytes_are_refused_in_words(any_bytes: list[bytes]) -> None:
    assert broken_at([LINES[0], *any_bytes]) is not None or any_bytes == LINES[1:]


def test_another_schema_is_refused_with_a_hint() -> None:
    chain = Chain(KEY)
    with pytest.raises(PlatformError, match="schema 2") as caught:
        list(checked([chain.line(HEAD, HEAD_BODY | {"schema": 2}), chain.end()]))
    assert caught.value.code == "bundle-schema"


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="cannot be read"):
        read_bundle(tmp_path / "nothing")
    (tmp_path / "zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(BrokenBundleError, match="record 0"):
        read_bundle(tmp_path / "zip")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(alphabet=st.characters(codec="utf-8")),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(alphabet=st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_what_is_written_is_read_again_and_written_the_same(value: Any) -> None:
    once = canonical({"body": value})
    assert canonical(msgspec.json.decode(once)) == once
    assert broken_at(written({"value": value})) is None


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("password", "hunter2", HIDDEN),
        ("client_secret", "abc", HIDDEN),
        ("secret_file", "/run/secrets/x", HIDDEN),
        ("api_key", "k", HIDDEN),
        ("text", "curl -H 'Authorization: Bearer abcdefgh1234' x", f"curl -H 'Authorization: Bearer {HIDDEN}' x"),
        ("text", "Bearer $TOKEN", "Bearer $TOKEN"),
        ("text", "postgres://ada:hunter2@db/x", f"postgres://{HIDDEN}@db/x"),
        ("text", "the api_key_service is down", "the api_key_service is down"),
        ("contact", {"name": "mail", "kind": "email", "address": "a@b"}, {"name": "mail", "kind": "email"}),
        ("contact", "ops@company.com", "ops@company.com"),
        ("output", "-----BEGIN PRIVATE KEY-----\nabc", HIDDEN),
        ("labels", {"token": "x", "service": "y"}, {"token": HIDDEN, "service": "y"}),
        ("at", ZERO, ZERO.isoformat()),
        ("many", [{"password": "x"}, None, 1.5], [{"password": HIDDEN}, None, 1.5]),
        ("password", "", ""),
        ("detail", "https://x.test/hook?a=1&access_token=abc123#b", f"https://x.test/hook?a=1&{HIDDEN}#b"),
        ("text", f"export STATIONMASTER_TOKEN=stml_{'a' * 43}", f"export STATIONMASTER_TOKEN={HIDDEN}"),
        ("text", f"http://x.test/i/{'a' * 20}.{'b' * 20} says", f"http://x.test/i/{HIDDEN} says"),
        ("text", "Authorization: Token token=abcdefgh1234", f"Authorization: Token token={HIDDEN}"),
    ],
)
def test_secrets_are_kept_out(name: str, value: Any, shown: Any) -> None:
    assert clean(name, value) == shown


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, again = (load_or_make_key(tmp_path / "bundle.key") for _ in range(2))
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert (tmp_path / "bundle.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "bundle.key").write_bytes(b"short")
    with pytest.raises(PlatformError, match="no key of 32 bytes"):
        load_or_make_key(tmp_path / "bundle.key")


@pytest.fixture
async def world(database: Database) -> World:
    secret = Contact(name="hook", kind=ContactKind.WEBHOOK, address="https://hooks.example.org/SECRETPATH")
    return World(database, Cell(spec(LADDER, channel(), Channel(name=channel().name, contact=secret))))


async def bundle_of(world: World, tmp_path: Path, number: int = 1) -> Bundle:
    file = tmp_path / f"{number}.jsonl"
    desk = Bundles(database=world.database, declared=world.declared, private=KEY, now=lambda: world.now)
    with file.open("wb") as out:
        count = await desk.incident(number, out, by="lin")
    found = read_bundle(file)
    assert len(found.records) + 2 == count
    return found


async def lived(world: World) -> None:
    """An incident with everything, and one beside it."""
    await world.facts(fired(0, alert()), fired(0, alert("f9", "other-eu")))
    await world.until(2)
    acts = world.incidents.acts
    await acts.acknowledge(1, by="engineer", note="looking")
    note = await acts.note(1, text="disk full", by="engineer")
    await acts.rewrite_note(1, note, text="disk of db-1 full", by="engineer")
    changed = TargetChanged(
        at=world.now,
        virtual_host="keys",
        target="10.0.0.1:80",
        state=BalancerState.OUT,
        by="healing",
        why="down",
        acknowledged={"gateway-1": 12.5},
        incident=1,
    )
    await world.facts(
        RunStarted(at=world.now, incident=1, run="r1", runbook="Key service", why="by its name"),
        EscalationAsked(at=world.now, incident=1, level=2, why="no cure", contact="ops@example.org"),
        NoteAdded(at=world.now, incident=2, key="k", by="x", text="of the other"),
        FaultInjected(at=world.now, drill="d", instance="key-eu", fault="kill"),
        changed,
    )
    async with world.database.write() as connection:
        values = {"id": "r1", "incident": 1, "fingerprint": "f1", "alert_at": ZERO, "runbook": "Key service"}
        more = {"file": "k.md", "digest": "d", "why": "w", "plan": {"steps": [{"password": "x"}]}, "started_at": ZERO}
        await connection.execute(insert(runs_store.runs).values(**values, **more))
        step = {"run": "r1", "key": "1", "idempotency_key": "r1:1", "started_at": ZERO, "tried_at": ZERO}
        await connection.execute(insert(runs_store.steps).values(**step, output="Authorization: Bearer abcdefgh12345"))
        event = {"run": "r1", "number": 1, "at": ZERO, "kind": "OutputSeen", "body": {"text": "ok"}}
        await connection.execute(insert(journal.events).values(**event))
        await connection.execute(insert(journal.values).values(run="r1", name="db", value="typed in by hand"))
        at = world.now - timedelta(minutes=1)
        await record(connection, Change(at=at, who="ada", action="update", kind="api", name="orders"))
        await record(connection, Change(at=at - timedelta(days=9), who="ada", action="update", kind="api", name="old"))


async def test_everything_of_an_incident_is_in_its_bundle(world: World, tmp_path: Path) -> None:
    await lived(world)
    await world.facts(recovered(300, alert()))
    await world.incidents.acts.resolve(1, by="engineer")
    await world.tick()
    found = await bundle_of(world, tmp_path)
    assert (found.head.what, found.head.incident, found.head.environment, found.head.by) == (
        "incident",
        1,
        "sample",
        "lin",
    )
    (incident,) = found.of("incident")
    assert incident["policy"]["name"] == "api"
    assert [each["fingerprint"] for each in found.of("incident_alert")] == ["f1"]
    assert [each["text"] for each in found.of("incident_note_version")] == ["disk full", "disk of db-1 full"]
    assert {each["incident"] for each in found.of("timeline")} == {1}
    assert any(each["state"] == "sent" and each["target_name"] == "engineer" for each in found.of("page"))
    assert [(each["id"], each["incident"]) for each in found.of("run")] == [("r1", 1)]
    assert [each["run"] for each in found.of("step", "run_event")] == ["r1", "r1"]
    facts = {each["kind"] for each in found.of("fact")}
    assert {"AlertFired", "AlertRecovered", "RunStarted", "EscalationAsked", "TargetChanged", "FaultInjected"} <= facts
    assert not [each for each in found.of("fact") if each["body"].get("incident") == 2]
    assert not [each for each in found.of("fact") if (each["body"].get("alert") or {}).get("fingerprint") == "f9"]
    names = {(each["kind"], each["name"]) for each in found.of("audit")}
    assert ("api", "orders") in names
    assert ("api", "old") not in names
    assert ("incident", "1") in names


async def test_no_secret_is_in_it(world: World, tmp_path: Path) -> None:
    await lived(world)
    await bundle_of(world, tmp_path)
    text = (tmp_path / "1.jsonl").read_text("utf-8")
    for secret in ("SECRETPATH", "abcdefgh12345", "typed in by hand", "engineer@example.org", '"password":"x"'):
        assert secret not in text


async def test_what_was_merged_comes_with_it(world: World, tmp_path: Path) -> None:
    await lived(world)
    await world.incidents.acts.merge(2, into=1, by="engineer")
    found = await bundle_of(world, tmp_path)
    assert [each["number"] for each in found.of("incident")] == [1, 2]


async def test_silences_that_held_and_are_about_its_alerts_are_in_it(world: World, tmp_path: Path) -> None:
    await lived(world)
    labels = alert().labels

    def silence(name: str, value: str, hours: float) -> Silence:
        match = LabelMatch(name="service", value=value)
        begins = ZERO + timedelta(hours=hours)
        return Silence(
            id=name,
            matchers=(match,),
            starts_at=begins,
            ends_at=begins + timedelta(hours=1),
            created_by="lin",
            comment="new disk",
            updated_at=ZERO,
        )

    async with world.database.write() as connection:
        ours, other = silence("ours", labels["service"], -0.5), silence("other", "elsewhere", -0.5)
        await silences_store.keep(connection, ours, other, silence("past", labels["service"], -9))
    assert [each["id"] for each in (await bundle_of(world, tmp_path)).of("silence")] == ["ours"]


async def test_an_unknown_incident_is_refused_before_anything_is_written(world: World) -> None:
    desk = Bundles(database=world.database, declared=world.declared, private=KEY)
    out = io.BytesIO()
    with pytest.raises(PlatformError, match="no incident #7"):
        await desk.incident(7, out, by="lin")
    with pytest.raises(PlatformError, match="no time at all"):
        await desk.audit(ZERO, ZERO, out, by="lin")
    assert out.getvalue() == b""


async def test_the_audit_trail_of_a_time_has_its_ends(database: Database, tmp_path: Path) -> None:
    desk = Bundles(database=database, declared=Cell(spec()), private=KEY)
    async with database.write() as connection:
        for minute in range(5):
            at = ZERO + timedelta(minutes=minute)
            await record(connection, Change(at=at, who="ada", action="update", kind="api", name=str(minute)))
            await outbox.append(connection, FaultInjected(at=at, drill=str(minute), instance="x", fault="kill"))
    with (tmp_path / "b").open("wb") as out:
        await desk.audit(ZERO + timedelta(minutes=1), ZERO + timedelta(minutes=3), out, by="lin")
    found = read_bundle(tmp_path / "b")
    assert [each["name"] for each in found.of("audit")] == ["1", "2"]
    assert [each["body"]["drill"] for each in found.of("fact")] == ["1", "2"]
    assert (found.head.since, found.head.until) == ("2026-11-21T03:01:00+00:00", "2026-11-21T03:03:00+00:00")


async def test_ten_times_as_many_records_need_no_more_memory(database: Database, tmp_path: Path) -> None:
    desk = Bundles(database=database, declared=Cell(spec()), private=KEY)
    peaks: list[tuple[int, int]] = []
    for count in (2_000, 18_000):
        after = {"text": "x" * 200}
        row = {"at": ZERO, "who": "a", "action": "b", "kind": "c", "name": "d", "after": after}
        async with database.write() as connection:
            await connection.execute(insert(audit), [row] * count)
        tracemalloc.start()
        with (tmp_path / "bundle").open("wb") as out:
            await desk.audit(ZERO, ZERO + timedelta(seconds=1), out, by="lin")
        _, written = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        assert sum(1 for _ in records_of(tmp_path / "bundle")) > count
        _, read = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        peaks.append((written, read))
    assert (tmp_path / "bundle").stat().st_size > 8_000_000
    assert peaks[1][0] < peaks[0][0] + 1_000_000, peaks
    assert peaks[1][1] < peaks[0][1] + 1_000_000, peaks
