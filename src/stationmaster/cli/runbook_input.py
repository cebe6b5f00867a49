"""Turns the options of a run into a request: values, labels, data, policy, the document itself."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import yaml

from stationmaster.core.problem import InvalidInputError, PlatformError, Severity
from stationmaster.runbooks.library import load_file
from stationmaster.runbooks.permit import Policy, read_policy
from stationmaster.runbooks.plan.planned import Plan
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.parameters import plain_name


def load_runbook(file: Path) -> Runbook:
    """A document with errors is refused: it can be read with `runbook read`, never run."""
    must_be_a_file(file)
    runbook, problems = load_file(file)
    if runbook is None or any(each.severity is Severity.ERROR for each in problems):
        raise InvalidInputError(problems, what=str(file))
    return runbook


def must_be_a_file(file: Path) -> None:
    if file.is_dir():
        hint = "name a file in it; `runbook list`, `match` and `lint` take folders"
        raise PlatformError("not-a-file", f"{file} is a folder", hint=hint)
    if not file.exists():
        near = close_names(file)
        hint = (
            f"did you mean {near}?"
            if near
            else "check the path; `stationmaster runbook list FOLDER` shows what is there"
        )
        raise PlatformError("no-such-path", f"there is no file {file}", hint=hint, status=404)


def close_names(file: Path) -> str:
    """The Markdown files beside it whose names come close, as paths."""
    names = [each.name for each in sorted(file.parent.glob("*.md"))] if file.parent.is_dir() else []
    return " or ".join(str(file.parent / each) for each in get_close_matches(file.name, names, n=3))


def unused(plan: Plan, runbook: Runbook, names: Iterable[str]) -> Iterator[str]:
    """A line for each of `names` that fills no place of the runbook."""
    places = {place.name for step in plan.steps for place in step.places}
    places |= {each.name for step in runbook.walk() for each in step.parameters}
    told = ", ".join(sorted(places)) or "none"
    for name in names:
        if plain_name(name) not in places:
            yield f"--set {name} fills no place of this runbook; its places: {told}"


def still_there(file: Path) -> Runbook | None:
    """The document of a run that goes on, to be shown beside it; None when it has gone."""
    return load_file(file)[0] if file.is_file() else None


def pairs(texts: Sequence[str], *, option: str = "--set") -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name:
            raise PlatformError("value-broken", f"{option} {text!r} names no value", hint=f"write {option} name=value")
        found[name] = value
    return found


def read_labels(source: str) -> dict[str, str]:
    """The labels of one alert: a flat mapping, an alert, or a notification as Alertmanager sends it, with one alert."""
    if not source:
        return {}
    document = _document(source, what="labels")
    alerts = document.get("alerts")
    if isinstance(alerts, list):
        if len(alerts) != 1 and not document.get("commonLabels"):
            hint = "give the labels of one alert"
            raise PlatformError("labels-broken", f"{source} holds {len(alerts)} alerts", hint=hint)
        document = alerts[0] if len(alerts) == 1 else {"labels": document["commonLabels"]}
    labels = document.get("labels", document)
    if not isinstance(labels, dict) or any(isinstance(value, (dict, list)) for value in labels.values()):
        raise PlatformError("labels-broken", f"{source} holds no labels", hint="write `name: value`, a line each")
    return {str(name): _text(value) for name, value in labels.items()}


def read_data(path: Path | None) -> dict[str, str]:
    """Contacts and links of the team, by flat name: `links: {grafana: …}` becomes `links.grafana`."""
    return dict(_flat(_document(str(path), what="data"), "")) if path else {}


def policy_of(path: Path | None, *, changes: bool) -> Policy:
    if path is None:
        return Policy(changes=changes)
    try:
        policy = read_policy(path.read_text(encoding="utf-8"), name=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError("policy-unreadable", f"{path} cannot be read: {error}", hint="check the path") from error
    return replace(policy, changes=policy.changes or changes)


def _document(source: str, *, what: str) -> Mapping[str, Any]:
    hint = "YAML or JSON: names and values"
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        found = msgspec.yaml.decode(raw)
    except OSError as error:
        raise PlatformError(f"{what}-unreadable", f"{source}: {error.strerror}", hint="check the path") from error
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlatformError(f"{what}-broken", f"{source}: {' '.join(str(error).split())}", hint=hint) from error
    if not isinstance(found, dict):
        raise PlatformError(f"{what}-broken", f"{source} holds no names with values", hint=hint)
    return found


def _flat(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
