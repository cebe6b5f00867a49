"""Messages, files and contacts: from runbooks to what is said, and from the declaration to runbooks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from stationmaster.core.facts import StatusPosted
from stationmaster.core.names import ServiceName
from stationmaster.core.response import (
    Component,
    Contact,
    ContactKind,
    Publishing,
    Responder,
    ResponderName,
    StatusPage,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.status.desk import StatusDesk
from stationmaster.incidents.talk.desk import Posting
from stationmaster.incidents.talk.loop import Updates
from stationmaster.incidents.talk.moments import Audience, Moment, Template, Word
from stationmaster.incidents.talk.store import Publication
from stationmaster.joining.talk_sources import OnStatusPage, RunbooksForTalk, RunbookWords, contacts_of, templates_of
from stationmaster.runbooks import store
from stationmaster.runbooks.library import Shelf
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, fired

DOWN = """# Keys are down
type: alert
Alert: KeysDown

1. Update status page: "Investigating key problems"

## Communication templates

### First message
```
We look into {{ nobody.knows }} keys. Updates will be provided every 10 minutes.
```

### Update: identified
```
The cause is identified.
```

### Extended outage
```
Current ETA for resolution: [TIME]
```

### Service restored
```
Keys work again.
```

### Internal update
```
Database team: look at #db.
```
"""
GENERAL = """# How we talk

## Message templates

### Update
```
We are still on it.
```
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "runbooks"
    place.mkdir()
    (place / "down.md").write_text(DOWN, "utf-8")
    (place / "talk.md").write_text(GENERAL, "utf-8")
    return place


async def worked(database: Database, file: Path, incident: int = 1, title: str = "Keys are down") -> None:
    now = utc_now()
    values = {
        "id": f"run-{incident}-{file.name}",
        "incident": incident,
        "fingerprint": "f1",
        "alert_at": now,
        "runbook": title,
        "file": str(file),
        "digest": "",
        "why": "",
        "plan": {},
        "started_at": now,
    }
    async with database.write() as connection:
        await connection.execute(insert(store.runs).values(**values))


def said(templates: Sequence[Template]) -> list[tuple[Moment, Audience, str]]:
    return [(each.moment, each.audience, Path(each.source).name) for each in templates]


def test_messages_of_a_runbook_are_told_at_their_moments_by_whom_they_are_for(folder: Path) -> None:
    shelf = Shelf(lambda: (folder,))
    [down] = [each for each in shelf.runbooks() if each.file.endswith("down.md")]
    assert said(templates_of(down)) == [
        (Moment.OPENED, Audience.PUBLIC, "down.md:10"),
        (Moment.IDENTIFIED, Audience.PUBLIC, "down.md:15"),
        (Moment.UPDATE, Audience.PUBLIC, "down.md:20"),
        (Moment.RESOLVED, Audience.PUBLIC, "down.md:25"),
        (Moment.UPDATE, Audience.RESPONDERS, "down.md:30"),
        (Moment.OPENED, Audience.PUBLIC, "down.md:5"),
    ]
    first, _, extended, *_ = templates_of(down)
    assert (first.every_s, extended.later) == (600, True)


async def test_the_runbook_of_the_incident_comes_first_then_what_is_about_no_alert(
    database: Database, folder: Path
) -> None:
    books = RunbooksForTalk(database=database, shelf=Shelf(lambda: (folder,)))
    assert {Path(each.source).name.partition(":")[0] for each in await books.messages(1)} == {"talk.md"}
    assert await books.runbook(1) is None
    await worked(database, folder / "down.md")
    files = [Path(each.source).name.partition(":")[0] for each in await books.messages(1)]
    assert files == ["down.md"] * 6 + ["talk.md"]
    found = await books.runbook(1)
    assert found is not None
    assert (found.title, found.read()) == ("Keys are down", DOWN)


async def test_a_procedure_that_answers_no_alert_speaks_for_itself_alone(database: Database, folder: Path) -> None:
    procedure = "# Full recovery\n\n## Remedy\n\n1. Stop traffic.\n   ```bash\n   stm service stop a\n   ```\n"
    (folder / "recover.md").write_text(f"{procedure}\n{GENERAL.partition('# How we talk')[2]}", "utf-8")
    books = RunbooksForTalk(database=database, shelf=Shelf(lambda: (folder,)))
    assert {Path(each.source).name.partition(":")[0] for each in await books.messages(1)} == {"talk.md"}
    await worked(database, folder / "recover.md", title="Full recovery")
    assert [Path(each.source).name.partition(":")[0] for each in await books.messages(1)] == ["recover.md", "talk.md"]


