"""The page of an incident behind a link: what it shows, what its buttons do once, and what it never tells."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from stationmaster.api.pages.render import page
from stationmaster.core.facts import Alert, AlertFired, BalancerState, RunEnded, RunStarted, RunStepEnded, TargetChanged
from stationmaster.core.response import Publishing, StatusPage
from stationmaster.incidents.links import Link
from stationmaster.incidents.talk.moments import Moment, Template
from stationmaster.incidents.talk.runbook import RunbookFile
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_incidents import client_of, make_app
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, at
from tests.incidents.world import LADDER
from tests.served import LIMIT_S

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{% raw %}"


@dataclass(frozen=True, slots=True)
class Served:
    world: TalkWorld
    api: httpx.AsyncClient

    def link(self, who: str = "engineer") -> str:
        token = self.world.incidents.links.token(Link(incident=1, who=who), self.world.incidents.clock.now())
        return f"/i/{token}"

    async def page(self, link: str) -> str:
        answer = await self.api.get(link)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def press(self, link: str) -> str:
        """What is shown after a button."""
        answer = await self.api.post(link)
        assert answer.status_code == 303, answer.text
        assert "refresh" not in answer.text
        shown = await self.api.get(str(answer.next_request.url) if answer.next_request else "")
        assert shown.status_code == 200
        return shown.text

    async def lines(self, kind: str) -> list[str]:
        return await self.world.lines(kind)


def evil_alert() -> Alert:
    labels = {**alert().labels, "instance": EVIL, "team": EVIL}
    return replace(alert(), summary=f"{EVIL} is down", url=f"javascript:alert('{EVIL}')", labels=labels)


async def worked(world: TalkWorld, which: Alert) -> None:
    """One incident with a run that ended, a target that is out and one that is back, and news that are owed."""
    await world.facts(AlertFired(at=at(0), alert=which, evidence=f"{EVIL} refused"))
    out = TargetChanged(
        at=at(4),
        virtual_host="keys",
        target="127.0.0.1:8888",
        state=BalancerState.OUT,
        by="healing",
        why="3 of 3",
        acknowledged={"node-1": 12.0},
        incident=1,
    )
    await world.facts(
        RunStarted(at=at(1), incident=1, run="run-1", runbook=f"Down {EVIL}", why="it names the alert"),
        RunStepEnded(at=at(2), incident=1, run="run-1", step="1", title="Ask it", verdict="failed", detail=EVIL),
        RunStepEnded(at=at(3), incident=1, run="run-1", step="2", title="Its log", verdict="passed", detail=""),
        out,
        replace(out, target="127.0.0.1:8889"),
        replace(out, target="127.0.0.1:8889", state=BalancerState.IN, at=at(5)),
        RunEnded(at=at(6), incident=1, run="run-1", outcome="escalated", detail="it did not help"),
    )
    await world.until(16, step_s=240)


@pytest.fixture
async def served(database: Database, tmp_path: Path) -> AsyncIterator[Served]:
    world = TalkWorld(database, Cell(owing_spec(policy=LADDER)))
    await worked(world, evil_alert())
    file = tmp_path / "down.md"
    file.write_text(f"# Down\n\n{EVIL}\n", "utf-8")

    async def runbook(_incident: int) -> RunbookFile:
        return RunbookFile(title=f"Down {EVIL}", path=file)

    async with client_of(replace(world.incidents, runbook=runbook)) as api:
        yield Served(world, api)


class Markup(HTMLParser):
    """Which elements, attributes and links a page has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "action", "src")]


async def test_the_page_tells_what_one_needs_at_night(served: Served) -> None:
    html = await served.page(served.link())
    for told in (
        "triggered",
        "for 16 minutes",
        "api_key_service",
        "us-south",
        "step 1 Ask it: failed",
        "step 2 Its log: passed",
        "127.0.0.1:8888 taken out of keys",
        "owed since 03:15 UTC, for 1 minute",
        "Investigating: triggered, critical, since 03:00 UTC",
        "Acknowledge as engineer",
        "Escalate to level",
        "Resolve …",
    ):
        assert told in html, told
    out = html.partition("Targets out of the balancer")[2].partition("</section>")[0]
    assert "127.0.0.1:8888" in out
    assert "127.0.0.1:8889" not in out, "it was put back"


async def test_nothing_that_comes_from_outside_is_markup_or_a_link(served: Served) -> None:
    link = served.link()
    for path in ("", "/update", "/resolve", "/runbook"):
        html = await served.page(link + path)
        markup = Markup(html)
        assert not markup.elements & {"script", "img", "iframe", "object", "svg", "link"}
        assert not [each for each in markup.attributes if each.startswith("on")]
        assert not [each for each in markup.links if ":" in each], "javascript: is no link"
        assert "{{7*7}}" in html or "7*7" not in html
    assert "&lt;script&gt;" in await served.page(link)


