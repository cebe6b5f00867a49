"""What every PagerDuty route starts from: the view of its client, who asks and in whose name, and how it answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response

from stationmaster.access.live import Kind, Proof
from stationmaster.api.pagerduty import told_incident
from stationmaster.api.pagerduty.asked import asked
from stationmaster.api.pagerduty.refusals import NO_REQUESTER, PREFIX, CodedError
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import Incident
from stationmaster.api.request import ApiRequest
from stationmaster.core.response import ContactKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import finding
from stationmaster.incidents.oncall import of_declared
from stationmaster.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """`by` acts; `through` is the token that said so, where it acts for somebody."""

    by: str
    through: str = ""

    @property
    def why(self) -> str:
        return f"through {self.through}" if self.through else ""

    @property
    def signed(self) -> str:
        """For what has no room for a reason."""
        return f"{self.by} ({self.through})" if self.through else self.by

    def with_why(self, why: str) -> str:
        return "; ".join(filter(None, (why.strip(), self.why)))


def requester(request: ApiRequest, proof: Proof, spec: PlatformSpec) -> Requester:
    """A machine's token acts for the responder whom `From` names, if it does; people act for themselves.

    Raises PlatformError for a `From` that is nobody's.
    """
    name = proof.caller.name
    given = request.headers.get("from", "").strip()
    if proof.kind is Kind.SESSION or not given:
        return Requester(by=name)
    wanted = given.lower()
    for each in spec.responders:
        addresses = {one.address.lower() for one in each.contacts if one.kind is ContactKind.EMAIL}
        if wanted in addresses or wanted == each.name.lower():
            return Requester(by=each.name, through=name)
    hint = "`From` is the e-mail of a responder, as platform.yaml declares it; without it the token acts for itself"
    raise CodedError(NO_REQUESTER, f"nobody has the e-mail {given[:200]!r}", hint=hint)


async def view_of(request: ApiRequest, platform: Platform) -> View:
    base = str(request.base_url).rstrip("/")
    spec = platform.spec
    roles = {each.name: each.role for each in await platform.access.people.all() if each.enabled}
    return View(
        api=base + PREFIX.rstrip("/"),
        web=spec.incidents.public_url.rstrip("/") or base,
        spec=spec,
        overrides=of_declared(platform.incidents.overrides.value, {each.name for each in spec.responders}),
        people=View.everybody(spec, roles),
        include=asked(request).included(),
    )


async def told(platform: Platform, view: View, numbers: Sequence[int]) -> list[Incident]:
    """In the order of the numbers. Raises PlatformError `unknown-incident`."""
    async with platform.incidents.database.read() as connection:
        found = await finding.known(connection, numbers)
        beside = await finding.beside(connection, numbers)
    return [told_incident.incident(view, each, beside[each.number]) for each in found]


def answer(body: object, status: int = 200) -> Response[bytes]:
    """Moments have whole seconds there, and clients rely on it."""
    plain = msgspec.to_builtins(body, builtin_types=(datetime,))
    return Response(json.dumps(plain, default=_whole).encode(), status_code=status, media_type="application/json")


def _whole(moment: Any) -> str:
    if not isinstance(moment, datetime):
        raise TypeError(f"{type(moment)} has no place in JSON")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
