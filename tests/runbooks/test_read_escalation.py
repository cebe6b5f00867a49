"""The ladder of an escalation is read from headings, lists, tables and prose, with what calls each level."""

import pytest

from stationmaster.runbooks.read.escalation import escalation_of
from stationmaster.runbooks.read.knowledge import TriggerKind
from tests.runbooks.chapters import chapter

Rungs = list[tuple[int, str, list[tuple[float | None, int]]]]


def rungs(text: str) -> Rungs:
    return [
        (each.level, each.whom, [(trigger.after_s, trigger.line) for trigger in each.triggers])
        for each in escalation_of(chapter(text))
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "## Escalation Criteria\n\n### Escalate to Level 2 (Manager) if:\n- down for >15 minutes\n- data loss\n",
            [(2, "Manager", [(900.0, 4), (None, 5)])],
        ),
        (
            "## Escalation\n\n### Level 1 (On call):\n- Look\n"
            "- Escalate if issue persists > 1 hour\n\n### Level 2: Lead\n- Help\n",
            [(1, "On call", []), (2, "Lead", [(3600.0, 5)])],
        ),
        (
            "## Escalation\n\nEscalate to Level 2 if: service down > 15 minutes.\n",
            [(2, "", [(900.0, 3)])],
        ),
        (
            "1. If it still does not work, escalate the alert to level 2 of the shop policy contacts: x.\n",
            [(2, "shop policy contacts", [(None, 1)])],
        ),
        (
            "## Escalation\n\n- L1: on-call engineer\n- L2: manager (after 30 minutes)\n",
            [(1, "on-call engineer", []), (2, "manager", [(1800.0, 4)])],
        ),
        (
            "## Escalation\n\n| Level | Who | When |\n|---|---|---|\n| 1 | Ada | immediately |\n"
            "| 2 | Grace | after 30 minutes |\n",
            [(1, "Ada", []), (2, "Grace", [(1800.0, 6)])],
        ),
        (
            "## Escalation\n\nEscalate to Tier 3 (CTO) when:\n\n- users are hit for more than 2 hours\n",
            [(3, "CTO", [(7200.0, 5)])],
        ),
        (
            "## Escalation\n\nEscalate to the cluster lead if:\n- it lasts more than 1 hour\n- several are hit\n",
            [(2, "cluster lead", [(3600.0, 4), (None, 5)])],
        ),
        ("## Escalation\n\nEscalate to the lead when it hurts.\n", [(2, "lead", [(None, 3)])]),
        ("## Notes\n\nEscalate to the lead when it hurts.\n", []),
        ("## Emergency (level 2 or category 1)\n\n1. Publish.\n", []),
        ("The log level 2 is set.\n", []),
    ],
)
def test_a_ladder_is_read(text: str, wanted: Rungs) -> None:
    assert rungs(text) == wanted


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Multiple failed restart attempts", TriggerKind.FAILED_ATTEMPTS),
        ("the restart button doesn't work", TriggerKind.FAILED_ATTEMPTS),
        ("Data integrity concerns", TriggerKind.DATA_INTEGRITY),
        ("Security incident suspected", TriggerKind.SECURITY),
        ("Customer escalations received", TriggerKind.CUSTOMER_REPORTS),
        ("Database or infrastructure issues detected", TriggerKind.INFRASTRUCTURE),
        ("You feel like it", TriggerKind.OTHER),
    ],
)
def test_a_trigger_has_a_kind(text: str, kind: TriggerKind) -> None:
    level = escalation_of(chapter(f"### Escalate to level 2 if:\n- {text}\n"))[0]
    assert [each.kind for each in level.triggers] == [kind]


def test_duties_are_what_a_level_does_itself() -> None:
    level = escalation_of(
        chapter("## Escalation\n\n### Level 1 (A):\n- Look\n- Restart\n- Escalate if it persists > 5 min\n")
    )[0]
    assert level.duties == ("Look", "Restart")
