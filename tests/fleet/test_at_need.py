"""The client of the Docker engine is loaded where something needs it, and only there."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from stationmaster.config import StateDir
from stationmaster.core.spec import ExecutorKind
from stationmaster.fleet.executors.at_need import AtNeed

async def main():
    executors = AtNeed(StateDir(Path(sys.argv[1])), lambda: "lab")
    kinds = [kind.value for kind in executors]
    if sys.argv[2:] == ["declared"]:
        executors[ExecutorKind.DOCKER]
        kinds = [kind.value for kind in executors]
    print(*kinds, "aiodocker" in sys.modules)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("engine", "asked", "said"),
    [
        ("nothing", (), "process False"),
        ("nothing", ("declared",), "process docker True"),
        ("left", (), "process docker True"),
    ],
)
def test_containers_are_spoken_of_where_declared_or_perhaps_left(
    tmp_path: Path, engine: str, asked: tuple[str, ...], said: str
) -> None:
    (tmp_path / "left").touch()
    env = {"DOCKER_HOST": f"unix://{tmp_path / engine}"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), *asked], capture_output=True, text=True, env=env, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (said, "")
