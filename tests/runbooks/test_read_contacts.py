"""People and channels are found in lists, tables and prose; addresses that are none are left alone."""

import pytest

from stationmaster.runbooks.read.contacts import contacts_of
from stationmaster.runbooks.read.knowledge import Contact
from tests.runbooks.chapters import chapter


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("- **Primary On-call:** ops@acme.io", Contact(name="Primary On-call", email="ops@acme.io", line=3)),
        ("- **Emergency:** +1-555-PLATFORM", Contact(name="Emergency", phone="+1-555-PLATFORM", line=3)),
        ("- **Phone:** +49 30 1234-567", Contact(name="Phone", phone="+49 30 1234-567", line=3)),
        ("- **Slack:** #platform-incidents", Contact(name="Slack", slack="#platform-incidents", line=3)),
        (
            "- Ada Smith - Team lead - ada@acme.io",
            Contact(name="Ada Smith", role="Team lead", email="ada@acme.io", line=3),
        ),
        ("- `#ops` Slack channel", Contact(name="#ops", slack="#ops", line=3)),
    ],
)
def test_a_list_of_contacts(item: str, wanted: Contact) -> None:
    assert contacts_of(chapter(f"## Contact Information\n\n{item}\n")) == (wanted,)


def test_a_table_of_contacts() -> None:
    text = (
        "## Contacts\n\n| Role | Name | Slack | Phone |\n|---|---|---|---|\n"
        "| Lead | Ada | @ada | +1 555 123456 |\n| x | | | |\n"
    )
    assert contacts_of(chapter(text)) == (
        Contact(name="Ada", role="Lead", slack="@ada", phone="+1 555 123456", line=5),
    )


def test_prose_names_channels_and_addresses_once() -> None:
    text = "- Notify #incidents channel in Slack\n- Mail ops@acme.io\n- Post in #incidents on slack\n"
    assert [(each.name, each.line) for each in contacts_of(chapter(text))] == [("#incidents", 1), ("ops@acme.io", 2)]


@pytest.mark.parametrize(
    "text",
    [
        "See [below](#too-many-shards) on the channel.",
        "Clone git@github.com:a/b.git over the channel.",
        "Mail user@example.com.",
        "```\nmail ops@acme.io\n```",
        "Use `ssh ops@acme.io` on Slack.",
        "Issue #1234 was told in Slack.",
        "See https://x.slack.com/#general in Slack.",
    ],
)
def test_what_is_no_contact(text: str) -> None:
    assert contacts_of(chapter(text)) == ()


def test_included_people_come_first_and_once() -> None:
    ada = Contact(name="Ada", email="ada@acme.io", line=1, key="ada")
    again = Contact(name="Ada", email="ada@acme.io", line=9, key="ada")
    assert contacts_of(chapter("Mail ada@acme.io"), people=[ada, again]) == (ada,)
