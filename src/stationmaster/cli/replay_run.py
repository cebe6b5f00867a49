"""Runs a replay: faults and foreign alerts at the offsets of then, watched and reported as any drill."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from stationmaster.api.wire_drills import DrillFault, FaultShown
from stationmaster.api.wire_intake import Taken
from stationmaster.api.wire_replay import AlertAgain, ReplayShown
from stationmaster.cli.drill_run import Drilling
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

_INTAKE = "/api/v1/intake/alertmanager"
_LONGEST_S = 3600.0
"""What fired longer, or never ended, is resolved then."""
_UNENDED_S = 60.0
_POLL_S = 0.2
_ENDS_WITHIN_S = 30.0


@dataclass(slots=True, kw_only=True)
class Replaying(Drilling):
    """`hurry` makes every offset so many times shorter."""

    replay: ReplayShown
    hurry: float = 1.0
    _over: threading.Event = field(default_factory=threading.Event)
    _problems: list[PlatformError] = field(default_factory=list)
    _fired: dict[int, AlertAgain] = field(default_factory=dict)

    def _token(self) -> str:
        return self.replay.token

    @contextmanager
    def _faults(self) -> Iterator[list[FaultShown]]:
        """What is first is there when this begins; the rest follows from a thread of its own. At the end every fault
        is taken back, and every alert that was sent is resolved."""
        made: list[FaultShown] = []
        due = self._due(made)
        first = [act for at_s, act in due if at_s <= 0]
        later = [(at_s, act) for at_s, act in due if at_s > 0]
        began = time.monotonic()
        thread = threading.Thread(target=self._follow, args=(later, began), name="replay", daemon=True)
        try:
            for act in first:
                act()
            if not made:
                made.append(self._as_fault())
            thread.start()
            yield made
            self._wait_for_alerts(began)
        finally:
            self._over.set()
            if thread.is_alive():
                thread.join(_ENDS_WITHIN_S)
            for number in tuple(self._fired):
                self._resolve(number)
            self._take_back()
        if self._problems:
            raise self._problems[0]

    def _due(self, made: list[FaultShown]) -> list[tuple[float, Callable[[], None]]]:
        """What is to be done when, the first at 0."""
        acts: list[tuple[float, Callable[[], None]]] = [
            (each.at_s, partial(self._break, each.fault, made)) for each in self.replay.faults
        ]
        for number, alert in enumerate(self.replay.alerts):
            acts.append((alert.at_s, partial(self._fire, number, alert)))
            acts.append((self._end_s(alert), partial(self._resolve, number)))
        zero = min((at_s for at_s, _ in acts), default=0.0)
        return sorted((((at_s - zero) / self.hurry, act) for at_s, act in acts), key=lambda each: each[0])

    def _break(self, fault: DrillFault, made: list[FaultShown]) -> None:
        made.append(self._inject(fault))

    def _end_s(self, alert: AlertAgain) -> float:
        lasted = _UNENDED_S if alert.ends_s is None else alert.ends_s - alert.at_s
        return alert.at_s + min(max(lasted, 1.0), _LONGEST_S)

    def _follow(self, later: Sequence[tuple[float, Callable[[], None]]], began: float) -> None:
        for at_s, act in later:
            if self._over.wait(max(0.0, began + at_s - time.monotonic())):
                return
            try:
                act()
            except PlatformError as error:
                self._problems.append(error)

    def _wait_for_alerts(self, began: float) -> None:
        """Every alert has its time, also where its incident was over before."""
        last = max((self._end_s(each) for each in self.replay.alerts), default=0.0) / self.hurry
        deadline = min(began + last + _ENDS_WITHIN_S, began + self.limit_s)
        while self.replay.alerts and time.monotonic() < deadline and not self._is_through_with_alerts(began, last):
            time.sleep(_POLL_S)

    def _is_through_with_alerts(self, began: float, last: float) -> bool:
        return not self._fired and time.monotonic() >= began + last

    def _fire(self, number: int, alert: AlertAgain) -> None:
        self._fired[number] = alert
        self._send(alert, "firing")

    def _resolve(self, number: int) -> None:
        alert = self._fired.pop(number, None)
        if alert is not None:
            self._send(alert, "resolved")

    def _send(self, alert: AlertAgain, status: str) -> None:
        now = utc_now()
        one: dict[str, Any] = {
            "status": status,
            "labels": alert.labels,
            "annotations": {"summary": f"[replay] {alert.summary}"},
            "startsAt": (now if status == "firing" else now - timedelta(seconds=1)).isoformat(),
        }
        one |= {"endsAt": now.isoformat()} if status == "resolved" else {}
        body = msgspec.json.encode({"version": "4", "alerts": [one]})
        self.client.send("POST", _INTAKE, Taken, content=body, headers={"content-type": "application/json"})

    def _as_fault(self) -> FaultShown:
        """The report counts from the first alert that was sent, where nothing is broken."""
        at = utc_now()
        return FaultShown(
            id="", drill=self.drill.name, kind="alert", of="", by="", began_at=at, ends_at=at, undone_at=at, detail=""
        )
