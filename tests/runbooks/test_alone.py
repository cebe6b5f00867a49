"""A runbook of any team worked without a server: values, looks, changes, verifications, and what a person decides."""

import asyncio
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.alone import plan_alone
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedKind
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import (
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)
from tests.runbooks.people import CHANGE, Person, alone, fence, listed, request, run


async def test_a_diagnosis_runs_by_itself_and_says_what_it_saw(tmp_path: Path) -> None:
    person = Person()
    text = fence("printf 'a Running\\nb Pending\\n'", prose="You should see 2 pods with the status `Running`.")
    finished = await run(text, tmp_path, person)
    assert finished.outcome is Outcome.FAILED
    assert "expected 2 Running, counted 1: b Pending" in person.ended("1").why
    assert [person.requests, person.by_hand, person.failures] == [[], [], []]


async def test_values_come_from_where_they_are_named_in_order(tmp_path: Path) -> None:
    text = "# T\n\n## Steps\n\n1. Look.\n   ```bash\n   echo <one-x> <two-x> <three-x> <four-x> $FIVE_X\n   ```\n"
    asked = request(
        text,
        tmp_path,
        values={"one-x": "set", "two-x": "set"},
        labels={"two_x": "label", "three_x": "label"},
        data={"three_x": "data", "four_x": "data"},
        env={"ONE_X": "env", "FIVE_X": "env", "PATH": "/usr/bin:/bin"},
    )
    places = {each.name: (each.value, each.told) for each in plan_alone(asked).steps[0].places}
    assert places == {
        "one_x": ("set", "--set one-x"),
        "two_x": ("set", "--set two-x"),
        "three_x": ("label", "the alert's label three_x"),
        "four_x": ("data", "contacts and links four_x"),
        "five_x": ("env", "environment variable FIVE_X"),
    }
    assert plan_alone(asked).steps[0].command == "echo set set label data env"


async def test_a_value_that_breaks_its_pattern_is_refused_with_the_reason_and_asked_again(tmp_path: Path) -> None:
    person = Person(answers={"pod_x": ["web; rm -rf /", "web-1"]})
    text = fence("echo <pod-x>", 'pattern="pod-x=[a-z]+-[0-9]"')
    finished = await run(text, tmp_path, person)
    assert finished.outcome is Outcome.PASSED
    assert [problem for _, problem in person.places] == ["", "it does not match /[a-z]+-[0-9]/"]
    assert person.commands() == ["echo web-1"]


async def test_an_answer_holds_for_the_run_and_a_name_of_everything_for_its_step(tmp_path: Path) -> None:
    person = Person(answers={"pod_x": ["web"], "name": ["one", "two"]})
    text = "# T\n\n## Steps\n\n```bash\necho <pod-x> <name>\necho <pod-x> <name>\n```\n"
    await run(text, tmp_path, person)
    assert person.commands() == ["echo web one", "echo web two"]
    assert [place.name for place, _ in person.places] == ["pod_x", "name", "name"]


async def test_a_place_left_open_refuses_its_step_and_nothing_else(tmp_path: Path) -> None:
    person = Person(answers={"pod_x": [None]})
    text = "# T\n\n## Steps\n\n```bash\necho <pod-x>\necho there\n```\n"
    await run(text, tmp_path, person)
    assert person.verdicts() == {"1": "refused", "2": "passed"}
    assert person.ended("1").why == "nothing says what `<pod-x>` is"


async def test_what_a_step_prints_and_sets_is_there_for_later_steps(tmp_path: Path) -> None:
    person = Person()
    uses = ["echo got $POD <pod>", 'KEPT="it\'s"', "echo $KEPT ${KEPT:-none}", "cd /etc", "pwd"]
    text = fence('printf "db-1 x\\nweb-2 y\\n"', 'capture="POD=^(web-\\d)"')
    text += "2. Use it.\n   ```bash\n   " + "\n   ".join(uses) + "\n   ```\n"
    finished = await run(text, tmp_path, person)
    assert finished.outcome is Outcome.PASSED
    assert person.output().splitlines()[2:] == ["got web-2 web-2", "it's it's", "/etc"]
    assert person.places == []


