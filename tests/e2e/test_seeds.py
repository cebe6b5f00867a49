"""The seed documents themselves answer the alerts of the platform, whose key service and registry are containers."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.station import Station, sample_with_free_ports, wait_until
from tests.fleet.engine_rig import IMAGE, TestEngine, mounts, running_engine

pytestmark = pytest.mark.e2e

KEYS = ("key-us-south", "key-us-east", "key-eu-de")
INSTANCE_DOWN, SERVICE_DOWN, API_DOWN, GATEWAY, KONG = (
    "API Platform - Echometer alert: Key service instance is down",
    "API Platform - Key Service API is down",
    "Runbook: API Service Down",
    "API Gateway Troubleshooting Guide",
    "API Platform - Echometer alert: Kong service is down",
)
SLOW_S = 600.0
"""Machines that run tests may be busy."""


@pytest.fixture(scope="module")
def engine() -> Iterator[TestEngine]:
    with running_engine() as running:
        yield running


@pytest.fixture(scope="module")
def seed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(__file__).parents[2].parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("needs the seed runbooks in ../shared/seeds, which are not part of this repository")
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("books") / "seeds"))


@pytest.fixture(scope="module")
def station(
    engine: TestEngine,
    seed_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
) -> Iterator[Station]:
    """Without a cluster and without accounts, whatever else this machine has."""
    document = contained(sample_with_free_ports(free_port, [seed_folder]))
    built = Station(tmp_path_factory.mktemp("seeded"), document)
    built.write_manifest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.url)
        patch.setenv("KUBECONFIG", str(built.folder / "none"))
        patch.setenv("HOME", str(built.folder))
        begun = built.begin_up()
        try:
            wait_until(lambda: is_quiet(built), "the platform is ready", limit_s=SLOW_S)
            yield built
        finally:
            begun.kill()
            begun.wait(timeout=60)
            built.run("down", limit_s=SLOW_S)


def contained(document: dict[str, Any]) -> dict[str, Any]:
    """Its key service and its registry as containers, the latter under the name that its runbook knows; rules are
    looked at often enough to see what is cured at once."""
    document["monitoring"]["evaluation_interval"] = "1s"
    path = f"{sys.prefix}/bin:/usr/bin:/bin"
    for service in document["services"]:
        service["health"].update(interval="1s", timeout="5s", down_after=3)
        if service["name"] in {"api_key_service", "doctor"}:
            service.update(executor="docker", image=IMAGE, mounts=list(mounts()), env={"PATH": path})
        if service["name"] == "doctor":
            service.update(aliases=["doctor_kong"], supervision="runbook")
    return document


def is_quiet(station: Station) -> bool:
    done = station.run("status", "--json", limit_s=60)
    if done.returncode != 0:
        return False
    status = json.loads(done.stdout)
    return bool(status["ready"]) and not status["open_incidents"]


def broken(station: Station, engine: TestEngine, *instances: str) -> int:
    """Kills their containers, and returns the number of the last fact before that."""
    wait_until(lambda: is_quiet(station), "the platform is in its steady state", limit_s=SLOW_S)
    last = station.last_fact()
    with engine.client() as client:
        for name in instances:
            client.post(f"/containers/{name}/kill").raise_for_status()
    return last


def run_of(station: Station, since: int, runbook: str) -> "Told":
    """The first run of the runbook, when it has ended."""

    def begun() -> list[dict[str, Any]]:
        return [fact for fact in station.facts("RunStarted", since=since) if fact["runbook"] == runbook]

    wait_until(begun, f"a run of '{runbook}' begins", limit_s=SLOW_S)
    run = begun()[0]["run"]

    def of_run(kind: str) -> list[dict[str, Any]]:
        return [fact for fact in station.facts(kind, since=since) if fact["run"] == run]

    wait_until(lambda: of_run("RunEnded"), f"the run of '{runbook}' ends", limit_s=SLOW_S)
    steps = {fact["step"]: (fact["verdict"], fact["detail"]) for fact in of_run("RunStepEnded")}
    titles = {fact["step"]: fact["title"] for fact in of_run("RunStepEnded")}
    return Told(begun()[0], of_run("RunEnded")[0], steps, titles, of_run("ApprovalAsked"))


class Told:
    """What the incident's timeline has of one run."""

    def __init__(
        self,
        started: dict[str, Any],
        ended: dict[str, Any],
        steps: dict[str, tuple[str, str]],
        titles: dict[str, str],
        asked: list[dict[str, Any]],
    ) -> None:
        self.incident: int = started["incident"]
        self.why: str = started["why"]
        self.outcome: str = ended["outcome"]
        self.summary: str = ended["detail"]
        self.steps, self.titles, self.asked = steps, titles, asked

    def refused(self) -> dict[str, str]:
        """Titles of the steps that could not be done, with the reason."""
        return {self.titles[key]: why for key, (verdict, why) in self.steps.items() if verdict == "refused"}

    def passed(self, text: str) -> list[str]:
        return [why for verdict, why in self.steps.values() if verdict == "passed" and text in why]


def started_at(engine: TestEngine, instance: str) -> str:
    with engine.client() as client:
        shown: dict[str, Any] = client.get(f"/containers/{instance}/json").raise_for_status().json()
    return str(shown["State"]["StartedAt"])


