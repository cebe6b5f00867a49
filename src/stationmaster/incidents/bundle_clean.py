"""Keeps secrets out of audit bundles: members whose names say so, contacts' addresses, and texts that look like one."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

HIDDEN = "…"
_NAMES = re.compile(
    r"(?i)(?:^|_)(?:secret|password|passwd|token|authorization|credentials?|private_key|api_key|routing_key|cookie)"
    r"(?:_file)?$"
)
_TEXTS = re.compile(
    r"(?i)(?<=bearer )[\w.~+/=-]{8,}"
    r"|(?<=basic )[\w+/=-]{12,}"
    r"|(?<=x-api-key: )\S+"
    r"|(?<=token token=)[\w.~+/=-]{8,}"
    r"|\bstm[tsl]_[\w-]{20,}"
    r"|(?<=/i/)[\w-]{10,}\.[\w.-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{30,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<=[?&])(?:[\w-]*(?:token|secret|password|passwd|api_?key|signature|sig)=)[^&\s\"'#]+"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=hooks\.slack\.com/services/)\S+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
_OF_CONTACT = ("name", "kind")


def clean(name: str, value: Any) -> Any:
    """The value of a column or member, as JSON has it: moments in RFC 3339."""
    match value:
        case None | bool() | int() | float():
            return value
        case datetime():
            return value.isoformat()
    if name == "contact" and isinstance(value, Mapping):
        return {each: value[each] for each in _OF_CONTACT if each in value}
    if _NAMES.search(name) and value:
        return HIDDEN
    match value:
        case str():
            return _TEXTS.sub(HIDDEN, value)
        case Mapping():
            return {str(each): clean(str(each), one) for each, one in value.items()}
        case list() | tuple():
            return [clean(name, one) for one in value]
        case _:
            return str(value)