async def test_secrets_are_in_no_event_and_nowhere_in_the_journal(tmp_path: Path) -> None:
    person = Person(answers={"db_password": ["hunter2hunter2"]})
    text = "# T\n\n## Steps\n\n```bash\necho using <db-password>\ncurl -s http://u:geheim1@127.0.0.1:1/\n```\n"
    await run(text, tmp_path, person, env={"PATH": "/usr/bin:/bin", "API_TOKEN": "tokentoken"})
    assert [place.secret for place, _ in person.places] == [True]
    assert person.output().startswith("using ***\n")
    stored = b"".join(each.read_bytes() for each in (tmp_path / ".runs").iterdir() if each.is_file())
    assert "geheim1" not in str([each for each in person.events if isinstance(each, StepBegan | StepEnded)])
    for secret in ("hunter2hunter2", "tokentoken"):
        assert secret not in str(person.events)
        assert secret.encode() not in stored


async def test_independent_reads_run_together_and_dependent_ones_do_not(tmp_path: Path) -> None:
    person = Person()
    text = "# T\n\n## Steps\n\n```bash\nsleep 0.4\nsleep 0.5\nX=$(sleep 0.6; echo x)\nsleep 0.2\necho $X\n```\n"
    await run(text, tmp_path, person)
    order = [(type(each).__name__, each.step) for each in person.events if isinstance(each, StepBegan | StepEnded)]
    assert {kind for kind, _ in order[:2]} == {"StepBegan"}
    assert order.index(("StepEnded", "2")) < order.index(("StepBegan", "3"))
    assert order.index(("StepEnded", "3")) < order.index(("StepBegan", "5"))


async def test_secrets_of_the_environment_are_hidden_wherever_they_come_out(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("value geheimgeheim here\n")
    person = Person()
    env = {"PATH": "/usr/bin:/bin", "APP_PASSWORD": "geheimgeheim"}
    await run(listed("cat config"), tmp_path, person, env=env)
    assert person.output() == "value *** here\n"
    assert "geheim" not in str(person.events)


async def test_a_wait_polls_a_check_until_it_passes(tmp_path: Path) -> None:
    text = fence("sh -c '(sleep 1; echo ready > state) >/dev/null 2>&1 &'")
    text += "2. Wait 5 minutes.\n3. Check it. The output should contain 'ready'.\n   ```bash\n   cat state\n   ```\n"
    person = Person()
    finished = await run(text, tmp_path, person)
    assert finished.outcome is Outcome.CURED
    assert person.ended("3").attempts > 1
    assert [each.step for each in person.events if isinstance(each, Waiting)] == ["3"]
    assert person.by_hand == []


async def test_only_the_diagnosis_changes_nothing_and_asks_nothing(tmp_path: Path) -> None:
    text = CHANGE + "2. Look.\n   ```bash\n   echo fine\n   ```\n3. Look at the sky.\n"
    person = Person(manual=None, yes=False)
    finished = await run(text, tmp_path, person, read_only=True)
    assert finished.outcome is Outcome.PASSED
    assert person.verdicts() == {"1": "skipped", "1v": "skipped", "2": "passed", "3": "skipped"}
    assert [person.requests, person.by_hand] == [[], []]


@pytest.mark.parametrize(
    ("chosen", "done"),
    [({"only": ("2",)}, {"2"}), ({"from_step": "2"}, {"2", "3"}), ({"only": ("1", "3")}, {"1", "3"})],
)
async def test_only_the_chosen_steps_are_done(chosen: dict[str, object], done: set[str], tmp_path: Path) -> None:
    person = Person()
    await run(listed("echo a", "echo b", "echo c"), tmp_path, person, **chosen)
    assert {key for key, verdict in person.verdicts().items() if verdict == "passed"} == done


def test_a_step_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="there is no step 9") as caught:
        plan_alone(request(listed("echo a"), tmp_path, only=("9",)))
    assert caught.value.hint == "steps are 1"


