"""Decides where an API breaks off that does not answer through a gateway node: at its instances, the node, the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.monitor.answer import Fault, ProbeAnswer

_GATEWAY_FAILURES = frozenset({502, 503, 504})
_NOT_ALLOWED = frozenset({401, 403})


class Place(Enum):
    """Where the fault most likely is."""

    INSTANCES = "instances"
    NODE = "node"
    WAY_TO_NODE = "way to the node"
    WAY_FROM_NODE = "way from the node to the instances"
    ROUTE = "route"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    LIMIT = "rate limit"
    ANSWER = "answer"
    """Something answers, and not as declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """The newest answer through a node; `linked` says whether the node is connected to the control plane, None where
    that is not known; `frozen` whether its administration takes connections and does not answer either."""

    node: str
    answer: ProbeAnswer
    linked: bool | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """The newest answer of a target that was asked past the gateway."""

    target: str
    answer: ProbeAnswer

    @property
    def alive(self) -> bool:
        """Whether it serves; one that does not know who asks does."""
        return self.answer.ok or self.answer.status in _NOT_ALLOWED


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """`text` says what speaks for the place."""

    place: Place
    text: str


def locate(through: Through, others: Sequence[Through], direct: Sequence[Direct]) -> Diagnosis | None:
    """None where all is well; `others` are the answers through other nodes, `direct` those of the API's targets."""
    answer = through.answer
    if answer.ok:
        return None
    if answer.status is None:
        return _without_answer(through, direct)
    if answer.status in _GATEWAY_FAILURES:
        return _of_upstream(through, others, direct)
    return _of_status(through, others, direct)


def _without_answer(through: Through, direct: Sequence[Direct]) -> Diagnosis:
    """Nothing came of HTTP."""
    said = f"{through.node}: {through.answer.detail}"
    fault, linked = through.answer.fault, through.linked
    if fault is Fault.REFUSED or (fault is Fault.UNREACHABLE and linked is False):
        also = "nobody listens there" if fault is Fault.REFUSED else "it is not connected to the control plane either"
        return Diagnosis(place=Place.NODE, text=f"{said}; {also}")
    if fault is Fault.UNREACHABLE:
        known = "the node is connected to the control plane" if linked else "the node may well be alive"
        return Diagnosis(place=Place.WAY_TO_NODE, text=f"{said}; {known}")
    if direct and not _alive(direct):
        return Diagnosis(place=Place.INSTANCES, text=f"{said}; {_dead_words(direct)}")
    if fault is Fault.SILENT and linked is not False and direct and not through.frozen:
        return Diagnosis(place=Place.WAY_FROM_NODE, text=f"{said}; {_alive_words(direct)}")
    return Diagnosis(place=Place.NODE, text=f"{said}; the node takes connections and does not answer")


def _of_upstream(through: Through, others: Sequence[Through], direct: Sequence[Direct]) -> Diagnosis:
    """The node answers for instances that it cannot reach, or passes on that they are not ready."""
    said = f"{through.node}: {through.answer.detail}"
    if not direct:
        return Diagnosis(place=Place.ANSWER, text=f"{said}; nothing is known of what is behind it")
    if not _alive(direct):
        return Diagnosis(place=Place.INSTANCES, text=f"{said}; {_dead_words(direct)}")
    return Diagnosis(place=Place.WAY_FROM_NODE, text=f"{said}; {_alive_words(direct)}{_elsewhere(others)}")


def _of_status(through: Through, others: Sequence[Through], direct: Sequence[Direct]) -> Diagnosis:
    """Somebody answered, and not what is declared."""
    status, said = through.answer.status, f"{through.node}: {through.answer.detail}"
    same = [each for each in direct if not each.answer.ok and each.answer.status == status]
    match status:
        case 401:
            return Diagnosis(place=Place.CREDENTIALS, text=f"{said}; what the check shows of itself is not accepted")
        case 403:
            return Diagnosis(place=Place.PERMISSION, text=f"{said}; the user of the check may not call this API")
        case 429:
            return Diagnosis(place=Place.LIMIT, text=f"{said}; a rate limit refuses the check")
        case 404 if not same:
            text = f"{said}; the node has no route for it{_elsewhere(others)}"
            return Diagnosis(place=Place.ROUTE, text=text)
    if direct and not _alive(direct):
        return Diagnosis(place=Place.INSTANCES, text=f"{said}; {_dead_words(direct)}")
    behind = f"; {_alive_words(direct)}" if direct else ""
    return Diagnosis(place=Place.ANSWER, text=f"{said}{behind}")


def _alive(direct: Sequence[Direct]) -> list[Direct]:
    return [each for each in direct if each.alive]


def _dead_words(direct: Sequence[Direct]) -> str:
    words = "; ".join(f"{each.target}: {each.answer.detail}" for each in direct[:3])
    more = f" and {len(direct) - 3} more" if len(direct) > 3 else ""
    return f"asked directly, none of {len(direct)} is well ({words}{more})"


def _alive_words(direct: Sequence[Direct]) -> str:
    names = ", ".join(each.target for each in _alive(direct)[:3])
    return f"asked directly, {len(_alive(direct))} of {len(direct)} answer ({names})"


def _elsewhere(others: Sequence[Through]) -> str:
    well = [each.node for each in others if each.answer.ok]
    return f"; through {', '.join(well)} it answers" if well else ""
