"""The status page over HTTP: documents, tags, compression, forms, Statuspage's API, and what its own people do."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.response import Smtp
from stationmaster.incidents.status.deliveries_store import Way, everybody
from stationmaster.incidents.status.words import PostStatus
from stationmaster.runtime.db import Database
from tests.api.only_status_page import OnlyStatusPage, make
from tests.incidents.status.world import API, ORDERS, PAYMENTS, alert, spec

ATOM = "{http://www.w3.org/2005/Atom}"
DESK = "/api/v1/status-page"


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyStatusPage:
    declared = spec(smtp=Smtp(host="127.0.0.1", port=9, sender="status@example.org", starttls=False))
    return await make(database, StateDir(tmp_path / "state"), declared)


@pytest.fixture
async def public(platform: OnlyStatusPage) -> AsyncIterator[httpx.AsyncClient]:
    """Without a token."""
    transport = httpx.ASGITransport(app=platform.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        yield client


@pytest.fixture
async def desk(platform: OnlyStatusPage) -> AsyncIterator[httpx.AsyncClient]:
    _row, token = await platform.access.machines.create("lin", Role.OPERATOR, None, by="test")
    transport = httpx.ASGITransport(app=platform.app)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def story(platform: OnlyStatusPage) -> None:
    await platform.page.fire(alert("payments"))
    desk = platform.status_pages.desk
    await desk.post_update(1, PostStatus.INVESTIGATING, "Some payments fail.\n\nMore soon.", by="ada")
    platform.page.world.passes(60)
    await desk.post_update(1, PostStatus.MONITORING, "It looks well again.", by="ada")
    await platform.status_pages.refresh()


async def test_the_page_needs_no_token_and_has_no_script(platform: OnlyStatusPage, public: httpx.AsyncClient) -> None:
    await story(platform)
    for path in ("/status", "/status/history", "/status/history/2026-11", "/status/subscribe", "/status/style.css"):
        answer = await public.get(path)
        assert answer.status_code == 200, path
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "http://" not in answer.text.replace("http://www.w3.org", ""), path


@pytest.mark.parametrize("path", ["/status/incidents/nothing", "/status/history/2001-01", "/status/api/v2/secret.json"])
async def test_a_page_that_there_is_not_is_said_so(public: httpx.AsyncClient, path: str) -> None:
    answer = await public.get(path)
    assert answer.status_code == 404
    assert "There is no such page here" in answer.text


async def test_an_unchanged_page_is_not_sent_again(platform: OnlyStatusPage, public: httpx.AsyncClient) -> None:
    first = await public.get("/status", headers={"accept-encoding": "identity"})
    tag = first.headers["etag"]
    for said in (tag, f'W/{tag}, "other"', "*", f'"{tag.strip(chr(34))}-gz"'):
        again = await public.get("/status", headers={"if-none-match": said})
        assert (again.status_code, again.content) == (304, b"")
    await platform.page.fire(alert("payments"))
    assert (await public.get("/status", headers={"if-none-match": tag})).status_code == 200


async def test_the_head_of_a_page_can_be_asked_for_alone(public: httpx.AsyncClient) -> None:
    whole, head = await public.get("/status"), await public.head("/status")
    assert head.status_code == 200
    assert head.headers["etag"] == whole.headers["etag"]


async def test_a_page_is_compressed_for_whom_that_is_right(public: httpx.AsyncClient) -> None:
    plain = await public.get("/status", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    async with public.stream("GET", "/status", headers={"accept-encoding": "br, gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert answer.headers["etag"] != plain.headers["etag"]
    assert answer.headers["vary"] == "accept-encoding"


async def _json(public: httpx.AsyncClient, name: str) -> Any:
    answer = await public.get(f"/status/api/v2/{name}.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"].startswith("application/json")
    return answer.raise_for_status().json()


async def test_statuspages_api_has_its_fields(platform: OnlyStatusPage, public: httpx.AsyncClient) -> None:
    await story(platform)
    summary = await _json(public, "summary")
    assert set(summary) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert set(summary["page"]) == {"id", "name", "url", "time_zone", "updated_at"}
    assert summary["status"] == {"indicator": "critical", "description": "Major System Outage"}
    component = next(each for each in summary["components"] if each["name"] == PAYMENTS)
    assert component["status"] == "major_outage"
    assert {"id", "name", "status", "position", "description", "group", "group_id", "showcase", "start_date"} | {
        "only_show_if_degraded",
        "page_id",
        "created_at",
        "updated_at",
    } <= set(component)
    group = next(each for each in summary["components"] if each["group"])
    assert component["group_id"] == group["id"]
    assert component["id"] in group["components"]
    [incident] = summary["incidents"]
    assert {"id", "name", "status", "impact", "shortlink", "created_at", "updated_at", "monitoring_at"} <= set(incident)
    assert (incident["status"], incident["impact"], incident["resolved_at"]) == ("monitoring", "critical", None)
    newest, oldest = incident["incident_updates"]
    assert (newest["status"], oldest["body"]) == ("monitoring", "Some payments fail.\n\nMore soon.")
    [affected] = oldest["affected_components"]
    assert affected == {
        "code": component["id"],
        "name": PAYMENTS,
        "old_status": "major_outage",
        "new_status": "major_outage",
    }


async def test_every_document_of_the_api_is_there_and_ids_stay(
    platform: OnlyStatusPage, public: httpx.AsyncClient
) -> None:
    names = {
        "status": "status",
        "components": "components",
        "incidents": "incidents",
        "incidents/unresolved": "incidents",
        "scheduled-maintenances": "scheduled_maintenances",
        "scheduled-maintenances/upcoming": "scheduled_maintenances",
        "scheduled-maintenances/active": "scheduled_maintenances",
    }
    for name, key in names.items():
        assert set(await _json(public, name)) == {"page", key}
    before = await _json(public, "components")
    platform.page.restart()
    await platform.status_pages.tick()
    assert await _json(public, "components") == before


async def test_the_atom_feed_has_what_rfc_4287_asks_for(platform: OnlyStatusPage, public: httpx.AsyncClient) -> None:
    await story(platform)
    answer = await public.get("/status/history.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.content)
    assert feed.tag == f"{ATOM}feed"
    [entry] = feed.findall(f"{ATOM}entry")
    for whole in (feed, entry):
        for name in ("id", "title", "updated"):
            [found] = whole.findall(f"{ATOM}{name}")
            assert found.text
        stamp = whole.findtext(f"{ATOM}updated") or ""
        assert datetime.fromisoformat(stamp).tzinfo is not None
        assert [each for each in whole.findall(f"{ATOM}link") if each.get("rel") == "alternate"]
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert [each.get("href") for each in feed.findall(f"{ATOM}link") if each.get("rel") == "self"]
    assert "Some payments fail." in (entry.findtext(f"{ATOM}content") or "")


async def test_the_rss_feed_is_one(platform: OnlyStatusPage, public: httpx.AsyncClient) -> None:
    await story(platform)
    channel = ElementTree.fromstring((await public.get("/status/history.rss")).content).find("channel")
    assert channel is not None
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    [item] = channel.findall("item")
    assert item.findtext("guid") == item.findtext("link")
    assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo is not None


async def _asked(public: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await public.post("/status/subscribe", data=form)


async def test_a_known_address_gets_the_same_answer_as_a_strange_one(
    platform: OnlyStatusPage, public: httpx.AsyncClient
) -> None:
    await platform.status_pages.subscribers.add(Way.EMAIL, "ada@example.org", (), by="test")
    known = await _asked(public, kind="email", address="ada@example.org")
    strange = await _asked(public, kind="email", address="lin@example.org")
    assert (known.status_code, known.text) == (strange.status_code, strange.text) == (202, strange.text)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "email", "address": "no address"}, "is no e-mail address"),
        ({"kind": "email", "address": "a@b.org\r\nBcc: c@d.org"}, "is no e-mail address"),
        ({"kind": "webhook", "address": "http://example.org/hook"}, "it is not https"),
        ({"kind": "webhook", "address": "https://127.0.0.1/hook"}, "it lies in no public network"),
        ({"kind": "webhook", "address": "https://[::ffff:10.0.0.1]/hook"}, "it lies in no public network"),
        ({"kind": "webhook", "address": "https://localhost/hook"}, "it is no name of the public network"),
        ({"kind": "webhook", "address": "<script>"}, "messages cannot be sent there"),
        ({}, "messages cannot be sent there"),
    ],
)
async def test_an_address_that_cannot_be_meant_is_refused(
    public: httpx.AsyncClient, form: dict[str, str], said: str
) -> None:
    answer = await _asked(public, **form)
    assert answer.status_code == 400
    assert said in answer.text
    assert "<script" not in answer.text


async def test_who_asks_too_often_has_to_wait(public: httpx.AsyncClient) -> None:
    answers = [await _asked(public, kind="email", address=f"a{number}@example.org") for number in range(7)]
    assert [each.status_code for each in answers] == [202] * 5 + [429] * 2


async def test_looking_at_a_link_changes_nothing_and_its_button_does(
    platform: OnlyStatusPage, public: httpx.AsyncClient, database: Database
) -> None:
    await _asked(public, kind="email", address="ada@example.org", component="")
    async with database.read() as connection:
        [subscriber] = await everybody(connection)
    tokens = platform.status_pages.subscribers.tokens
    confirm = f"/status/confirm/{tokens.confirm(subscriber.id, platform.page.world.now)}"
    assert "ada@example.org" in (await public.get(confirm)).text
    assert (await platform.status_pages.subscribers.all())[0].confirmed_at is None
    assert (await public.post(confirm)).status_code == 200
    assert (await platform.status_pages.subscribers.all())[0].confirmed_at is not None

    leave = f"/status/unsubscribe/{tokens.leave(subscriber.id)}"
    assert "<button>Unsubscribe" in (await public.get(leave)).text
    assert len(await platform.status_pages.subscribers.all()) == 1
    one_click = await public.post(leave, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    assert await platform.status_pages.subscribers.all() == []
    assert (await public.post(leave)).status_code == 200


async def test_links_are_good_for_their_use_and_their_time_alone(
    platform: OnlyStatusPage, public: httpx.AsyncClient
) -> None:
    made = await platform.status_pages.subscribers.add(Way.EMAIL, "ada@example.org", (), by="test")
    tokens, now = platform.status_pages.subscribers.tokens, platform.page.world.now
    confirm, leave = tokens.confirm(made.id, now), tokens.leave(made.id)
    assert (await public.post(f"/status/unsubscribe/{confirm}")).status_code == 404
    assert (await public.post(f"/status/confirm/{leave}")).status_code == 404
    assert (await public.post(f"/status/unsubscribe/{leave}x")).status_code == 404
    platform.page.world.passes(86_401)
    assert (await public.post(f"/status/confirm/{confirm}")).status_code == 410


async def test_the_desk_posts_sets_and_announces(platform: OnlyStatusPage, desk: httpx.AsyncClient) -> None:
    await platform.page.fire(alert("payments"))
    order = {"status": "identified", "text": "A disk.", "components": {API: "degraded"}}
    shown = (await desk.post(f"{DESK}/incidents/1/posts", json=order)).raise_for_status().json()
    assert shown["incidents"][0]["posts"][0]["by"] == "token:lin"
    assert {each["name"]: each["standing"] for each in shown["components"]}[API] == "degraded_performance"
    shown = (await desk.put(f"{DESK}/components/{ORDERS}", json={"standing": "partial outage"})).json()
    orders = next(each for each in shown["components"] if each["name"] == ORDERS)
    assert (orders["standing"], orders["held_by"]) == ("partial_outage", "token:lin")
    assert (await desk.delete(f"{DESK}/components/{orders['id']}")).status_code == 204
    window = {"components": [ORDERS], "starts_at": "2026-11-21T03:00:00Z", "ends_at": "2026-11-21T04:00:00Z"}
    shown = (await desk.post(f"{DESK}/maintenances", json=window)).raise_for_status().json()
    [made] = shown["maintenances"]
    assert (made["status"], made["title"]) == ("in_progress", "Maintenance of Orders")
    shown = (await desk.post(f"{DESK}/maintenances/{made['id']}/end", json={})).raise_for_status().json()
    assert shown["maintenances"][0]["status"] == "completed"
    preview = (await desk.post(f"{DESK}/incidents/1/preview", json={"status": "resolved"})).raise_for_status().json()
    assert preview["post"]["text"] == "The problem with Payments and Public API is over."


@pytest.mark.parametrize(
    ("path", "order", "code"),
    [
        ("/incidents/1/posts", {"status": "broken"}, "unknown-status"),
        ("/incidents/7/posts", {"status": "resolved"}, "unknown-incident"),
        ("/incidents/1/posts", {"status": "resolved", "impact": "huge"}, "unknown-impact"),
        ("/incidents/1/posts", {"status": "resolved", "components": {"Nothing": "major"}}, "unknown-component"),
        ("/maintenances/zzz/end", {}, "unknown-maintenance"),
        (
            "/maintenances",
            {"components": [], "starts_at": "2026-11-21T03:00:00Z", "ends_at": "2026-11-21T04:00:00Z"},
            "bad-maintenance",
        ),
        (
            "/maintenances",
            {"components": [ORDERS], "starts_at": "2026-11-21T03:00:00", "ends_at": "2026-11-21T04:00:00Z"},
            "bad-moment",
        ),
        ("/subscribers", {"kind": "pigeon", "address": "x"}, "unknown-kind"),
    ],
)
async def test_orders_that_cannot_be_meant_are_refused(
    platform: OnlyStatusPage, desk: httpx.AsyncClient, path: str, order: dict[str, Any], code: str
) -> None:
    await platform.page.fire(alert("payments"))
    answer = await desk.post(f"{DESK}{path}", json=order)
    assert (answer.json()["code"], answer.status_code // 100) == (code, 4)


async def test_strangers_change_nothing_and_see_no_subscribers(public: httpx.AsyncClient) -> None:
    assert (await public.get(DESK)).status_code == 401
    assert (await public.get(f"{DESK}/subscribers")).status_code == 401
    assert (await public.post(f"{DESK}/incidents/1/posts", json={"status": "resolved"})).status_code == 401


async def test_the_desk_adds_lists_and_removes_subscribers(desk: httpx.AsyncClient, public: httpx.AsyncClient) -> None:
    order = {"kind": "webhook", "address": "http://127.0.0.1:9/hook", "components": [ORDERS]}
    made = (await desk.post(f"{DESK}/subscribers", json=order)).raise_for_status().json()
    assert (await desk.post(f"{DESK}/subscribers", json=order)).status_code == 409
    listed = (await desk.get(f"{DESK}/subscribers")).json()["subscribers"]
    assert [(each["id"], each["components"]) for each in listed] == [(made["id"], [ORDERS])]
    assert (await desk.delete(f"{DESK}/subscribers/{made['id']}")).status_code == 204
    assert (await desk.delete(f"{DESK}/subscribers/{made['id']}")).status_code == 404


async def test_a_page_without_components_is_a_page(database: Database, tmp_path: Path) -> None:
    whole = spec()
    bare = replace(whole, status_page=replace(whole.status_page, components=(), title=""))
    platform = await make(database, StateDir(tmp_path / "state"), bare)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=platform.app), base_url="http://control") as client:
        answer = await client.get("/status")
        told = json.loads((await client.get("/status/api/v2/summary.json")).content)
    assert "No components are declared" in answer.text
    assert told["page"]["name"] == "sample"
