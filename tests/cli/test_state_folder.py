"""The state folder is closed to others, and missed when it is deleted."""

import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.cli.state_folder import make_state, refuse_lost_state
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.lock import acquire
from tests.fleet.contract import SLEEPER


def mode_of(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_state(StateDir(tmp_path / "new" / "state"))
    assert mode_of(tmp_path / "new" / "state") == 0o700
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777])
def test_a_folder_that_is_open_to_others_is_closed_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    make_state(StateDir(folder))
    assert mode_of(folder) == 0o700
    assert f"mode {mode:04o}" in capsys.readouterr().err


def test_what_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PlatformError, match="cannot be the state folder"):
        make_state(StateDir(tmp_path / "file"))


@pytest.mark.parametrize("loss", ["deleted", "replaced"])
def test_a_folder_that_vanishes_takes_the_control_plane_with_it(
    tmp_path: Path, loss: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = StateDir(tmp_path)
    held = acquire(state.up_lock)
    assert held is not None
    child = subprocess.Popen([sys.executable, "-c", SLEEPER])
    try:
        refuse_lost_state(state, held, child)
        assert child.poll() is None
        state.up_lock.unlink()
        if loss == "replaced":
            state.up_lock.write_text("")
        with pytest.raises(PlatformError) as refused:
            refuse_lost_state(state, held, child)
        assert (refused.value.code, child.poll() is not None) == ("state-deleted", True)
        assert "everything is stopped" in capsys.readouterr().err
    finally:
        child.kill()
        child.wait()
        held.release()
