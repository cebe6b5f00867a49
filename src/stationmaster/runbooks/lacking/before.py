"""Finds out before a change, by looking alone, whether it could do anything here: nothing else is worth a yes."""

import os
import shlex
import shutil
from dataclasses import replace
from functools import partial

from stationmaster.runbooks.commands.local import Ending, Order
from stationmaster.runbooks.lacking.told import lacks, missing_program, probes_of
from stationmaster.runbooks.worked import Worked

PROBED_S = 15.0
"""How long a program may take to say whether it finds what a change needs."""


async def lacking_before(worked: Worked, step: str, text: str, order: Order) -> str:
    """Why the change could do nothing; empty where nothing speaks against it. `order` is how it would be looked at."""
    path = worked.env.get("PATH", os.defpath)
    if why := missing_program(text, partial(shutil.which, path=path)):
        return why
    for number, probe in enumerate(probes_of(text)):
        marker = f"{order.marker}:asked-{number}"
        asking = replace(order, argv=probe.argv, words=probe.argv, keeps=(), timeout_s=PROBED_S, marker=marker)
        ran = await worked.runner(asking, _unheard, stop=worked.halt(step))
        if ran.ending is Ending.EXITED and (why := lacks(shlex.join(probe.argv), ran.result)):
            return why
    return ""


def _unheard(_text: str, _error: bool) -> None:
    return None
