"""Makes foreign text safe to show: no control character or escape sequence of an output ever reaches a terminal."""

import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes (ECMA-48 5.4)
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~])"  # other escapes of two or three characters
)
_OVERSTRUCK = re.compile(r"[^\x08\n]\x08")
_UNSEEN = (
    "\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # order, width, tags
)
_CONTROLS = re.compile(rf"[\x00-\x1f\x7f-\x9f{_UNSEEN}\ud800-\udfff]")
TAB_WIDTH = 8
LONGEST_LINE = 2_000


def clean(text: str) -> str:
    """Lines as a person would have seen them: sequences taken out, overwritten parts gone, every other control
    character and everything that hides or turns text around written as an escape. Keeps newlines; tabs are widened."""
    return "\n".join(clean_line(line) for line in text.split("\n"))


def clean_line(line: str) -> str:
    """`line` without its newline; longer lines than 2,000 characters are cut with a mark."""
    line = line[: LONGEST_LINE * 4]
    line = _SEQUENCES.sub("", line)
    line = _after_returns(line)
    while _OVERSTRUCK.search(line):
        line = _OVERSTRUCK.sub("", line)
    line = escape_controls(line.expandtabs(TAB_WIDTH))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def escape_controls(text: str) -> str:
    """Every control character and bidirectional or invisible mark becomes `\\x..` or `\\u....`; newlines as well."""
    return _CONTROLS.sub(_escaped, text)


def show_command(text: str) -> str:
    """A command as it is approved: nothing taken out, nothing hidden, its own line breaks kept."""
    return "\n".join(escape_controls(line.expandtabs(TAB_WIDTH)) for line in text.split("\n"))


def _after_returns(line: str) -> str:
    """What stands on the line after progress meters have rewritten it from its beginning."""
    if "\r" not in line:
        return line
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