async def test_what_only_a_person_can_do_is_asked_of_one(tmp_path: Path) -> None:
    person = Person(manual=Verdict.SKIPPED)
    await run(listed("echo a", "Call the customer."), tmp_path, person)
    assert person.verdicts() == {"1": "passed", "2": "skipped"}
    assert person.by_hand[0].kind is PlannedKind.MANUAL


async def test_where_nobody_can_answer_the_run_stops_and_can_be_resumed(tmp_path: Path) -> None:
    text = listed("echo a", "Call the customer.", "echo b")
    async with alone(tmp_path, Person(manual=None)) as face:
        finished = await face.start(request(text, tmp_path))
    assert finished.outcome is Outcome.STOPPED
    person = Person()
    async with alone(tmp_path, person) as again:
        assert (await again.resume(finished.run)).outcome is Outcome.PASSED
        story = await again.story(finished.run)
    assert person.commands() == ["", "echo b"]
    opened = person.events[0]
    assert isinstance(opened, RunOpened)
    assert opened.resumed
    assert [each.step for each in opened.ended] == ["1"]
    assert [each.step for each in story if isinstance(each, StepEnded)] == ["1", "2", "3"]
    assert [each.at for each in story] == sorted(each.at for each in story)


async def test_an_ended_run_is_not_resumed_and_an_abandoned_one_is_ended(tmp_path: Path) -> None:
    async with alone(tmp_path, Person(manual=None)) as face:
        finished = await face.start(request(listed("echo a", "Call her."), tmp_path))
        await face.abandon(finished.run, why="aborted by ann")
        with pytest.raises(PlatformError, match="has ended: aborted by ann"):
            await face.resume(finished.run)
        assert [(each.outcome, each.held_by) for each in await face.runs()] == [(Outcome.ABORTED, None)]
        with pytest.raises(PlatformError, match="there is no run nothing"):
            await face.story("nothing")


async def test_a_second_run_of_the_same_runbook_is_refused_and_of_another_host_is_not(tmp_path: Path) -> None:
    reached, free = asyncio.Event(), asyncio.Event()

    class Waits(Person):
        async def work_by_hand(self, step):  # type: ignore[no-untyped-def]
            reached.set()
            await free.wait()
            return await Person.work_by_hand(self, step)

    text = listed("Call somebody.")
    async with alone(tmp_path, Waits()) as first, alone(tmp_path, Person()) as second:
        task = asyncio.create_task(first.start(request(text, tmp_path, host="a")))
        await reached.wait()
        with pytest.raises(PlatformError, match="is under way already") as caught:
            await second.start(request(text, tmp_path, host="a"))
        assert caught.value.code == "run-under-way"
        assert (await second.start(request(text, tmp_path, host="b"))).outcome is Outcome.PASSED
        free.set()
        await task


async def test_a_cancelled_run_stays_open(tmp_path: Path) -> None:
    text = listed("sleep 60", "echo b")
    person = Person()
    async with alone(tmp_path, person) as face:
        task = asyncio.create_task(face.start(request(text, tmp_path)))
        async with asyncio.timeout(10):
            while "sleep 60" not in person.commands():
                await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [each.outcome for each in await face.runs()] == [None]


async def test_jumps_follow_what_an_output_shows(tmp_path: Path) -> None:
    text = (
        "# T\n\n## Steps\n\n1. If the output contains 'fine', go to step 3.\n   ```bash\n   cat state\n   ```\n"
        "2. Repair.\n   ```bash\n   echo repair\n   ```\n3. Look.\n   ```bash\n   echo done\n   ```\n"
    )
    for state, repaired in (("fine", "skipped"), ("broken", "passed")):
        folder = tmp_path / state
        folder.mkdir()
        (folder / "state").write_text(state)
        person = Person()
        asked = request(text, folder)
        if not any(each.jumps for each in plan_alone(asked).steps):
            pytest.skip("this reader finds no jump")
        await run(text, folder, person)
        assert person.verdicts()["2"] == repaired, state
