"""`service last-good`: the version that a service can be put back to when nobody knows what is wrong with it."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
import typer

from stationmaster.api.wire_services import ServiceVersions
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.service import Name
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

EXAMPLES = "Example: [bold]stationmaster service last-good sample_api[/bold]"


class LastGood(msgspec.Struct, frozen=True, kw_only=True):
    """`wanted` is the version that the service is to run now, `version` the one to put it back to, for the reason
    `why`; they may be the same."""

    service: str
    version: int
    wanted: int
    why: str


def last_good(
    name: Name,
    suspect: Annotated[
        str, typer.Option("--suspect", help="A version that has stood for less than this may be the cause.")
    ] = "24h",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Say which version stood well last: the wanted one, unless it is new enough to be the cause."""
    with refusals():
        span = duration(suspect)
        found = ControlClient(state_dir(state)).get(f"/api/v1/services/{name}/versions", ServiceVersions)
        chosen = good_of(found, utc_now(), span)
    if as_json:
        print_json(chosen)
    else:
        out.print(f"last good: version {chosen.version}; {chosen.why}", markup=False)


def good_of(found: ServiceVersions, now: datetime, suspect: timedelta) -> LastGood:
    """Raises PlatformError `no-versions` where nothing was ever started."""
    deployment = found.deployment
    if deployment is None:
        hint = "`stationmaster service versions` shows it; `service deploy --declared` starts what is declared"
        raise PlatformError("no-versions", f"no version of {found.service} was ever wanted", hint=hint, status=409)
    wanted = deployment.version

    def chosen(version: int, why: str) -> LastGood:
        return LastGood(service=found.service, version=version, wanted=wanted, why=why)

    if deployment.phase in ("rolling-back", "rolled-back"):
        return chosen(wanted, f"it is being put back, from version {deployment.failed}")
    stood = deployment.phase == "good" and now - deployment.since >= suspect
    if stood:
        return chosen(wanted, f"it is wanted and has stood well since {deployment.since:%Y-%m-%d %H:%M} UTC")
    good = [(each.good_at, each.number) for each in found.versions if each.good_at and each.number != wanted]
    if not good:
        return chosen(wanted, "no other version ever stood well: this one is started anew")
    at, number = max(good)
    return chosen(number, f"it was good at {at:%Y-%m-%d %H:%M} UTC, and version {wanted}, wanted now, is new")
