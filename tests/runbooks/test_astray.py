"""No label of an alert leads a run that nobody watches to a file that is secret."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from stationmaster.runbooks.astray import astray, refused, trusted
from tests.runbooks.world import alert

STATE = PurePosixPath("/srv/stationmaster/state")


@pytest.mark.parametrize(
    "value",
    [
        "/etc/shadow",
        "//etc//shadow",
        "/var/log/../../etc/shadow",
        "../secrets/master.key",
        "..",
        "logs/..",
        "..%2f..%2fetc%2fpasswd",
        "..%252f..%252fetc",
        "..\\..\\secret",
        "~/.ssh/id_ed25519",
        "~root",
        "@/etc/shadow",
        "data=@../key",
        "/srv/stationmaster/state/master.key",
        "/srv/stationmaster/state",
        "/proc/self/environ",
        "backup/.ssh/id_rsa",
        "app/secrets/token",
        "file:///etc/shadow",
        "FILE:/etc/shadow",
        "gopher://127.0.0.1:6379/_FLUSHALL",
    ],
)
def test_a_value_that_leads_to_what_is_secret_is_refused(value: str) -> None:
    assert astray(value, STATE)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "key-us-south",
        "127.0.0.1:8888",
        "http://127.0.0.1:8888/api/auth/healthz",
        "http://127.0.0.1/a/../b",
        "/",
        "/var/lib/postgresql",
        "/dev/sda1",
        "/data/orders",
        "/api/v1/orders",
        "1..2",
        "the secret service is down",
        "/srv/stationmaster/other",
    ],
)
def test_what_alerts_name_otherwise_is_taken_as_it_is(value: str) -> None:
    assert astray(value, STATE) == ""


def test_an_alert_loses_the_labels_that_lead_astray_and_keeps_the_others() -> None:
    given = replace(alert(path="/etc/shadow", disk="/data"), url="file:///etc/shadow")
    kept = trusted(given, STATE)
    assert dict(kept.labels) == dict(alert(disk="/data").labels)
    assert kept.url == ""
    assert refused(given.labels, STATE) == {"path": "it lies in /etc"}
