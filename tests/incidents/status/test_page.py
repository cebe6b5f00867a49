"""The status page over the life of an incident: what components show, what is posted, what never leaks."""

from dataclasses import replace

import pytest

from stationmaster.core.facts import StatusPosted
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.silences_store import keep
from stationmaster.incidents.status.desk import Planned
from stationmaster.incidents.status.posting import Told
from stationmaster.incidents.status.words import Impact, MaintenanceStatus, PostStatus, Standing
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_of
from tests.incidents.status.world import API, AUTOMATIC, ORDERS, PAYMENTS, PageWorld, alert, at, spec
from tests.incidents.world import ZERO


@pytest.fixture
async def page(database: Database) -> PageWorld:
    made = PageWorld(database, Cell(spec()))
    await made.pages.tick()
    return made


@pytest.fixture
async def automatic(database: Database) -> PageWorld:
    made = PageWorld(database, Cell(spec(AUTOMATIC)))
    await made.pages.tick()
    return made


async def test_all_is_operational_at_first(page: PageWorld) -> None:
    assert "All Systems Operational" in page.document("")
    assert {page.standing(each) for each in (ORDERS, PAYMENTS, API)} == {"operational"}


async def test_a_component_gets_worse_with_every_instance_and_well_again(page: PageWorld) -> None:
    down = [alert(instance=f"orders-{number}", fingerprint=f"f{number}") for number in (1, 2, 3, 4)]
    await page.fire(down[0])
    assert page.standing(ORDERS) == "degraded_performance"
    await page.fire(down[1])
    assert page.standing(ORDERS) == "partial_outage"
    await page.fire(*down[2:])
    assert page.standing(ORDERS) == "major_outage"
    assert page.standing(PAYMENTS) == "operational"
    await page.recover(*down)
    assert page.standing(ORDERS) == "operational"


