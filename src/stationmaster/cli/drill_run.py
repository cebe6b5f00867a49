"""Runs one drill: steady before, load, fault, watching, everything mended, steady after."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from stationmaster.api.wire import Empty, IncidentList, PlatformStatus, TimelineEntry
from stationmaster.api.wire_approvals import ApprovalList, ApprovalOrder, ApprovalShown
from stationmaster.api.wire_drills import DrillFault, DrillShown, DrillToken, FaultList, FaultOrder, FaultShown
from stationmaster.api.wire_incidents import IncidentStory
from stationmaster.api.wire_runbooks import IncidentRunList, IncidentRunShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident import timeline_line
from stationmaster.cli.load import Load
from stationmaster.cli.output import err, out
from stationmaster.cli.report import DrillReport, report_of
from stationmaster.core.drills import FaultKind
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

_WARM_UP_S, _COOL_DOWN_S, _POLL_S = 1.0, 1.0, 0.2
_STEADY_WITHIN_S = 30.0
_UNCURED_S = 20.0
"""How long an open incident of a fault that only its end cures is left to the platform."""
_SEEN_WITHIN_S = 60.0
"""Such a fault stands so long at least: rules over a minute of requests tell of it later than checks, which only some
of its errors meet, and which pass again meanwhile."""
_REVIEWED_WITHIN_S = 30.0
"""How long a review that the platform makes by itself may take after everything is well; see `reviews.steady_for`."""
_LOOKED_BACK_S = 420.0
"""Alerts over five minutes of requests end so long after the last bad one."""
_UNNOTICED_S = 10.0
"""Checks that have passed for so long since a process was started again did not miss it."""
_QUIET_S = 3.0
"""What has opened no other incident for so long opens none any more."""


@dataclass(slots=True, kw_only=True)
class Drilling:
    client: ControlClient
    drill: DrillShown
    rate: float
    limit_s: float
    approve: bool
    quiet: bool
    began_at: datetime = field(default_factory=utc_now)
    _printed: set[tuple[datetime, str, str]] = field(default_factory=set)
    _restarts: dict[str, datetime] = field(default_factory=dict)
    """When instances that were killed were seen with another process; only while there is no incident."""

    def run(self) -> DrillReport:
        """Raises PlatformError `not-steady`: a drill on a platform that is not well would prove nothing."""
        before = self._steady_before()
        last = max((each.number for each in self._incidents().incidents), default=0)
        urls = tuple(f"http://{node.listen}{path}" for node in before.nodes for path in self.drill.url_paths)
        with Load(urls, rate=self.rate, token=self._token()) as load:
            time.sleep(_WARM_UP_S)
            with self._faults() as faults:
                stories = self._watch(faults, last, before)
            stories = self._watch_end(last) if self._is_open(stories) else stories
            time.sleep(_COOL_DOWN_S)
            steady = self._steady_after()
        stories = self._reviewed(stories, last)
        if self._is_open(stories):  # an alert over a window came late, as of the errors within a minute
            stories = self._reviewed(self._watch_end(last), last)
        return report_of(self.drill, faults, stories, load, steady=steady, restarts=self._restarts)

    def _steady_before(self) -> PlatformStatus:
        seen = self.client.get("/api/v1/status", PlatformStatus)
        if not seen.ready or seen.open_incidents:
            hint = "`stationmaster status` shows what is wrong"
            raise PlatformError("not-steady", "the platform is not in its steady state", hint=hint)
        return seen

    def _steady_after(self) -> bool:
        deadline = time.monotonic() + _STEADY_WITHIN_S
        while time.monotonic() < deadline:
            try:
                if self.client.get("/api/v1/status", PlatformStatus).ready:
                    return True
            except PlatformError as error:
                _pass_over(error)
            time.sleep(_POLL_S)
        return False

    def _token(self) -> str:
        path = f"/api/v1/drills/{quote(self.drill.name, safe='')}/token"
        return self.client.post(path, Empty(), DrillToken).token

    @contextmanager
    def _faults(self) -> Iterator[list[FaultShown]]:
        """All of the drill; whatever happens, they are taken back."""
        made: list[FaultShown] = []
        try:
            made.extend(map(self._inject, self.drill.faults))
            yield made
        finally:
            self._take_back()

    def _inject(self, fault: DrillFault) -> FaultShown:
        order = FaultOrder(
            drill=self.drill.name,
            kind=FaultKind(fault.kind),
            of=fault.of,
            for_s=max(self.drill.for_s, 1.0),
            delay_ms=fault.delay_ms,
            status=fault.status,
            percent=fault.percent,
            sticky=fault.sticky,
        )
        at = utc_now()
        try:
            made = self.client.post("/api/v1/faults", order, FaultShown)
        except PlatformError as error:
            if error.code != "control-plane-away" or order.kind is not FaultKind.CONTROL_KILL:
                raise
            made = FaultShown(
                id="",
                drill=order.drill,
                kind=fault.kind,
                of="",
                by="",
                began_at=at,
                ends_at=at,
                undone_at=at,
                detail="",
            )
        if not self.quiet:
            out.print(
                f"[bold]{fault.of or 'the platform'}[/bold]: {fault.kind}, under {self.rate:g} requests per second"
            )
        return made

    def _take_back(self) -> None:
        deadline = time.monotonic() + _STEADY_WITHIN_S
        while True:
            try:
                self.client.send("DELETE", "/api/v1/faults", FaultList, params={"drill": self.drill.name})
            except PlatformError as error:
                _pass_over(error)
                if time.monotonic() < deadline:
                    time.sleep(_POLL_S)
                    continue
            return

    # Watching

    def _watch(self, faults: Sequence[FaultShown], last: int, before: PlatformStatus) -> list[IncidentStory]:
        """Until every incident is resolved, or a supervisor was faster than every check, or until a fault that only its
        end cures has been worked on a while."""
        stories: list[IncidentStory] = []
        lasts_s = self.limit_s if self.drill.cured else min(self.limit_s, self.drill.for_s)
        began = time.monotonic()
        quiet_since: float | None = None
        while time.monotonic() < began + lasts_s:
            stories = self._look(last) or stories
            self._show(stories, min(each.began_at for each in faults))
            self._say_yes(stories)
            over = bool(stories) and not self._is_open(stories)
            quiet_since = (quiet_since or time.monotonic()) if over else None
            if self.drill.cured:
                done = quiet_since is not None and time.monotonic() - quiet_since >= _QUIET_S
                done = done or (not stories and self._is_outrun(faults, before))
            else:
                done = self._is_worked(stories, time.monotonic() - began)
            if done:
                break
            time.sleep(_POLL_S)
        return stories

    def _is_outrun(self, faults: Sequence[FaultShown], before: PlatformStatus) -> bool:
        """Everything that was killed was started again for a while, and nothing has opened an incident."""
        if any(each.kind != FaultKind.KILL.value for each in faults):
            return False
        try:
            now = self.client.get("/api/v1/status", PlatformStatus)
        except PlatformError as error:
            _pass_over(error)
            return False
        killed = {each.name: each.pid for each in before.instances if each.name in {fault.of for fault in faults}}
        for each in now.instances:
            if each.name in killed and each.pid not in (None, killed[each.name]):
                self._restarts.setdefault(each.name, utc_now())
        if not now.ready or not killed or self._restarts.keys() != killed.keys():
            return False
        return (utc_now() - max(self._restarts.values())).total_seconds() > _UNNOTICED_S

    def _watch_end(self, last: int) -> list[IncidentStory]:
        """The faults are gone: what is open resolves by itself, where alerts look back as late as they do."""
        deadline = time.monotonic() + max(self.limit_s, _LOOKED_BACK_S)
        stories = self._look(last)
        while time.monotonic() < deadline and (not stories or self._is_open(stories)):
            time.sleep(_POLL_S)
            stories = self._look(last) or stories
            self._show(stories, self.began_at)
            self._say_yes(stories)
        return stories

    def _is_worked(self, stories: Sequence[IncidentStory], lasted_s: float) -> bool:
        """A fault that only its end cures was seen by all that looks for it, and what answers it was worked."""
        return lasted_s > _SEEN_WITHIN_S and _age_s(stories) > _UNCURED_S and self._is_through(stories)

    def _is_through(self, stories: Sequence[IncidentStory]) -> bool:
        """Every runbook was worked once to its end: there is nothing left to wait for but the end of the fault. Alerts
        that come and go with it would begin the same ones again and again."""
        try:
            runs = [run for each in stories for run in self._runs(each.incident.number)]
        except PlatformError as error:
            _pass_over(error)
            return False
        return bool(runs) and {run.runbook for run in runs} == {run.runbook for run in runs if run.ended_at}

    def _runs(self, number: int) -> Sequence[IncidentRunShown]:
        return self.client.get("/api/v1/runbooks/runs", IncidentRunList, incident=str(number)).runs

    def _reviewed(self, stories: list[IncidentStory], last: int) -> list[IncidentStory]:
        """As they are when their reviews are done, where nobody has to do anything for that."""
        deadline = time.monotonic() + _REVIEWED_WITHIN_S
        while time.monotonic() < deadline and any(map(_waits_for_review, stories)):
            time.sleep(_POLL_S)
            stories = self._look(last) or stories
        return stories

    def _look(self, last: int) -> list[IncidentStory]:
        try:
            new = sorted(each.number for each in self._incidents().incidents if each.number > last)
            return [self.client.get(f"/api/v1/incidents/{number}", IncidentStory) for number in new]
        except PlatformError as error:
            _pass_over(error)
            return []

    def _incidents(self) -> IncidentList:
        return self.client.get("/api/v1/incidents", IncidentList)

    def _is_open(self, stories: Sequence[IncidentStory]) -> bool:
        return any(each.incident.resolved_at is None for each in stories)

    def _show(self, stories: Sequence[IncidentStory], zero: datetime) -> None:
        """Lines of the timelines as they come."""
        lines = sorted((entry for each in stories for entry in each.timeline), key=lambda entry: entry.at)
        for entry in lines:
            if _key(entry) not in self._printed:
                self._printed.add(_key(entry))
                if not self.quiet:
                    out.print(timeline_line(entry, zero))

    def _say_yes(self, stories: Sequence[IncidentStory]) -> None:
        if not self.approve or not stories:
            return
        numbers = {each.incident.number for each in stories}
        try:
            for each in self.client.get("/api/v1/approvals", ApprovalList).approvals:
                if each.incident in numbers:
                    order = ApprovalOrder(allow=True, digest=each.digest, why=f"drill {self.drill.name}")
                    path = f"/api/v1/approvals/{quote(each.run, safe='')}/{quote(each.step, safe='')}"
                    self.client.post(path, order, ApprovalShown)
        except PlatformError as error:
            if error.code not in ("approval-over", "second-person"):
                _pass_over(error)


def _key(entry: TimelineEntry) -> tuple[datetime, str, str]:
    return entry.at, entry.kind, entry.text


def _waits_for_review(story: IncidentStory) -> bool:
    """What was left to people is not waited for."""
    left = any(entry.kind == "review.left" for entry in story.timeline)
    return story.reviewed_at is None and story.incident.resolved_at is not None and not left


def _age_s(stories: Sequence[IncidentStory]) -> float:
    return (utc_now() - min((each.incident.opened_at for each in stories), default=utc_now())).total_seconds()


def _pass_over(error: PlatformError) -> None:
    """The control plane may be away for a moment: that is a part of some drills."""
    if error.code != "control-plane-away":
        raise error
    err.print("the control plane is away; waiting for it", style="dim")
