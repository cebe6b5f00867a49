"""From a fault to a reviewed incident with no keystroke, on a whole platform that pages into its own outboxes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.station import SAMPLE, Station, sample_with_free_ports, wait_until

pytestmark = pytest.mark.e2e

RUNBOOKS = SAMPLE.parent / "runbooks"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Station]:
    built = Station(tmp_path_factory.mktemp("reviewed"), sample_with_free_ports(free_port, [RUNBOOKS]))
    built.write_manifest()
    try:
        built.run("up", "--file", str(built.manifest), "--detach", limit_s=120)  # goes on where it is not ready in time
        wait_until(lambda: built.status()["ready"], "the platform is ready", limit_s=120)
        yield built
    finally:
        built.down()


@pytest.fixture(scope="module")
def report(station: Station) -> dict[str, Any]:
    def is_quiet() -> bool:
        status = station.status()
        return bool(status["ready"]) and not status["open_incidents"]

    wait_until(is_quiet, "the platform is in its steady state", limit_s=120)
    found: dict[str, Any] = station.json("drill", "run", "key-service-instance-down", limit_s=320)
    return found


def test_a_drills_incident_is_reviewed_by_nobody(station: Station, report: dict[str, Any]) -> None:
    assert (report["passed"], report["load"]["lost"]) == (True, 0)
    (number,) = report["incidents"]

    def story() -> dict[str, Any]:
        found: dict[str, Any] = station.json("incident", "show", str(number))
        return found

    wait_until(lambda: story()["incident"]["status"] == "reviewed", "it is reviewed", limit_s=120)
    said = [each for each in story()["timeline"] if each["kind"] == "incident.reviewed"]
    assert [each["by"] for each in said] == ["stationmaster"]
    assert "injected on purpose by the drill key-service-instance-down" in said[0]["text"]
    text = station.run("review", "show", str(number), "--markdown").stdout
    assert "Nobody has read this review." in text
    assert "- key-us-south is up" in text
    assert "### Last lines of the log of key-us-south" in text


def test_who_was_paged_is_in_the_report_and_in_an_outbox(station: Station, report: dict[str, Any]) -> None:
    boxes = {each.parent.name: each.read_text("utf-8") for each in sorted((station.state / "outbox").glob("*/*.txt"))}
    assert report["paged"], "somebody is on duty"
    on_duty = next(name for name in boxes if name in ("lin", "omar"))
    assert any(on_duty in each for each in report["paged"])
    assert "ServiceInstanceDown" in boxes[on_duty]
    assert "operations" in boxes


def test_the_drill_stands_beside_the_runbook(station: Station, report: dict[str, Any], tmp_path: Path) -> None:
    folder = str(RUNBOOKS)
    rows = {Path(each["file"]).name: each for each in station.json("runbook", "list", folder)}
    assert rows["key-service-instance-down.md"]["drilled"] == "passed"
    assert rows["key-service-instance-down.md"]["last_drill"]["drill"] == report["drill"]
    assert rows["store-full.md"]["drilled"] == "never"
    listed = station.run("runbook", "lint", folder, "--drills").stdout
    assert "store-full.md:1: warning: no drill has ever worked it" in listed
    assert "key-service-instance-down.md:1: warning: no drill" not in listed
    edited = tmp_path / "key-service-instance-down.md"
    edited.write_text((RUNBOOKS / edited.name).read_text("utf-8").replace("Ask again", "Ask once more"), "utf-8")
    page = tmp_path / "page.html"
    read = station.run("runbook", "read", str(edited), "--html", str(page))
    assert read.returncode == 0, read.stderr
    assert "<dt>last drill</dt><dd>passed" in page.read_text("utf-8")
    assert ", edited since</dd>" in page.read_text("utf-8")
