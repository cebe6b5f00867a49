"""Rounds as they are drawn from a seed: what is broken, and when the control plane dies."""

import random
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    INSTANCE_DOWN = "instance down"
    WRONG_BODY = "wrong body"
    SERVICE_DOWN = "service down"
    NODE_DOWN = "node down"
    API_FAULT = "API fault"
    APPROVAL = "approval"


class Strike(Enum):
    """What dies; a value names the verbs whose processes are killed."""

    BOTH = ("control", "up")
    CONTROL = ("control",)


MOMENTS = (
    "FaultInjected",
    "AlertFired",
    "IncidentOpened",
    "RunStarted",
    "TargetChanged",
    "RunStepEnded",
    "ApprovalAsked",
    "ApprovalAnswered",
    "InstanceRestarted",
    "AlertRecovered",
    "NoteAdded",
    "RunEnded",
    "InstanceQuiet",
    "IncidentRecovered",
    "IncidentResolved",
)
INSTANCES = ("key-us-south", "key-us-east", "key-eu-de")
_LATEST_S, _MOST = 7.0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """After `wait_s` since the kill before (of the first: since the fault), or, when it `answers` first, since the next
    control plane answered: some hit its start, whatever the machine, and most its work. With `fact`, as soon as one of
    that kind is written that was not there before, and after `wait_s` where none is."""

    wait_s: float
    target: Strike
    fact: str = ""
    answers: bool = False

    def __str__(self) -> str:
        at = f"at {self.fact} or " if self.fact else ""
        since = " of answers" if self.answers else ""
        return f"{self.target.name.lower()} {at}after {self.wait_s:.2f} s{since}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    seed: int
    kind: Kind
    instance: str
    kills: tuple[Kill, ...]

    @classmethod
    def drawn(cls, seed: int, kind: Kind | None = None) -> "Round":
        chance = random.Random(seed)
        drawn = chance.choice(tuple(Kind))
        return cls(
            seed=seed,
            kind=kind or drawn,
            instance=chance.choice(INSTANCES),
            kills=tuple(_kill(chance) for _ in range(chance.randint(2, _MOST))),
        )

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.kind.value} ({self.instance}); {', '.join(map(str, self.kills))}"


def _kill(chance: random.Random) -> Kill:
    return Kill(
        wait_s=round(chance.uniform(0, _LATEST_S), 3),
        target=chance.choice((Strike.CONTROL, Strike.BOTH)),
        fact=chance.choice(MOMENTS) if chance.random() < 0.4 else "",
        answers=chance.random() < 0.75,
    )
