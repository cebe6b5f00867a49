"""The public pages of the status page: prepared documents, and the forms of those who want to be told."""

from typing import Annotated, Final, TypeAlias

from litestar import Controller, HttpMethod, Response, get, post, route
from litestar.params import PathParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED, HTTP_304_NOT_MODIFIED

from stationmaster.api.guard import Public
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.status.deliveries_store import Way
from stationmaster.incidents.status.ids import component_id
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.incidents.status.prepared import Document
from stationmaster.incidents.status.render import HTML, draw
from stationmaster.platform import Platform

_ANYONE: Final = {"role": Public.ANYONE}
_READ: Final = [HttpMethod.GET, HttpMethod.HEAD]
"""Programs that watch pages ask for the head alone."""
_FORM_BYTES: Final = 20_000
_SECURE: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_CACHED: Final = {
    **_SECURE,
    "cache-control": "public, max-age=10, stale-if-error=86400",
    "vary": "accept-encoding",
    "access-control-allow-origin": "*",
}
_FRESH: Final = {**_SECURE, "cache-control": "no-store", "x-robots-tag": "noindex"}

Name: TypeAlias = Annotated[str, PathParameter(max_length=200, description="As links of the page name it.")]
Token: TypeAlias = Annotated[str, PathParameter(max_length=500, description="Of a link in a message.")]


class StatusPageRoutes(Controller):
    path = "/status"
    tags = ("status page",)
    opt = _ANYONE
    security = ({},)

    @route(http_method=_READ, status_code=HTTP_200_OK, summary="The overview")
    async def overview(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "")

    @route("/style.css", http_method=_READ, status_code=HTTP_200_OK, summary="How the pages look")
    async def style(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "style.css")

    @route("/history.atom", http_method=_READ, status_code=HTTP_200_OK, summary="History as a feed (RFC 4287)")
    async def atom(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "history.atom")

    @route("/history.rss", http_method=_READ, status_code=HTTP_200_OK, summary="History as a feed (RSS 2.0)")
    async def rss(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "history.rss")

    @route("/history", http_method=_READ, status_code=HTTP_200_OK, summary="The last months")
    async def history(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "history")

    @route("/history/{month:str}", http_method=_READ, status_code=HTTP_200_OK, summary="One month, as 2026-11")
    async def month(self, request: ApiRequest, platform: GivenPlatform, month: Name) -> Response[bytes]:
        return answer(request, pages_of(platform), f"history/{month}")

    @route("/incidents/{name:str}", http_method=_READ, status_code=HTTP_200_OK, summary="One incident")
    async def incident(self, request: ApiRequest, platform: GivenPlatform, name: Name) -> Response[bytes]:
        return answer(request, pages_of(platform), f"incidents/{name}")

    @route("/maintenances/{name:str}", http_method=_READ, status_code=HTTP_200_OK, summary="One maintenance")
    async def maintenance(self, request: ApiRequest, platform: GivenPlatform, name: Name) -> Response[bytes]:
        return answer(request, pages_of(platform), f"maintenances/{name}")

    @route(
        "/api/v2/{name:path}",
        http_method=_READ,
        status_code=HTTP_200_OK,
        summary="Statuspage's public API: summary.json, components.json, incidents.json ...",
    )
    async def told(self, request: ApiRequest, platform: GivenPlatform, name: Name) -> Response[bytes]:
        return answer(request, pages_of(platform), f"api/v2/{name.strip('/')}")

    @route("/subscribe", http_method=_READ, status_code=HTTP_200_OK, summary="Forms to subscribe")
    async def form(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        return answer(request, pages_of(platform), "subscribe")

    @post("/subscribe", status_code=HTTP_202_ACCEPTED, summary="Ask for messages", request_max_body_size=_FORM_BYTES)
    async def subscribe(self, request: ApiRequest, platform: GivenPlatform) -> Response[str]:
        pages = pages_of(platform)
        form = await request.form()
        try:
            way = Way.EMAIL if form.get("kind") == Way.EMAIL.value else Way.WEBHOOK
            chosen = [str(each) for each in form.getall("component", [])]
            spec = platform.declared.value
            names = [
                each.name for each in spec.status_page.components if component_id(spec.environment, each.name) in chosen
            ]
            client = request.client.host if request.client else ""
            await pages.subscribers.ask(way, str(form.get("address") or ""), names, from_address=client)
        except PlatformError as error:
            problem = f"{error.message}. {error.hint[:1].upper()}{error.hint[1:]}."
            return _drawn(pages, "subscribe.html", error.status, problem=problem)
        text = "If a message can be sent there, one is on its way, with a link that confirms it. It is good for a day."
        return _said(pages, "Look for a message", text, status=HTTP_202_ACCEPTED)

    @get("/confirm/{token:str}", summary="What would be confirmed, and a button")
    async def look(self, platform: GivenPlatform, token: Token) -> Response[str]:
        """Looking changes nothing: scanners of letters follow links too."""
        pages = pages_of(platform)
        try:
            found = await pages.subscribers.pending(token)
        except PlatformError as error:
            return _refused(pages, error)
        text = f"Messages about {', '.join(found.components) or 'everything'} go to {found.address}."
        return _said(pages, "Subscribe?", text, button="Confirm")

    @post("/confirm/{token:str}", status_code=HTTP_200_OK, summary="Confirm it", request_max_body_size=_FORM_BYTES)
    async def confirm(self, platform: GivenPlatform, token: Token) -> Response[str]:
        pages = pages_of(platform)
        try:
            await pages.subscribers.confirm(token)
        except PlatformError as error:
            return _refused(pages, error)
        return _said(pages, "Subscribed", "You are told from now on. Every message has a link that ends it.")

    @get("/unsubscribe/{token:str}", summary="A button to unsubscribe")
    async def look_leave(self, platform: GivenPlatform, token: Token) -> Response[str]:
        pages = pages_of(platform)
        try:
            pages.subscribers.tokens.read_leave(token)
        except PlatformError as error:
            return _refused(pages, error)
        return _said(pages, "Unsubscribe?", "No more messages are sent to you then.", button="Unsubscribe")

    @post("/unsubscribe/{token:str}", status_code=HTTP_200_OK, summary="Unsubscribe, also in one click (RFC 8058)")
    async def leave(self, platform: GivenPlatform, token: Token) -> Response[str]:
        pages = pages_of(platform)
        try:
            await pages.subscribers.leave(token)
        except PlatformError as error:
            return _refused(pages, error)
        return _said(pages, "Unsubscribed", "No more messages are sent to you.")


def answer(request: ApiRequest, pages: StatusPages, name: str) -> Response[bytes]:
    """A prepared document, compressed where that is taken; 304 where the caller has it already."""
    found = pages.prepared.value.find(name)
    if found is None:
        return _missing(pages)
    packed = (
        found.packed if found.packed is not None and _takes_gzip(request.headers.get("accept-encoding", "")) else None
    )
    tag = f'"{found.tag}{"" if packed is None else "-gz"}"'
    headers = {**_CACHED, "etag": tag}
    if _has(request.headers.get("if-none-match", ""), found):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers, media_type=found.media_type)
    if packed is not None:
        headers["content-encoding"] = "gzip"
    return Response(found.body if packed is None else packed, headers=headers, media_type=found.media_type)


