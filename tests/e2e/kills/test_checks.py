"""What a round is found to have done wrong, each by one thing that is changed in a round that went well."""

from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.kills.checks import Seen, violations
from tests.e2e.kills.drawn import Kind, Round
from tests.e2e.kills.heard import Heard


def fact(number: int, kind: str, **body: Any) -> dict[str, Any]:
    return {"id": number, "kind": kind, **body}


def alert(instance: str = "key-us-south") -> dict[str, Any]:
    return {"fingerprint": "f", "labels": {"alertname": "ServiceInstanceDown", "instance": instance}}


def heard(receiver: str, occasion: str, *, alerts: tuple[str, ...] = ("ServiceInstanceDown",)) -> Heard:
    return Heard(receiver=receiver, incident=1, occasion=occasion, alerts=alerts, summary="")


def page(what: str, receiver: str, state: str = "sent") -> dict[str, Any]:
    return {"incident": 1, "what": what, "receiver": receiver, "state": state, "detail": ""}


FACTS = (
    fact(1, "FaultInjected"),
    fact(2, "AlertFired", alert=alert()),
    fact(3, "IncidentOpened", incident=1, alert=alert()),
    fact(4, "RunStarted", run="run-1"),
    fact(5, "InstanceRestarted", instance="key-us-south", by="runbook"),
    fact(6, "RunStepEnded", run="run-1", step="1"),
    fact(7, "AlertRecovered", alert=alert()),
    fact(8, "RunEnded", run="run-1"),
    fact(9, "IncidentResolved", incident=1),
)
WELL = Seen(
    facts=FACTS,
    pages=(page("page", "hook"), page("opened", "ops"), page("resolved", "ops", "needless")),
    approvals=({"run": "run-1", "step": "2", "number": 1, "incident": 1, "allowed": 1},),
    standing_faults=0,
    heard=(heard("hook", "page"), heard("ops", "opened")),
    starts={"key-us-south": 1},
    lines=1,
    status={"ready": True, "problems": [], "open_incidents": 0, "targets": [{"state": "in"}]},
    processes={"keys": 3},
    processes_before={"keys": 3},
)


def without(kind: str) -> Seen:
    return replace(WELL, facts=[each for each in FACTS if each["kind"] != kind])


def more(*facts: dict[str, Any]) -> Seen:
    return replace(WELL, facts=(*FACTS, *facts))


def told(**status: Any) -> Seen:
    return replace(WELL, status={**WELL.status, **status})


def test_a_round_that_went_well_has_nothing_to_tell() -> None:
    assert violations(WELL) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (without("IncidentResolved"), "incident 1 is not resolved"),
        (replace(WELL, facts=()), "no incident was opened"),
        (without("RunEnded"), "run-1 ended 0 times"),
        (more(fact(10, "RunEnded", run="run-1")), "run-1 ended 2 times"),
        (more(fact(10, "RunStepEnded", run="run-1", step="1")), "step 1 of run-1 ended 2 times"),
        (replace(WELL, starts={"key-us-south": 2}), "was started 2 times, and 1 are explained"),
        (more(fact(10, "InstanceRestarted", instance="key-us-south", by="runbook")), "told to be restarted 2 times"),
        (replace(WELL, lines=2), "was done 2 times"),
        (replace(WELL, lines=0), "was done 0 times"),
        (told(ready=False), "not ready"),
        (told(problems=["x"]), "problems"),
        (told(open_incidents=1), "1 incidents are open"),
        (told(targets=[{"state": "in"}, {"state": "out"}]), "targets are in, out"),
        (replace(WELL, standing_faults=1), "1 faults stand"),
        (replace(WELL, processes={"keys": 4}), "processes left over: {'keys': 1}"),
        (replace(WELL, processes={"keys": 2}), "missing: {'keys': 1}"),
        (replace(WELL, pages=WELL.pages[1:]), "nobody was owed a page of incident 1"),
        (replace(WELL, heard=WELL.heard[1:]), "page of incident 1 to hook is said to be sent and never arrived"),
        (replace(WELL, pages=(page("page", "hook", "failed"),)), "page of incident 1 to hook is failed"),
        (replace(WELL, pages=(page("page", "hook", "owed"),)), "page of incident 1 to hook is owed"),
        (replace(WELL, heard=(*WELL.heard, heard("ops", "update", alerts=()))), "is empty"),
        (replace(WELL, approvals=({**WELL.approvals[0], "allowed": None},)), "step 2 of run-1 still asks"),
        (replace(WELL, approvals=({**WELL.approvals[0], "number": 2},)), "asked 2 times"),
    ],
)
def test_what_is_wrong_is_told(seen: Seen, said: str) -> None:
    assert any(said in each for each in violations(seen)), violations(seen)


@pytest.mark.parametrize(
    "seen",
    [
        replace(more(fact(10, "AlertFired", alert=alert())), starts={"key-us-south": 2}),
        replace(more(fact(10, "InstanceRestarted", instance="key-us-south", by="drill")), starts={"key-us-south": 2}),
        replace(WELL, starts={"key-us-south": 2}, found_undone={"key-us-south": 1}),
    ],
    ids=["it failed again", "the fault ended", "the first was found not to have happened"],
)
def test_a_second_start_that_is_explained_is_none_too_many(seen: Seen) -> None:
    assert violations(seen) == []


def test_a_round_follows_from_its_seed_alone() -> None:
    assert Round.drawn(7) == Round.drawn(7)
    assert len({Round.drawn(seed).kind for seed in range(60)}) == len(Kind)
    assert Round.drawn(7, Kind.APPROVAL).kills == Round.drawn(7).kills
