"""Saying yes or no to a risky step by the link of a page: it is shown whole before, and nothing is destroyed by it."""

from typing import Annotated, TypeAlias

from litestar import Controller, Response, get, post
from litestar.params import PathParameter
from litestar.status_codes import HTTP_303_SEE_OTHER

from stationmaster.api.guard import Public
from stationmaster.api.pages.render import HEADERS, page
from stationmaster.api.routes.acknowledge import Token, actor_of, refusal_page
from stationmaster.api.routes.approvals import approvals_of
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.core.problem import PlatformError
from stationmaster.platform import Platform
from stationmaster.runbooks.consent.store import Approval

RunId: TypeAlias = Annotated[str, PathParameter(max_length=64)]
StepKey: TypeAlias = Annotated[str, PathParameter(max_length=64)]
Digest: TypeAlias = Annotated[str, PathParameter(max_length=64, description="Of what was shown.")]


_ANYONE = {"role": Public.ANYONE}


class ApproveByLinkRoutes(Controller):
    path = "/i/{token:str}/approve/{run:str}/{step:str}"
    tags = ("runs",)
    opt = _ANYONE
    security = ({},)

    @get(summary="The command, why it is to be run, and both buttons")
    async def look(self, platform: GivenPlatform, token: Token, run: RunId, step: StepKey) -> Response[str]:
        try:
            link = actor_of(platform.incidents, token)
            asked = await _asked(platform, link.incident, run, step)
        except PlatformError as error:
            return refusal_page(error)
        back = f"../../../{token}"
        return page("approve.html", title="Allow this step?", asked=asked, who=link.who, back=back)

    @post("/{digest:str}", summary="Say yes to exactly what was shown")
    async def allow(
        self, platform: GivenPlatform, token: Token, run: RunId, step: StepKey, digest: Digest
    ) -> Response[str]:
        return await _answered(platform, token, (run, step, digest), allow=True)

    @post("/{digest:str}/deny", summary="Say no: the step is left out")
    async def deny(
        self, platform: GivenPlatform, token: Token, run: RunId, step: StepKey, digest: Digest
    ) -> Response[str]:
        return await _answered(platform, token, (run, step, digest), allow=False)


async def _answered(platform: Platform, token: str, of: tuple[str, str, str], *, allow: bool) -> Response[str]:
    run, step, digest = of
    try:
        link = actor_of(platform.incidents, token)
        asked = await _asked(platform, link.incident, run, step)
        if allow and asked.people > 1:
            hint = f"two people have to log in for it: `stm approval allow {run} {step}`"
            raise PlatformError("not-by-link", "what destroys is not allowed by a link", hint=hint, status=403)
        why = "by the link of a page"
        await approvals_of(platform).answer(run, step, allow=allow, digest=digest, by=link.who, why=why)
    except PlatformError as error:
        return refusal_page(error)
    location = f"/i/{token}?done={'allowed' if allow else 'denied'}"
    return Response("", status_code=HTTP_303_SEE_OTHER, headers=HEADERS | {"location": location})


async def _asked(platform: Platform, incident: int, run: str, step: str) -> Approval:
    """What is open for this incident: a link to one incident answers for no other. Raises PlatformError
    `unknown-approval` (404)."""
    for each in await approvals_of(platform).open(incident=incident):
        if (each.run, each.step) == (run, step):
            return each
    hint = "it may be answered or over: the page of the incident shows what happened"
    raise PlatformError("unknown-approval", f"step {step} of {run} waits for no answer", hint=hint, status=404)
