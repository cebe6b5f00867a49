"""What is proposed for runbooks: diffs that git takes and that the reader of runbooks understands."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.command import CommandResult
from stationmaster.core.facts import Alert
from stationmaster.incidents.review.expected import telling_line
from stationmaster.incidents.review.patch import Insertion, Replacement, edited, unified
from stationmaster.incidents.review.proposals import AlertSeen, Changed, Kind, Seen, propose
from stationmaster.incidents.review.skeleton import file_name, skeleton
from stationmaster.incidents.review.worked import AlertThreshold, Work, WorkedFile, WorkedRun, WorkedStep
from stationmaster.runbooks.expect import Verdict, judge
from stationmaster.runbooks.match import Match, choose
from stationmaster.runbooks.read.document import Step
from stationmaster.runbooks.read.reader import read_runbook
from tests.incidents.test_incidents import NOW, alert

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

IN_A_LIST = """---
title: Queue is long
alert: QueueLong
service: queue
---

# Queue is long

## Alert thresholds

| Metric | Limit |
|---|---|
| Error rate | > 5% |
| Latency p95 | > 2 seconds |

## What to do

1. Look at the load.
   ```bash {risk=read timeout=5s}
   uptime
   ```
2. Look at the pods.
   ```bash
   kubectl get pods
   ```
3. Ask the target.
   ```bash
   curl -sS http://<target>/healthz
   ```
4. Run `df -h` and look.
5. Restart it.
   <!-- {action=service.restart} -->
"""
AT_THE_MARGIN = """---
title: Queue is long
alert: QueueLong
service: queue
---

# Queue is long

## What to do

### Look

```bash
uptime
```

Then look at two more:

```bash
free -m
df -h \\
  --total
```

