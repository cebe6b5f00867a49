"""What is to be done after the incident is found with its due time, and nothing else is."""

import pytest

from stationmaster.runbooks.read.knowledge import Task
from stationmaster.runbooks.read.tasks import tasks_of
from tests.runbooks.chapters import chapter


def test_a_checklist_below_a_heading_with_a_due_time() -> None:
    text = "## Post-Incident Actions\n\n### Immediate (within 24 hours)\n- [ ] Write it down\n- [x] Tell all\n"
    group = "Immediate (within 24 hours)"
    assert tasks_of(chapter(text)) == (
        Task(text="Write it down", line=4, group=group, due_s=86400.0),
        Task(text="Tell all", line=5, group=group, due_s=86400.0, done=True),
    )


def test_items_that_only_head_others_are_groups() -> None:
    text = "## Post-mortem\n\n1. **Soon (within 1 hour):**\n   - Write\n     - with care\n2. Call (within 1 week)\n"
    assert [(each.text, each.line, each.group, each.due_s) for each in tasks_of(chapter(text))] == [
        ("Write", 4, "Soon (within 1 hour)", 3600.0),
        ("Call (within 1 week)", 6, "", 604800.0),
    ]


@pytest.mark.parametrize(
    "title", ["Follow-up (within 1 week)", "After the incident", "3. Action items", "Incident review"]
)
def test_headings_that_mean_it(title: str) -> None:
    assert len(tasks_of(chapter(f"## {title}\n\n- Write\n"))) == 1


@pytest.mark.parametrize(
    "title", ["Ensure a postmortem happens", "Upgrade checklist", "Post-mortem template", "Prevention"]
)
def test_headings_that_do_not(title: str) -> None:
    assert tasks_of(chapter(f"## {title}\n\n- [ ] Write\n")) == ()


def test_a_question_is_no_task() -> None:
    assert tasks_of(chapter("## Post-mortem\n\n- How did we notice?\n")) == ()
