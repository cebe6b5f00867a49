"""Services that Apprise knows, over its JSON service and a local receiver."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stationmaster.core.response import Contact, ContactKind
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.incidents.notify.receipt import Delivery
from tests.incidents.notify.listening import receiver
from tests.incidents.notify.messages import page

# Modules that Apprise loads when it is asked for a service import what Python 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.mark.parametrize(("status", "expected"), [(200, Delivery.DELIVERED), (500, Delivery.FAILED)])
async def test_apprise_takes_the_message_and_its_answer_is_told_without_the_url(
    free_port: Callable[[], int],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
    expected: Delivery,
) -> None:
    secret = tmp_path / "url"
    async with receiver(free_port(), status) as there:
        secret.write_text(there.url.replace("http://", "json://"), "utf-8")
        contact = Contact(name="there", kind=ContactKind.APPRISE, secret_file=secret)
        receipt = await every_notifier(lambda: None).send(contact, page())
    assert receipt.delivery is expected
    assert "SECRET" not in receipt.detail + caplog.text
    [(_, sent)] = there.got
    assert sent["title"].startswith("[CRITICAL] #7")
    assert page().acknowledge in sent["message"]


@pytest.mark.parametrize("url", ["nothing://SECRET", "SECRET", "mailto://"])
async def test_a_url_that_apprise_does_not_know_is_refused(url: str) -> None:
    contact = Contact(name="there", kind=ContactKind.APPRISE, address=url)
    receipt = await every_notifier(lambda: None).send(contact, page())
    assert receipt.delivery is Delivery.REFUSED
    assert "SECRET" not in receipt.detail
