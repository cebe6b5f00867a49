"""Durations as Prometheus writes them: `1h30m`, `15s`, `0`."""

import re

_UNITS = (
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)
_FORM = re.compile("".join(f"(?:([0-9]+){unit})?" for unit, _ in _UNITS))
_LONGEST_MS = 2**63 // 1_000_000


def duration_ms(text: str) -> int | None:
    """Milliseconds; None for what is no duration, or one of more than 292 years."""
    if text == "0":
        return 0
    found = _FORM.fullmatch(text)
    if not text or found is None:
        return None
    total = sum(int(count) * size for count, (_, size) in zip(found.groups(), _UNITS, strict=True) if count)
    return total if total <= _LONGEST_MS else None


def duration_text(milliseconds: int) -> str:
    """The shortest way to write it; years and weeks only where they are all of it."""
    if milliseconds == 0:
        return "0s"
    parts: list[str] = []
    for unit, size in _UNITS:
        if unit in ("y", "w") and milliseconds % size:
            continue
        count, milliseconds = divmod(milliseconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)
