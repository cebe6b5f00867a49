"""Opens a text in the editor of whoever asks, in a file that stays until the text has arrived."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from stationmaster.core.problem import PlatformError


def written_by_hand(text: str, *, name: str) -> tuple[str, Path] | None:
    """What was saved and the file in which it is; None, and no file, where nothing was changed."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix=name, suffix=".md", delete=False) as file:
        file.write(text)
    kept = Path(file.name)
    _open(kept)
    try:
        saved = kept.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError("file-unreadable", f"{kept} cannot be read: {error}", hint="save it as UTF-8") from error
    if saved == text:
        kept.unlink()
        return None
    return saved, kept


def _open(file: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        file.unlink(missing_ok=True)
        hint = "set EDITOR to one that works"
        raise PlatformError("editor-failed", f"the editor {editor!r} failed: {error}", hint=hint) from error
