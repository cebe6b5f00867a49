"""What subscribers are told: letters, and the JSON that Statuspage posts to webhooks."""

import hashlib
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from zoneinfo import ZoneInfo

from stationmaster.incidents.status import statuspage
from stationmaster.incidents.status.deliveries_store import Delivery, What, affected_of
from stationmaster.incidents.status.view import IncidentView, MaintenanceView, PostView, View

_UNFOLDED = policy.default.clone(max_line_length=900)
"""A long link in a header would be folded into encoded words, in which no mail program looks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Links for one subscriber."""

    confirm: str
    leave: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a message is about; all None for those about the subscription itself and about components."""

    about: IncidentView | MaintenanceView | None = None
    post: PostView | None = None


def matter_of(view: View, delivery: Delivery) -> Matter | None:
    """None where what it was to tell of is there no longer."""
    if delivery.what is not What.POST:
        return Matter()
    every: list[IncidentView | MaintenanceView] = [*view.incidents, *view.maintenances]
    about = next((each for each in every if each.id == delivery.body["about"]), None)
    post = next((each for each in about.posts if each.id == delivery.body["post"]), None) if about else None
    return Matter(about=about, post=post) if post is not None else None


def letter(view: View, delivery: Delivery, matter: Matter, ways: Ways, *, sender: str) -> EmailMessage:
    """The same message has the same Message-ID however often it is sent."""
    made = EmailMessage(_UNFOLDED)
    made["From"], made["To"] = sender, delivery.subscriber.address
    made["Subject"] = _one_line(f"[{view.title}] {_subject(delivery, matter)}")
    made["Date"] = formatdate()
    domain = sender.rpartition("@")[2].strip(">") or "localhost"
    made["Message-ID"] = f"<{_digest(view.page_id, delivery.key, delivery.subscriber.id)}@{domain}>"
    if matter.about is not None:
        made["References"] = f"<{_digest(view.page_id, matter.about.id)}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if delivery.what is not What.CONFIRM:
        # RFC 8058: one POST to this address ends it.
        made["List-Unsubscribe"] = f"<{ways.leave}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(_text(view, delivery, matter, ways))
    return made


def posted(view: View, delivery: Delivery, matter: Matter, ways: Ways) -> dict[str, Any]:
    """As Statuspage posts it; a confirmation has `subscription` in place of what happened."""
    document: dict[str, Any] = {
        "meta": {"unsubscribe": ways.leave, "documentation": f"{view.url}/subscribe"},
        "page": {
            "id": view.page_id,
            "status_indicator": view.indicator.value,
            "status_description": view.headline,
        },
    }
    match matter.about:
        case IncidentView():
            return document | {"incident": statuspage.incident_of(view, matter.about)}
        case MaintenanceView():
            return document | {"incident": statuspage.maintenance_of(view, matter.about)}
    if delivery.what is What.COMPONENT:
        return document | _component(view, delivery)
    asked = {"confirm": ways.confirm} if delivery.what is What.CONFIRM else {}
    return document | {"subscription": {"state": delivery.what.value, **asked}}


def _component(view: View, delivery: Delivery) -> dict[str, Any]:
    changed = affected_of(delivery)
    found = next((each for each in view.components if each.name == changed.name), None)
    update = {
        "id": delivery.key,
        "component_id": found.id if found else "",
        "old_status": changed.before.value,
        "new_status": changed.after.value,
        "created_at": delivery.owed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    shown = {"component": statuspage.component_of(view, found)} if found else {}
    return {"component_update": update, **shown}


def _subject(delivery: Delivery, matter: Matter) -> str:
    if matter.about is not None and matter.post is not None:
        return f"{matter.post.status.replace('_', ' ').capitalize()}: {matter.about.title}"
    return "please confirm" if delivery.what is What.CONFIRM else "you are subscribed already"


def _text(view: View, delivery: Delivery, matter: Matter, ways: Ways) -> str:
    if matter.about is not None and matter.post is not None:
        return _of_post(view, matter.about, matter.post, ways)
    about = ", ".join(delivery.subscriber.components) or "everything"
    if delivery.what is What.CONFIRM:
        return (
            f"Somebody, we hope you, wants messages about {about} on the status page of {view.title} sent to this"
            f" address.\n\nIf that is right, confirm it here within a day:\n{ways.confirm}\n\n"
            "If it is not, do nothing: nothing more is sent.\n"
        )
    return (
        f"This address gets messages about {about} on the status page of {view.title} already.\n\n"
        f"To get none any more:\n{ways.leave}\n"
    )


def _of_post(view: View, about: IncidentView | MaintenanceView, post: PostView, ways: Ways) -> str:
    zone = ZoneInfo(view.zone)
    kind = "incidents" if isinstance(about, IncidentView) else "maintenances"
    when = []
    if isinstance(about, MaintenanceView):
        begins, ends = about.starts_at.astimezone(zone), about.ends_at.astimezone(zone)
        when = [f"From {begins:%Y-%m-%d %H:%M %Z} until {ends:%Y-%m-%d %H:%M %Z}", ""]
    lines = [
        about.title,
        f"{post.status.replace('_', ' ').capitalize()}, {post.at.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        "",
        *when,
        post.body,
        "",
        *(f"{each.name}: {each.after.title}" for each in post.affected),
        "",
        f"{view.url}/{kind}/{about.id}",
        "",
        "--",
        f"No more messages: {ways.leave}",
        "",
    ]
    return "\n".join(lines)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
