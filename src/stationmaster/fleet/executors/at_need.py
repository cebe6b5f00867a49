"""The executors of one machine; the one of containers is built where something declared or left behind needs it."""

from collections.abc import Callable, Iterator, Mapping

from stationmaster.config import StateDir
from stationmaster.core.spec import ExecutorKind
from stationmaster.fleet.executor import Executor
from stationmaster.fleet.executors.engine_place import engine_url, may_be_there
from stationmaster.fleet.executors.process import ProcessExecutor


class AtNeed(Mapping[ExecutorKind, Executor]):
    """Goes over those that can hold instances: containers only once one was asked for, or where an engine may be there
    from the beginning, which may hold containers of a platform that was declared otherwise before."""

    def __init__(self, state: StateDir, environment: Callable[[], str]) -> None:
        self._state = state
        self._environment = environment
        self._built: dict[ExecutorKind, Executor] = {ExecutorKind.PROCESS: ProcessExecutor(state)}
        self._looked = False

    def __getitem__(self, kind: ExecutorKind) -> Executor:
        if kind not in self._built:
            self._built[kind] = _docker(self._state, self._environment)
        return self._built[kind]

    def __iter__(self) -> Iterator[ExecutorKind]:
        if not self._looked:
            self._looked = True
            if may_be_there(engine_url()):
                self[ExecutorKind.DOCKER]
        return iter(tuple(self._built))

    def __len__(self) -> int:
        return len(tuple(iter(self)))


def _docker(state: StateDir, environment: Callable[[], str]) -> Executor:
    # Its client library costs a sixth of a second at every start of the control plane.
    from stationmaster.fleet.executors.docker import DockerExecutor  # noqa: PLC0415
    from stationmaster.fleet.executors.engine import Engine  # noqa: PLC0415

    return DockerExecutor(state, Engine(), environment)
