"""Approvals over REST: what risky steps of runs wait for a yes, and saying it."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.status_codes import HTTP_200_OK

from stationmaster.access.live import Kind, Proof
from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_approvals import ApprovalList, ApprovalOrder, ApprovalShown
from stationmaster.core.problem import PlatformError
from stationmaster.platform import Platform
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.consent.store import Approval

GivenProof: TypeAlias = NamedDependency[SkipValidation[Proof]]
RunId: TypeAlias = Annotated[str, PathParameter(max_length=64, description="As `run-7`.")]
StepKey: TypeAlias = Annotated[str, PathParameter(max_length=64, description="Address of the step, as `2.1`.")]
OfIncident: TypeAlias = Annotated[
    int | None, QueryParameter(ge=1, description="Those of this incident, answered ones too.")
]


class ApprovalRoutes(Controller):
    path = "/api/v1/approvals"
    tags = ("runs",)

    @get(summary="What waits for a yes")
    async def all(self, platform: GivenPlatform, incident: OfIncident = None) -> ApprovalList:
        desk = approvals_of(platform)
        found = await desk.open() if incident is None else await desk.of_incident(incident)
        return ApprovalList(approvals=tuple(map(shown, found)))

    @post(
        "/{run:str}/{step:str}",
        opt={"role": Role.APPROVER},
        status_code=HTTP_200_OK,
        summary="Say yes or no to a step",
    )
    async def answer(
        self, platform: GivenPlatform, proof: GivenProof, run: RunId, step: StepKey, data: JSONBody[ApprovalOrder]
    ) -> ApprovalShown:
        """409 where it is over, or asks something else by now; 403 to a machine where two people have to say yes."""
        desk, by = approvals_of(platform), proof.caller.name
        if data.allow and proof.kind is Kind.TOKEN:
            _refuse_machine(await desk.open(), run, step, by)
        answered = await desk.answer(run, step, allow=data.allow, digest=data.digest, by=by, why=data.why)
        return shown(answered)


def _refuse_machine(waiting: Sequence[Approval], run: str, step: str, by: str) -> None:
    if any((each.run, each.step) == (run, step) and each.people > 1 for each in waiting):
        hint = "two people say yes to what destroys, each by `stm login`"
        raise PlatformError("not-a-person", f"{by} is a machine token", hint=hint, status=403)


def approvals_of(platform: Platform) -> Approvals:
    """Raises PlatformError `no-approvals` where no runs are worked here."""
    if platform.approvals is None:
        hint = "ask the control plane of the platform"
        raise PlatformError("no-approvals", "no runbooks are worked here", hint=hint, status=404)
    return platform.approvals


def shown(each: Approval) -> ApprovalShown:
    return ApprovalShown(
        run=each.run,
        step=each.step,
        incident=each.incident,
        runbook=each.runbook,
        title=each.title,
        command=each.command,
        risk=each.risk,
        why=each.why,
        digest=each.digest,
        people=each.people,
        asked_at=each.asked_at,
        expires_at=each.expires_at,
        allowed=each.allowed,
        answered_at=each.answered_at,
        by=each.by,
        said=each.said,
    )
