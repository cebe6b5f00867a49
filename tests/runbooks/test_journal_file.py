"""A journal that cannot be used is told in words with a hint; one that fails in mid-run stays intact."""

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.alone import Alone
from stationmaster.runbooks.journal_file import VERSION, open_journal
from stationmaster.runbooks.run import Outcome
from stationmaster.runtime.db import Database
from tests.runbooks.people import Person, alone, request, run

_NOBODY = 65_534


async def refused(path: Path) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await open_journal(path)
    assert caught.value.hint
    return caught.value


async def test_a_journal_is_its_owners_alone_and_holds_the_runs_tables_only(tmp_path: Path) -> None:
    database = await open_journal(tmp_path / "deep" / "runs.db")
    await database.close()
    assert stat.S_IMODE((tmp_path / "deep" / "runs.db").stat().st_mode) == 0o600
    found = sqlite3.connect(tmp_path / "deep" / "runs.db")
    names = {row[0] for row in found.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    version = found.execute("PRAGMA user_version").fetchone()[0]
    found.close()
    assert (names, version) == ({"run", "step", "run_event", "run_value"}, VERSION)


async def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"this is not a database at all, " * 100)
    assert (await refused(path)).code == "journal-damaged"
    assert path.read_bytes().startswith(b"this is not")


async def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    found = sqlite3.connect(tmp_path / "runs.db")
    found.execute(f"PRAGMA user_version = {VERSION + 1}")
    found.close()
    error = await refused(tmp_path / "runs.db")
    assert error.code == "journal-newer"
    assert "update Stationmaster" in error.hint


async def test_a_folder_in_the_journals_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs.db").mkdir()
    assert (await refused(tmp_path / "runs.db")).code == "journal-not-writable"


async def test_a_journal_that_another_program_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await open_journal(tmp_path / "runs.db")
    await database.close()
    monkeypatch.setattr("stationmaster.runtime.db._configure", impatient)
    holder = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert (await refused(tmp_path / "runs.db")).code == "journal-locked"
    holder.execute("ROLLBACK")
    holder.close()


def impatient(connection, _record: object) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=50")


async def limit(database: Database, more_pages: int) -> None:
    """Lets the file grow by so many pages and no more: a disk that fills up."""
    async with database.writer.connect() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar() or 0
        await connection.execute(text(f"PRAGMA max_page_count = {pages + more_pages}"))


@pytest.mark.parametrize("pages", [0, 2, 4, 8, 16])
async def test_a_full_disk_stops_the_run_and_it_goes_on_when_there_is_room(pages: int, tmp_path: Path) -> None:
    steps = "\n".join(f"seq {start} {start + 2000}" for start in range(8))
    document = (
        f"# T\n\n## Steps\n\n1. Look.\n   ```bash\n   {steps.replace(chr(10), chr(10) + '   ')}\n   ```\n"
        '2. Change.\n   ```bash {verify="grep -q x canary"}\n   echo x >> canary\n   ```\n'
    )
    path = tmp_path / "runs.db"
    face = Alone(journal=await open_journal(path), operator=Person(), locks=tmp_path / "locks")
    assert isinstance(face.journal, Database)
    first = await face.start(request("# S\n\n## Steps\n\n```bash\necho a\n```\n", tmp_path))
    assert first.outcome is Outcome.PASSED
    await limit(face.journal, pages)
    with pytest.raises(PlatformError) as caught:
        await face.start(request(document, tmp_path))
    assert caught.value.code == "journal-not-written"
    await face.journal.close()
    person = Person()
    again = Alone(journal=path, operator=person, locks=tmp_path / "locks")
    open_runs = [each for each in await again.runs() if each.outcome is None]
    for each in open_runs:
        assert (await again.resume(each.id)).outcome is Outcome.CURED
        assert (tmp_path / "canary").read_text() == "x\n"
    await again.close()
    found = sqlite3.connect(path)
    assert found.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    found.close()


async def test_the_same_run_works_in_the_platforms_store(database: Database, tmp_path: Path) -> None:
    face = Alone(journal=database, operator=Person(), locks=tmp_path / "locks")
    document = '# T\n\n## Steps\n\n1. Do.\n   ```bash {verify="test -e canary"}\n   touch canary\n   ```\n'
    finished = await face.start(request(document, tmp_path))
    assert finished.outcome is Outcome.CURED
    assert [each.id for each in await face.runs()] == [finished.run]


async def test_output_that_never_ends_does_not_fill_the_journal(tmp_path: Path) -> None:
    document = "# T\n\n## Steps\n\n1. Look.\n   ```bash {timeout=1s}\n   yes some-output\n   ```\n"
    await run(document, tmp_path, Person())
    size = sum(each.stat().st_size for each in (tmp_path / ".runs").iterdir() if each.is_file())
    assert size < 2_000_000
    async with alone(tmp_path, Person()) as face:
        assert len(await face.story((await face.runs())[0].id)) < 1000


@pytest.fixture
def somebody_else() -> Iterator[Path]:
    """A folder of this process's own in which it may not write: root stops being root meanwhile."""
    folder = Path(tempfile.mkdtemp())
    if os.getuid() == 0:
        os.chown(folder, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield folder
    finally:
        if os.geteuid() == _NOBODY:
            os.setresuid(0, 0, 0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("there", [False, True])
async def test_a_folder_that_may_not_be_written_is_told_at_once(there: bool, somebody_else: Path) -> None:
    file = somebody_else / "runs.db"
    if there:
        await (await open_journal(file)).close()
    somebody_else.chmod(0o500)  # noqa: ASYNC240 a local file
    begun_at = time.monotonic()
    assert (await refused(file)).code == "journal-not-writable"
    assert time.monotonic() - begun_at < 2
