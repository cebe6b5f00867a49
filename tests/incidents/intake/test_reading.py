"""What the formats of others are read as: fingerprints, webhooks, paths."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake import webhook
from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.incidents.intake.paths import parse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, "cbf29ce484222325"),
        ({"name": "garland, briggs", "fear": "love is not enough"}, "507a62d79ee76c9a"),
    ],
)
def test_fingerprints_are_those_of_prometheus(labels: dict[str, str], expected: str) -> None:
    """As the tests of prometheus/common have them."""
    assert fingerprint(labels) == expected
    assert fingerprint(dict(reversed(labels.items()))) == expected


def message(**alert: Any) -> bytes:
    told = {"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-01-01T00:00:00Z", **alert}
    return msgspec.json.encode({"version": "4", "status": "firing", "alerts": [told]})


def test_a_webhook_fires_until_it_says_that_it_does_not() -> None:
    (firing,) = webhook.read(message(endsAt="0001-01-01T00:00:00Z"), NOW).alerts
    assert firing.ends_at is None
    (over,) = webhook.read(message(status="resolved", endsAt="2025-12-31T23:00:00Z"), NOW).alerts
    assert over.ends_at == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert over.key == firing.key


def test_grafana_is_read_although_it_says_more() -> None:
    more = {"values": {"A": 1}, "silenceURL": "x", "dashboardURL": "", "panelURL": "", "valueString": "[ a ]"}
    assert len(webhook.read(message(**more), NOW).alerts) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"alerts": {}}', b'{"alerts": [], "version": "9"}', b"\xff"])
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(PlatformError):
        webhook.read(body, NOW)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", [{"a": [{"b c": 1}, {"b c": 2}], "d": None}]),
        ("$.a[0]", [{"b c": 1}]),
        ('$.a[*]["b c"]', [1, 2]),
        ("$.a[-1]['b c']", [2]),
        ("$.a[7]", []),
        ("$.a.b", []),
        ("$.d", [None]),
    ],
)
def test_paths_find_what_stands_there(path: str, found: list[Any]) -> None:
    assert parse(path).all({"a": [{"b c": 1}, {"b c": 2}], "d": None}) == found


@pytest.mark.parametrize("path", ["", "a", "$.", "$..a", "$[", "$[a]", "$.a b", "$" + ".a" * 400])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PlatformError):
        parse(path)
