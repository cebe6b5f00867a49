"""Texts to send are found with their moment and how often they are repeated."""

import pytest

from stationmaster.runbooks.read.knowledge import Moment
from stationmaster.runbooks.read.messages import messages_of
from tests.runbooks.chapters import chapter


@pytest.mark.parametrize(
    ("title", "moment"),
    [
        ("Initial Status Update", Moment.FIRST),
        ("Progress update", Moment.UPDATE),
        ("Extended Outage", Moment.EXTENDED),
        ("Service Restored", Moment.RESTORED),
        ("Final message", Moment.RESTORED),
    ],
)
def test_a_template_has_a_moment(title: str, moment: Moment) -> None:
    root = chapter(f"## Communication Templates\n\n### {title}\n```\nIt is resolved. Updates every 15 minutes.\n```\n")
    found = messages_of(root)
    assert [(each.moment, each.title, each.every_s, each.lines.first, each.lines.last) for each in found] == [
        (moment, title, 900.0, 4, 6)
    ]


def test_labels_and_quotations_are_templates_too() -> None:
    text = (
        "## Status page templates\n\nSend updates every hour.\n\n**Investigating:**\n\n"
        "> We are looking.\n\n**Resolved:**\n\n> Done.\n"
    )
    assert [(each.moment, each.text, each.every_s) for each in messages_of(chapter(text))] == [
        (Moment.FIRST, "We are looking.", 3600.0),
        (Moment.RESTORED, "Done.", 3600.0),
    ]


def test_what_a_step_posts_is_a_message() -> None:
    found = messages_of(chapter('1. Look.\n2. Update status page: "Investigating an issue with the API"\n'))
    assert [(each.moment, each.title, each.text, each.lines.first) for each in found] == [
        (Moment.FIRST, "status page", "Investigating an issue with the API", 2)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "## Templates\n\n```\nkubectl get pods\n```\n",
        "## Communication Templates\n\n```bash\ncurl x\n```\n",
        '1. Look for "connection refused by the server" in slack.\n',
    ],
)
def test_other_blocks_are_no_messages(text: str) -> None:
    assert messages_of(chapter(text)) == ()
