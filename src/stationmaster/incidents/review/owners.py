"""Decides whose a task may be: somebody who is declared, or who gives it to themselves."""

import difflib
from collections.abc import Iterable

from stationmaster.core.problem import PlatformError

_MOST_TOLD = 10


def check_owner(owner: str, by: str, responders: Iterable[str]) -> None:
    """Nobody can be reminded of what belongs to a name that was mistyped. Where no responder is declared any name will
    do. Raises PlatformError `unknown-owner`."""
    known = sorted(responders)
    if not owner or owner == by or not known or owner in known:
        return
    near = difflib.get_close_matches(owner[:200], known, n=1)
    declared = ", ".join(known[:_MOST_TOLD]) + (", …" if len(known) > _MOST_TOLD else "")
    hint = f"did you mean {near[0]!r}?" if near else f"responders are {declared}"
    raise PlatformError("unknown-owner", f"there is no responder {owner[:60]!r}", hint=hint, status=400)
