"""The first administrator's password is shown once, to a person and to no log."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from stationmaster.api.wire import PlatformStatus
from stationmaster.cli import up
from stationmaster.config import StateDir

PASSWORD = "[bold]pass-word_[/bold]"


def announced(monkeypatch: pytest.MonkeyPatch, state: StateDir, *, terminal: bool) -> str:
    shown = StringIO()
    monkeypatch.setattr(up, "out", Console(file=shown, force_terminal=terminal, width=500, highlight=False))
    nothing = PlatformStatus(
        environment="test",
        pid=1,
        ready=True,
        nodes=(),
        instances=(),
        targets=(),
        open_incidents=0,
        failing_loops=(),
    )
    up.announce(nothing, state)
    return shown.getvalue()


def test_a_terminal_shows_it_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.first_password.write_text(f"{PASSWORD}\n")
    assert PASSWORD in announced(monkeypatch, state, terminal=True)
    assert not state.first_password.exists()
    assert "password" not in announced(monkeypatch, state, terminal=True)


def test_a_log_learns_only_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.first_password.write_text(f"{PASSWORD}\n")
    told = announced(monkeypatch, state, terminal=False)
    assert PASSWORD not in told
    assert str(state.first_password) in told
    assert state.first_password.exists()
