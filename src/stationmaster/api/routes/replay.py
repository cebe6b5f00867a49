"""Replays of incidents over REST: which faults and alerts make one happen once more here."""

from litestar import Controller, post
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from stationmaster.api.routes.drills import shown_drill, shown_fault, token_of
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_replay import AlertAgain, AlertTold, FaultMade, NotReproduced, ReplayOrder, ReplayShown
from stationmaster.core.problem import PlatformError
from stationmaster.drills.replay import Told, replay_of

MARK = "replay"
"""The label that tells an alert that is sent again from the one of then."""


class ReplayRoutes(Controller):
    path = "/api/v1/drills/replay"
    tags = ("drills",)

    @post(summary="What makes an incident happen once more", status_code=HTTP_200_OK, opt={"runs": False})
    async def replay(self, platform: GivenPlatform, data: JSONBody[ReplayOrder]) -> ReplayShown:
        """Breaks nothing: it says what would have to be broken. 403 where the environment does not allow drills."""
        spec = platform.spec
        if not spec.drills.allowed:
            hint = "declare `drills: {allowed: true}` where things may be broken on purpose"
            text = f"the environment {spec.environment} does not allow drills"
            raise PlatformError("drills-forbidden", text, hint=hint, status=403)
        found = replay_of(data.incident, tuple(map(_told, data.alerts)), spec)
        return ReplayShown(
            drill=shown_drill(found.drill, spec, None),
            faults=tuple(
                FaultMade(fault=shown_fault(each.fault), at_s=each.at_s, alert=each.alert) for each in found.made
            ),
            alerts=tuple(_again(each, data.incident) for each in found.again),
            left=tuple(NotReproduced(what=each.what, why=each.why) for each in found.left),
            expected=found.expected,
            token=token_of(platform, found.drill.api),
        )


def _told(each: AlertTold) -> Told:
    return Told(
        name=each.name,
        labels=each.labels,
        summary=each.summary,
        evidence=each.evidence,
        began_s=each.began_s,
        ended_s=each.ended_s,
        foreign=each.foreign,
        source=each.source,
        injected=each.injected,
    )


def _again(each: Told, incident: int) -> AlertAgain:
    labels = {**each.labels, MARK: str(incident)}
    return AlertAgain(name=each.name, labels=labels, summary=each.summary, at_s=each.began_s, ends_s=each.ended_s)
