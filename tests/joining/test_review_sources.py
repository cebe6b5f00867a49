"""What reviews learn from runs, their files and the samples of the gateway."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.review.proposals import Changed, Kind, Seen, propose
from stationmaster.incidents.review.worked import Work, WorkedStep
from stationmaster.joining.review_sources import RequestsForReviews, RunsForReviews
from stationmaster.monitor.promql.results import Fault, QueryError, Result, Vector, VectorSample
from stationmaster.monitor.query.queries import TERMS, Terms
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.plan.words import title_of
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runtime.db import Database
from tests.incidents.review.test_proposals import worked as worked_of
from tests.incidents.test_incidents import NOW
from tests.runbooks.test_loop import worked
from tests.runbooks.world import OWN, World

SEEN = Seen(incident=1)
TASKS = """
## Alert thresholds

- Error rate > 5%

## Post-incident tasks

- Tell customers within 1 hour
- [x] Something that is done
"""
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Our own runbook in a repository, its last question another one and without what is expected of the answer."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    text = "".join(OWN.read_text("utf-8").rsplit(' expect="The API is available and operational"', 1)) + TASKS
    text = "--max-time 3".join(text.rsplit("--max-time 4", 1))
    file = tmp_path / "books" / "key service.md"
    file.parent.mkdir()
    file.write_text(text, "utf-8")
    return file


async def work_of(database: Database, book: Path, world: World) -> Work:
    shelf = Shelf(lambda: (book.parent,))
    await worked(database, world, shelf.runbooks())
    return await sources(database, book)(1)


def sources(database: Database, book: Path) -> RunsForReviews:
    spec = PlatformSpec(environment="sample", runbooks=(book.parent,))
    return RunsForReviews(database=database, shelf=Shelf(lambda: (book.parent,)), declared=lambda: spec)


async def test_a_run_is_told_with_its_steps_its_file_and_what_is_to_be_done_after(
    database: Database, book: Path
) -> None:
    work = await work_of(database, book, World())
    (run,) = work.runs
    assert (run.outcome, run.file.path, run.file.digest) == ("cured", "books/key service.md", run.digest)
    assert [(each.text, each.due_s) for each in run.file.tasks] == [("Tell customers within 1 hour", 3600)]
    assert [each.text for each in run.file.thresholds] == ["Error rate > 5%"]
    assert work.home == (str(book.parents[1].resolve()), "books")
    assert work.taken == {"key service.md"}
    looks = [each for each in run.steps if each.command.startswith("curl")]
    assert [each.judged for each in looks] == [True, True, False]
    assert "available and operational" in looks[-1].output
    skipped = {each.key for each in run.steps if each.verdict == "skipped"}
    assert (run.past_runs, dict(run.past_skips)) == (1, dict.fromkeys(skipped, 1))
    assert skipped


async def test_an_incident_without_a_run_has_the_place_for_a_new_runbook(database: Database, book: Path) -> None:
    found = await sources(database, book)(7)
    assert (found.runs, found.home) == ((), (str(book.parents[1].resolve()), "books"))


@needs_git
async def test_the_proposal_for_a_real_run_is_taken_by_git_and_judges_the_next_run(
    database: Database, book: Path
) -> None:
    work = await work_of(database, book, World())
    (changed,) = propose(SEEN, work)
    assert {each.kind for each in changed.proposals} >= {Kind.EXPECTATION, Kind.THRESHOLD_SILENT}
    applied(changed)
    (runbook,) = Shelf(lambda: (book.parent,)).runbooks()
    last = [each for each in runbook.walk() if each.commands][-1]
    assert [each.value for each in last.expectations] == ["The API is available and operational"]
    after = await sources(database, book)(1)
    assert after.runs[0].file.digest != after.runs[0].digest
    assert propose(SEEN, after) == ()


def applied(changed: Changed) -> None:
    done = subprocess.run(
        ["git", "apply", "-"], cwd=changed.root, input=changed.diff.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


async def test_a_file_that_is_gone_leaves_the_run_without_text(database: Database, book: Path) -> None:
    await work_of(database, book, World())
    await asyncio.to_thread(book.unlink)
    (run,) = (await sources(database, book)(1)).runs
    assert (run.file.text, run.file.tasks, propose(SEEN, Work(runs=(run,)))) == (None, (), ())


class Asked:
    """Answers every query with the same, and keeps it."""

    def __init__(self, answer: Result | QueryError) -> None:
        self.answer = answer
        self.queries: list[tuple[str, int]] = []

    def instant(self, query: str, at_ms: int, terms: Terms = TERMS) -> Result:
        self.queries.append((query, at_ms))
        if isinstance(self.answer, QueryError):
            raise self.answer
        return self.answer

    async def ask(self, work: Callable[[Any, Terms], Any], terms: Terms = TERMS) -> Any:
        return work(self, terms)


def vector(*found: tuple[str, str, float]) -> Result:
    value = Vector(
        samples=[
            VectorSample(labels=(("api", api), ("code_class", code)), value=value, at_ms=0)
            for api, code, value in found
        ]
    )
    return Result(value=value)


async def counted(asked: Asked, apis: Sequence[str]) -> tuple[float, float, int] | None:
    source = RequestsForReviews(desk=asked)  # type: ignore[arg-type]
    found = await source(NOW, NOW + timedelta(seconds=90), apis)
    return None if found is None else (found.total, found.failed, len(found.by_api))


@pytest.mark.parametrize(
    ("apis", "numbers"),
    [((), (111, 11, 2)), (("sample",), (11, 1, 1)), (("other",), None)],
)
async def test_failed_requests_are_those_that_the_gateway_answered_with_5xx(
    apis: Sequence[str], numbers: tuple[float, float, int] | None
) -> None:
    asked = Asked(vector(("sample", "2xx", 10), ("sample", "5xx", 1), ("keys", "2xx", 90), ("keys", "5xx", 10)))
    assert await counted(asked, apis) == numbers
    ((query, at_ms),) = asked.queries
    assert query == "sum by (api, code_class) (increase(stationmaster_api_requests_total[91s]))"
    assert at_ms == int((NOW + timedelta(seconds=90)).timestamp() * 1000)


async def test_where_nobody_answers_nobody_knows() -> None:
    assert await counted(Asked(QueryError(Fault.TIMEOUT, "too slow")), ()) is None
    assert await RequestsForReviews(desk=None)(NOW, NOW, ()) is None


@needs_git
def test_proposals_for_every_step_of_the_seeds_are_taken_by_git_and_lose_no_command(
    seeds: Path, tmp_path: Path
) -> None:
    placed = 0
    for file in sorted(seeds.glob("*.txt")):
        text = file.read_bytes().decode()
        runbook = read_runbook(text, file=str(file)).runbook
        steps = tuple(
            WorkedStep(
                key=each.address,
                title=title_of(command.text),
                kind="check",
                command=title_of(command.text),
                first=each.lines.first,
                last=each.lines.last,
                judged=False,
                verdict=("passed", "refused")[number % 2],
                detail="not runnable here: no such tool",
                output="all is well here\n",
            )
            for each in runbook.walk()
            for number, command in enumerate(each.commands)
        )
        for changed in propose(SEEN, worked_of(*steps, text=text, path=f"{file.stem}.md")):
            (tmp_path / changed.path).write_bytes(text.encode())
            applied(replace(changed, root=str(tmp_path)))
            after = read_runbook((tmp_path / changed.path).read_bytes().decode(), file="x.md").runbook
            assert commands_of(after) == commands_of(runbook), file.name
            placed += sum(bool(each.edits) for each in changed.proposals)
    assert placed > 20


def commands_of(runbook: Runbook) -> list[str]:
    return [command.text for each in runbook.walk() for command in each.commands]