async def test_every_answer_forbids_scripts_frames_caches_and_referers(served: Served) -> None:
    link = served.link()
    answers = [
        await served.api.get(each) for each in (link, f"{link}/resolve", f"{link}/runbook", "/i/x", "/incidents/1")
    ]
    answers.append(await served.api.post(link))
    for each in answers:
        assert each.headers["referrer-policy"] == "no-referrer"
        assert each.headers["cache-control"] == "no-store"
        assert each.headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in each.headers["content-security-policy"]
        assert each.headers["x-robots-tag"] == "noindex, nofollow"


async def test_looking_however_often_changes_nothing(served: Served) -> None:
    before = await served.world.incidents.story(1)
    link = served.link()
    for path in ("", "/update", "/resolve", "/runbook", "?done=resolved"):
        await served.page(link + path)
    assert await served.world.incidents.story(1) == before


async def test_each_button_does_once_what_it_says_however_often_it_is_pressed(served: Served) -> None:
    link = served.link()
    level = int((await served.page(link)).partition("Escalate to level ")[2][0])
    for _ in range(3):
        await served.press(link)
        await served.press(f"{link}/escalate/{level}")
        await served.press(f"{link}/update/0")
        await served.world.tick()
    for _ in range(2):
        await served.press(f"{link}/resolve")
    for kind in ("incident.acknowledged", "incident.escalated", "incident.updated"):
        assert len([each for each in await served.lines(kind) if "cannot be reached" not in each]) == 1, kind
    story = await served.world.incidents.story(1)
    by = {each.by for each in story.timeline if each.kind in ("incident.acknowledged", "incident.updated")}
    assert by == {"engineer"}
    assert [each.by for each in story.timeline if each.kind == "incident.resolved"] == ["engineer"]


async def test_who_still_works_on_what_is_mitigated_says_so_once(served: Served) -> None:
    await served.world.incidents.acts.mitigate(1, by="lin")
    for _ in range(3):
        await served.press(served.link())
    assert len(await served.lines("incident.acknowledged")) == 1


async def test_buttons_pressed_at_the_same_moment_act_once(served: Served) -> None:
    link = served.link()
    level = int((await served.page(link)).partition("Escalate to level ")[2][0])
    for path in ("", f"/escalate/{level}", "/update/0", "/resolve"):
        answers = await asyncio.gather(*(served.api.post(link + path) for _ in range(5)))
        assert {each.status_code for each in answers} == {303}, path
    for kind in ("incident.acknowledged", "incident.escalated", "incident.updated", "incident.resolved"):
        assert len(await served.lines(kind)) == 1, kind


async def test_what_was_done_is_said_in_fixed_words(served: Served) -> None:
    link = served.link()
    assert "Acknowledged, engineer. Nobody else is paged for now." in await served.press(link)
    assert "acknowledged by engineer" in await served.page(link)
    assert "The update is posted." in await served.press(f"{link}/update/0")
    assert "An update was given already" in await served.press(f"{link}/update/0")
    assert EVIL[:12] not in await served.page(f"{link}?done={EVIL[:12]}")
    assert "Resolved." in await served.press(f"{link}/resolve")
    shown = await served.page(link)
    assert "There is nothing to acknowledge any more." in shown
    assert "<form" not in shown


async def test_a_link_to_look_shows_the_same_and_acts_never(served: Served) -> None:
    link = served.link("")
    html = await served.page(link)
    assert "Investigating: triggered" in html
    assert "<form" not in html
    before = await served.world.incidents.story(1)
    for path in ("", "/escalate/2", "/update/0", "/resolve"):
        assert (await served.api.post(link + path)).status_code == 403
    for path in ("/update", "/resolve"):
        assert (await served.api.get(link + path)).status_code == 403
    assert await served.world.incidents.story(1) == before
    served.world.passes(timedelta(days=6).total_seconds())
    await served.page(link)
    served.world.passes(timedelta(days=2).total_seconds())
    assert (await served.api.get(link)).status_code == 410


async def test_what_users_would_be_told_is_shown_before_it_is_posted(served: Served) -> None:
    link = served.link()
    assert "Users are told" not in await served.page(f"{link}/update")
    served.world.templates = (Template(moment=Moment.OPENED, text="ETA [TIME]"),)
    spec = replace(served.world.declared.value, status_page=StatusPage(publish=Publishing.AUTOMATIC))
    served.world.declared.set(spec)
    html = await served.page(f"{link}/update")
    assert "Users are told on the status page" in html
    assert "Nobody knows what to put for [TIME]: users are not told." in html


