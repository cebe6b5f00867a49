"""How updates, and that one is owed, are told by each way."""

from collections.abc import Callable

import pytest

from stationmaster.core.response import Contact, ContactKind
from stationmaster.incidents.notify import slack, webhook
from stationmaster.incidents.notify.mail import letter_of
from stationmaster.incidents.notify.message import Occasion, body, headline
from stationmaster.incidents.notify.pagerduty import PagerDuty
from stationmaster.incidents.notify.receipt import Delivery
from tests.incidents.notify.listening import receiver
from tests.incidents.notify.messages import page

TEXT = "Investigating: triggered, critical\n- 03:00 UTC <@U1> & more"


def test_the_text_of_an_update_stands_before_the_details_line_by_line() -> None:
    told = page(occasion=Occasion.UPDATE, text=TEXT, acknowledge="", why="", level=0)
    assert headline(told) == "[UPDATE] #7 ServiceInstanceDown: key-1 (keys, us-south)"
    assert f"\n\n{TEXT}\n\nSeverity:" in body(told)
    assert "is down & <gone>" not in body(told), "the draft says what fires"
    assert TEXT in letter_of(told, sender="a@example.org", to="b@example.org").get_content()


def test_slack_gets_it_escaped() -> None:
    told = slack.document(page(occasion=Occasion.UPDATE_OWED, text=TEXT, acknowledge=""))
    assert told["text"].startswith("[UPDATE OWED] #7")
    assert told["blocks"][1]["text"]["text"].endswith("03:00 UTC &lt;@U1&gt; &amp; more")
    assert [each["text"]["text"] for each in told["blocks"][-1]["elements"]] == ["Incident"]


@pytest.mark.parametrize(
    ("occasion", "status", "said"),
    [
        (Occasion.UPDATE, "acknowledged", "firing"),
        (Occasion.UPDATE, "resolved", "resolved"),
        (Occasion.UPDATE, "reviewed", "resolved"),
        (Occasion.UPDATE_OWED, "triggered", "firing"),
    ],
)
def test_an_update_after_the_end_makes_nothing_fire_again(occasion: Occasion, status: str, said: str) -> None:
    told = webhook.document(page(occasion=occasion, status=status, text=TEXT), "ops")
    assert (told["status"], told["commonAnnotations"]["update"]) == (said, TEXT)
    assert {each["status"] for each in told["alerts"]} == {said}


async def test_pagerduty_is_sent_nothing_that_would_open_an_incident_there_anew(free_port: Callable[[], int]) -> None:
    async with receiver(free_port()) as there:
        contact = Contact(name="pd", kind=ContactKind.PAGERDUTY, address=there.url)
        for occasion in (Occasion.UPDATE, Occasion.UPDATE_OWED):
            receipt = await PagerDuty().send(contact, page(occasion=occasion, text=TEXT), "key")
            assert receipt.delivery is Delivery.DELIVERED
            assert "nothing is sent" in receipt.detail
    assert there.got == []
