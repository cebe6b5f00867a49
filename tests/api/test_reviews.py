"""Reviews over REST: texts, tasks, durations, proposals, and every refusal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from stationmaster.runtime.db import Database
from tests.api.only_reviews import client_of
from tests.incidents.review.desk_world import Desk
from tests.incidents.review.test_proposals import UNJUDGED, worked
from tests.incidents.review.test_review_loop import STORY, WORK
from tests.incidents.test_incidents import NOW

PATH, TASKS = "/api/v1/reviews", "/api/v1/review-tasks"


@dataclass(frozen=True, slots=True)
class Served:
    desk: Desk
    api: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    desk = Desk(database, work=WORK)
    await desk.facts(*STORY)
    async with client_of(desk.reviews) as api:
        yield Served(desk, api)


async def test_a_review_is_shown_with_its_durations_and_tasks(served: Served) -> None:
    (summary,) = (await served.get(PATH))["reviews"]
    assert (summary["incident"], summary["finished_at"]) == (1, None)
    shown = await served.get(f"{PATH}/1")
    assert (shown["version"], shown["versions"][0]["by"]) == (1, "stationmaster")
    assert shown["text"].startswith("# Review of incident #1")
    assert (shown["durations"]["detect_s"], shown["durations"]["resolve_s"]) == (2, 61)
    assert [each["text"] for each in shown["tasks"]] == ["Tell customers", "Write and finish the review"]
    assert (await served.get(f"{PATH}/1/draft"))["text"].startswith("# Review of incident #1")


async def test_a_text_is_written_once_for_each_version_and_finished(served: Served) -> None:
    first = await served.api.put(f"{PATH}/1", json={"text": "mine", "instead_of": 1})
    assert (first.status_code, first.json()["version"]) == (200, 2)
    again = await served.api.put(f"{PATH}/1", json={"text": "yours", "instead_of": 1})
    assert (again.status_code, again.json()["code"]) == (409, "written-meanwhile")
    done = await served.api.post(f"{PATH}/1/finish", json={})
    assert (done.status_code, done.json()["review"]["finished_by"]) == (200, "lin")
    assert (await served.get(PATH, unfinished=True))["reviews"] == []


async def test_tasks_are_added_given_done_and_opened_again(served: Served) -> None:
    order = {"text": "raise the limit", "due_at": (NOW + timedelta(days=1)).isoformat()}
    made = (await served.api.post(f"{PATH}/1/tasks", json=order)).json()
    assert (made["owner"], made["overdue"], made["source"]) == ("lin", False, "lin")
    number = made["id"]
    changed = await served.api.patch(f"{TASKS}/{number}", json={"owner": "manager", "due_at": "2020-01-05T09:00:00"})
    assert (changed.json()["owner"], changed.json()["due_at"]) == ("manager", "2020-01-05T09:00:00Z")
    assert changed.json()["overdue"]
    done = await served.api.patch(f"{TASKS}/{number}", json={"done": True})
    assert done.json()["done_by"] == "lin"
    assert [each["id"] for each in (await served.get(TASKS, owner="manager"))["tasks"]] == []
    assert [each["id"] for each in (await served.get(TASKS, owner="manager", all=True))["tasks"]] == [number]
    again = await served.api.patch(f"{TASKS}/{number}", json={"done": False, "text": "more"})
    assert (again.json()["done_at"], again.json()["text"]) == (None, "more")


async def test_durations_are_told_by_what_is_asked_for(served: Served) -> None:
    found = await served.get(f"{PATH}/stats", since=(NOW - timedelta(days=1)).isoformat(), by="severity")
    (group,) = found["groups"]
    assert (group["name"], group["count"], group["resolve"]["median_s"]) == ("critical", 1, 61)
    assert (group["acknowledge"]["count"], group["acknowledge"]["mean_s"]) == (0, None)
    assert (await served.get(f"{PATH}/stats", since="2030-01-01"))["groups"] == []


async def test_proposals_are_diffs_with_their_reasons(served: Served) -> None:
    served.desk.work = worked(UNJUDGED)
    (change,) = (await served.get(f"{PATH}/1/proposals"))["changes"]
    assert (change["path"], change["moved"]) == ("docs/queue.md", False)
    assert change["diff"].startswith("diff --git a/docs/queue.md b/docs/queue.md\n--- a/docs/queue.md\n")
    assert change["proposals"][0]["kind"] == "expectation"


@pytest.mark.parametrize(
    ("method", "path", "order", "status", "code"),
    [
        ("GET", f"{PATH}/9", None, 404, "unknown-incident"),
        ("GET", f"{PATH}/9/draft", None, 404, "no-review"),
        ("GET", f"{PATH}/9/proposals", None, 404, "unknown-incident"),
        ("PUT", f"{PATH}/9", {"text": "x"}, 404, "no-review"),
        ("PUT", f"{PATH}/1", {"text": " "}, 400, "empty-review"),
        ("PUT", f"{PATH}/1", {"text": "x", "by": "me"}, 400, None),
        ("POST", f"{PATH}/9/finish", {}, 404, "no-review"),
        ("POST", f"{PATH}/9/tasks", {"text": "x", "due_at": "2030-01-01T00:00:00Z"}, 404, "unknown-incident"),
        ("POST", f"{PATH}/1/tasks", {"text": " ", "due_at": "2030-01-01T00:00:00Z"}, 400, "empty-task"),
        ("PATCH", f"{TASKS}/99", {"done": True}, 404, "unknown-task"),
        ("GET", f"{PATH}/stats?by=colour", None, 400, "unknown-grouping"),
        ("GET", f"{PATH}/stats?since=yesterday", None, 400, "bad-moment"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_hint(
    served: Served, method: str, path: str, order: dict[str, Any] | None, status: int, code: str | None
) -> None:
    answer = await served.api.request(method, path, json=order)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code
        assert answer.json()["hint"]


async def test_a_process_without_reviews_says_so() -> None:
    async with client_of(None) as api:
        answer = await api.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "no-reviews")


async def test_what_is_left_to_do_stands_among_the_metrics(served: Served) -> None:
    await served.desk.passes(timedelta(hours=30), timedelta(hours=6))
    found = {each.name: dict(each.samples) for each in await served.desk.loop.readings()}
    assert found == {
        "review_tasks_open": {(): 2},
        "review_tasks_overdue": {("api_key_service",): 2.0},
        "reviews_unfinished": {(): 1},
    }