async def test_a_file_that_is_no_runbook_is_shown_to_nobody(database: Database, folder: Path, tmp_path: Path) -> None:
    books = RunbooksForTalk(database=database, shelf=Shelf(lambda: (folder,)))
    (tmp_path / "secret").write_text("secret", "utf-8")
    await worked(database, tmp_path / "secret")
    assert await books.runbook(1) is None
    assert await books.messages(1) == await books.messages(2)


def spec(*responders: Responder) -> PlatformSpec:
    return PlatformSpec(environment="sample", responders=responders)


ADA = Responder(
    name=ResponderName("ada"),
    full_name="Ada L.",
    slack="U0ADA",
    contacts=(
        Contact(name="sms", kind=ContactKind.APPRISE, address="json://secret"),
        Contact(name="mail", kind=ContactKind.EMAIL, address="ada@example.org"),
    ),
)


def test_responders_are_contacts_without_their_other_addresses() -> None:
    found = contacts_of(spec(ADA, Responder(name=ResponderName("lin"))))
    assert found == {
        "ada": {"name": "Ada L.", "slack": "U0ADA", "userid": "U0ADA", "email": "ada@example.org"},
        "lin": {"name": "lin"},
    }


async def test_runbooks_are_rendered_with_the_responders_and_what_a_folder_says_goes_before(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# Ask\n\n1. Ask {{ site.data.x.contacts.ada.userid }} of {{ site.data.x.contacts.ada.name }}\n", "utf-8"
    )
    declared = [spec()]
    shelf = Shelf(lambda: (tmp_path,), lambda: contacts_of(declared[0]))

    def step() -> str:
        [runbook] = shelf.runbooks()
        return next(each.text for each in runbook.walk() if "Ask" in each.text)

    assert "{{" in step()
    declared[0] = spec(ADA)
    await shelf.refresh()
    assert step() == "Ask U0ADA of Ada L."
    declared[0] = spec(replace(ADA, full_name="Ada Lovelace"))
    await shelf.refresh()
    assert step() == "Ask U0ADA of Ada Lovelace"
    (tmp_path / "contacts.yaml").write_text("ada:\n  name: Somebody\n  userid: U1\n", "utf-8")
    await shelf.refresh()
    assert step() == "Ask U1 of Somebody"


async def test_an_update_stands_on_the_real_status_page_once_and_is_known_to_stand_there(
    database: Database, folder: Path
) -> None:
    component = Component(name="Sign-in", services=(ServiceName("api_key_service"),))
    page = StatusPage(publish=Publishing.MANUAL, components=(component,))
    declared = Cell(replace(owing_spec(), status_page=page))
    desk = StatusDesk(database, declared)
    books = RunbooksForTalk(database=database, shelf=Shelf(lambda: (folder,)))
    world = TalkWorld(database, declared)
    publish = OnStatusPage(lambda: desk)
    world.incidents = replace(world.incidents, publish=publish, messages=books.messages, runbook=books.runbook)
    world.updates = Updates(world.incidents.talk)
    words = RunbookWords(lambda: world.incidents.talk)
    await world.facts(fired(0, alert()))
    assert await words(1, "opened") is None, "no runbook says anything: its own neutral words are better"
    await worked(database, folder / "down.md", title="Keys are down")
    assert await words(1, "resolved") == "Keys work again."
    assert await words(1, "opened") is None, "nobody knows what {{ nobody.knows }} is"
    given = await world.incidents.talk.post(1, Posting(public=True, word=Word.IDENTIFIED), by="ada")
    assert given.publication is Publication.POSTED
    await publish(given)
    await world.settle()
    posted = await outbox.facts_of(database, StatusPosted, utc_now() - timedelta(days=1000))
    assert [(each.status, each.text, each.by) for each in posted] == [("identified", "The cause is identified.", "ada")]
    standing = await world.incidents.talk.standing(1)
    assert [(each.publication, each.public_text) for each in standing.updates] == [
        (Publication.POSTED, "The cause is identified.")
    ]
    refused = await world.incidents.talk.post(1, Posting(public=True, word=Word.POSTMORTEM, text="why"), by="ada")
    assert (refused.publication, refused.detail) == (Publication.REFUSED, "nobody was told that it is resolved")
