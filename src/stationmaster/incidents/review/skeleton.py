"""Writes the beginning of a runbook for an alert that no runbook answers."""

import json
import re
from collections.abc import Set

from stationmaster.core.facts import Alert

_LABELS = ("service", "environment", "region", "instance", "severity")


def file_name(alert: str, taken: Set[str]) -> str:
    """As `key-service-down.md`; another one where that stands there already."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", alert)
    plain = re.sub(r"[^a-z0-9]+", "-", parted.lower()).strip("-")[:80] or "unnamed-alert"
    names = [f"{plain}.md", *(f"{plain}-{number}.md" for number in range(2, len(taken) + 3))]
    return next(each for each in names if each not in taken)


def skeleton(alert: Alert, incident: int) -> str:
    """A document that answers this alert and asks whoever is there to look: what is to be done has to be written."""
    head = {
        "title": alert.name or "An alert without a name",
        "type": "alert",
        "alert": alert.name,
        "service": alert.labels.get("service", ""),
        "severity": alert.labels.get("severity", ""),
        "description": _plain(alert.annotations.get("summary", alert.summary)),
    }
    said = "\n".join(f"{name}: {_scalar(value)}" for name, value in head.items() if value)
    labels = "\n".join(f"- {name}: {_plain(alert.labels[name])}" for name in _LABELS if alert.labels.get(name))
    labels = labels or "- no labels that tell where it was"
    return _DOCUMENT.format(
        head=said, title=_plain(head["title"]), incident=incident, labels=labels, summary=_plain(alert.summary)
    )


_DOCUMENT = """---
{head}
---

# {title}

## What this means

Incident {incident} was the first of its kind: “{summary}”. Say here what fails for whom when this alert fires.

Seen with

{labels}

## What to do

1. Say which command shows whether it is still so, and below it what its output should contain.
2. Say what brings it back, with the risk of it beside the command.
3. If it still does not work, escalate to level 2.
   <!-- {{action=escalate level=2}} -->

## Post-incident tasks

- Complete this runbook within 1 week
"""


def _scalar(text: str) -> str:
    """Of YAML, in double quotes, which JSON's are."""
    one = "".join(each for each in " ".join(text.split()) if each.isprintable())
    simple = re.fullmatch(r"[A-Za-z][A-Za-z0-9_ -]*", one) and one.lower() not in _WORDS
    return one if simple else json.dumps(one, ensure_ascii=False)


_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def _plain(text: str) -> str:
    """One line without markup that would mean something: no template, no tag, no heading."""
    one = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return re.sub(r"[{}<>%`|]", "", one)[:500]
