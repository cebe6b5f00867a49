"""Puts into a message what is known of an incident, with a link to acknowledge for whoever may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from stationmaster.core.response import ContactKind, TargetKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import diagnosis
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.links import Link, Links
from stationmaster.incidents.notify.every import KNOWS_AGAIN, Every
from stationmaster.incidents.notify.message import Message, Occasion, Shown
from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.paper import Owed, What
from stationmaster.incidents.store import Incident

_CAN_BE_READ = frozenset({ContactKind.EMAIL, ContactKind.SLACK, ContactKind.APPRISE, ContactKind.OUTBOX})
_ANSWERED = frozenset({What.PAGE, What.APPROVAL, What.DIAGNOSIS})
"""To these somebody may answer by the link of their own."""
_FINDS = frozenset({*_ANSWERED, What.OPENED})
"""These tell what was found out."""
_MOST_DIAGNOSES = 3
_TELLS = frozenset({What.UPDATE, What.UPDATE_OWED, What.APPROVAL})
"""Their reason is the very text that is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Sends what was claimed."""

    every: Every
    links: Links
    spec: Callable[[], PlatformSpec]
    now: Callable[[], datetime]

    async def __call__(self, claimed: Claimed) -> Receipt:
        return await self.every.send(claimed.owed.page.contact, self.message(claimed))

    def message(self, claimed: Claimed) -> Message:
        each, incident = claimed.owed, claimed.incident
        spec = self.spec()
        base = url_of(spec)
        page = each.page
        acknowledges = (
            each.what in _ANSWERED
            and page.to.kind is TargetKind.RESPONDER
            and page.contact.kind in _CAN_BE_READ
            and not incident.status.is_over
        )
        token = self.links.token(Link(incident=incident.number, who=page.to.name), self.now()) if acknowledges else ""
        look = self.links.token(Link(incident=incident.number), self.now())
        tells = each.what in _TELLS
        return Message(
            occasion=Occasion(each.what.value),
            key=page.key,
            group=f"stationmaster/{spec.environment}/{incident.number}",
            number=incident.number,
            title=incident.title,
            severity=incident.severity,
            urgency=incident.urgency.value,
            status=_status(each, incident),
            service=incident.service,
            environment=incident.environment,
            region=incident.region,
            instance=incident.instance,
            url=incident.url,
            summary=incident.summary,
            since=incident.opened_at,
            level=page.level + 1 if each.what is What.PAGE else 0,
            why="" if tells or each.what is What.DIAGNOSIS else page.why,
            text=page.why if tells else "",
            link=f"{base}/i/{look}",
            acknowledge=f"{base}/i/{token}" if token else "",
            approve=_approve(page.key, f"{base}/i/{token}") if token else "",
            diagnosis=_found_out(claimed),
            maybe_second=each.doubtful and page.contact.kind not in KNOWS_AGAIN,
            alerts=_shown(claimed.alerts),
        )


def url_of(spec: PlatformSpec) -> str:
    """Under which links lead here, without a slash at its end."""
    return (spec.incidents.public_url or f"http://{spec.control.api}").rstrip("/")


def _status(each: Owed, incident: Incident) -> str:
    """A notice says what it is about, although the incident may have moved on."""
    told = {What.ACKNOWLEDGED: Status.ACKNOWLEDGED, What.RESOLVED: Status.RESOLVED, What.OPENED: Status.TRIGGERED}
    return told.get(each.what, incident.status).value


def _found_out(claimed: Claimed) -> str:
    """By the run that it is about, otherwise by the last runs."""
    if claimed.owed.what not in _FINDS:
        return ""
    run = diagnosis.run_of(claimed.owed.page.key)
    found = [each.text for each in claimed.diagnoses if not run or each.key == diagnosis.key_of(run)]
    return "\n\n".join(found[:_MOST_DIAGNOSES])


def _approve(key: str, link: str) -> str:
    """Where the step that is asked for is shown, with a yes and a no."""
    run, step = diagnosis.run_of(key), diagnosis.step_of(key)
    return f"{link}/approve/{quote(run, safe='')}/{quote(step, safe='')}" if step else ""


def _shown(alerts: Sequence[LinkedAlert]) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            fingerprint=each.fingerprint,
            labels=each.labels,
            summary=each.summary,
            firing=each.firing,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in alerts
    )
