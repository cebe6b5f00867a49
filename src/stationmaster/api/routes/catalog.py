"""The declared platform as a whole over REST: apply a file, see what it would change, read it back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter, RawBody

from stationmaster.access.live import Kind, Proof
from stationmaster.access.roles import Role, permits
from stationmaster.api.guard import ADMIN_KINDS, PERSON_KINDS, not_for_runs
from stationmaster.api.openapi_bodies import operation_with, schema_of
from stationmaster.api.routes.access import GivenProof
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.refusals import refusals
from stationmaster.api.told import entity_changed, located, receipt
from stationmaster.api.wire_catalog import Applied, ApplyOrder
from stationmaster.catalog.diff import EntityChange
from stationmaster.catalog.loop import Applied as Taken
from stationmaster.catalog.loop import Source
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.read import MOST_BYTES

YAML = "application/yaml"
_BODY_LIMIT_BYTES = 2 * MOST_BYTES
"""In JSON a file takes more room than by itself."""
_OPERATION = operation_with(
    "The platform YAML itself, or a JSON object that holds it. At most 16 MB of YAML.",
    {YAML: {"type": "string"}, "application/json": schema_of(ApplyOrder)},
)

DryRun = Annotated[bool, QueryParameter(description="Only say what would change.")]
Wait = Annotated[bool, QueryParameter(description="Wait, at most 3 s, until the gateway nodes have answered.")]
File = Annotated[str, QueryParameter(description="What problems call the text of a YAML body.")]
Folder = Annotated[str, QueryParameter(description="Where relative file names of a YAML body are looked for.")]


class CatalogRoutes(Controller):
    path = "/api/v1"
    tags = ("platform",)
    request_max_body_size = _BODY_LIMIT_BYTES

    @post(
        "/apply",
        summary="Make the platform what a file declares, or leave it as it is",
        status_code=200,
        opt={"role": Role.OPERATOR},
        operation_class=_OPERATION,
        responses=refusals(400, 413),
    )
    async def apply(
        self,
        request: "Request[Any, Any, Any]",
        platform: GivenPlatform,
        proof: GivenProof,
        body: RawBody,
        dry_run: DryRun = False,
        wait: Wait = True,
        file: File = "platform.yaml",
        folder: Folder = "",
    ) -> Applied:
        order = _order(request.headers, body, ApplyOrder(text="", file=file, folder=folder))
        taken = await platform.catalog.apply(
            order.text,
            source=_source(order),
            who=proof.caller.name,
            dry_run=dry_run,
            consent=lambda changes: _refuse_unless_allowed(proof, changes),
        )
        seen = await receipt(platform) if wait and taken.changes and not dry_run else None
        return _applied(taken, dry_run=dry_run, receipt=seen)

    @post(
        "/diff",
        summary="What a file would change",
        status_code=200,
        opt={"role": Role.VIEWER},
        operation_class=_OPERATION,
        responses=refusals(400, 413),
    )
    async def diff(
        self,
        request: "Request[Any, Any, Any]",
        platform: GivenPlatform,
        caller: GivenCaller,
        body: RawBody,
        file: File = "platform.yaml",
        folder: Folder = "",
    ) -> Applied:
        order = _order(request.headers, body, ApplyOrder(text="", file=file, folder=folder))
        taken = await platform.catalog.apply(order.text, source=_source(order), who=caller.name, dry_run=True)
        return _applied(taken, dry_run=True)

    @get("/declared", summary="The whole declaration as one YAML", media_type=YAML)
    async def declared(self, platform: GivenPlatform) -> Response[str]:
        headers = {"stationmaster-revision": str(platform.catalog.revision)}
        return Response(platform.catalog.document(), media_type=YAML, headers=headers)


def _refuse_unless_allowed(proof: Proof, changes: Sequence[EntityChange]) -> None:
    """Raises PlatformError `forbidden` when somebody would change what only an administrator may, `not-for-runs` when
    a run would change what only people do."""
    caller = proof.caller
    if proof.kind is Kind.RUN and any(each.kind in PERSON_KINDS for each in changes):
        raise not_for_runs(caller)
    kept = sorted({each.kind.value for each in changes if each.kind in ADMIN_KINDS})
    if kept and not permits(caller.role, Role.ADMIN):
        raise PlatformError(
            "forbidden",
            f"this changes {' and '.join(kept)}, which needs the role admin; {caller.name} is {caller.role.value}",
            hint="leave these parts as `stationmaster diff` shows them, or ask an administrator to apply the file",
            status=403,
        )


def _order(headers: Mapping[str, str], body: bytes, given: ApplyOrder) -> ApplyOrder:
    """The order of a JSON body, or the given one with the YAML of any other body."""
    try:
        if headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            return msgspec.json.decode(body, type=ApplyOrder)
        return ApplyOrder(text=body.decode("utf-8-sig"), file=given.file, folder=given.folder)
    except UnicodeDecodeError as error:
        raise PlatformError("not-utf8", f"the body is no UTF-8: {error.reason}", hint="send it as UTF-8") from error
    except msgspec.DecodeError as error:
        hint = f"send {YAML}, or JSON with text, file and folder"
        raise PlatformError("bad-body", f"the body is no order: {error}", hint=hint) from error


def _source(order: ApplyOrder) -> Source:
    """Relative file names are looked for in the folder, else beside the file."""
    folder = Path(order.folder) if order.folder else Path(order.file).parent
    if order.folder and not folder.is_absolute():
        raise PlatformError("bad-folder", f"the folder {order.folder!r} is relative", hint="send its absolute path")
    return Source(file=order.file, folder=folder if folder.is_absolute() else None)


def _applied(taken: Taken, *, dry_run: bool, receipt: Any = None) -> Applied:
    return Applied(
        dry_run=dry_run,
        revision=taken.revision,
        changes=tuple(map(entity_changed, taken.changes)),
        warnings=tuple(map(located, taken.warnings)),
        receipt=receipt,
    )
