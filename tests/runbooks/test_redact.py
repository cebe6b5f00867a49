"""Secrets are in nothing that is journaled or told."""

import time

import pytest

from stationmaster.runbooks.redact import LineRedactor, redacted

LINES = "MIIEabcdefghijklmnopqrstuvwx\nqqqqqqqqqqqqqqqqqqqqqqqqqq"
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES}\n-----END RSA PRIVATE KEY-----\n"

# text, what must not be in it any more, what has to be left
TABLE = [
    ('curl -H "Authorization: Bearer abc.def-123" http://x', "abc.def-123", "http://x"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "Authorization"),
    ("psql postgres://app:hunter2@db:5432/x", "hunter2", "postgres://app:***@db:5432/x"),
    ("curl -u admin:hunter2 http://x", "hunter2", "admin"),
    ("mysql --password=hunter2 -h db", "hunter2", "-h db"),
    ("vault login --token s.12345678", "s.12345678", "--token"),
    ('{"password": "hunter2", "user": "app"}', "hunter2", '"user": "app"'),
    ("DB_PASSWORD=hunter2 ./run", "hunter2", "./run"),
    ("token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc-DEF_123", "eyJzdWIiOiIxMjM0", "token"),
    ("key AKIAIOSFODNN7EXAMPLE ok", "AKIAIOSFODNN7EXAMPLE", "ok"),
    (f"before\n{KEY}after", "MIIE", "after"),
    ("X-Api-Key: 12345", "12345", "X-Api-Key"),
    ("Set-Cookie: session=abc; Path=/", "session=abc", "Set-Cookie"),
]
HARMLESS = [
    "kubectl get secret web-tls -o name",
    "kubectl create secret generic x \\\n  --from-literal=user=y",
    "echo $PASSWORD <password>",
    'curl -H "Authorization: Bearer <token>" http://x',
    "the token bucket is full: 3 of 5",
]


@pytest.mark.parametrize(("text", "gone", "left"), TABLE)
def test_what_looks_like_a_secret_is_hidden(text: str, gone: str, left: str) -> None:
    shown = redacted(text)
    assert gone not in shown
    assert left in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redacted(text) == text


def test_a_known_value_is_hidden_wherever_it_stands() -> None:
    assert redacted("a hunter2-hunter2 b", ["hunter2"]) == "a ***-*** b"
    assert redacted("ab a b", ["ab"]) == "*** a b"
    assert redacted("cabin ab", ["ab"]) == "cabin ***"


def test_every_line_of_a_value_is_hidden() -> None:
    assert "second" not in redacted("x\nsecond line\n", ["first line\nsecond line"])


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_a_secret_that_comes_in_pieces_is_hidden(size: int) -> None:
    text = f"start hunter2 middle\n{KEY}password=abcdef end\nlast hunter2"
    redactor = LineRedactor(secrets=("hunter2",))
    shown = "".join(redactor.feed(text[place : place + size]) for place in range(0, len(text), size)) + redactor.rest()
    assert "hunter2" not in shown
    assert "MIIE" not in shown
    assert "qqqq" not in shown
    assert "abcdef" not in shown
    assert shown.startswith("start *** middle\n")
    assert shown.endswith("end\nlast ***")


def test_a_line_without_an_end_is_told_at_last() -> None:
    redactor = LineRedactor(secrets=())
    shown = "".join(redactor.feed("word " * 1000) for _ in range(4))
    assert len(shown) > 8000
    assert len(shown + redactor.rest()) == 20_000


@pytest.mark.parametrize(
    "piece", ["-", "a.", "a-", "x-", "_token", "authorization:", "eyJaaaaaaaa.", "a://", "A" * 76 + "\n", "curl "]
)
def test_no_output_takes_long(piece: str) -> None:
    text = (piece * 65_536)[:65_536]
    started = time.monotonic()
    redacted(text, ("hunter2",))
    assert time.monotonic() - started < 2
