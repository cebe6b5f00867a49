"""What stands in messages: links to look for channels, links to act for those who are paged, updates as they are."""

from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.links import Link
from stationmaster.incidents.notify.message import Message, Occasion
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.incidents.paging import telling
from stationmaster.incidents.talk.desk import Posting
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, fired


async def told(database: Database) -> tuple[TalkWorld, dict[Occasion, Message]]:
    world = TalkWorld(database, Cell(owing_spec()))
    found: dict[Occasion, Message] = {}

    def keep(claimed: Claimed) -> Receipt:
        message = telling(world.incidents).message(claimed)
        found[message.occasion] = message
        return delivered()

    world.answer = keep
    await world.facts(fired(0, alert()))
    await world.until(15, step_s=300)
    await world.talk.post(1, Posting(text="a disk is full"), by="ada")
    await world.tick()
    return world, found


async def test_links_lead_to_the_page_and_only_whoever_was_paged_can_act_by_theirs(database: Database) -> None:
    world, found = await told(database)
    links, now = world.incidents.links, world.incidents.clock.now()

    def read(url: str) -> Link:
        assert "/i/" in url
        return links.read(url.rpartition("/i/")[2], now)

    assert set(found) == {Occasion.PAGE, Occasion.OPENED, Occasion.UPDATE_OWED, Occasion.UPDATE}
    assert {read(each.link) for each in found.values()} == {Link(incident=1, who="")}
    assert read(found[Occasion.PAGE].acknowledge) == Link(incident=1, who="engineer")
    assert {each.acknowledge for occasion, each in found.items() if occasion is not Occasion.PAGE} == {""}


async def test_updates_are_told_as_text_and_not_as_a_reason(database: Database) -> None:
    _, found = await told(database)
    assert (found[Occasion.UPDATE].text, found[Occasion.UPDATE].why) == ("Investigating: a disk is full", "")
    owed = found[Occasion.UPDATE_OWED].text
    assert owed.startswith("An update is owed since 03:15:00 UTC. Post it: `stm incident update 1`")
    assert "\nDraft:\nInvestigating: triggered, critical, since 03:00 UTC, for 15 minutes" in owed
