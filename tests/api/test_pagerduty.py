"""The official Python client of PagerDuty, unchanged, over TLS: incidents, notes, log entries, who is on call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pagerduty
import pytest

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.facts import AlertRecovered
from stationmaster.runtime.db import Database
from tests.api.only_pagerduty import OnlyPagerDuty, client_of, failing, make, served
from tests.incidents.test_incidents import fired
from tests.incidents.world import ZERO

T = TypeVar("T")
Client = pagerduty.RestApiV2Client
Ask = Callable[[Callable[[Client], Any]], Any]
ALL = {"date_range": "all"}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyPagerDuty:
    return await make(database, StateDir(tmp_path / "state"))


@pytest.fixture
async def base(platform: OnlyPagerDuty, free_port: Callable[[], int]) -> AsyncIterator[str]:
    async with served(platform, free_port) as found:
        yield found


@pytest.fixture
async def token(platform: OnlyPagerDuty) -> str:
    _row, token = await platform.access.machines.create("ci", Role.OPERATOR, None, by="test")
    return token


@pytest.fixture
def ask(platform: OnlyPagerDuty, base: str, token: str) -> Ask:
    """Runs what blocks beside the server, with a client in the name of ada."""

    def of(call: Callable[[Client], Any]) -> Any:
        def inside() -> Any:
            with client_of(base, platform.ca, token, "ada@example.org") as client:
                return call(client)

        return asyncio.to_thread(inside)

    return of


async def open_some(platform: OnlyPagerDuty, count: int = 1) -> None:
    await platform.world.facts(*(fired(0, failing(number)) for number in range(1, count + 1)))
    await platform.world.tick()


async def test_the_client_reads_250_incidents_page_by_page(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform, 250)
    seen: list[tuple[int, object]] = []

    def hook(_item: object, number: int, total: object) -> None:
        seen.append((number, total))

    found = await ask(lambda client: list(client.iter_all("incidents", params=ALL, total=True, item_hook=hook)))
    assert [each["incident_number"] for each in found] == list(range(1, 251))
    assert len({each["id"] for each in found}) == 250
    assert seen[-1] == (250, 250)
    assert await ask(lambda client: client.get_total("incidents", params=ALL)) == 250
    listed = await ask(lambda client: client.list_all("incidents", params=ALL | {"sort_by": "incident_number:desc"}))
    assert [each["incident_number"] for each in listed] == list(range(250, 0, -1))


async def test_an_incident_says_what_clients_look_for(ask: Ask, platform: OnlyPagerDuty, base: str) -> None:
    await open_some(platform)
    (listed,) = await ask(lambda client: client.list_all("incidents", params=ALL))
    one = await ask(lambda client: client.rget(listed))
    assert one == listed == await ask(lambda client: client.rget("/incidents/1"))
    assert one["self"] == f"{base}/pagerduty/incidents/{one['id']}"
    assert one["id"].isalnum()
    assert one["id"] == one["id"].upper()
    assert (one["status"], one["urgency"], one["type"]) == ("triggered", "high", "incident")
    assert one["created_at"] == ZERO.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert one["service"]["summary"] == "orders"
    assert (await ask(lambda client: client.rget(one["service"])))["name"] == "orders"
    assert (await ask(lambda client: client.rget(one["escalation_policy"])))["name"] == "api"
    assert [each["assignee"]["summary"] for each in one["assignments"]] == ["Engineer"]
    assert one["alert_counts"] == {"all": 1, "triggered": 1, "resolved": 0}
    trigger = await ask(lambda client: client.rget(one["first_trigger_log_entry"]))
    assert trigger["incident"]["id"] == one["id"]
    included = await ask(lambda client: client.rget("/incidents/1?include[]=users&include[]=services&include[]=body"))
    assert included["assignments"][0]["assignee"]["email"] == "engineer@example.org"
    assert included["service"]["status"] == "active"
    assert included["body"]["details"] == "orders-1 is down"


async def test_a_client_acknowledges_and_resolves_in_the_name_of_a_responder(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    order = {"type": "incident", "status": "acknowledged"}
    taken = await ask(lambda client: client.rput("/incidents/1", json=order))
    assert taken["status"] == "acknowledged"
    assert [each["acknowledger"]["summary"] for each in taken["acknowledgements"]] == ["Ada"]
    assert taken["last_status_change_by"]["summary"] == "Ada"
    assert {each["assignee"]["summary"] for each in taken["assignments"]} == {"Engineer", "Ada"}
    story = await platform.incidents.story(1)
    assert story.incident.acknowledged_by == "ada"
    assert any(each.text == "acknowledged: through token:ci" for each in story.timeline)
    done = await ask(
        lambda client: client.rput("/incidents/1", json={"status": "resolved", "resolution": "a new disk"})
    )
    assert (done["status"], done["assignments"], done["acknowledgements"]) == ("resolved", [], [])
    assert done["resolved_at"] is not None
    lines = [each.text for each in (await platform.incidents.story(1)).timeline if each.kind == "incident.resolved"]
    assert lines == ["incident #1 resolved — resolved by hand: a new disk; through token:ci"]


async def test_many_are_changed_at_once_or_none(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform, 3)
    listed = await ask(lambda client: client.list_all("incidents", params=ALL))
    orders = [{"id": each["id"], "type": "incident_reference", "status": "acknowledged"} for each in listed]
    changed = await ask(lambda client: client.rput("incidents", json=orders))
    assert [each["status"] for each in changed] == ["acknowledged"] * 3
    await platform.incidents.acts.resolve(2, by="bo")
    resolved = [{"id": each["id"], "type": "incident_reference", "status": "resolved"} for each in listed]
    refused = await ask(lambda client: client.put("incidents", json={"incidents": resolved}))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, 1001)
    assert [each.status.value for each in await platform.incidents.all()] == [
        "acknowledged",
        "resolved",
        "acknowledged",
    ]


async def test_title_urgency_priority_and_assignees_are_edited(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    (urgent,) = [each for each in await ask(lambda client: client.list_all("priorities")) if each["name"] == "P2"]
    bo = await ask(lambda client: client.find("users", "bo@example.org", attribute="email"))
    order = {
        "type": "incident",
        "title": "Orders are slow",
        "urgency": "low",
        "priority": {"id": urgent["id"], "type": "priority_reference"},
        "assignments": [{"assignee": {"id": bo["id"], "type": "user_reference"}}],
    }
    edited = await ask(lambda client: client.rput("/incidents/1", json=order))
    assert (edited["title"], edited["urgency"], edited["priority"]["name"]) == ("Orders are slow", "low", "P2")
    assert {each["assignee"]["summary"] for each in edited["assignments"]} == {"Engineer", "Bo"}
    same = await ask(lambda client: client.rput("/incidents/1", json=edited))
    assert same["title"] == "Orders are slow"
    plain = await ask(lambda client: client.rput("/incidents/1", json={"priority": None}))
    assert plain["priority"] is None
    audited = [each.by for each in (await platform.incidents.story(1)).timeline if each.kind == "incident.edited"]
    assert audited == ["ada (token:ci)"] * 2


async def test_escalating_reaches_the_level_and_another_policy_is_refused(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    await ask(lambda client: client.rput("/incidents/1", json={"escalation_level": 2}))
    await platform.world.tick()
    assert [to for _, to in platform.world.paged] == ["engineer", "ada"]
    nights = await ask(lambda client: client.find("escalation_policies", "nights"))
    order = {"incident": {"escalation_policy": {"id": nights["id"], "type": "escalation_policy_reference"}}}
    refused = await ask(lambda client: client.put("/incidents/1", json=order))
    assert refused.status_code == 400
    assert "keeps the policy" in " ".join(refused.json()["error"]["errors"])


async def test_an_incident_is_opened_by_hand_and_pages(ask: Ask, platform: OnlyPagerDuty) -> None:
    service = await ask(lambda client: client.find("services", "payments"))
    order = {
        "type": "incident",
        "title": "Customers cannot pay",
        "service": {"id": service["id"], "type": "service_reference"},
        "urgency": "high",
        "incident_key": "phone-1",
        "body": {"type": "incident_body", "details": "three calls"},
    }
    made = await ask(lambda client: client.rpost("incidents", json=order))
    assert (made["title"], made["status"], made["incident_key"]) == ("Customers cannot pay", "triggered", "phone-1")
    await platform.world.tick()
    assert [to for _, to in platform.world.paged] == ["engineer"]
    (found,) = await ask(lambda client: client.list_all("incidents", params={"incident_key": "phone-1"}))
    assert found["id"] == made["id"]
    again = await ask(lambda client: client.post("incidents", json={"incident": order}))
    assert again.status_code == 400
    await ask(lambda client: client.rput(made, json={"status": "resolved"}))
    assert (await ask(lambda client: client.rpost("incidents", json=order)))["incident_number"] == 2


async def test_snoozing_stops_the_pages_until_its_end(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    platform.world.passes(60)
    snoozed = await ask(lambda client: client.rpost("/incidents/1/snooze", json={"duration": 1800}))
    assert snoozed["incident_number"] == 1
    await platform.world.until(44)
    assert [each.level for each in (await platform.incidents.story(1)).levels] == [0]
    await platform.world.until(46)
    assert [each.level for each in (await platform.incidents.story(1)).levels] == [0, 1]
    refused = await ask(lambda client: client.post("/incidents/1/snooze", json={"duration": 604_801}))
    assert refused.status_code == 400


async def test_notes_are_written_and_read(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    note = await ask(lambda client: client.rpost("/incidents/1/notes", json={"content": "the disk is full"}))
    assert (note["content"], note["user"]["summary"]) == ("the disk is full", "Ada")
    assert await ask(lambda client: client.rget("/incidents/1/notes")) == [note]
    entries = await ask(lambda client: client.list_all("/incidents/1/log_entries"))
    (annotated,) = [each for each in entries if each["type"] == "annotate_log_entry" and "note" in each]
    assert annotated["channel"]["summary"] == "the disk is full"


async def test_log_entries_tell_the_story_with_their_types(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform, 2)
    await ask(lambda client: client.rput("/incidents/1", json={"status": "acknowledged"}))
    await ask(lambda client: client.rput("/incidents/1", json={"status": "resolved"}))
    overview = await ask(lambda client: client.list_all("/incidents/1/log_entries", params={"is_overview": "true"}))
    assert [each["type"] for each in reversed(overview)] == [
        "trigger_log_entry",
        "escalate_log_entry",
        "acknowledge_log_entry",
        "resolve_log_entry",
    ]
    assert overview[0]["agent"]["summary"] == "Ada"
    whole = await ask(lambda client: client.list_all("log_entries", page_size=3))
    assert {each["incident"]["id"] for each in whole} == {"PI00001", "PI00002"}
    assert len({each["id"] for each in whole}) == len(whole) > len(overview)
    assert "notify_log_entry" in {each["type"] for each in whole}
    one = await ask(lambda client: client.rget(whole[0]))
    assert one == whole[0]
    none = await ask(lambda client: client.list_all("log_entries", params={"since": "2030-01-01"}))
    assert none == []


async def test_alerts_of_an_incident(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    (alert,) = await ask(lambda client: client.list_all("/incidents/1/alerts"))
    assert (alert["status"], alert["severity"], alert["alert_key"]) == ("triggered", "critical", "f1")
    assert alert["body"]["details"]["instance"] == "orders-1"
    assert await ask(lambda client: client.rget(alert)) == alert
    at = platform.world.now
    await platform.world.facts(AlertRecovered(at=at, alert=failing(1), evidence="status 200"))
    (over,) = await ask(lambda client: client.list_all("/incidents/1/alerts", params={"statuses[]": ["resolved"]}))
    assert over["resolved_at"] is not None
    assert await ask(lambda client: client.list_all("/incidents/1/alerts", params={"statuses[]": ["triggered"]})) == []
    refused = await ask(lambda client: client.put(alert["self"], json={"alert": {"status": "resolved"}}))
    assert refused.status_code == 400


async def test_incidents_are_merged(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform, 3)
    sources = [{"id": f"PI0000{number}", "type": "incident_reference"} for number in (2, 3)]
    merged = await ask(lambda client: client.rput("/incidents/PI00001/merge", json=sources))
    assert (merged["incident_number"], merged["alert_counts"]["all"]) == (1, 3)
    gone = await ask(lambda client: client.rget("/incidents/PI00002"))
    assert gone["status"] == "resolved"
    assert gone["resolve_reason"]["incident"]["id"] == "PI00001"
    refused = await ask(lambda client: client.put("/incidents/1/merge", json={"source_incidents": sources}))
    assert refused.status_code == 400


async def test_lists_are_filtered(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform, 3)
    await platform.world.facts(fired(1, failing(9, "payments")))
    await platform.incidents.acts.acknowledge(2, by="bo")
    await platform.incidents.acts.mitigate(3, by="engineer")
    services = await ask(lambda client: client.dict_all("services", by="name"))
    users = await ask(lambda client: client.dict_all("users", by="name"))

    async def numbers(**params: object) -> list[int]:
        listed = await ask(lambda client: client.list_all("incidents", params=ALL | params))
        return [each["incident_number"] for each in listed]

    assert await numbers(**{"statuses[]": ["triggered"]}) == [1, 4]
    assert await numbers(**{"statuses[]": ["acknowledged", "resolved"]}) == [2, 3]
    assert await numbers(**{"urgencies[]": ["low"]}) == []
    assert await numbers(**{"service_ids[]": [services["payments"]["id"]]}) == [4]
    assert await numbers(**{"user_ids[]": [users["Bo"]["id"]]}) == [2]
    assert await numbers(**{"team_ids[]": ["PT1"]}) == []
    assert services["orders"]["status"] == "critical"
    later = {"since": "2026-11-21T03:00:01Z", "until": "2026-11-21T03:00:02Z"}
    found = await ask(lambda client: client.list_all("incidents", params=later))
    assert [each["incident_number"] for each in found] == [4]
    assert await ask(lambda client: client.list_all("incidents", params={"until": "2026-01-01"})) == []


async def test_policies_schedules_and_who_is_on_call(ask: Ask, platform: OnlyPagerDuty) -> None:
    policy = await ask(lambda client: client.find("escalation_policies", "API"))
    assert policy["num_loops"] == 2
    first, second = policy["escalation_rules"]
    assert first["escalation_delay_in_minutes"] == 15
    assert [each["type"] for each in (*first["targets"], *second["targets"])] == [
        "user_reference",
        "schedule_reference",
    ]
    assert {each["summary"] for each in policy["services"]} == {"orders", "payments"}
    schedule = await ask(lambda client: client.rget(second["targets"][0]))
    assert schedule["name"] == "primary"
    assert schedule["final_schedule"]["rendered_coverage_percentage"] == 100
    assert [each["summary"] for each in schedule["users"]] == ["Ada", "Bo"]
    chosen = {"escalation_policy_ids[]": [policy["id"]]}
    now = await ask(lambda client: client.list_all("oncalls", params=chosen))
    told = [(each["escalation_level"], each["user"]["summary"], each["start"], each["end"]) for each in now]
    assert told == [(1, "Engineer", None, None), (2, "Ada", "2026-11-16T08:00:00Z", "2026-11-23T08:00:00Z")]
    span = chosen | {"since": "2026-11-21T00:00:00Z", "until": "2026-12-20T00:00:00Z"}
    turns = await ask(lambda client: client.list_all("oncalls", params=span | {"schedule_ids[]": [schedule["id"]]}))
    assert [each["user"]["summary"] for each in turns] == ["Ada", "Bo", "Ada", "Bo", "Ada"]
    once = await ask(lambda client: client.list_all("oncalls", params=span | {"earliest": "true"}))
    assert [each["user"]["summary"] for each in once] == ["Engineer", "Ada", "Bo"]
    on_duty = {"since": "2026-11-21T00:00:00Z", "until": "2026-11-22T00:00:00Z"}
    users = await ask(lambda client: client.rget(f"/schedules/{schedule['id']}/users", params=on_duty))
    assert [each["email"] for each in users] == ["ada@example.org"]


async def test_somebody_else_is_on_call_for_a_while(ask: Ask, platform: OnlyPagerDuty) -> None:
    (schedule,) = await ask(lambda client: client.list_all("schedules"))
    path = f"/schedules/{schedule['id']}/overrides"
    bo = await ask(lambda client: client.find("users", "bo"))
    order = {"start": "2026-11-21T03:00:00Z", "end": "2026-11-21T12:00:00Z", "user": {"id": bo["id"]}}
    empty = order | {"end": order["start"]}
    taken, refused = await ask(lambda client: client.rpost(path, json=[order, empty]))
    assert (taken["status"], refused["status"]) == (201, 400)
    assert taken["override"]["user"]["summary"] == "Bo"
    assert await ask(lambda client: client.rget(path)) == [taken["override"]]

    async def on_call() -> list[str]:
        chosen = {"schedule_ids[]": [schedule["id"]]}
        return sorted({each["user"]["summary"] for each in await ask(lambda it: it.list_all("oncalls", params=chosen))})

    assert await on_call() == ["Bo"]
    gone = await ask(lambda client: client.delete(f"{path}/{taken['override']['id']}"))
    assert gone.status_code == 204
    assert await on_call() == ["Ada"]
    assert (await ask(lambda client: client.delete(f"{path}/{taken['override']['id']}"))).status_code == 404


async def test_users_are_responders_and_people_who_log_in(ask: Ask, platform: OnlyPagerDuty) -> None:
    await platform.access.people.create("bo", Role.APPROVER, "correct horse battery staple", by="test")
    users = await ask(lambda client: client.list_all("users"))
    assert {each["name"]: each["role"] for each in users} == {
        "admin": "admin",
        "Ada": "restricted_access",
        "Bo": "limited_user",
        "Engineer": "restricted_access",
    }
    assert (await ask(lambda client: client.rget("users/me")))["email"] == "ada@example.org"
    assert await ask(lambda client: client.list_all("teams")) == []
    assert "urgencies" in await ask(lambda client: client.rget("abilities"))


async def test_others_are_asked_for_help(ask: Ask, platform: OnlyPagerDuty) -> None:
    await open_some(platform)
    bo = await ask(lambda client: client.find("users", "bo"))
    order = {
        "requester_id": bo["id"],
        "message": "please help",
        "responder_request_targets": [{"responder_request_target": {"id": bo["id"], "type": "user_reference"}}],
    }
    said = await ask(lambda client: client.rpost("/incidents/1/responder_requests", json=order))
    assert said["incident"]["id"] == "PI00001"
    await platform.world.tick()
    assert [to for _, to in platform.world.paged] == ["engineer", "bo"]
