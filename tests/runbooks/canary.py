"""A throw-away folder in which a text is really run by bash, and a record of everything that it changed there."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_REAL = (
    *(
        "cat",
        "sort",
        "sed",
        "awk",
        "find",
        "xargs",
        "env",
        "timeout",
        "grep",
        "head",
        "tail",
        "uniq",
        "tee",
        "wc",
        "tr",
        "cut",
    ),
    *(
        "printf",
        "echo",
        "true",
        "test",
        "basename",
        "dirname",
        "nohup",
        "nice",
        "tar",
        "base64",
        "seq",
        "bash",
        "sh",
        "time",
    ),
    *("setsid", "stdbuf", "comm", "paste"),
)
_CANARIES = ("rm", "mv", "touch", "canary", "kubectl", "reboot")
_FILES = {"a": "beta\nalpha\n", "b": "canary\n", "-o": "dash\n", "s.sh": "canary from a script\n", "list": "rm a\n"}
_LIMIT_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`folder` is where texts run; `programs` is their whole PATH; every call of a canary adds a line to `record`."""

    folder: Path
    programs: Path
    record: Path

    def changes(self, text: str) -> list[str]:
        """Runs `text` in a fresh folder and says what it changed: files there, and calls of canaries."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.record.write_text("")
        for name, content in _FILES.items():
            (self.folder / name).write_text(content)
        _run(text, folder=self.folder, programs=self.programs)
        calls = self.record.read_text().splitlines()
        return calls + [f"{name} is not what it was" for name in sorted(_differences(self.folder))]


def _run(text: str, *, folder: Path, programs: Path) -> None:
    process = subprocess.Popen(
        [str(programs / "bash"), "--norc", "--noprofile", "-c", text],
        cwd=folder,
        env={"PATH": str(programs), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LIMIT_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _differences(folder: Path) -> set[str]:
    now = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    changed = set(now) ^ set(_FILES)
    return changed | {name for name, path in now.items() if name in _FILES and path.read_text() != _FILES[name]}


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        made = World(folder=root / "run", programs=root / "bin", record=root / "record")
        made.programs.mkdir()
        for program in _REAL:
            if (found := shutil.which(program)) is not None:
                (made.programs / program).symlink_to(found)
        for program in _CANARIES:
            script = made.programs / program
            script.write_text(f'#!/bin/sh\necho "{program} $*" >> {made.record}\n')
            script.chmod(0o755)
        yield made
