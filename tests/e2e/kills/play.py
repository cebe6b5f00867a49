"""Plays one round: breaks, kills at the moments that were drawn, waits until all is mended, and looks at what came."""

import json
import re
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from stationmaster.runbooks.changing import UNDONE
from tests.e2e.kills.checks import Row, Seen, violations
from tests.e2e.kills.drawn import INSTANCES, Kill, Kind, Round, Strike
from tests.e2e.kills.ground import Fault, Ground
from tests.e2e.kills.heard import Receiver

_MENDED_WITHIN_S = 600.0
_STARTS_WITHIN_S = 180.0
_POLL_S, _LOOK_S = 0.03, 0.3
_QUIET_S = 2.5
"""What has been well for so long stays so."""
_PLACES = re.compile(r"(/[^ ]*|[0-9.]*:?[0-9]+|--listen=[^ ]*)")


@dataclass(slots=True, kw_only=True)
class Play:
    ground: Ground
    receiver: Receiver
    drawn: Round
    killed: int = 0
    _starting: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def run(self) -> list[str]:
        """What was not as it has to be."""
        station = self.ground.station
        before = _named(station.processes())
        since, heard = station.last_fact(), len(self.receiver.heard)
        starts = {name: self.ground.starts(name) for name in INSTANCES}
        fault = Fault(ground=self.ground, kind=self.drawn.kind, instance=self.drawn.instance)
        try:
            fault.begin()
            for kill in self.drawn.kills:
                self._await(kill, fault)
                self._strike(kill)
            problem = self._mended(fault, since)
        finally:
            self._end_starting()
        again = {name: self.ground.starts(name) - count for name, count in starts.items()}
        seen = self._seen(since, heard, starts=again, processes_before=before)
        return [*([problem] if problem else []), *violations(seen)]

    def _await(self, kill: Kill, fault: Fault) -> None:
        if kill.answers:
            self._until(fault, lambda: self.ground.ask("GET", "/api/v1/status") is not None)
        station, last = self.ground.station, self.ground.station.last_fact()
        until = time.monotonic() + kill.wait_s
        while time.monotonic() < until:
            fault.tick()
            if kill.fact and station.facts(kill.fact, since=last):
                return
            time.sleep(_POLL_S)
        self._until(fault, self.ground.has_control)

    def _until(self, fault: Fault, done: Callable[[], bool]) -> None:
        """Or until it takes too long: what is waited for in the end shows whether that matters."""
        until = time.monotonic() + _STARTS_WITHIN_S
        while not done() and time.monotonic() < until:
            fault.tick()
            self._keep_up()
            time.sleep(_LOOK_S)

    def _strike(self, kill: Kill) -> None:
        self.killed += self.ground.strike(kill.target)
        if kill.target is Strike.BOTH:
            self._starting.append(self.ground.station.begin_up())

    def _keep_up(self) -> None:
        """`up` again where it was killed in its first moments."""
        starting = [each for each in self._starting if each.poll() is None]
        if not starting and not self.ground.has_supervisor():
            self._starting.append(self.ground.station.begin_up())

    def _mended(self, fault: Fault, since: int) -> str:
        """Waits until everything is over and stays so; what was waited for in vain."""
        until, well_since = time.monotonic() + _MENDED_WITHIN_S, 0.0
        while time.monotonic() < until:
            fault.tick()
            self._keep_up()
            if fault.is_over and self._is_well(since):
                well_since = well_since or time.monotonic()
                if time.monotonic() - well_since > _QUIET_S:
                    return ""
            else:
                well_since = 0.0
            time.sleep(_LOOK_S)
        return f"not mended within {_MENDED_WITHIN_S:g} s"

    def _is_well(self, since: int) -> bool:
        status = self.ground.ask("GET", "/api/v1/status")
        if not status or not status["ready"] or status["open_incidents"] or status["problems"]:
            return False
        facts = self.ground.station.facts(since=since)
        fired, recovered, begun, ended = (
            Counter(each["alert"]["fingerprint"] for each in facts if each["kind"] == "AlertFired"),
            Counter(each["alert"]["fingerprint"] for each in facts if each["kind"] == "AlertRecovered"),
            {each["run"] for each in facts if each["kind"] == "RunStarted"},
            {each["run"] for each in facts if each["kind"] == "RunEnded"},
        )
        return fired == recovered and begun == ended and not self._rows(_UNSENT) and self._has_incident(facts)

    def _has_incident(self, facts: list[dict[str, Any]]) -> bool:
        return any(each["kind"] == "IncidentOpened" for each in facts)

    def _end_starting(self) -> None:
        for each in self._starting:
            with suppress(subprocess.TimeoutExpired):
                each.wait(120)
            each.kill()
            each.wait()

    def _seen(self, since: int, heard: int, *, starts: Mapping[str, int], processes_before: Mapping[str, int]) -> Seen:
        station = self.ground.station
        facts = station.facts(since=since)
        opened = {each["incident"] for each in facts if each["kind"] == "IncidentOpened"}
        pages = [{**each, "receiver": json.loads(each["contact"])["name"]} for each in self._rows(_PAGES)]
        ledger = len(self.ground.ledger.read_text("ascii").splitlines())
        return Seen(
            facts=facts,
            pages=[each for each in pages if each["incident"] in opened],
            approvals=[each for each in self._rows(_APPROVALS) if each["incident"] in opened],
            standing_faults=len(self._rows(_FAULTS)),
            heard=self.receiver.heard[heard:],
            starts=starts,
            lines=ledger if self.drawn.kind is Kind.APPROVAL else None,
            status=self.ground.ask("GET", "/api/v1/status") or {},
            processes=_named(station.processes()),
            processes_before=processes_before,
            found_undone=Counter(each["host"] for each in self._rows(_UNDONE) if each["incident"] in opened),
            killed=self.killed,
        )

    def _rows(self, query: str) -> list[Row]:
        file = self.ground.station.state / "stationmaster.db"
        with closing(sqlite3.connect(file, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(each) for each in connection.execute(query)]


_PAGES = "SELECT incident, what, state, contact, detail FROM page"
_UNSENT = "SELECT id FROM page WHERE state IN ('owed', 'claimed')"
_APPROVALS = "SELECT run, step, number, incident, allowed FROM run_approval"
_UNDONE = f"""SELECT host, incident FROM run JOIN run_event ON run_event.run = run.id
    WHERE kind = 'Waiting' AND body LIKE '%{UNDONE}%'"""
_FAULTS = "SELECT id FROM fault WHERE undone_at IS NULL"


def is_steady(ground: Ground) -> bool:
    """Before a round: nothing is under way."""
    status = ground.ask("GET", "/api/v1/status") or {}
    return bool(status.get("ready")) and not status["open_incidents"]


def _named(processes: list[str]) -> Counter[str]:
    """By what they are, whatever their ports and process ids."""
    return Counter(_PLACES.sub("…", each)[:120] for each in processes)
