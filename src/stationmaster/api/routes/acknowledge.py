"""Acknowledging by a link of a page: looking at it changes nothing, as scanners of e-mail follow links too."""

from html import escape
from typing import Annotated, TypeAlias

from litestar import Controller, Response, get, post
from litestar.params import PathParameter
from litestar.status_codes import HTTP_200_OK

from stationmaster.api.guard import Public
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.store import Incident

_ANYONE = {"role": Public.ANYONE}
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; color: #1b1f24; }}
h1 {{ font-size: 1.4rem; overflow-wrap: anywhere; }}
button {{ font: inherit; padding: .8rem 1.6rem; border: 0; border-radius: .4rem; background: #0b5cad; color: #fff; }}
button:focus-visible {{ outline: 3px solid #f0a000; }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""

Token: TypeAlias = Annotated[str, PathParameter(max_length=500, description="Of a link in a page.")]


class AcknowledgeRoutes(Controller):
    path = "/i/{token:str}"
    tags = ("incidents",)
    opt = _ANYONE
    security = ({},)

    @get(summary="The incident, and a button to acknowledge it")
    async def look(self, platform: GivenPlatform, token: Token) -> Response[str]:
        try:
            link = platform.incidents.links.read(token, platform.incidents.clock.now())
            incident = (await platform.incidents.story(link.incident)).incident
        except PlatformError as error:
            return _refused(error)
        return _page(_title(incident), f"{_facts(incident)}{_button(incident, link.who)}")

    @post(status_code=HTTP_200_OK, summary="Acknowledge it in the name of whom the page went to")
    async def acknowledge(self, platform: GivenPlatform, token: Token) -> Response[str]:
        try:
            link = platform.incidents.links.read(token, platform.incidents.clock.now())
            await platform.incidents.acts.acknowledge(link.incident, by=link.who, note="by the link of a page")
            incident = (await platform.incidents.story(link.incident)).incident
        except PlatformError as error:
            return _refused(error)
        told = f"<p>Acknowledged, {escape(link.who)}. Nobody else is paged for now.</p>"
        return _page(_title(incident), f"{told}{_facts(incident)}")


def _title(incident: Incident) -> str:
    return f"#{incident.number} {incident.title}"


def _facts(incident: Incident) -> str:
    where = ", ".join(filter(None, (incident.service, incident.environment, incident.region)))
    since = f"{incident.opened_at:%Y-%m-%d %H:%M:%S UTC}"
    rows = [f"{incident.status.value}, {incident.severity}", where, f"since {since}", incident.summary]
    return "".join(f"<p>{escape(row)}</p>" for row in rows if row)


def _button(incident: Incident, who: str) -> str:
    if incident.status.is_over:
        return "<p>There is nothing to acknowledge any more.</p>"
    return f'<form method="post"><button>Acknowledge as {escape(who)}</button></form>'


def _refused(error: PlatformError) -> Response[str]:
    body = f"<p>{escape(error.message)}.</p><p>{escape(error.hint)}</p>"
    return _page("Not possible", body, error.status)


def _page(title: str, body: str, status: int = HTTP_200_OK) -> Response[str]:
    html = _PAGE.format(title=escape(title), body=body)
    return Response(html, status_code=status, media_type="text/html", headers=_HEADERS)
