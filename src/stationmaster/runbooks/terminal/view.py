"""What the screen shows at a moment: the run, a question, a text over it, where the person looks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from stationmaster.runbooks.read.knowledge import Phase
from stationmaster.runbooks.terminal.editor import LineEditor
from stationmaster.runbooks.terminal.glyphs import Glyphs
from stationmaster.runbooks.terminal.progress import Progress
from stationmaster.runbooks.terminal.wording import Line


class Overlay(Enum):
    NONE = "none"
    HELP = "help"
    DETAILS = "details"


@dataclass(slots=True, kw_only=True)
class Dialogue:
    """A question on the screen: keys to choose from, or a line that is typed (`editor`)."""

    title: str
    lines: list[Line] = field(default_factory=list)
    keys: tuple[tuple[str, str], ...] = ()
    editor: LineEditor | None = None
    label: str = ""
    masked: bool = False
    problem: str = ""
    step: str = ""
    command: str = ""
    """The command that is asked about, with its places filled in."""
    then: Callable[[str], None] | None = None
    """Takes every key itself."""


@dataclass(slots=True, kw_only=True)
class View:
    """`selected` is the step that the person looks at, empty while they follow the run; `offset` scrolls a text."""

    progress: Progress
    glyphs: Glyphs
    phases: Sequence[Phase] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    """Steps that only hold others: address and title."""
    dialogue: Dialogue | None = None
    overlay: Overlay = Overlay.NONE
    overlay_lines: Sequence[Line] = ()
    selected: str = ""
    offset: int = 0
