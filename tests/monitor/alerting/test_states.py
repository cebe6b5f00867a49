"""Pending, firing, kept and resolved: decisions on a table of moments, without a clock."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from stationmaster.monitor.alerting.clock import ClockWatch, offset_ms, slot_before
from stationmaster.monitor.alerting.evaluate import Moment, Outcome, RuleMemory, evaluate
from stationmaster.monitor.alerting.prepared import prepared
from stationmaster.monitor.alerting.states import MOST_ALERTS, Phase, shifted
from stationmaster.monitor.promql.results import Fault, Matrix, QueryError, Result, Scalar, Vector, VectorSample
from stationmaster.monitor.promql.samples import Labels

RED: Labels = (("__name__", "up"), ("colour", "red"))
BLUE: Labels = (("__name__", "up"), ("colour", "blue"))


def vector(*series: Labels, value: float = 1.0) -> Result:
    return Result(value=Vector(samples=[VectorSample(labels=each, value=float(value), at_ms=0) for each in series]))


class Story:
    """A rule, evaluated at the moments (seconds) and with the answers that a test gives."""

    def __init__(self, rule: Rule, *, limit: int = 0) -> None:
        self.group = RuleGroup(name="g", file="f", rules=(rule,), limit=limit)
        (self.prepared,) = prepared(self.group)
        self.memory = RuleMemory()
        self.outcome = Outcome(memory=self.memory)

    def at(self, seconds: float, answer: Result | QueryError, *, settling: bool = False) -> list[str]:
        def ask(_query: str, _at_ms: int, _timeout_ms: int) -> Result:
            if isinstance(answer, QueryError):
                raise answer
            return answer

        at_ms = int(seconds * 1000)
        moment = Moment(
            at_ms=at_ms, query_ms=at_ms, timeout_ms=1000, ask=ask, limit=self.group.limit, settling=settling
        )
        self.outcome = evaluate(self.prepared, self.memory, moment)
        self.memory = self.outcome.memory
        return [each.step.value for each in self.outcome.transitions]

    def phases(self) -> Sequence[str]:
        return sorted(
            f"{dict(alert.labels).get('colour')} {alert.phase.value}" for alert in self.memory.active.values()
        )

    def samples(self) -> dict[Labels, float]:
        return dict(self.outcome.samples or {})


def alerting(**given: object) -> AlertingRule:
    return AlertingRule(name="A", expr="up == 0", **given)  # type: ignore[arg-type] # fields of the rule


def test_an_alert_without_for_fires_at_once_and_resolves_when_its_series_is_gone() -> None:
    story = Story(alerting())
    assert story.at(0, vector(RED)) == ["fired"]
    assert story.at(15, vector(RED)) == []
    assert story.at(30, vector()) == ["resolved"]
    assert story.phases() == []


def test_an_alert_fires_when_its_series_was_there_for_the_whole_time() -> None:
    story = Story(alerting(for_ms=30_000))
    assert story.at(0, vector(RED)) == ["pending"]
    assert story.at(29.999, vector(RED)) == []
    assert story.phases() == ["red pending"]
    assert story.at(30, vector(RED)) == ["fired"]


def test_a_gap_begins_the_time_anew() -> None:
    story = Story(alerting(for_ms=30_000))
    story.at(0, vector(RED))
    assert story.at(15, vector(BLUE)) == ["pending", "dropped"]
    assert story.at(30, vector(RED, BLUE)) == ["pending"]
    assert story.at(45, vector(RED, BLUE)) == ["fired"]
    assert story.phases() == ["blue firing", "red pending"]


def test_keep_firing_for_holds_an_alert_and_begins_anew_when_its_series_comes_back() -> None:
    story = Story(alerting(keep_firing_ms=60_000))
    story.at(0, vector(RED))
    assert story.at(15, vector()) == ["held"]
    assert story.at(60, vector()) == []
    assert story.at(70, vector(RED)) == ["held"]
    assert story.at(85, vector()) == ["held"]
    assert story.at(144.999, vector()) == []
    assert story.at(145, vector()) == ["resolved"]


def test_keep_firing_for_does_not_hold_what_is_pending() -> None:
    story = Story(alerting(for_ms=30_000, keep_firing_ms=60_000))
    story.at(0, vector(RED))
    assert story.at(15, vector()) == ["dropped"]


def test_a_failing_query_keeps_alerts_and_series_as_they_were_and_its_time_runs_on() -> None:
    story = Story(alerting(for_ms=30_000))
    story.at(0, vector(RED))
    for seconds in (15, 30, 45):
        assert story.at(seconds, QueryError(Fault.TIMEOUT, "too slow")) == []
    assert story.phases() == ["red pending"]
    assert (story.memory.last_error, story.memory.failures) == ("too slow", 3)
    assert story.outcome.samples is None
    assert story.at(60, vector(RED)) == ["fired"]
    assert (story.memory.last_error, story.memory.failures) == ("", 0)


def test_a_limit_that_is_exceeded_fails_the_rule_and_ends_no_alert() -> None:
    story = Story(alerting(), limit=1)
    story.at(0, vector(RED))
    story.at(15, vector(RED, BLUE))
    assert story.memory.last_error == "exceeded limit of 1 with 2 alerts"
    assert story.phases() == ["red firing"]


def test_two_series_that_become_one_alert_fail_the_rule() -> None:
    story = Story(alerting(labels={"colour": "same"}))
    story.at(0, vector(RED, BLUE))
    assert story.memory.last_error == "vector contains metrics with the same labelset after applying alert labels"


def test_labels_and_annotations_are_templates_and_an_empty_label_is_none() -> None:
    rule = alerting(
        labels={"colour": "", "severity": "{{ if gt $value 5.0 }}high{{ else }}low{{ end }}"},
        annotations={"summary": "{{ $labels.colour }} is {{ $value }}", "broken": "{{ $value | toUpper }}"},
    )
    story = Story(rule)
    story.at(0, vector(RED, value=7))
    (alert,) = story.memory.active.values()
    assert alert.labels == (("alertname", "A"), ("severity", "high"))
    assert alert.annotations["summary"] == "red is 7"
    assert alert.annotations["broken"].startswith("<error expanding template: ")
    assert "broken" in story.memory.warnings[0]
    assert story.at(15, vector(RED, value=3)) == ["fired", "resolved"]


def test_an_alert_that_fires_has_the_newest_value_and_annotations() -> None:
    story = Story(alerting(annotations={"summary": "{{ $value }}"}))
    story.at(0, vector(RED, value=1))
    story.at(15, vector(RED, value=2))
    (alert,) = story.memory.active.values()
    assert (alert.value, alert.annotations["summary"], alert.active_ms) == (2.0, "2", 0)


def test_alerts_are_told_as_series_while_they_are_active() -> None:
    story = Story(alerting(for_ms=30_000))
    story.at(10, vector(RED))
    told = (("alertname", "A"), ("alertstate", "pending"), ("colour", "red"))
    assert story.samples() == {
        (("__name__", "ALERTS"), *told): 1.0,
        (("__name__", "ALERTS_FOR_STATE"), told[0], told[2]): 10.0,
    }
    story.at(40, vector(RED))
    assert (("__name__", "ALERTS"), ("alertname", "A"), ("alertstate", "firing"), ("colour", "red")) in story.samples()
    story.at(50, vector())
    assert story.samples() == {}


def test_a_number_is_one_sample_without_labels_and_a_matrix_is_refused() -> None:
    story = Story(alerting())
    assert story.at(0, Result(value=Scalar(value=3.0))) == ["fired"]
    story.at(15, Result(value=Matrix(series=())))
    assert story.memory.last_error == "rule result is not a vector or scalar"


def test_a_recording_rule_gives_its_name_and_labels() -> None:
    rule = RecordingRule(name="r", expr="up", labels={"colour": "", "source": "rule"})
    story = Story(rule)
    story.at(0, vector(RED, value=4))
    assert story.samples() == {(("__name__", "r"), ("source", "rule")): 4.0}
    story.at(15, vector(RED, BLUE))
    assert story.memory.last_error == "vector contains metrics with the same labelset after applying rule labels"
    assert story.outcome.samples is None


def test_a_recording_rule_keeps_to_its_limit() -> None:
    story = Story(RecordingRule(name="r", expr="up"), limit=1)
    story.at(0, vector(RED, BLUE))
    assert story.memory.last_error == "exceeded limit of 1 with 2 series"


def test_labels_of_a_group_count_where_the_rule_says_nothing() -> None:
    group = RuleGroup(
        name="g",
        file="f",
        labels={"team": "blue", "severity": "page"},
        rules=(alerting(labels={"severity": "ticket"}), RecordingRule(name="r", expr="up")),
    )
    one, other = prepared(group)
    assert one.rule.labels == {"team": "blue", "severity": "ticket"}
    assert other.rule.labels == {"team": "blue", "severity": "page"}


def test_rules_with_one_name_have_keys_of_their_own_that_stay_when_others_come() -> None:
    first, second = alerting(), alerting(labels={"a": "b"})
    before = [each.key for each in prepared(RuleGroup(name="g", file="f", rules=(first, first, second)))]
    after = [each.key for each in prepared(RuleGroup(name="g", file="f", rules=(second, alerting(for_ms=5), first)))]
    assert len(set(before)) == 3
    assert after == [before[2], before[0], before[1]]


def test_nothing_ends_while_the_clock_settles() -> None:
    story = Story(alerting())
    story.at(100, vector(RED))
    assert story.at(50, vector(), settling=True) == []
    assert story.phases() == ["red firing"]
    assert story.at(65, vector()) == ["resolved"]


@pytest.mark.parametrize("jump", [-3_600, 3_600])
def test_a_clock_that_is_set_neither_shortens_nor_lengthens_for(jump: int) -> None:
    story = Story(alerting(for_ms=30_000))
    story.at(10_000, vector(RED))
    story.memory = RuleMemory(active=shifted(story.memory.active, jump * 1000))
    assert story.at(10_000 + jump + 29, vector(RED)) == []
    assert story.at(10_000 + jump + 30, vector(RED)) == ["fired"]


def test_a_set_clock_is_noticed_and_drift_is_not() -> None:
    watch = ClockWatch()
    assert watch.jump(1_000_000, 500) == 0
    assert watch.jump(1_015_200, 15_500) == 0
    assert watch.jump(1_030_400 - 3_600_000, 30_500) == -3_599_800
    assert watch.jump(1_045_400 - 3_600_000, 45_500) == 0
    assert watch.jump(5_000_000, 60_500) > 0


@given(now=st.integers(0, 10**13), interval=st.integers(1, 86_400_000), name=st.text(max_size=5))
def test_a_slot_is_at_or_before_now_and_always_at_the_same_place_of_its_interval(
    now: int, interval: int, name: str
) -> None:
    offset = offset_ms("file", name, interval)
    slot = slot_before(now, interval, offset)
    assert 0 <= now - slot < interval
    assert (slot - offset) % interval == 0


@given(
    st.lists(st.tuples(st.integers(1, 40), st.sets(st.sampled_from([RED, BLUE])), st.booleans()), max_size=40),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_whatever_comes_alerts_fire_only_after_their_time_and_end_only_after_being_kept(
    steps: list[tuple[int, set[Labels], bool]], for_s: int, keep_s: int
) -> None:
    story = Story(alerting(for_ms=for_s * 1000, keep_firing_ms=keep_s * 1000))
    now = 0
    since: dict[Labels, int] = {}
    firing: set[Labels] = set()
    for gap, series, fails in steps:
        now += gap
        if fails:
            before = story.phases()
            story.at(now, QueryError(Fault.EXECUTION, "no"))
            assert story.phases() == before
            continue
        story.at(now, vector(*series))
        for each in (RED, BLUE):
            since = (
                {**since, each: since.get(each, now)}
                if each in series
                else {k: v for k, v in since.items() if k != each}
            )
        active = {alert.labels[1][1]: alert for alert in story.memory.active.values()}
        for each in series:
            colour = each[1][1]
            alert = active[colour]
            assert alert.held_ms is None
            if alert.phase is Phase.PENDING:
                assert now - alert.active_ms // 1000 < for_s
            firing |= {each} if alert.phase is Phase.FIRING else set()
        for each in firing - set(series):
            if each[1][1] not in active:
                firing = firing - {each}


def test_a_rule_without_a_limit_has_one_all_the_same_and_keeps_its_alerts_beyond_it() -> None:
    story = Story(alerting())
    story.at(0, vector(RED))
    assert story.at(15, vector(*((("n", str(n)),) for n in range(MOST_ALERTS + 1)))) == []
    assert story.memory.last_error == f"exceeded limit of {MOST_ALERTS} with {MOST_ALERTS + 1} alerts"
    assert story.phases() == ["red firing"]
    larger = Story(alerting(), limit=MOST_ALERTS + 1)
    assert len(larger.at(0, vector(*((("n", str(n)),) for n in range(MOST_ALERTS + 1))))) == MOST_ALERTS + 1


def test_texts_that_take_longer_than_the_interval_end_the_evaluation() -> None:
    (ready,) = prepared(RuleGroup(name="g", file="f", rules=(alerting(annotations={"a": "{{ $value }}"}),)))
    left = iter([10, 5, 0])
    moment = Moment(
        at_ms=0, query_ms=0, timeout_ms=10, ask=lambda *_: vector(RED, BLUE, ()), left_ms=lambda: next(left)
    )
    outcome = evaluate(ready, RuleMemory(), moment)
    assert outcome.memory.last_error == "writing the texts of its alerts took longer than the interval of its group"
    assert outcome.transitions == ()


def test_a_template_asks_within_what_is_left_of_the_interval() -> None:
    annotations = {"a": '{{ with query "other" }}{{ . | first | value }}{{ end }}'}
    (ready,) = prepared(RuleGroup(name="g", file="f", rules=(alerting(annotations=annotations),)))
    asked: list[tuple[str, int]] = []

    def ask(query: str, _at_ms: int, timeout_ms: int) -> Result:
        asked.append((query, timeout_ms))
        return vector(RED)

    evaluate(ready, RuleMemory(), Moment(at_ms=0, query_ms=0, timeout_ms=10, ask=ask, left_ms=lambda: 3))
    assert asked == [("up == 0", 10), ("other", 3)]
