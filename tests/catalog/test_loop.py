"""The catalog changes what is declared as a whole or not at all, and keeps who changed what."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.catalog import store
from stationmaster.catalog.conditions import Condition
from stationmaster.catalog.filters import Wanted
from stationmaster.catalog.loop import Catalog, Source
from stationmaster.catalog.start import open_catalog
from stationmaster.core.names import UserName
from stationmaster.core.problem import InvalidInputError, PlatformError
from stationmaster.manifest.entities import SETTINGS, EntityKind, parse_document
from stationmaster.runtime.audit import Asked
from stationmaster.runtime.db import Database
from tests.catalog.conftest import PLATFORM, meant, rewrite

API, USER, HOST = EntityKind.API, EntityKind.USER, EntityKind.VIRTUAL_HOST
HERE = Source(file="request")


async def audited(catalog: Catalog, asked: Asked = Asked()) -> list[tuple[str, str, str, str]]:  # noqa: B008 frozen
    return [(each.who, each.action, each.kind, each.name) for _, each in await catalog.changes(asked)]


def names(catalog: Catalog) -> list[str]:
    return [api.name for api in catalog.declared.value.apis]


async def reopened(database: Database) -> Catalog:
    return await open_catalog(database, None)


async def test_a_file_becomes_the_declared_platform_with_its_places(catalog: Catalog, file: Path) -> None:
    spec = catalog.declared.value
    assert spec == parse_document(PLATFORM, file=str(file), folder=file.parent).spec
    assert [(api.name, api.origin.file, api.origin.line) for api in spec.apis] == [
        ("orders", str(file), 22),
        ("open", str(file), 23),
    ]
    assert catalog.revision == 1


async def test_what_is_stored_is_the_same_platform_after_a_restart(catalog: Catalog, database: Database) -> None:
    again = (await reopened(database)).declared.value
    assert meant(again) == meant(catalog.declared.value)
    assert [api.origin.line for api in again.apis] == [22, 23]


async def test_applying_shows_every_change_and_an_equal_file_changes_nothing(catalog: Catalog, file: Path) -> None:
    source = Source(file=str(file), folder=file.parent)
    text = PLATFORM.replace("paths: [/open]", "paths: [/opened]").replace(
        "  - {name: ada, apis: [orders]}", "  - {name: lin, apis: [orders]}"
    )
    applied = await catalog.apply(text, source=source, who="ada")
    assert [(each.action.value, each.kind.value, each.name) for each in applied.changes] == [
        ("update", "api", "open"),
        ("create", "user", "lin"),
        ("delete", "user", "ada"),
    ]
    assert applied.revision == catalog.revision == 2
    assert catalog.declared.value.apis[1].paths == ("/opened",)
    again = await catalog.apply(text, source=source, who="ada")
    assert (again.changes, again.revision) == ((), 2)


async def test_a_dry_run_changes_nothing(catalog: Catalog) -> None:
    before = catalog.declared.value
    text = PLATFORM.replace("/open]", "/opened]")
    rehearsed = await catalog.apply(text, source=HERE, who="ada", dry_run=True)
    assert [each.name for each in rehearsed.changes] == ["open"]
    assert catalog.declared.value is before
    assert catalog.revision == 1


async def test_an_invalid_file_is_refused_with_every_problem_and_changes_nothing(
    catalog: Catalog, database: Database
) -> None:
    before = catalog.declared.value
    text = PLATFORM.replace("virtual_host: shop, accepts", "virtual_host: shp, accepts").replace(
        "apis: [orders]", "apis: [odrers]"
    )
    with pytest.raises(InvalidInputError) as refusal:
        await catalog.apply(text, source=HERE, who="ada")
    assert [each.origin.line for each in refusal.value.diagnostics if each.code == "unknown-reference"] == [22, 25]
    assert catalog.declared.value is before
    assert meant((await reopened(database)).declared.value) == meant(before)


async def test_lines_that_move_are_followed_without_any_change(
    catalog: Catalog, file: Path, database: Database
) -> None:
    applied = await catalog.apply(f"# moved\n{PLATFORM}", source=Source(file=str(file), folder=file.parent), who="ada")
    assert applied.changes == ()
    assert [api.origin.line for api in catalog.declared.value.apis] == [23, 24]
    assert [api.origin.line for api in (await reopened(database)).declared.value.apis] == [23, 24]
    assert catalog.find(API, "open").changed_by == "up"


async def test_the_order_of_a_file_is_kept(catalog: Catalog, database: Database) -> None:
    lines = PLATFORM.splitlines(keepends=True)
    lines[21], lines[22] = lines[22], lines[21]
    await catalog.apply("".join(lines), source=HERE, who="ada")
    assert names(catalog) == ["open", "orders"]
    assert names(await reopened(database)) == ["open", "orders"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("environment: test", "environment: other", "environment"),
        ("services:", "control: {api: 127.0.0.1:4999}\nservices:", "control"),
    ],
)
async def test_what_only_a_restart_can_change_is_refused_with_how_to_do_it(
    catalog: Catalog, file: Path, database: Database, old: str, new: str, field: str
) -> None:
    text = PLATFORM.replace(old, new, 1)
    with pytest.raises(InvalidInputError) as refusal:
        await catalog.apply(text, source=HERE, who="ada")
    [problem] = refusal.value.diagnostics
    assert problem.code == "needs-restart"
    assert field in problem.message
    assert "up -f" in problem.hint
    rewrite(file, text)
    restarted = await open_catalog(database, file)
    assert restarted.declared.value != catalog.declared.value


async def test_an_entity_is_created_replaced_and_deleted(catalog: Catalog, database: Database) -> None:
    made = await catalog.put(API, "new", '{"paths": ["/new"], "virtual_host": "spare"}', source=HERE, who="lin")
    assert made.change is not None
    assert (made.change.action.value, made.revision, made.now.changed_by) == ("create", 2, "lin")
    assert names(catalog) == ["orders", "open", "new"]
    changed = await catalog.put(API, "new", "{paths: [/newer], virtual_host: spare}", source=HERE, who="lin")
    assert changed.change is not None
    assert [(each.path, each.before, each.after) for each in changed.change.fields] == [("paths", ["/new"], ["/newer"])]
    again = await reopened(database)
    assert meant(again.declared.value) == meant(catalog.declared.value)
    assert again.find(API, "new").etag == changed.now.etag
    await catalog.delete(API, "new", who="lin")
    assert names(catalog) == names(await reopened(database)) == ["orders", "open"]
    assert await audited(catalog, Asked(who="lin")) == [
        ("lin", "delete", "api", "new"),
        ("lin", "update", "api", "new"),
        ("lin", "create", "api", "new"),
    ]


async def test_what_is_so_already_is_no_change(catalog: Catalog) -> None:
    pulse = catalog.declared.changed.count
    written = await catalog.put(USER, "ada", "{name: ada, apis: [orders]}", source=HERE, who="lin")
    assert (written.change, written.revision) == (None, 1)
    assert catalog.declared.changed.count == pulse
    assert catalog.find(USER, "ada").changed_by == "up"


async def test_a_patch_changes_the_fields_that_it_names(catalog: Catalog) -> None:
    await catalog.patch(API, "orders", {"timeout": "3s", "hosts": ["a.example.org"]}, source=HERE, who="lin")
    [orders] = [api for api in catalog.declared.value.apis if api.name == "orders"]
    assert (orders.timeout_ms, orders.hosts, orders.paths) == (3000, ("a.example.org",), ("/orders",))
    written = await catalog.patch(API, "orders", {"timeout": None}, source=HERE, who="lin")
    assert "timeout" not in written.now.entity.body


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("new", "{paths: [/new], virtual_host: nowhere}", "unknown-reference"),
        ("new", "{paths: [/orders], virtual_host: shop}", "overlapping-route"),
        ("new", "{paths: [no-slash], virtual_host: shop}", "bad-path"),
        ("new", "{pathz: [/new], virtual_host: shop}", "unknown-field"),
        ("open", "{paths: [/open], virtual_host: shop, name: closed}", ""),
        ("new", "{paths: [", ""),
    ],
)
async def test_an_invalid_entity_is_refused_and_changes_nothing(
    catalog: Catalog, database: Database, name: str, text: str, code: str
) -> None:
    before = catalog.declared.value
    with pytest.raises(InvalidInputError) as refusal:
        await catalog.put(API, name, text, source=HERE, who="lin")
    assert not code or code in {each.code for each in refusal.value.diagnostics}
    assert {each.origin.file for each in refusal.value.diagnostics} == {"request"}
    assert catalog.declared.value is before
    assert catalog.revision == (await reopened(database)).revision == 1
    good = await catalog.put(API, "good", "{paths: [/good], virtual_host: shop}", source=HERE, who="lin")
    assert good.revision == 2


@pytest.mark.parametrize(
    ("kind", "name", "referrer"),
    [
        (HOST, "shop", "orders"),
        (API, "orders", "ada"),
        (EntityKind.SERVICE, "shop", "virtual-host shop"),
    ],
)
async def test_what_something_refers_to_is_not_deleted(
    catalog: Catalog, kind: EntityKind, name: str, referrer: str
) -> None:
    before = catalog.declared.value
    with pytest.raises(InvalidInputError) as refusal:
        await catalog.delete(kind, name, who="lin")
    assert (refusal.value.code, refusal.value.status) == ("in-use", 409)
    assert any(referrer in each.message for each in refusal.value.diagnostics)
    assert catalog.declared.value is before


async def test_the_settings_cannot_be_deleted(catalog: Catalog) -> None:
    with pytest.raises(PlatformError):
        await catalog.delete(EntityKind.SETTINGS, SETTINGS, who="lin")
    assert catalog.find(EntityKind.SETTINGS, SETTINGS)


async def test_a_service_that_moves_takes_the_targets_of_its_instances_along(
    catalog: Catalog, database: Database
) -> None:
    instances = [
        {"name": "shop-1", "region": "here", "address": "127.0.0.1:8091"},
        {"name": "shop-2", "region": "here", "address": "127.0.0.1:8082"},
    ]
    await catalog.patch(EntityKind.SERVICE, "shop", {"instances": instances}, source=HERE, who="lin")
    assert [str(each.address) for each in catalog.declared.value.virtual_hosts[0].targets] == [
        "127.0.0.1:8091",
        "127.0.0.1:8082",
    ]
    assert meant((await reopened(database)).declared.value) == meant(catalog.declared.value)


async def test_an_instance_with_a_target_cannot_be_taken_from_its_service(catalog: Catalog) -> None:
    instances = [{"name": "shop-1", "region": "here", "address": "127.0.0.1:8081"}]
    with pytest.raises(InvalidInputError) as refusal:
        await catalog.patch(EntityKind.SERVICE, "shop", {"instances": instances}, source=HERE, who="lin")
    assert any("shop-2" in each.message for each in refusal.value.diagnostics)


async def test_unknown_names_are_told_with_the_nearest_one(catalog: Catalog) -> None:
    with pytest.raises(PlatformError) as refusal:
        catalog.find(API, "ordres")
    assert (refusal.value.code, refusal.value.status) == ("unknown-api", 404)
    assert "orders" in refusal.value.hint


async def test_of_two_who_change_the_same_thing_one_is_refused(catalog: Catalog) -> None:
    etag = catalog.find(API, "orders").etag
    condition = Condition(if_match=f'"{etag}"')
    outcomes = await asyncio.gather(
        *(
            catalog.patch(API, "orders", {"timeout": f"{seconds}s"}, source=HERE, who="x", condition=condition)
            for seconds in range(1, 9)
        ),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, PlatformError)]
    assert len(refused) == 7
    assert {each.code for each in refused} == {"precondition-failed"}


async def test_writers_at_the_same_time_lose_no_change(catalog: Catalog, database: Database) -> None:
    await asyncio.gather(
        *(
            catalog.put(API, f"api-{at}", f"{{paths: [/p{at}], virtual_host: shop}}", source=HERE, who="x")
            for at in range(20)
        )
    )
    assert set(names(catalog)) == {"orders", "open"} | {f"api-{at}" for at in range(20)}
    assert meant((await reopened(database)).declared.value) == meant(catalog.declared.value)
    assert catalog.revision == 21


async def test_a_create_only_put_does_not_replace(catalog: Catalog) -> None:
    with pytest.raises(PlatformError) as refusal:
        await catalog.put(USER, "ada", "{apis: []}", source=HERE, who="x", condition=Condition(if_none_match="*"))
    assert refusal.value.code == "precondition-failed"
    assert catalog.declared.value.api_users[0].apis == ("orders",)


async def test_a_store_that_fails_leaves_everything_as_it_was(catalog: Catalog, database: Database) -> None:
    before = catalog.declared.value

    def fail(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO catalog_revision" in statement:
            raise OSError("no space left on device")

    event.listen(database.writer.sync_engine, "before_cursor_execute", fail)
    with pytest.raises(OSError, match="no space"):
        await catalog.put(USER, "lin", "{apis: [orders]}", source=HERE, who="x")
    event.remove(database.writer.sync_engine, "before_cursor_execute", fail)
    assert catalog.declared.value is before
    assert UserName("lin") not in {user.name for user in (await reopened(database)).declared.value.api_users}
    assert await audited(catalog, Asked(who="x")) == []
    assert (await catalog.put(USER, "lin", "{apis: [orders]}", source=HERE, who="x")).revision == 2


async def test_pages_follow_each_other_by_name(catalog: Catalog) -> None:
    for at in range(5):
        await catalog.put(USER, f"user-{at}", "{}", source=HERE, who="x")
    first = catalog.page(USER, Wanted(), limit=4)
    assert [each.entity.name for each in first.entries] == ["ada", "user-0", "user-1", "user-2"]
    assert (first.total, first.more) == (6, True)
    last = catalog.page(USER, Wanted(), limit=4, after="user-2")
    assert ([each.entity.name for each in last.entries], last.more) == (["user-3", "user-4"], False)


async def test_the_whole_declaration_can_be_written_and_applied_again(catalog: Catalog) -> None:
    applied = await catalog.apply(catalog.document(), source=HERE, who="x")
    assert applied.changes == ()


async def test_revisions_count_what_they_changed(catalog: Catalog, database: Database) -> None:
    await catalog.put(USER, "lin", "{}", source=HERE, who="x")
    await catalog.delete(USER, "lin", who="x")
    async with database.read() as connection:
        found = await store.latest_revisions(connection, 10)
    assert [(number, each.created, each.updated, each.deleted) for number, each in found] == [
        (3, 0, 0, 1),
        (2, 1, 0, 0),
        (1, 8, 0, 0),
    ]


async def test_one_change_among_ten_thousand_apis_costs_milliseconds(database: Database, tmp_path: Path) -> None:
    apis = "".join(f"  - {{name: api-{at}, paths: [/p/{at}], virtual_host: spare}}\n" for at in range(10_000))
    text = PLATFORM.replace("apis:\n", f"apis:\n{apis}", 1)
    rewrite(tmp_path / "platform.yaml", text)
    catalog = await open_catalog(database, tmp_path / "platform.yaml")
    spent = []
    for at in range(20):
        started = time.process_time()
        await catalog.patch(API, f"api-{at}", {"timeout": "3s"}, source=HERE, who="x")
        spent.append(time.process_time() - started)
    assert sorted(spent)[10] < 0.03
    assert meant(catalog.declared.value) == meant((await reopened(database)).declared.value)


async def test_whoever_has_to_know_is_told_of_what_is_deleted_in_the_same_transaction(
    catalog: Catalog, database: Database, file: Path
) -> None:
    told: list[tuple[EntityKind, str]] = []

    async def leaving(connection: AsyncConnection, removed: Sequence[tuple[EntityKind, str]]) -> None:
        assert connection.in_transaction()
        told.extend(removed)

    again = await open_catalog(database, None, leaving=leaving)
    await again.put(USER, "lin", "{name: lin}", source=HERE, who="ada")
    await again.delete(USER, "lin", who="ada")
    assert told == [(USER, "lin")]
    without = PLATFORM.replace("  - {name: ada, apis: [orders]}", "  - {name: lin, apis: [orders]}")
    await again.apply(without, source=Source(file=str(file), folder=file.parent), who="ada")
    assert told[1:] == [(USER, "ada")]


async def test_what_cannot_be_told_is_not_deleted(catalog: Catalog, database: Database) -> None:
    async def leaving(_connection: AsyncConnection, removed: Sequence[tuple[EntityKind, str]]) -> None:
        if removed:
            raise PlatformError("disk-full", "nothing more can be written", hint="make room")

    again = await open_catalog(database, None, leaving=leaving)
    await again.put(USER, "lin", "{name: lin}", source=HERE, who="ada")
    with pytest.raises(PlatformError, match="nothing more"):
        await again.delete(USER, "lin", who="ada")
    for each in (again, await reopened(database)):
        assert UserName("lin") in [user.name for user in each.declared.value.api_users]
