"""The interpreter as timed stories: what is asked next, from the journal and what was heard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stationmaster.runbooks.course import ByHand, next_moves
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.run import Do, Entry, Finish, Manner, Outcome, Settle, Signals, Wait
from tests.runbooks.world import MOMENT, OWN, loaded, planned

PASSED, FAILED, REFUSED = Verdict.PASSED, Verdict.FAILED, Verdict.REFUSED


@dataclass(slots=True)
class Story:
    """Walks the plan of our own runbook; `answers` are the verdicts of looks and changes by key."""

    answers: Mapping[str, Verdict | list[Verdict]]
    recovers_at_s: float | None = None
    plan: Plan = field(default_factory=lambda: planned(loaded(OWN)))
    journal: dict[str, Entry] = field(default_factory=dict)
    now: datetime = MOMENT
    done: list[str] = field(default_factory=list)

    def told(self) -> Finish:
        for _ in range(2000):
            match next_moves(self.plan, self.journal, {}, self.now, signals=self._signals())[0]:
                case Finish() as finish:
                    return finish
                case Wait(until=until):
                    assert until > self.now
                    self.now = until
                case Settle(step=step, verdict=verdict, why=why):
                    self._end(step, verdict, why)
                case Do(step=step) | ByHand(step=step):
                    self._do(step)
        raise AssertionError("the story does not end")

    def _signals(self) -> Signals:
        at = None if self.recovers_at_s is None else MOMENT + timedelta(seconds=self.recovers_at_s)
        return Signals(recovered_at=at if at is not None and at <= self.now else None, listening=True)

    def _do(self, step: PlannedStep) -> None:
        self.done.append(step.key)
        given = self.answers.get(step.key, PASSED)
        verdict = given if isinstance(given, Verdict) else given.pop(0) if len(given) > 1 else given[0]
        before = self.journal.get(step.key)
        self.journal[step.key] = Entry(
            key=step.key,
            started_at=before.started_at if before else self.now,
            tried_at=self.now,
            attempts=(before.attempts if before else 0) + 1,
            detail="seen",
        )
        if verdict is not FAILED or step.kind.value == "action":
            self._end(step, verdict, "seen")

    def _end(self, step: PlannedStep, verdict: Verdict, why: str) -> None:
        before = self.journal.get(step.key)
        self.journal[step.key] = Entry(
            key=step.key,
            started_at=before.started_at if before else self.now,
            tried_at=self.now,
            attempts=before.attempts if before else 0,
            verdict=verdict,
            detail=why,
            ended_at=self.now,
        )

    @property
    def seconds(self) -> float:
        return (self.now - MOMENT).total_seconds()

    def why(self, key: str) -> str:
        return self.journal[key].detail


def test_a_dead_instance_is_restarted_and_put_back_after_its_recovery_alert() -> None:
    story = Story({"1": FAILED, "6": [FAILED, FAILED, PASSED]}, recovers_at_s=3)
    assert story.told().outcome is Outcome.CURED
    assert [key for key in story.done if key != "6"] == ["1", "2", "3a", "4", "5", "7.1", "7.2", "7.2v"]
    assert story.done.count("6") == 3
    assert story.seconds >= 3


def test_self_healing_gets_five_seconds() -> None:
    story = Story({"1": FAILED, "3a": FAILED}, recovers_at_s=10)
    assert story.told().outcome is Outcome.CURED
    assert "3b" in story.done
    started, ended = story.journal["3a"].started_at, story.journal["3b"].started_at
    assert 5 <= (ended - started).total_seconds() < 8


def test_a_restart_that_does_not_help_is_waited_for_and_then_escalated() -> None:
    story = Story({"1": FAILED, "6": FAILED})
    end = story.told()
    assert (end.outcome, end.why) == (Outcome.ESCALATED, "level 2 was asked to look")
    assert 120 <= story.seconds < 130
    assert story.done[-2:] == ["8.1", "8.2"]
    assert "7.2" not in story.done


def test_a_recovery_alert_that_never_comes_is_escalated_after_two_minutes() -> None:
    story = Story({"1": FAILED})
    assert story.told().outcome is Outcome.ESCALATED
    assert 120 <= story.seconds < 125
    assert story.why("7.1") == "no recovery alert came within 120 s"
    assert "7.2" not in story.done


def test_what_recovers_by_itself_is_not_restarted_but_put_back() -> None:
    story = Story({"1": FAILED, "3a": [FAILED, PASSED]}, recovers_at_s=0.1)
    assert story.told().outcome is Outcome.CURED
    assert "5" not in story.done
    assert story.why("5") == "it recovered by itself after the check"
    assert "7.2" in story.done


def test_an_error_that_the_runbook_names_keeps_the_restart_back() -> None:
    story = Story({"1": FAILED, "4": FAILED, "6": FAILED})
    assert story.told().outcome is Outcome.ESCALATED
    assert "5" not in story.done
    assert story.done.count("6") == 1
    assert story.seconds < 1


def test_a_check_that_cannot_be_made_changes_nothing() -> None:
    story = Story({"1": REFUSED, "6": REFUSED})
    assert story.told().outcome is Outcome.ESCALATED
    assert set(story.done) == {"1", "2", "4", "6", "8.1", "8.2"}


def test_a_target_that_could_not_be_put_back_is_escalated() -> None:
    story = Story({"1": FAILED, "7.2": FAILED}, recovers_at_s=1)
    assert story.told().outcome is Outcome.ESCALATED
    assert story.done[-1] == "8.2"


def test_a_change_of_unknown_outcome_is_resumed_and_not_begun() -> None:
    plan = planned(loaded(OWN))
    ended = {
        key: Entry(
            key=key, started_at=MOMENT, tried_at=MOMENT, attempts=1, verdict=verdict, detail="seen", ended_at=MOMENT
        )
        for key, verdict in {
            "1": FAILED,
            "2": PASSED,
            "3a": PASSED,
            "3b": Verdict.SKIPPED,
            "3bv": Verdict.SKIPPED,
            "4": PASSED,
        }.items()
    }
    begun = Entry(key="5", started_at=MOMENT, tried_at=MOMENT, attempts=0)
    (move,) = next_moves(plan, {**ended, "5": begun}, {}, MOMENT)
    assert isinstance(move, Do)
    assert (move.step.key, move.manner) == ("5", Manner.RESUMED)
