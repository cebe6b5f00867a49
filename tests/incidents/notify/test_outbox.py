"""An outbox takes what nobody outside is there to take: once, readable by its owner alone, and never outside of it."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.cli.pages_shown import PagesShown
from stationmaster.core.response import Contact, ContactKind
from stationmaster.incidents.notify import outbox as module
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.incidents.notify.outbox import messages_in
from stationmaster.incidents.notify.receipt import Delivery
from tests.incidents.notify.messages import page


def everything_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


LIN = Contact(name="outbox", kind=ContactKind.OUTBOX, address="lin")


async def test_a_page_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    receipt = await every_notifier(lambda: None, outbox=tmp_path / "outbox").send(LIN, page())
    (written,) = messages_in(tmp_path / "outbox")
    assert (receipt.delivery, receipt.detail) == (Delivery.DELIVERED, f"written to lin/{written.name}")
    text = written.read_text("utf-8")
    assert text.startswith("[CRITICAL] #7 ServiceInstanceDown: key-1 (keys, us-south)\n")
    assert "Acknowledge: http://127.0.0.1:4580/i/TOKEN" in text
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700


async def test_the_same_page_is_written_once_and_no_link_stands_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = every_notifier(lambda: None, outbox=tmp_path)
    receipts = [await every.send(LIN, page()) for _ in range(2)]
    other = await every.send(LIN, page(key="another"))
    assert [each.delivery for each in (*receipts, other)] == [Delivery.DELIVERED] * 3
    assert len(messages_in(tmp_path)) == 2
    said = "".join(capsys.readouterr())
    assert "#7 ServiceInstanceDown" in said
    assert "TOKEN" not in said


@pytest.mark.parametrize("address", ["", "..", "../keys", "a/b", ".hidden", "a\nb", "/etc"])
async def test_nothing_is_written_outside_of_the_folder(tmp_path: Path, address: str) -> None:
    every = every_notifier(lambda: None, outbox=tmp_path / "outbox")
    receipt = await every.send(replace(LIN, address=address), page())
    assert receipt.delivery is Delivery.REFUSED
    assert everything_below(tmp_path) == []


async def test_without_a_state_folder_it_is_refused(tmp_path: Path) -> None:
    receipt = await every_notifier(lambda: None).send(LIN, page())
    assert receipt.delivery is Delivery.REFUSED


async def test_what_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where a folder should be")
    receipt = await every_notifier(lambda: None, outbox=tmp_path / "outbox").send(LIN, page())
    assert receipt.delivery is Delivery.FAILED


async def test_a_box_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 3)
    every = every_notifier(lambda: None, outbox=tmp_path)
    for number in range(5):
        await every.send(LIN, page(key=str(number), title=f"number {number}"))
    assert [each.read_text("utf-8").splitlines()[0] for each in messages_in(tmp_path)] == [
        f"[CRITICAL] #7 number {number}" for number in (2, 3, 4)
    ]


async def test_up_shows_what_is_new_and_to_whom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = every_notifier(lambda: None, outbox=tmp_path)
    await every.send(LIN, page(key="old", title="old"))
    shown = PagesShown(tmp_path)
    await every.send(LIN, page(key="new", title="new"))
    capsys.readouterr()
    for _ in range(2):
        shown.show()
    told = capsys.readouterr().out
    assert "to lin: [CRITICAL] #7 new" in told
    assert (told.count("#7"), "old" in told) == (1, False)


def test_no_outbox_yet_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PagesShown(tmp_path / "none").show()
    assert capsys.readouterr().out == ""