def test_the_container_of_a_dead_key_service_instance_is_restarted_as_the_seed_says(
    station: Station, engine: TestEngine
) -> None:
    before = started_at(engine, KEYS[0])
    since = broken(station, engine, KEYS[0])
    told = run_of(station, since, INSTANCE_DOWN)
    assert told.why.startswith("it quotes an alert text")
    assert "warning: its title says RETIRED" in told.why
    health = f"ran `curl {station.instance_url(KEYS[0])}/api/auth/healthz`"
    assert told.steps["1.6"][0] == "failed"
    assert f"{health}: expected to contain" in told.steps["1.6"][1]
    assert "(the runbook says `docker logs api_key_service`)" in told.steps["3.3"][1]
    assert "(the runbook says `docker restart api_key_service`)" in told.steps["3.4"][1]
    assert told.passed(f"{health}: contains 'The API is available and operational")
    assert (told.outcome, told.asked) == ("cured", [])
    assert started_at(engine, KEYS[0]) > before
    notes = [fact["text"] for fact in station.facts("NoteAdded", since=since)]
    assert any(note.startswith(f"log of {KEYS[0]}") for note in notes)
    wait_until(lambda: station.facts("IncidentResolved", since=since), "the incident is resolved", limit_s=SLOW_S)
    with httpx.Client() as client:
        answer = client.get(f"{station.instance_url(KEYS[0])}/api/auth/healthz")
    assert "The API is available and operational" in answer.text


def test_a_dead_registry_is_restarted_under_the_name_that_its_seed_has_for_it(
    station: Station, engine: TestEngine
) -> None:
    before = started_at(engine, "doctor")
    since = broken(station, engine, "doctor")
    told = run_of(station, since, KONG)
    assert told.why.startswith("its tags name doctor")
    assert told.steps["2.4a"][0] == "failed"
    assert "expected a list that is not empty, saw connection refused" in told.steps["2.4a"][1]
    assert "(the runbook says `docker logs --tail 100 doctor_kong`)" in told.steps["2.4b"][1]
    assert "(the runbook says `docker restart doctor_kong`)" in told.steps["3.1"][1]
    assert told.passed("/kong/apis`: json list"), told.steps
    assert told.steps["3.3"] == ("skipped", "the last check found it well")
    assert (told.outcome, told.asked) == ("cured", [])
    assert started_at(engine, "doctor") > before


def test_a_key_service_that_is_down_everywhere_is_answered_by_three_seeds(station: Station, engine: TestEngine) -> None:
    since = broken(station, engine, *KEYS)
    whole = run_of(station, since, SERVICE_DOWN)
    pods = "kubectl get po -napi -lapp=api-key-service"
    assert any(why.startswith("not runnable here: ") for title, why in whole.refused().items() if pods in title), (
        whole.refused()
    )
    assert "could not look at: " in whole.summary
    assert pods in whole.summary

    api = run_of(station, since, API_DOWN)
    assert api.why.startswith("the rule that fired stands on its line")
    refused = api.refused()
    assert "$API_TARGET_GROUP_ARN" in refused["Check load balancer status"]
    assert "the name api.ecap.local means nothing" in refused["curl -I http://api.ecap.local/health"]
    changes = [why for title, why in refused.items() if title.startswith(("Restart unhealthy pods", "Scale up"))]
    assert len(changes) > 1
    assert all(why.startswith("not runnable here: ") for why in changes)
    assert api.asked == [], "nothing could come of a yes"
    assert "could not do: " in api.summary

    for name in KEYS:
        wait_until(lambda name=name: answers(station, name), f"{name} answers again", limit_s=SLOW_S)  # type: ignore[misc]
    shown = station.json("incident", "show", str(whole.incident), limit_s=60)
    assert any("could not look at" in entry["text"] for entry in shown["timeline"])
    assert_its_messages_and_tasks_appear(station, api.incident)


def assert_its_messages_and_tasks_appear(station: Station, incident: int) -> None:
    """Those of the seed about the API service: what users would be told, and what is left to do afterwards."""
    draft = station.json("incident", "update", str(incident), "--draft", limit_s=60)
    assert "003_d7fac46a0d38a719.txt:" in draft["source"], draft

    def left() -> dict[str, str]:
        done = station.run("review", "tasks", str(incident), "--all", "--json", limit_s=60)
        found = json.loads(done.stdout)["tasks"] if done.returncode == 0 else []  # there is no review before the end
        return {each["text"]: each["list"] for each in found}

    wait_until(left, "the incident leaves its tasks", limit_s=SLOW_S)
    assert {"Identify root cause", "Update runbooks based on lessons learned"} <= left().keys(), left()


def answers(station: Station, instance: str) -> bool:
    try:
        return httpx.get(f"{station.instance_url(instance)}/api/auth/healthz").is_success
    except httpx.TransportError:
        return False


def test_gateway_503s_are_answered_by_the_guide_that_sets_their_limit(station: Station) -> None:
    wait_until(lambda: is_quiet(station), "the platform is in its steady state", limit_s=SLOW_S)
    since = station.last_fact()
    station.json("drill", "inject", "abort", "keys", "--for", "5m", limit_s=60)
    url = f"{station.node_url()}/api/auth/jwks"
    deadline = time.monotonic() + SLOW_S
    with httpx.Client() as client:
        while not any(fact["runbook"] == GATEWAY for fact in station.facts("RunStarted", since=since)):
            assert time.monotonic() < deadline, [fact["alert"]["labels"] for fact in station.facts("AlertFired")]
            client.get(url, timeout=10)
            time.sleep(0.1)
    told = run_of(station, since, GATEWAY)
    assert told.why.startswith("the rule that fired stands on its line")
    refused = told.refused()
    assert any("the name prometheus means nothing on this machine" in why for why in refused.values())
    assert any("kubectl get pods -n api-gateway" in f"{title} {why}" for title, why in refused.items())
    assert told.asked == [], "nothing could come of a yes"
    assert told.outcome in {"failed", "escalated"}, "the fault stands longer than the run"
    asked = [fact["incident"] for fact in station.facts("EscalationAsked", since=since)]
    assert told.incident in asked, told.summary
