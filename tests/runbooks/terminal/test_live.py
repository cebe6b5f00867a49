import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.runbooks.terminal.pseudo_terminal import (
    ENTER_SCREEN,
    LIMIT_S,
    STM,
    PseudoTerminal,
    environment,
    frames,
)

ROOM = """\
# Make room

1. See what is there:

   ```sh
   ls <folder>
   ```

2. Make a mark:

   ```sh
   echo made >> <folder>/marks
   ```

3. Check it:

   ```sh
   cat <folder>/marks
   ```

   The output contains `made`.
"""
HELD = """\
# Held up

1. Make a mark, and take long:

   ```sh
   echo made >> marks; until [ -e release ]; do sleep 0.05; done
   ```

2. Check it:

   ```sh
   cat marks
   ```

   The output contains `made`.
"""
JUDGED = """\
# Judge

1. Look at it:

   ```sh
   printf %s <word>
   ```

   Make sure that the word looks right.
"""
BYE = """\
# Clear away

1. Remove the volume:

   ```sh
   rm -r volume
   ```
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def book(folder: Path, text: str) -> Path:
    file = folder / "book.md"
    file.write_text(text)
    return file


def run(folder: Path, *arguments: str, size: tuple[int, int] = (80, 24), **env: str) -> PseudoTerminal:
    settings = environment(folder.parent, **env)
    return PseudoTerminal(["runbook", *arguments], env=settings, cwd=folder, size=size)


def stm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(STM), "runbook", *arguments],
        env=environment(folder.parent),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def approve(terminal: PseudoTerminal, named: str) -> None:
    """Presses the key and types the name."""
    place = terminal.wait_for(" a  approve")
    terminal.type("a")
    terminal.wait_for(f"type {named} to approve", after=place)
    terminal.type(f"{named}\r")


def run_id(terminal: PseudoTerminal) -> str:
    found = re.search(r"run (\d{8}-\S+)", terminal.written)
    assert found is not None
    return found[1]


def test_a_change_is_made_when_its_target_was_typed_and_the_screen_is_given_back(folder: Path) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.") as terminal:
        place = terminal.wait_for(" a  approve")
        assert not (folder / "marks").exists()
        terminal.type("a")
        terminal.wait_for("to approve", after=place)
        terminal.type("something else\r")
        place = terminal.wait_for("that is not")
        named = re.search(r"that is not (\S+)", terminal.written)
        assert named is not None
        terminal.type(f"{named[1]}\r")
        assert terminal.ends() == 0
        terminal.assert_given_back()
        assert terminal.written.count(ENTER_SCREEN) == 1
        assert "cured" in terminal.written.rpartition("\x1b[?1049l")[2]
    assert (folder / "marks").read_text() == "made\n"


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (40, 12)])
def test_every_screen_fits_its_terminal(folder: Path, size: tuple[int, int]) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.", size=size) as terminal:
        terminal.wait_for("approve")
        place = len(terminal.written)
        terminal.resize(60, 20)
        terminal.type("?")
        terminal.wait_for("Keys", after=place)
        terminal.type("\x1bqa")
        assert terminal.ends() == 4
        terminal.assert_given_back()
    drawn = [frame for frame in frames(terminal.written) if len(frame) > 1]
    assert drawn
    for lines in drawn:
        assert len(lines) <= max(size[1], 20)
        assert all(cell_len(line) <= max(size[0], 60) for line in lines)
    assert len(drawn[0]) <= size[1]
    assert len(drawn[-1]) == 20


def test_an_aborted_run_is_over_and_a_left_one_is_not(folder: Path) -> None:
    file = str(book(folder, ROOM))
    for keys, status in (("qa", 4), ("ql", 3)):
        with run(folder, "run", file, "--set", "folder=.") as terminal:
            terminal.wait_for(" a  approve")
            terminal.type(keys)
            assert terminal.ends() == status
            terminal.assert_given_back()
            name = run_id(terminal)
        again = stm(folder, "resume", name)
        assert again.returncode == (2 if status == 4 else 3), again.stderr
    assert not (folder / "marks").exists()


def test_ctrl_c_gives_the_screen_back_and_says_how_to_go_on(folder: Path) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.") as terminal:
        terminal.wait_for(" a  approve")
        terminal.type("\x03")
        assert terminal.ends() == 130
        terminal.assert_given_back()
        name = run_id(terminal)
        assert f"stationmaster runbook resume {name}" in terminal.written
    with run(folder, "resume", name) as terminal:
        approve(terminal, _named(terminal))
        assert terminal.ends() == 0
    assert (folder / "marks").read_text() == "made\n"


def test_a_run_killed_in_a_change_looks_before_it_does_anything_again(folder: Path) -> None:
    with run(folder, "run", str(book(folder, HELD))) as terminal:
        approve(terminal, _named(terminal))
        until((folder / "marks").exists)
        terminal.process.kill()
        terminal.ends()
        name = run_id(terminal)
    (folder / "release").touch()
    with run(folder, "resume", name) as terminal:
        assert terminal.ends() == 0
        terminal.assert_given_back()
    assert (folder / "marks").read_text() == "made\n"


def test_a_lost_terminal_leaves_a_run_that_can_be_resumed(folder: Path) -> None:
    terminal = run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.")
    with terminal:
        terminal.wait_for(" a  approve")
        name = run_id(terminal)
        terminal.lose()
        assert terminal.process.wait(LIMIT_S) == 130
    assert f'"run": "{name}"' in stm(folder, "runs", "--json").stdout
    answered = stm(folder, "resume", name, "--yes")
    assert answered.returncode == 0, answered.stderr
    assert (folder / "marks").read_text() == "made\n"


def test_a_stop_signal_ends_what_runs_and_leaves_the_run(folder: Path) -> None:
    with run(folder, "run", str(book(folder, HELD)), "--yes") as terminal:
        until((folder / "marks").exists)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ends() == 130
        terminal.assert_given_back()


def test_what_takes_too_long_is_skipped_while_it_runs(folder: Path) -> None:
    text = "# Slow\n\n1. Look:\n\n   ```sh\n   sleep 60\n   ```\n\n2. Look:\n\n   ```sh\n   echo still here\n   ```\n"
    with run(folder, "run", str(book(folder, text))) as terminal:
        terminal.wait_for("1 of 2 steps")
        terminal.wait_for("s  skip it")
        terminal.type("s")
        terminal.wait_for("which runs?")
        terminal.type("y")
        assert terminal.ends() == 0
    assert "skipped while it ran" in terminal.written


def test_no_sequence_of_an_output_reaches_the_terminal(folder: Path) -> None:
    (folder / "evil").write_bytes(b"\x1b]0;owned\x07\x1b[5;31mblink\x1b[2J\x9b31m\x07[red]kept[/red]\n")
    text = "# Evil\n\n1. Look:\n\n   ```sh\n   cat evil\n   ```\n\n2. Tell the team.\n"
    with run(folder, "run", str(book(folder, text))) as terminal:
        terminal.wait_for("passed  ")
        terminal.type("\x1b[A\x1b[A")
        terminal.wait_for(" p  passed")
        terminal.type("p")
        terminal.ends()
    for raw in ("owned", "\x1b[5;31m", "\x1b]0"):
        assert raw not in terminal.written
    plain_run = stm(folder, "run", str(folder / "book.md"))
    assert "[red]kept[/red]" in plain_run.stdout
    assert "\x1b" not in plain_run.stdout


def test_a_second_person_lets_a_volume_be_removed(folder: Path) -> None:
    (folder / "volume").mkdir()
    made = stm(folder, "approver", "new", "grace", "--no-passphrase", "--key-file", str(folder.parent / "grace.key"))
    key = re.search(r"ed25519:[\w-]+", made.stdout)
    assert key is not None
    assert stm(folder, "approver", "add", "grace", key[0]).returncode == 0
    with run(folder, "run", str(book(folder, BYE))) as terminal:
        approve(terminal, _named(terminal))
        terminal.wait_for("code >")
        request = re.search(r"stm-request-1\.\S+", terminal.written)
        assert request is not None
        named = re.search(r"type (\S+) to approve", terminal.written)
        assert named is not None
        yes = ("--key-file", str(folder.parent / "grace.key"), "--named", named[1])
        code = stm(folder, "approve", request[0], *yes)
        assert code.returncode == 0, code.stderr
        terminal.type(f"{'x' * 96}\r")
        terminal.wait_for("not taken")
        assert (folder / "volume").exists()
        terminal.type(code.stdout)
        assert terminal.ends() == 0
        terminal.assert_given_back()
    assert not (folder / "volume").exists()


def test_a_shell_has_the_values_and_gives_the_screen_back(folder: Path) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", f"folder={folder}") as terminal:
        terminal.wait_for(" a  approve")
        place = len(terminal.written)
        terminal.type("o")
        terminal.wait_for("comes back to the run", after=place)
        terminal.type('echo "it is <$FOLDER>" > seen; exit\n')
        until((folder / "seen").exists)
        place = len(terminal.written)
        terminal.wait_for(" a  approve", after=place)
        terminal.type("sno need\r")
        terminal.ends()
        terminal.assert_given_back()
    assert (folder / "seen").read_text() == f"it is <{folder}>\n"
    assert not (folder / "marks").exists()


def test_without_colours_none_is_sent(folder: Path) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.", NO_COLOR="1") as terminal:
        terminal.wait_for(" a  approve")
        terminal.type("qa")
        assert terminal.ends() == 4
    codes = {code for found in re.findall(r"\x1b\[([0-9;]*)m", terminal.written) for code in found.split(";")}
    assert codes <= {"", "0", "1", "2", "7"}


@pytest.mark.parametrize(("kind", "option"), [("dumb", "--live"), ("xterm", "--no-live")])
def test_plain_questions_do_where_no_live_screen_is_wanted(folder: Path, kind: str, option: str) -> None:
    with run(folder, "run", str(book(folder, ROOM)), "--set", "folder=.", option, TERM=kind) as terminal:
        terminal.wait_for("to approve; s reason")
        named = re.search(r"type (\S+) to approve", terminal.written)
        assert named is not None
        terminal.type(f"{named[1]}\n")
        assert terminal.ends() == 0
        terminal.assert_given_back()
        assert ENTER_SCREEN not in terminal.written
    assert (folder / "marks").read_text() == "made\n"


@pytest.mark.parametrize(("option", "ask"), [("--live", " p  passed"), ("--no-live", "p note: passed")])
def test_who_judges_an_output_sees_it_and_the_command_that_was_run(folder: Path, option: str, ask: str) -> None:
    """Its last line has no end: it is there all the same."""
    with run(folder, "run", str(book(folder, JUDGED)), "--set", "word=half-a-line", option) as terminal:
        terminal.wait_for(ask)
        asked = terminal.written
        assert "judge what it shows" in asked
        assert "printf %s half-a-line" in asked
        assert re.search(r"(?:  |│ )half-a-line", asked)
        terminal.type("p" if option == "--live" else "p\n")
        assert terminal.ends() == 0


def _named(terminal: PseudoTerminal) -> str:
    """What has to be typed, as the question says it."""
    terminal.wait_for(" a  approve")
    place = len(terminal.written)
    terminal.type("a")
    terminal.wait_for("to approve", after=place)
    found = re.findall(r"type (\S+) to approve", terminal.written)
    terminal.type("\x1b")
    terminal.wait_for(" a  approve", after=len(terminal.written))
    return str(found[-1])
