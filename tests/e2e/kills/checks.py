"""What has to be true after a round, decided from what was seen of it alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.kills.heard import Heard

Row = Mapping[str, Any]
OWN_DEATH = "ControlPlaneDown"
_GOOD_OUTCOMES = frozenset({"sent", "needless"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`facts` since the fault, in their order; `pages` and `approvals` are rows of incidents of this round; `starts`
    counts how often instances were really started, `lines` what the ledger has got; `status` is the platform's;
    `processes` counts those of the platform by what they are."""

    facts: Sequence[Row]
    pages: Sequence[Row]
    approvals: Sequence[Row]
    standing_faults: int
    heard: Sequence[Heard]
    starts: Mapping[str, int]
    lines: int | None
    status: Row
    processes: Mapping[str, int]
    processes_before: Mapping[str, int]
    found_undone: Mapping[str, int] = field(default_factory=dict)
    """How often the journal says of an instance that a change to it, once begun, was found not to have happened."""
    killed: int = 0

    def of(self, kind: str) -> list[Row]:
        return [each for each in self.facts if each["kind"] == kind]


def violations(seen: Seen) -> list[str]:
    rules = (_incidents, _runs, _restarts, _ledger, _state, _pages, _approvals)
    return [each for rule in rules for each in rule(seen)]


def _incidents(seen: Seen) -> Iterator[str]:
    opened = {each["incident"]: each for each in seen.of("IncidentOpened")}
    resolved = Counter(each["incident"] for each in seen.of("IncidentResolved"))
    yield from (f"incident {number} is not resolved" for number in opened if not resolved[number])
    if not opened:
        yield "no incident was opened"
    if not any(each["alert"]["labels"]["alertname"] != OWN_DEATH for each in seen.of("AlertFired")) and not seen.killed:
        yield "no alert fired"


def _runs(seen: Seen) -> Iterator[str]:
    ended = Counter(each["run"] for each in seen.of("RunEnded"))
    for each in seen.of("RunStarted"):
        if ended[each["run"]] != 1:
            yield f"{each['run']} ended {ended[each['run']]} times"
    steps = Counter((each["run"], each["step"]) for each in seen.of("RunStepEnded"))
    yield from (f"step {step} of {run} ended {count} times" for (run, step), count in steps.items() if count > 1)


def _restarts(seen: Seen) -> Iterator[str]:
    """One a fault, one more where its alert fired again afterwards, where a probe found that the first had not
    happened, and one where the end of a fault starts what it had displaced."""
    fired = Counter(each["alert"]["labels"].get("instance", "") for each in seen.of("AlertFired"))
    drill = Counter(each["instance"] for each in seen.of("InstanceRestarted") if each["by"] == "drill")
    told = Counter(each["instance"] for each in seen.of("InstanceRestarted"))
    for instance in sorted({*seen.starts, *told}):
        allowed = max(1, fired[instance]) + drill[instance] + seen.found_undone.get(instance, 0)
        for what, count in (("started", seen.starts.get(instance, 0)), ("told to be restarted", told[instance])):
            if count > allowed:
                yield f"{instance} was {what} {count} times, and {allowed} are explained"


def _ledger(seen: Seen) -> Iterator[str]:
    if seen.lines is not None and seen.lines != 1:
        yield f"the step that had to be allowed was done {seen.lines} times"


def _state(seen: Seen) -> Iterator[str]:
    status = seen.status
    if not status.get("ready"):
        yield "the platform is not ready"
    if status.get("problems"):
        yield f"problems: {status['problems']}"
    if status.get("open_incidents"):
        yield f"{status['open_incidents']} incidents are open"
    states = {each["state"] for each in status.get("targets", ())}
    if states != {"in"}:
        yield f"targets are {', '.join(sorted(states)) or 'unknown'}"
    if seen.standing_faults:
        yield f"{seen.standing_faults} faults stand"
    if dict(seen.processes) != dict(seen.processes_before):
        more, less = (Counter(seen.processes), Counter(seen.processes_before))
        yield f"processes left over: {dict(more - less) or 'none'}; missing: {dict(less - more) or 'none'}"


def _other_is_sent(page: Row, seen: Seen) -> bool:
    """A diagnosis that was made in time stands in the first message itself."""
    known = [
        each for each in seen.pages if (each["incident"], each["receiver"]) == (page["incident"], page["receiver"])
    ]
    return any(each["what"] != "diagnosis" and each["state"] == "sent" for each in known)


def _pages(seen: Seen) -> Iterator[str]:
    """Whom the policy owes a page got it, with the alerts; what was made needless was so because nothing was left."""
    delivered = Counter((each.incident, each.receiver, each.occasion) for each in seen.heard)
    over = {each["incident"]: each["id"] for each in seen.of("IncidentResolved")}
    owed = {each["incident"] for each in seen.pages if each["what"] == "page"}
    for each in seen.of("IncidentOpened"):
        if each["incident"] not in owed:
            yield f"nobody was owed a page of incident {each['incident']}"
    for each in seen.pages:
        name = f"{each['what']} of incident {each['incident']} to {each['receiver']}"
        if each["state"] not in _GOOD_OUTCOMES:
            yield f"{name} is {each['state']}: {each['detail']}"
        told = each["what"] == "diagnosis" and _other_is_sent(each, seen)
        if each["state"] == "needless" and each["incident"] not in over and not told:
            yield f"{name} was left out though the incident is open"
        if each["state"] == "sent" and not delivered[(each["incident"], each["receiver"], each["what"])]:
            yield f"{name} is said to be sent and never arrived"
    yield from (f"a page of incident {each.incident} names no alert" for each in seen.heard if not all(each.alerts))
    yield from (f"a page of incident {each.incident} is empty" for each in seen.heard if not each.alerts)


def _approvals(seen: Seen) -> Iterator[str]:
    for each in seen.approvals:
        if each["allowed"] is None:
            yield f"step {each['step']} of {each['run']} still asks"
        if each["number"] > 1:
            yield f"step {each['step']} of {each['run']} asked {each['number']} times"
