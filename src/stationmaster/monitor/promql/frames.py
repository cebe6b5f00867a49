"""Values during an evaluation: one row a step, one column a series, and a mask that says where there is a sample."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats, Ids

Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Series over the steps of a query.

    No id stands twice. `nameless` marks columns whose metric name is dropped when the query ends. With one step the
    order of columns is that of the result.
    """

    ids: Ids
    values: Floats
    present: Bools
    nameless: Bools

    @property
    def steps(self) -> int:
        return len(self.values)

    @property
    def cells(self) -> int:
        return self.values.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A scalar: one value a step."""

    values: Floats

    @property
    def cells(self) -> int:
        return self.values.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A string."""

    value: str

    @property
    def cells(self) -> int:
        return 0


Computed: TypeAlias = Frame | Line | Spoken


def empty(steps: int) -> Frame:
    return Frame(
        ids=np.empty(0, dtype=np.int64),
        values=np.empty((steps, 0)),
        present=np.empty((steps, 0), dtype=bool),
        nameless=np.empty(0, dtype=bool),
    )


def columns(frame: Frame, chosen: Ids | Bools) -> Frame:
    """Some of the columns, in the order asked for."""
    return Frame(
        ids=frame.ids[chosen],
        values=frame.values[:, chosen],
        present=frame.present[:, chosen],
        nameless=frame.nameless[chosen],
    )


def compact(frame: Frame) -> Frame:
    """Without the columns that have no sample at all."""
    used = np.asarray(frame.present.any(axis=0))
    return frame if used.all() else columns(frame, used)


def altered(frame: Frame, values: Floats, present: Bools | None = None, *, nameless: bool = True) -> Frame:
    """Other values for the same series; their names go, unless said otherwise."""
    return Frame(
        ids=frame.ids,
        values=values,
        present=frame.present if present is None else present,
        nameless=np.ones(len(frame.ids), dtype=bool) if nameless else frame.nameless,
    )


def relabelled(frame: Frame, ids: Ids, nameless: Bools) -> Frame:
    """The same values under other labels; series that became equal are merged where they do not overlap in time."""
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], ids[order][1:] != ids[order][:-1]])) if len(ids) else order
    if len(starts) == len(ids):
        return Frame(ids=ids, values=frame.values, present=frame.present, nameless=nameless)
    present, values = frame.present[:, order], frame.values[:, order]
    if (np.add.reduceat(present, starts, axis=1, dtype=np.int64) > 1).any():
        raise QueryError(
            Fault.EXECUTION,
            "vector cannot contain metrics with the same labelset",
            hint="Several series differ in their name alone; aggregate them, or keep a label that tells them apart.",
        )
    merged = Frame(
        ids=ids[order][starts],
        values=np.add.reduceat(np.where(present, values, -0.0), starts, axis=1),
        present=np.logical_or.reduceat(present, starts, axis=1),
        nameless=np.logical_or.reduceat(nameless[order], starts),
    )
    return columns(merged, np.argsort(order[starts], kind="stable"))


def joined(frames: list[Frame], steps: int) -> Frame:
    """The columns of several frames side by side; their ids are distinct."""
    if not frames:
        return empty(steps)
    if len(frames) == 1:
        return frames[0]
    return Frame(
        ids=np.concatenate([frame.ids for frame in frames]),
        values=np.concatenate([frame.values for frame in frames], axis=1),
        present=np.concatenate([frame.present for frame in frames], axis=1),
        nameless=np.concatenate([frame.nameless for frame in frames]),
    )
