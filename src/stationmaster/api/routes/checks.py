"""Checks over REST: the catalogue of all health URLs, and a check at this moment."""

from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_checks import CheckAnswer, CheckList, CheckRow, CheckRun
from stationmaster.core.problem import PlatformError
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.catalogue import Check
from stationmaster.monitor.rules import Health

CheckName: TypeAlias = Annotated[str, PathParameter(max_length=600, description="An instance, API@NODE or API@TARGET.")]


class CheckRoutes(Controller):
    path = "/api/v1/checks"
    tags = ("checks",)

    @get(summary="Every check with its last answer")
    async def list_all(
        self,
        platform: GivenPlatform,
        service: Annotated[str, QueryParameter(description="Only those of one service.")] = "",
        only: Annotated[
            str, QueryParameter(name="state", description="Only those that are up, down, unknown or held.")
        ] = "",
    ) -> CheckList:
        wanted = _state(only)
        found = (
            each for each in platform.monitor.checks() if service in ("", each.service) and wanted in (None, each.state)
        )
        return CheckList(checks=tuple(map(_row, found)))

    @post("/{name:str}/run", summary="Check now", opt={"role": Role.OPERATOR}, status_code=HTTP_200_OK)
    async def run(self, platform: GivenPlatform, name: CheckName) -> CheckRun:
        """What the answer says is shown here alone: states and alerts are those of the schedule."""
        answer = await platform.monitor.ask(name)
        if answer is None:
            raise PlatformError(
                "unknown-check", f"there is no check {name!r}", hint="`check list` shows them", status=404
            )
        return CheckRun(name=name, answer=_answer(answer))


def _state(text: str) -> Health | None:
    try:
        return Health(text) if text else None
    except ValueError:
        known = ", ".join(each.value for each in Health)
        raise PlatformError("unknown-state", f"there is no state {text!r}", hint=f"known are {known}") from None


def _row(check: Check) -> CheckRow:
    return CheckRow(
        name=check.name,
        kind=check.kind,
        url=check.url,
        environment=check.environment,
        service=check.service,
        state=check.state.value,
        detail=check.detail,
        since=check.since,
        interval_ms=check.interval_ms,
        answer=None if check.answer is None else _answer(check.answer),
        due_at=check.due_at,
        instance=check.instance,
        region=check.region,
        api=check.api,
        node=check.node,
    )


def _answer(answer: ProbeAnswer) -> CheckAnswer:
    ends = answer.certificate_ends
    return CheckAnswer(
        ok=answer.ok,
        detail=answer.detail,
        at=answer.at,
        latency_ms=answer.latency_ms,
        status=answer.status,
        certificate_days=None if ends is None else (ends - answer.at).days,
    )