The end.
"""
UPTIME = " 16:53:27 up 3 days,  2:11,  2 users,  load average: 0.52, 0.58, 0.59\n"


def worked(*steps: WorkedStep, text: str = IN_A_LIST, path: str = "docs/queue.md", outcome: str = "cured") -> Work:
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = WorkedFile(file=f"/r/{path}", root="/r", path=path, text=text, digest=digest)
    run = WorkedRun(
        id="run-7",
        runbook="Queue is long",
        digest=digest,
        outcome=outcome,
        detail="",
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=9),
        file=file,
        steps=steps,
    )
    return Work(runs=(run,))


def with_file(work: Work, **values: object) -> Work:
    (run,) = work.runs
    return Work(runs=(replace(run, file=replace(run.file, **values)),))  # type: ignore[arg-type]


def step(key: str, command: str, lines: tuple[int, int], **values: object) -> WorkedStep:
    made = WorkedStep(key=key, title=command, kind="check", command=command, first=lines[0], last=lines[1])
    return replace(made, **values)  # type: ignore[arg-type]


UNJUDGED = step("1", "uptime", (18, 21), judged=False, verdict="passed", output=UPTIME)
ABSENT = step(
    "2", "kubectl get pods", (22, 25), verdict="refused", detail="not runnable here: kubectl not found on PATH"
)
ASKED = step(
    "3", "curl -sS http://<target>/healthz", (26, 29), verdict="refused", detail="nothing says what `<target>` is"
)
INLINE = step("4", "df -h", (30, 30), judged=False, verdict="passed", output="Filesystem Size\n/dev/sda1 10G\n")
SEEN = Seen(incident=7)


def the_only(found: tuple[Changed, ...]) -> Changed:
    (changed,) = found
    return changed


@pytest.fixture
def applied(tmp_path: Path) -> Callable[[Changed, str | None], str]:
    """Writes the file, applies the diff with git in a repository, and gives what stands there then."""

    def apply(changed: Changed, before: str | None) -> str:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        file = tmp_path / changed.path
        file.parent.mkdir(parents=True, exist_ok=True)
        if before is not None:
            file.write_bytes(before.encode())
        done = subprocess.run(
            ["git", "apply", "-"], cwd=tmp_path, input=changed.diff.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode() + changed.diff
        return file.read_bytes().decode()

    return apply


def steps_of(text: str) -> list[Step]:
    reading = read_runbook(text, file="queue.md")
    assert not reading.diagnostics
    return list(reading.runbook.walk())


@needs_git
def test_a_step_without_expectation_gets_the_one_that_was_seen_and_is_judged_by_it_from_then_on(
    applied: Callable[[Changed, str | None], str],
) -> None:
    changed = the_only(propose(SEEN, worked(UNJUDGED, INLINE)))
    after = applied(changed, IN_A_LIST)
    assert '   **Expected**: the output should contain "' in after
    (looks,) = [each for each in steps_of(after) if [one.text for one in each.commands] == ["uptime"]]
    result = CommandResult(exit_status=0, output=UPTIME)
    assert judge(looks.expectations, result, program="uptime").verdict is Verdict.PASSED
    assert judge(looks.expectations, CommandResult(exit_status=0, output="no"), program="uptime").verdict is (
        Verdict.FAILED
    )
    (inline,) = [each for each in steps_of(after) if [one.text for one in each.commands] == ["df -h"]]
    assert [each.value for each in inline.expectations] == ["Filesystem Size"]


@needs_git
def test_a_fence_at_the_margin_gets_the_attribute_and_one_of_many_commands_a_sentence(
    applied: Callable[[Changed, str | None], str],
) -> None:
    steps = (
        step("1.1", "uptime", (14, 14), judged=False, verdict="passed", output=UPTIME),
        step("1.2", "free -m", (20, 20), judged=False, verdict="passed", output="Mem total"),
        step("1.3", "df -h --total", (21, 22), judged=False, verdict="passed", output="Filesystem Size\n"),
    )
    changed = the_only(propose(SEEN, worked(*steps, text=AT_THE_MARGIN)))
    after = applied(changed, AT_THE_MARGIN)
    assert '```bash {expect="load average"}\nuptime' in after
    assert '  --total\n```\n\n**Expected**: the output should contain "Filesystem Size".\n\nThe end.' in after
    found = {one.text: each.expectations for each in steps_of(after) for one in each.commands}
    assert [each.value for each in found["uptime"]] == ["load average"]
    unplaced = next(each for each in changed.proposals if each.key == "1.2")
    assert unplaced.edits == ()


@needs_git
def test_what_was_not_runnable_or_asked_for_is_said_beside_its_step_and_changes_no_step(
    applied: Callable[[Changed, str | None], str],
) -> None:
    changed = the_only(propose(SEEN, worked(ABSENT, ASKED)))
    after = applied(changed, IN_A_LIST)
    assert "kubectl not found on PATH -->" in after
    assert [each.kind for each in changed.proposals] == [Kind.NOT_RUNNABLE, Kind.PARAMETER]
    before = [(each.address, each.kind, each.text) for each in steps_of(IN_A_LIST)]
    assert [(each.address, each.kind, each.text) for each in steps_of(after)] == before


@needs_git
def test_thresholds_that_never_fired_or_fired_late_are_told_below_their_table(
    applied: Callable[[Changed, str | None], str],
) -> None:
    text = IN_A_LIST
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "Error rate" in each)
    limits = (AlertThreshold(text="Error rate > 5%", line=line), AlertThreshold(text="p95 > 2 s", line=line + 1))
    work = with_file(worked(replace(UNJUDGED, judged=True)), thresholds=limits)
    late = replace(alert(), rule=f"/r/docs/queue.md:{line + 1}")
    seen = Seen(incident=7, alerts=(AlertSeen(alert=alert("f2"), after_s=2), AlertSeen(alert=late, after_s=240)))
    changed = the_only(propose(seen, work))
    assert [each.kind for each in changed.proposals] == [Kind.THRESHOLD_SILENT, Kind.THRESHOLD_LATE]
    after = applied(changed, text)
    assert "| Latency p95 | > 2 seconds |\n<!-- review of incident 7: “Error rate › 5%” never fired" in after
    assert "fired 3 min 58 s after the first alert" in after


@needs_git
def test_a_step_that_every_run_skipped_is_asked_about_once_there_were_three(
    applied: Callable[[Changed, str | None], str],
) -> None:
    skipped = replace(UNJUDGED, judged=True, verdict="skipped")
    (run,) = worked(skipped).runs
    assert propose(SEEN, Work(runs=(replace(run, past_runs=2, past_skips=(("1", 2),)),))) == ()
    assert propose(SEEN, Work(runs=(replace(run, past_runs=4, past_skips=(("1", 3),)),))) == ()
    changed = the_only(propose(SEEN, Work(runs=(replace(run, past_runs=3, past_skips=(("1", 3),)),))))
    assert "skipped in each of 3 runs" in applied(changed, IN_A_LIST)


def test_a_step_for_where_the_platform_did_nothing_is_not_asked_about() -> None:
    in_place = replace(UNJUDGED, judged=True, verdict="skipped", detail="step 2a found it done")
    (run,) = worked(in_place).runs
    assert propose(SEEN, Work(runs=(replace(run, past_runs=3, past_skips=(("1", 3),)),))) == ()


@needs_git
def test_an_alert_without_runbook_gets_a_file_that_answers_it(
    applied: Callable[[Changed, str | None], str],
) -> None:
    lonely = replace(alert(), labels={**alert().labels, "alertname": "DiskFull"}, summary='{{ disk }} "is" <full>: yes')
    seen = Seen(incident=7, unanswered=((lonely, "none of 3 runbooks names DiskFull"),))
    work = Work(home=("/r", "books"), taken=frozenset({"disk-full.md"}))
    changed = the_only(propose(seen, work))
    assert changed.path == "books/disk-full-2.md"
    reading = read_runbook(applied(changed, None), file="disk-full-2.md")
    assert not reading.diagnostics
    assert isinstance(choose(lonely, [reading.runbook]), Match)
    assert any(each.actions for each in reading.runbook.walk())
    assert [each.due_s for each in reading.runbook.knowledge.tasks] == [7 * 86_400]


def test_a_file_that_was_changed_since_is_named_so_and_its_places_are_looked_for() -> None:
    moved = "\n" + IN_A_LIST.replace("# Queue is long", "# The queue\n\nSome words more.")
    work = with_file(worked(UNJUDGED), text=moved, digest=hashlib.sha256(moved.encode()).hexdigest())
    changed = the_only(propose(SEEN, work))
    assert changed.moved
    assert moved.splitlines()[changed.proposals[0].line - 1].strip() == "uptime"
    gone = with_file(worked(UNJUDGED), text="# nothing\n", digest="other")
    changed = the_only(propose(SEEN, gone))
    assert (changed.moved, changed.diff, changed.proposals[0].line) == (True, "", 0)


def test_nothing_is_proposed_where_everything_was_judged_or_the_file_is_gone() -> None:
    assert propose(SEEN, worked(replace(UNJUDGED, judged=True))) == ()
    assert propose(SEEN, with_file(worked(UNJUDGED), text=None)) == ()


def test_an_output_that_was_seen_without_a_cure_is_no_expectation() -> None:
    changed = the_only(propose(SEEN, worked(UNJUDGED, outcome="escalated")))
    assert (changed.diff, changed.proposals[0].kind) == ("", Kind.EXPECTATION)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (UPTIME, "load average"),
        ("12345\n99\n", ""),
        ("", ""),
        ('{"status": "operational", "at": 17}\n', "operational"),
        ('["a", {"b": "not ready yet"}]', "not ready yet"),
        ("a 'b' \"c\" or `d`\n", "a 'b' \"c\" or"),
        ("<b>bold words</b> | *x*\n", "bold words"),
        ("ok\nThe API is available and operational\n", "The API is available and operational"),
    ],
)
def test_the_line_that_tells_most_is_the_one_to_expect(output: str, line: str) -> None:
    assert telling_line(output) == line


def test_names_of_files_are_plain_and_never_taken() -> None:
    assert file_name("ServiceInstanceDown", frozenset()) == "service-instance-down.md"
    assert file_name("../../etc/passwd", frozenset()) == "etc-passwd.md"
    assert file_name("", frozenset({"unnamed-alert.md"})) == "unnamed-alert-2.md"


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30)


@needs_git
@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(st.text("ab `#-é\u2028\x0c\t", max_size=8), min_size=1, max_size=30),
    newline=st.booleans(),
    places=st.lists(st.tuples(st.integers(0, 29), st.text("xyé ", min_size=1, max_size=5)), min_size=1, max_size=4),
    name=st.text("abü \"'", min_size=1, max_size=6).map(lambda each: each.strip(" ") or "q"),
)
def test_git_makes_of_any_file_exactly_what_was_meant(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    newline: bool,
    places: list[tuple[int, str]],
    name: str,
) -> None:
    folder = tmp_path_factory.mktemp("patched")
    before = "\n".join(lines) + ("\n" if newline else "")
    edits = [
        Insertion(after=place, lines=(text,)) if place % 2 else Replacement(line=place, text=text)
        for place, text in places
        if place <= len(before.splitlines())
    ]
    after = edited(before, edits)
    diff = unified(f"{name}.md", before, after)
    (folder / f"{name}.md").write_bytes(before.encode())
    if diff:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            cwd=folder,
            input=diff.encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode() + diff
    assert (folder / f"{name}.md").read_bytes().decode() == after


@settings(max_examples=60, deadline=None)
@given(name=TEXTS, service=TEXTS, summary=TEXTS, severity=TEXTS)
def test_any_alert_gets_a_skeleton_that_can_be_read(name: str, service: str, summary: str, severity: str) -> None:
    labels = {"alertname": name, "service": service, "severity": severity}
    made = Alert(fingerprint="f", labels=labels, summary=summary, url="", starts_at=NOW)
    reading = read_runbook(skeleton(made, 7), file="x.md")
    assert not [each for each in reading.diagnostics if each.severity.value == "error"]