async def test_the_bare_address_says_how_to_get_in_and_nothing_of_the_incident(served: Served) -> None:
    for number in (1, 99):
        answer = await served.api.get(f"/incidents/{number}")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert f"<code>stm incident show {number}</code>" in answer.text
        assert "key-us-south" not in answer.text
    first, second = [(await served.api.get(f"/incidents/{number}")).text for number in (1, 99)]
    assert first.replace("1", "") == second.replace("99", "").replace("1", "")


async def test_a_runbook_that_is_gone_is_said_to_be(served: Served, tmp_path: Path) -> None:
    link = f"{served.link()}/runbook"
    assert "# Down" in await served.page(link)
    (tmp_path / "down.md").unlink()
    answer = await served.api.get(link)
    assert answer.status_code == 404
    assert "cannot be read" in answer.text


async def test_no_log_has_a_token_also_where_something_breaks(
    served: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("stationmaster.api.routes.acknowledge.page_of", breaks)
    link = served.link()
    with structlog.testing.capture_logs() as logged:
        assert (await served.api.get(link)).status_code == 500
        await served.api.get("/i/made-up.token/resolve")
    printed = capfd.readouterr()
    token = link.removeprefix("/i/")
    assert [each["path"] for each in logged if each["event"] == "request failed"] == ["/i/{token}"]
    assert token not in str([{**each, "exc_info": ""} for each in logged]) + printed.out + printed.err


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_makes_an_element(title: str, text: str) -> None:
    plain = Markup(str(page("said.html", title="", paragraphs=[""], text="x", back="").content))
    made = Markup(str(page("said.html", title=title, paragraphs=[text], text=text or "x", back="").content))
    between_backticks = {"code"} if "`" in text else set()
    assert (made.elements - between_backticks, made.attributes) == (plain.elements, plain.attributes)


@asynccontextmanager
async def served_at(served: Served, port: int) -> AsyncIterator[str]:
    config = uvicorn.Config(make_app(served.world.incidents), port=port, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Browser:
    """Chromium by its debugging protocol; `said` are the lines of its console."""

    socket: ClientConnection
    said: list[str] = field(default_factory=list)
    loaded: int = 0
    _number: int = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        await self.socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = await self._next()
            if answer.get("id") == self._number:
                return dict(answer["result"])

    async def open(self, url: str) -> None:
        wanted = self.loaded + 1
        await self.ask("Page.navigate", url=url)
        while self.loaded < wanted:
            await self._next()

    async def value(self, expression: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_S):
            answer: dict[str, Any] = json.loads(await self.socket.recv())
        self.loaded += answer.get("method") == "Page.loadEventFired"
        if answer.get("method") == "Log.entryAdded":
            self.said.append(str(answer["params"]["entry"]["text"]))
        return answer


@asynccontextmanager
async def browser(port: int, folder: Path) -> AsyncIterator[Browser]:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}"]
    process = await asyncio.create_subprocess_exec(
        "chromium", *flags, f"--remote-debugging-port={port}", "about:blank", stderr=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(LIMIT_S):
            while True:
                try:
                    found = (await client.get(f"http://127.0.0.1:{port}/json/list")).json()
                    page_ = next(each for each in found if each["type"] == "page")
                    break
                except (httpx.TransportError, StopIteration):
                    await asyncio.sleep(0.05)
        async with connect(page_["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
            made = Browser(socket)
            for domain in ("Page", "Log", "Runtime"):
                await made.ask(f"{domain}.enable")
            yield made
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium here")
async def test_a_browser_shows_it_narrow_and_wide_light_and_dark_and_its_buttons_lead_back(
    served: Served, free_port: Callable[[], int], tmp_path: Path
) -> None:
    async with served_at(served, free_port()) as base, browser(free_port(), tmp_path / "profile") as chromium:
        url = f"{base}{served.link()}"
        grounds = set()
        for width, scheme in ((320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")):
            metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 800}
            await chromium.ask("Emulation.setDeviceMetricsOverride", **metrics)
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await chromium.ask("Emulation.setEmulatedMedia", features=features)
            for path in ("", "/update", "/resolve", "/runbook"):
                await chromium.open(url + path)
                assert await chromium.value("document.documentElement.scrollWidth") <= width, (path, width)
                lowest = "Math.min(...[...document.querySelectorAll('button')].map(b => b.offsetHeight), 99)"
                assert await chromium.value(lowest) >= 44, "a thumb can press it"
            grounds.add(await chromium.value("getComputedStyle(document.body).backgroundColor"))
        assert len(grounds) == 2, "light and dark"
        await chromium.open(url)
        await chromium.value("document.querySelector('form button').click()")
        while "done=acknowledged" not in await chromium.value("location.href"):
            await asyncio.sleep(0.05)
        assert "Acknowledged, engineer" in await chromium.value("document.body ? document.body.innerText : ''")
        assert await chromium.value("document.referrer") == ""
        assert [each for each in chromium.said if "favicon" not in each and "404" not in each] == []
    assert len(await served.lines("incident.acknowledged")) == 1