async def test_a_mitigated_incident_is_felt_no_longer(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    assert page.standing(PAYMENTS) == "major_outage"
    await page.world.incidents.acts.mitigate(1, by="ada")
    await page.pages.tick()
    assert page.standing(PAYMENTS) == "operational"


async def test_an_api_suffers_by_the_nodes_that_do_not_reach_it(page: PageWorld) -> None:
    ways = [alert("x", fingerprint=f"w{each}", api="orders", node=f"gateway-{each}") for each in (1, 2)]
    await page.fire(ways[0])
    assert page.standing(API) == "partial_outage"
    await page.fire(ways[1])
    assert page.standing(API) == "major_outage"
    assert page.standing(ORDERS) == "operational"


async def test_by_hand_goes_before_incidents_until_it_ends(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    await page.pages.desk.set(PAYMENTS, Standing.DEGRADED, by="ada", until=at(10))
    await page.pages.tick()
    assert page.standing(PAYMENTS) == "degraded_performance"
    await page.until(10)
    assert page.standing(PAYMENTS) == "major_outage"


async def test_what_is_released_is_left_to_incidents(page: PageWorld) -> None:
    await page.pages.desk.set(ORDERS, Standing.MAJOR, by="ada")
    await page.pages.tick()
    assert page.standing(ORDERS) == "major_outage"
    await page.pages.desk.release(ORDERS, by="ada")
    await page.pages.tick()
    assert page.standing(ORDERS) == "operational"
    with pytest.raises(PlatformError, match="nobody has set"):
        await page.pages.desk.release(ORDERS, by="ada")


async def test_uptime_counts_after_a_restart(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    page.restart()
    await page.until(30)
    await page.recover(alert("payments"))
    await page.until(60)
    page.restart()
    await page.pages.tick()
    assert page.pages.view is not None
    component = next(each for each in page.pages.view.components if each.name == PAYMENTS)
    assert component.uptime.percent == pytest.approx(50.0)
    assert "Major outage for 30 min" in page.document("")


async def test_manual_publishing_posts_nothing_by_itself(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    await page.recover(alert("payments"))
    assert page.told == []


async def test_an_incident_that_is_over_and_not_told_to_be_is_a_trouble_until_it_is_told(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, "", by="ada")
    await page.pages.tick()
    assert page.pages.troubles() == ()
    await page.world.incidents.acts.resolve(1, by="ada")
    await page.pages.tick()
    [told] = page.pages.troubles()
    assert told == "#1: the status page does not say that it is over: `status-page post 1 --status resolved`"
    await page.pages.desk.post_update(1, PostStatus.RESOLVED, "", by="ada")
    await page.pages.tick()
    assert page.pages.troubles() == ()


async def test_automatic_publishing_follows_the_incident_in_neutral_words(automatic: PageWorld) -> None:
    await automatic.fire(alert("payments"))
    await automatic.world.incidents.acts.mitigate(1, by="ada")
    await automatic.pages.tick()
    await automatic.world.incidents.acts.resolve(1, by="ada")
    await automatic.pages.tick()
    await automatic.pages.refresh()
    assert [status for status, _ in automatic.told] == ["investigating", "monitoring", "resolved"]
    assert automatic.told[0][1] == "We see a problem with Payments and are looking into it."
    view = automatic.pages.view
    assert view is not None
    assert view.incidents[0].title == "Outage of Payments"
    assert view.incidents[0].impact is Impact.CRITICAL


async def test_automatic_posts_are_not_repeated_after_a_restart_and_begin_anew_when_it_is_opened_again(
    automatic: PageWorld,
) -> None:
    await automatic.fire(alert("payments"))
    automatic.restart()
    await automatic.pages.refresh()
    await automatic.pages.refresh()
    assert [status for status, _ in automatic.told] == ["investigating"]
    await automatic.world.incidents.acts.resolve(1, by="ada")
    await automatic.pages.refresh()
    await automatic.world.incidents.acts.reopen(1, by="ada")
    automatic.restart()
    await automatic.pages.refresh()
    await automatic.pages.refresh()
    assert [status for status, _ in automatic.told] == ["investigating", "resolved", "investigating"]


async def test_many_incidents_of_one_component_are_one_to_the_public(automatic: PageWorld) -> None:
    alerts = [alert(fingerprint=f"f{number}", region=f"r{number}", alertname=f"A{number}") for number in range(20)]
    await automatic.fire(*alerts)
    await automatic.fire(alert("payments", fingerprint="other"))
    assert [status for status, _ in automatic.told] == ["investigating"] * 2
    await automatic.recover(*alerts[:19])
    for number in range(1, 20):
        if not (await automatic.world.incidents.story(number)).incident.status.is_over:
            await automatic.world.incidents.acts.resolve(number, by="ada")
    await automatic.pages.refresh()
    assert [status for status, _ in automatic.told] == ["investigating"] * 2
    await automatic.world.incidents.acts.resolve(20, by="ada")
    await automatic.pages.refresh()
    assert sorted(status for status, _ in automatic.told) == ["investigating"] * 2 + ["resolved"]


async def test_somebody_who_told_already_is_not_overtaken(automatic: PageWorld) -> None:
    await automatic.fire(alert("payments"))
    await automatic.pages.desk.post_update(1, PostStatus.RESOLVED, "It is over.", by="ada")
    await automatic.world.incidents.acts.resolve(1, by="ada")
    await automatic.pages.refresh()
    await automatic.pages.refresh()
    assert [status for status, _ in automatic.told] == ["investigating", "resolved"]


async def test_a_warning_of_no_component_is_not_published(automatic: PageWorld) -> None:
    await automatic.fire(alert("nobody-knows"), alert("payments", fingerprint="f2", severity="info"))
    assert automatic.told == []


async def test_a_text_of_the_runbook_is_published_and_one_that_leaks_is_not(database: Database) -> None:
    async def text_for(_incident: int, moment: str) -> str | None:
        return {"opened": "Payments fail; we are on it.", "resolved": "payments-1 at 10.1.2.3 is back"}.get(moment)

    page = PageWorld(database, Cell(spec(AUTOMATIC)), text_for)
    await page.fire(alert("payments"))
    await page.world.incidents.acts.resolve(1, by="ada")
    await page.pages.refresh()
    assert page.told == [
        ("investigating", "Payments fail; we are on it."),
        ("resolved", "The problem with Payments is over."),
    ]


async def test_nothing_of_the_inside_is_on_any_page(automatic: PageWorld) -> None:
    await automatic.fire(*(alert(instance=f"orders-{number}", fingerprint=f"f{number}") for number in (1, 2, 3)))
    await automatic.world.incidents.acts.note(1, text="the secret note", by="ada")
    await automatic.pages.refresh()
    everything = b"\n".join(each.body for each in automatic.pages.prepared.value.documents.values()).decode()
    assert "Partial outage of Orders" in everything
    for inside in ("orders-1", "10.1.2.3", "healthz", "secret note", "gateway-1", "10.9.9.9", "ada"):
        assert inside not in everything, inside


async def test_a_post_is_a_fact_an_audit_line_and_a_line_of_the_timeline(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    await page.pages.desk.post_update(1, PostStatus.IDENTIFIED, "A disk is full.", by="ada")
    await page.world.settle()
    [fact] = await facts_of(page.database, StatusPosted, ZERO)
    assert (fact.status, fact.text, fact.by) == ("identified", "A disk is full.", "ada")
    assert await page.world.lines("status.posted") == ["status page, identified: A disk is full."]
    async with page.database.read() as connection:
        found = await changes(connection, Asked(kind="status-page"))
    assert [each.action for _, each in found] == ["post"]


async def test_the_second_post_of_a_key_changes_nothing(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    told = Told(key="update/1")
    first = await page.pages.desk.post_update(1, PostStatus.IDENTIFIED, "A disk is full.", by="ada", told=told)
    second = await page.pages.desk.post_update(1, PostStatus.MONITORING, "Something else.", by="lin", told=told)
    assert second == first
    assert len(await facts_of(page.database, StatusPosted, ZERO)) == 1


async def test_a_component_set_by_a_post_is_released_by_its_end(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    told = Told(components={API: Standing.PARTIAL}, title="APIs fail", impact=Impact.MINOR)
    await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, "", by="ada", told=told)
    await page.pages.tick()
    assert page.standing(API) == "partial_outage"
    await page.recover(alert("payments"))
    await page.pages.desk.post_update(1, PostStatus.RESOLVED, "", by="ada")
    await page.pages.tick()
    assert page.standing(API) == "operational"
    assert page.pages.view is not None
    [public] = page.pages.view.incidents
    assert (public.title, public.impact) == ("APIs fail", Impact.MINOR)


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (PostStatus.POSTMORTEM, Told(), "not-now"),
        (PostStatus.INVESTIGATING, Told(components={"Nothing": Standing.MAJOR}), "unknown-component"),
        (PostStatus.INVESTIGATING, Told(title="x" * 301), "too-long"),
    ],
)
async def test_a_post_that_cannot_be_meant_is_refused(
    page: PageWorld, status: PostStatus, told: Told, code: str
) -> None:
    await page.fire(alert("payments"))
    with pytest.raises(PlatformError) as refused:
        await page.pages.desk.post_update(1, status, "", by="ada", told=told)
    assert refused.value.code == code


async def test_an_unknown_incident_is_refused(page: PageWorld) -> None:
    with pytest.raises(PlatformError, match="no incident #9"):
        await page.pages.desk.post_update(9, PostStatus.INVESTIGATING, "", by="ada")


async def test_a_preview_writes_nothing_and_names_what_leaks(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    found = await page.pages.desk.preview(1, PostStatus.IDENTIFIED, "payments-1 at 10.1.2.3:9081 is dead", by="ada")
    assert found.leaks == ("payments-1", "10.1.2.3:9081")
    assert found.drafted.is_new
    await page.pages.refresh()
    assert page.told == []


def _silence(name: str, *matchers: LabelMatch, minutes: tuple[float, float]) -> Silence:
    return Silence(
        id="5d3f2f8e",
        matchers=matchers,
        starts_at=at(minutes[0]),
        ends_at=at(minutes[1]),
        created_by="ada",
        comment="the new switch in rack 7",
        updated_at=ZERO,
        name=name,
    )


async def _put(page: PageWorld, silence: Silence) -> None:
    async with page.database.write() as connection:
        await keep(connection, silence)
    page.silences = (silence,)
    await page.pages.tick()


async def test_a_named_silence_is_maintenance_of_what_it_touches(page: PageWorld) -> None:
    silence = _silence("Switch upgrade", LabelMatch(name="region", value="us"), minutes=(10, 20))
    await _put(page, silence)
    assert page.standing(ORDERS) == "operational"
    assert "Switch upgrade" in page.document("")
    assert "rack 7" not in page.document("")
    await page.until(10)
    assert page.standing(ORDERS) == "under_maintenance"
    assert page.standing(PAYMENTS) == "operational"
    assert "Service Under Maintenance" in page.document("")
    await page.until(20)
    assert page.standing(ORDERS) == "operational"
    assert page.pages.view is not None
    assert page.pages.view.maintenances[0].status is MaintenanceStatus.COMPLETED


async def test_a_silence_that_is_ended_early_ends_its_maintenance(page: PageWorld) -> None:
    silence = _silence("payments-1 is moved", LabelMatch(name="service", value="payments"), minutes=(0, 60))
    await _put(page, silence)
    assert page.standing(PAYMENTS) == "under_maintenance"
    assert "Maintenance of Payments" in page.document("")
    page.world.passes(300)
    await _put(page, replace(silence, ends_at=at(5)))
    assert page.standing(PAYMENTS) == "operational"


async def test_a_silence_without_a_name_or_without_a_place_is_not_public(page: PageWorld) -> None:
    await _put(page, _silence("", LabelMatch(name="service", value="orders"), minutes=(0, 60)))
    await _put(page, _silence("Noise", LabelMatch(name="alertname", value="Slow"), minutes=(0, 60)))
    assert page.pages.view is not None
    assert page.pages.view.maintenances == ()


async def test_maintenance_by_hand_is_told_begins_and_ends(page: PageWorld) -> None:
    planned = Planned(title="", body="Orders may be slow.", components=(ORDERS,), starts_at=at(5), ends_at=at(50))
    made = await page.pages.desk.announce(planned, by="ada")
    await page.until(5)
    assert page.standing(ORDERS) == "under_maintenance"
    await page.pages.desk.tell_of_maintenance(made.window.id, "Half of it is done.", by="ada")
    await page.pages.desk.end_maintenance(made.window.id, by="ada")
    await page.pages.tick()
    assert page.standing(ORDERS) == "operational"
    text = page.document(f"maintenances/{made.window.id}")
    for said in (
        "Maintenance of Orders",
        "Orders may be slow.",
        "Half of it is done.",
        "The maintenance is completed.",
    ):
        assert said in text
    with pytest.raises(PlatformError, match="it is over"):
        await page.pages.desk.end_maintenance(made.window.id, by="ada")


async def test_a_component_that_is_declared_no_longer_leaves_the_page_and_keeps_its_history(page: PageWorld) -> None:
    whole = page.declared.value
    await page.until(10)
    page.declared.set(
        replace(whole, status_page=replace(whole.status_page, components=whole.status_page.components[1:]))
    )
    await page.until(20)
    assert ORDERS not in page.document("")
    page.declared.set(whole)
    await page.until(30)
    assert page.standing(ORDERS) == "operational"
    assert page.pages.view is not None
    component = next(each for each in page.pages.view.components if each.name == ORDERS)
    assert component.created_at == ZERO


async def test_documents_that_do_not_change_are_kept(page: PageWorld) -> None:
    before = page.pages.prepared.value
    await page.pages.refresh()
    assert page.pages.prepared.value.find("style.css") is before.find("style.css")
    assert page.pages.prepared.value.find("") is before.find("")


async def test_the_page_of_an_incident_is_drawn_again_when_something_is_told_of_it(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    post = await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, "First.", by="ada")
    await page.pages.refresh()
    name = f"incidents/{post.about}"
    before = page.pages.prepared.value.find(name)
    await page.fire(alert("orders", fingerprint="other"))
    assert page.pages.prepared.value.find(name) is before
    await page.pages.desk.post_update(1, PostStatus.IDENTIFIED, "Second.", by="ada")
    await page.pages.refresh()
    assert "Second." in page.document(name)


async def test_hostile_words_are_words_on_every_page(page: PageWorld) -> None:
    await page.fire(alert("payments"))
    hostile = "<script>alert(1)</script> \x00\x1b & </p>"
    told = Told(title=hostile)
    await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, hostile, by="ada", told=told)
    await page.pages.tick()
    for name, each in page.pages.prepared.value.documents.items():
        if not name.startswith("api/"):
            assert b"<script" not in each.body, name
