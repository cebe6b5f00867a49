"""The live screen: draws a run while it changes, takes keys, steps aside for a shell, gives the terminal back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from rich.console import Console, Group
from rich.live import Live

from stationmaster.runbooks.clean import clean_line
from stationmaster.runbooks.plan.planned import PlannedKind
from stationmaster.runbooks.talk import RunEvent
from stationmaster.runbooks.terminal.desk import Desk, Ending
from stationmaster.runbooks.terminal.glyphs import glyphs_for
from stationmaster.runbooks.terminal.keys import Keyboard
from stationmaster.runbooks.terminal.progress import Progress
from stationmaster.runbooks.terminal.screen import frame
from stationmaster.runbooks.terminal.view import Dialogue, Overlay, View
from stationmaster.runbooks.terminal.wording import HELP, detail_lines
from stationmaster.runtime.db import utc_now

_DRAW_EVERY_S = 0.1
_CLOCK_EVERY_S = 1.0
_STEPS = {"up": -1, "down": 1, "page-up": -8, "page-down": 8}
_ENDINGS = {"a": Ending.ABORT, "l": Ending.LEAVE}


class Stage:
    """Use within `shown()`."""

    def __init__(self, console: Console, desk: Desk, *, fd: int) -> None:
        self._console = console
        self._desk = desk
        self._fd = fd
        self._view = View(
            progress=Progress(), glyphs=glyphs_for(console.encoding), phases=desk.phases, groups=desk.groups
        )
        self._keyboard = Keyboard(fd, self._key, lambda: desk.end(Ending.INTERRUPTED))
        self._live: Live | None = None
        self._dirty = True
        self._drawn_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Future[str | None] | None = None
        self._shell: asyncio.Task[None] | None = None
        self._topic = ("", "")
        self._ahead: list[str] = []

    @property
    def progress(self) -> Progress:
        return self._view.progress

    def hear(self, event: RunEvent) -> None:
        self._view.progress.hear(event)
        self._dirty = True

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Whatever ends the block, the screen and the terminal's settings are given back; an open shell is left first,
        unless the block is cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGWINCH, self._touch)
        try:
            self._open()
            self._tick()
            yield
            if self._shell is not None:
                await self._shell
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            if self._timer is not None:
                self._timer.cancel()
            if self._shell is not None:
                self._shell.cancel()
                await asyncio.wait([self._shell])
            self._close()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """The ordinary screen, for plain lines."""
        self._close()
        try:
            yield
        finally:
            self._open()

    async def ask(self, dialogue: Dialogue) -> str | None:
        """The key that was chosen, or the line that was typed; None when the person went back."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()
        topic = (dialogue.title, dialogue.step)
        ahead, self._ahead = (self._ahead if topic == self._topic else []), []
        self._answer, self._topic = answer, topic
        self._face(dialogue)
        if not ahead:
            self._console.bell()
        for key in ahead:
            self._key(key)
        try:
            return await answer
        finally:
            self._answer = None
            self._face(None)
            loop.call_soon(self._ahead.clear)

    def _open(self) -> None:
        self._keyboard.open()
        self._live = Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._dirty = True

    def _close(self) -> None:
        try:
            if self._live is not None:
                self._live.stop()
        finally:
            self._live = None
            self._keyboard.close()

    def _touch(self) -> None:
        self._dirty = True

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_DRAW_EVERY_S, self._tick)
        if self._live is not None and (self._dirty or loop.time() - self._drawn_at_s >= _CLOCK_EVERY_S):
            self._dirty, self._drawn_at_s = False, loop.time()
            size = self._console.size
            lines = frame(self._view, width=size.width, height=size.height, now=utc_now())
            self._live.update(Group(*lines), refresh=True)

    def _face(self, dialogue: Dialogue | None) -> None:
        self._view.dialogue, self._view.offset = dialogue, 0
        self._dirty = True

    def _key(self, key: str) -> None:
        """What is typed on in one go belongs to the question that an answer opens, never to any other."""
        self._dirty = True
        if self._answer is not None and self._answer.done():
            self._ahead.append(key)
            return
        dialogue = self._view.dialogue
        if self._view.overlay is not Overlay.NONE:
            self._key_in_overlay(key)
        elif dialogue is not None and dialogue.then is not None:
            dialogue.then(key)
        elif dialogue is not None and dialogue.editor is not None:
            self._key_in_editor(dialogue, key)
        elif dialogue is not None and key in dict(dialogue.keys):
            self._answered(key)
        else:
            self._key_anywhere(key)

    def _key_in_overlay(self, key: str) -> None:
        if key in _STEPS:
            self._view.offset = max(self._view.offset + _STEPS[key], 0)
        elif key in {"escape", "enter", "d", "?", "q", " "}:
            self._view.overlay, self._view.offset = Overlay.NONE, 0

    def _key_in_editor(self, dialogue: Dialogue, key: str) -> None:
        if key == "enter" and dialogue.editor is not None:
            self._answered(dialogue.editor.text.strip())
        elif key == "escape":
            self._answered(None)
        elif key in _STEPS:
            self._view.offset = max(self._view.offset + _STEPS[key], 0)
        elif dialogue.editor is not None:
            dialogue.editor.key(key)

    def _key_anywhere(self, key: str) -> None:
        match key:
            case "up" | "down" | "page-up" | "page-down":
                self._move(_STEPS[key])
            case "escape":
                self._view.selected = ""
            case "?":
                self._overlay(Overlay.HELP)
            case "d":
                self._overlay(Overlay.DETAILS)
            case "q":
                self._ask_ending()
            case "s":
                self._ask_skipping()
            case "o" if self._shell is None:
                self._shell = asyncio.get_running_loop().create_task(self._open_shell())
            case _:
                pass

    def _answered(self, answer: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _move(self, by: int) -> None:
        if self._view.dialogue is not None:
            self._view.offset = max(self._view.offset + by, 0)
            return
        keys = list(self._view.progress.rows)
        if keys:
            at = self._view.selected or self._view.progress.focus
            place = (keys.index(at) if at in keys else 0) + by
            self._view.selected = keys[min(max(place, 0), len(keys) - 1)]

    def _overlay(self, overlay: Overlay) -> None:
        lines = list(HELP)
        if overlay is Overlay.DETAILS:
            key = self._view.selected or (self._view.dialogue.step if self._view.dialogue else "")
            row = self._view.progress.rows.get(key) or self._view.progress.current()
            if row is None:
                return
            asked = self._view.dialogue.command if self._view.dialogue and not self._view.selected else ""
            lines = detail_lines(row.step, self._desk.document, command=asked or row.command, ended=row.ended)
        self._view.overlay, self._view.overlay_lines, self._view.offset = overlay, lines, 0

    def _ask_ending(self) -> None:
        """Stands before whatever is asked at the moment, and gives way to it again."""
        before = self._view.dialogue

        def chosen(key: str) -> None:
            if key in _ENDINGS:
                self._desk.end(_ENDINGS[key])
            if key in {*_ENDINGS, "escape"}:
                self._face(before)

        lines = [("bold", "End this run?"), ("", "What runs at this moment is stopped either way.")]
        keys = (("a", "abort it for good"), ("l", "leave it, to be resumed"), ("escape", "back"))
        self._face(Dialogue(title="end", lines=lines, keys=keys, then=chosen))

    def _ask_skipping(self) -> None:
        """What runs and takes too long: the step that is looked at, otherwise the one that was heard of last."""
        running = {row.step.key: row.step for row in self._view.progress.running()}
        looked_at = [key for key in (self._view.selected, self._view.progress.focus, *running) if key in running]
        if not looked_at:
            return
        before, step = self._view.dialogue, running[looked_at[0]]

        def chosen(key: str) -> None:
            if key == "y":
                self._desk.skip(step.key, self._desk.by)
            if key in {"y", "n", "escape"}:
                self._face(before)

        lines = [("bold", f"Skip {step.key} {clean_line(step.title)}, which runs?")]
        if step.kind is PlannedKind.ACTION:
            lines.append(("", "It is a change: what it has done by then stands, and it counts as failed."))
        keys = (("y", "skip it"), ("n", "go on waiting"))
        self._face(Dialogue(title="skip", lines=lines, keys=keys, then=chosen))

    async def _open_shell(self) -> None:
        """What the shell did with the terminal's foreground is taken back when it ends."""
        try:
            with self._suspended_for_shell():
                await self._desk.open_shell()
        finally:
            self._shell = None

    @contextmanager
    def _suspended_for_shell(self) -> Iterator[None]:
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            with self.suspended():
                self._console.print("A shell in the run's folder; `exit` comes back to the run.", style="dim")
                yield
                with suppress(OSError):
                    os.tcsetpgrp(self._fd, os.getpgrp())
        finally:
            signal.signal(signal.SIGTTOU, before)