def _takes_gzip(said: str) -> bool:
    """RFC 9110, 12.5.3: named with a weight of 0 it is refused."""
    for part in said.split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _has(said: str, found: Document) -> bool:
    """Either form of the document will do: both say the same (weak comparison, RFC 9110, 13.1.2)."""
    tags = {each.strip().removeprefix("W/").strip('"') for each in said.split(",")} if said else set()
    return bool(tags & {"*", found.tag, f"{found.tag}-gz"})


def pages_of(platform: Platform) -> StatusPages:
    if platform.status_pages is None:
        raise PlatformError("no-status-page", "there is no status page here", hint="ask the control plane", status=404)
    return platform.status_pages


def _missing(pages: StatusPages) -> Response[bytes]:
    if pages.view is None:
        hint = "try again in a second"
        raise PlatformError("not-ready", "the status page is being prepared", hint=hint, status=503)
    text = draw("said.html", pages.view, heading="Not found", text="There is no such page here.", button="")
    return Response(text.encode(), status_code=404, headers=_FRESH, media_type=HTML)


def _refused(pages: StatusPages, error: PlatformError) -> Response[str]:
    return _said(pages, "Not possible", f"{error.message}: {error.hint}.", status=error.status)


def _said(pages: StatusPages, heading: str, text: str, *, button: str = "", status: int = HTTP_200_OK) -> Response[str]:
    return _drawn(pages, "said.html", status, heading=heading, text=text, button=button)


def _drawn(pages: StatusPages, template: str, status: int, **more: str) -> Response[str]:
    if pages.view is None:
        hint = "try again in a second"
        raise PlatformError("not-ready", "the status page is being prepared", hint=hint, status=503)
    return Response(draw(template, pages.view, **more), status_code=status, headers=_FRESH, media_type=HTML)
