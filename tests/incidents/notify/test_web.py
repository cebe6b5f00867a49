"""Slack, webhooks and PagerDuty: what they are sent, and what is made of what they answer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stationmaster.core.response import Contact, ContactKind
from stationmaster.incidents.notify import web
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.incidents.notify.message import Occasion, body, headline
from stationmaster.incidents.notify.pagerduty import endpoint_of
from stationmaster.incidents.notify.receipt import Delivery, Notifier
from stationmaster.incidents.notify.slack import Slack, escaped
from stationmaster.incidents.notify.slack import document as slack_document
from stationmaster.incidents.notify.webhook import Webhook
from stationmaster.incidents.notify.webhook import document as webhook_document
from tests.incidents.notify.listening import HANG, receiver
from tests.incidents.notify.messages import page


def contact(kind: ContactKind, address: str = "", secret: Path | None = None) -> Contact:
    return Contact(name="there", kind=kind, address=address, secret_file=secret)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Delivery.DELIVERED),
        (202, Delivery.DELIVERED),
        (302, Delivery.REFUSED),
        (400, Delivery.REFUSED),
        (404, Delivery.REFUSED),
        (429, Delivery.FAILED),
        (500, Delivery.FAILED),
        (503, Delivery.FAILED),
    ],
)
@pytest.mark.parametrize(("kind", "notifier"), [(ContactKind.SLACK, Slack()), (ContactKind.WEBHOOK, Webhook())])
async def test_what_a_receiver_answers_decides_whether_it_is_tried_again(
    free_port: Callable[[], int], status: int, expected: Delivery, kind: ContactKind, notifier: Notifier
) -> None:
    async with receiver(free_port(), status) as there:
        receipt = await notifier.send(contact(kind, there.url), page(), "")
    assert receipt.delivery is expected
    assert receipt.detail == f"answered {status}"
    assert len(there.got) == 1


async def test_a_receiver_that_hangs_is_left_after_the_limit(free_port: Callable[[], int]) -> None:
    async with receiver(free_port(), HANG) as there:
        receipt = await web.post(there.url, {"a": 1}, limit_s=0.2)
    assert (receipt.delivery, receipt.detail) == (Delivery.FAILED, "no answer within 0.2 s")


async def test_a_receiver_that_asks_for_time_gets_it(free_port: Callable[[], int]) -> None:
    async with receiver(free_port(), 429, headers="retry-after: 120\r\n") as there:
        assert (await web.post(there.url, {})).retry_after_s == 120


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("no url", Delivery.REFUSED),
        ("ftp://127.0.0.1/x", Delivery.REFUSED),
        ("http://127.0.0.1:1/SECRET", Delivery.FAILED),
        ("http://[::1/SECRET", Delivery.REFUSED),
    ],
)
async def test_an_address_that_leads_nowhere_is_never_repeated_in_the_receipt(url: str, expected: Delivery) -> None:
    receipt = await web.post(url, {})
    assert receipt.delivery is expected
    assert url not in receipt.detail
    assert "SECRET" not in receipt.detail


async def test_the_secret_url_is_read_at_every_use_and_told_nowhere(
    free_port: Callable[[], int], tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "hook"
    every = every_notifier(lambda: None)
    there = contact(ContactKind.SLACK, secret=secret)
    missing = await every.send(there, page())
    assert missing.delivery is Delivery.FAILED
    assert "No such file" in missing.detail
    async with receiver(free_port(), 500, 200) as first, receiver(free_port(), 200) as second:
        secret.write_text(f"{first.url}\n", "utf-8")
        receipts = [await every.send(there, page())]
        secret.write_text(second.url, "utf-8")
        receipts.append(await every.send(there, page()))
    assert (len(first.got), len(second.got)) == (1, 1)
    assert [each.delivery for each in receipts] == [Delivery.FAILED, Delivery.DELIVERED]
    told = "".join(each.detail for each in receipts) + caplog.text + "".join(capsys.readouterr())
    assert "SECRET" not in told


async def test_slack_gets_a_text_and_blocks_with_buttons(free_port: Callable[[], int]) -> None:
    async with receiver(free_port()) as there:
        await Slack().send(contact(ContactKind.SLACK, there.url), page(maybe_second=True), "")
    [(path, sent)] = there.got
    assert path == "/hook-SECRET"
    assert sent["text"] == "[CRITICAL] #7 ServiceInstanceDown: key-1 (keys, us-south)"
    kinds = [each["type"] for each in sent["blocks"]]
    assert kinds == ["header", "section", "section", "actions"]
    assert sent["blocks"][1]["text"]["text"].startswith("_This may be the second time")
    assert "key-1 is down &amp; &lt;gone&gt;" in sent["blocks"][1]["text"]["text"]
    assert [each["url"] for each in sent["blocks"][3]["elements"]] == [
        page().acknowledge,
        f"{page().acknowledge}/update",
        f"{page().acknowledge}/resolve",
        page().link,
    ]


def test_no_block_for_slack_is_too_long_whatever_the_alert_says() -> None:
    long = "<&>" * 2000
    sent = slack_document(page(title=long, summary=long, url=long, instance=long, why=long, maybe_second=True))
    texts = [each["text"]["text"] for each in sent["blocks"] if "text" in each]
    assert [len(each) <= limit for each, limit in zip(texts, (150, 3000, 3000), strict=True)] == [True] * 3
    assert not any(each.endswith(("&", "&a", "&am", "&amp", "&l", "&lt", "&g", "&gt")) for each in texts[1:])


def test_text_for_slack_is_never_cut_within_a_character_reference() -> None:
    assert escaped("a<<<", limit=9) == "a&lt;&lt;"


async def test_a_webhook_gets_alertmanagers_version_4(free_port: Callable[[], int]) -> None:
    async with receiver(free_port()) as there:
        await Webhook().send(contact(ContactKind.WEBHOOK, there.url), page(), "")
    [(_, sent)] = there.got
    assert {name: sent[name] for name in ("version", "status", "receiver", "groupKey", "truncatedAlerts")} == {
        "version": "4",
        "status": "firing",
        "receiver": "there",
        "groupKey": "stationmaster/sample/7",
        "truncatedAlerts": 0,
    }
    [alert] = sent["alerts"]
    assert (alert["status"], alert["startsAt"], alert["endsAt"]) == (
        "firing",
        "2026-11-21T03:00:00Z",
        "0001-01-01T00:00:00Z",
    )
    assert sent["commonLabels"]["service"] == "keys"
    assert sent["commonAnnotations"]["why"] == "nobody acknowledged for 15m"
    over = webhook_document(page(occasion=Occasion.RESOLVED), "there")
    assert (over["status"], over["alerts"][0]["status"]) == ("resolved", "resolved")


async def test_pagerduty_gets_one_key_for_the_whole_incident(free_port: Callable[[], int], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("r" * 32, "utf-8")
    every = every_notifier(lambda: None)
    async with receiver(free_port(), 202) as there:
        pagerduty = contact(ContactKind.PAGERDUTY, there.url, key)
        for occasion in (Occasion.PAGE, Occasion.ACKNOWLEDGED, Occasion.RESOLVED):
            receipt = await every.send(pagerduty, page(occasion=occasion))
            assert receipt.delivery is Delivery.DELIVERED
    sent = [document for _, document in there.got]
    assert [each["event_action"] for each in sent] == ["trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in sent} == {"stationmaster/sample/7"}
    assert {each["routing_key"] for each in sent} == {"r" * 32}
    assert sent[0]["payload"]["severity"] == "critical"
    assert "payload" not in sent[1]


def test_where_events_for_pagerduty_go() -> None:
    own = "https://events.pagerduty.com/v2/enqueue"
    assert endpoint_of(contact(ContactKind.PAGERDUTY), "key") == (own, "key")
    assert endpoint_of(contact(ContactKind.PAGERDUTY, "http://x/v2/enqueue"), "key") == ("http://x/v2/enqueue", "key")
    assert endpoint_of(contact(ContactKind.PAGERDUTY, "http://x/v2/enqueue"), "") == ("http://x/v2/enqueue", "")


def test_what_the_text_says_and_that_nothing_in_it_can_break_out() -> None:
    evil = page(title="down\r\nBcc: all@example.org\x1b[31m \u202egnp", summary="x" * 5000, maybe_second=True)
    assert "\n" not in headline(evil)
    assert "\x1b" not in headline(evil)
    assert "\u202e" not in headline(evil)
    text = body(evil)
    assert len(text) < 4000
    for part in (
        "second time",
        "Severity:",
        "keys",
        "us-south",
        "level 2: nobody acknowledged for 15m",
        "Acknowledge: ",
    ):
        assert part in text
