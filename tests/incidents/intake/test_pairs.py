"""Labels and annotations as they come: short ones read once, long ones cut, the good kept beside the bad."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stationmaster.incidents.intake import alertmanager, pairs, webhook
from stationmaster.incidents.intake.alertmanager import Batch
from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.incidents.intake.foreign import LONGEST_TEXT

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def raw(document: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document))


def posted(*alerts: Any) -> Batch:
    return alertmanager.read(msgspec.json.encode(alerts), NOW)


def notified(*alerts: Any) -> Batch:
    return webhook.read(msgspec.json.encode({"version": "4", "status": "firing", "alerts": alerts}), NOW)


@pytest.mark.parametrize("read", [posted, notified])
def test_the_good_of_a_batch_are_read_and_each_bad_one_is_named(read: Any) -> None:
    bad = [
        {"labels": {}},
        {"labels": {"a": 1}},
        {"labels": None},
        {},
        7,
        {"labels": {"a": "b"}, "annotations": {"-": ""}},
    ]
    many = {"labels": {f"l{number}": "x" for number in range(129)}}
    found = read({"labels": {"alertname": "First"}}, *bad, many, {"labels": {"alertname": "Last"}})
    assert [each.name for each in found.alerts] == ["First", "Last"]
    assert [each.partition(":")[0] for each in found.problems] == [f"alert {number}" for number in range(1, 8)]


@pytest.mark.parametrize("read", [posted, notified])
def test_a_megabyte_is_cut_and_control_characters_are_replaced(read: Any) -> None:
    text = "\x1b[31m\x00" + "x" * 1_000_000
    (found,) = read({"labels": {"alertname": "A\x07", "gone": ""}, "annotations": {"summary": text}}).alerts
    assert dict(found.labels) == {"alertname": "A\ufffd"}
    assert len(found.annotations["summary"]) == LONGEST_TEXT
    assert found.annotations["summary"].startswith("\ufffd[31m\ufffd")


def test_the_order_of_labels_makes_no_other_alert() -> None:
    one, other = pairs.labels(raw({"a": "1", "b": "2"})), pairs.labels(raw({"b": "2", "a": "1"}))
    assert one.key == other.key == fingerprint({"a": "1", "b": "2"})


def test_short_ones_are_read_once_and_long_ones_fill_no_memory() -> None:
    short, long = raw({"alertname": "Short", "n": "test_pairs"}), raw({"alertname": "Long", "n": "x" * 2_000})
    assert pairs.labels(short) is pairs.labels(short)
    assert pairs.labels(long) is not pairs.labels(long)
    assert pairs.labels(long) == pairs.labels(long)


def test_what_was_refused_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid label name"):
            pairs.labels(raw({"bad-name": "x"}))
