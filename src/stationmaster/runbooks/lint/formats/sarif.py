"""The findings as SARIF 2.1.0 (OASIS), for code scanning."""

import hashlib
import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from stationmaster import __version__
from stationmaster.runbooks.lint.finding import Finding, Level, Report
from stationmaster.runbooks.lint.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_NUMBERS = {rule.code: number for number, rule in enumerate(RULES)}


def render(report: Report) -> str:
    results = [_result(each) for each in (*report.findings, *report.suppressed)]
    run = {"tool": {"driver": _driver()}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver() -> dict[str, Any]:
    rules = [
        {
            "id": rule.code,
            "name": "".join(part.capitalize() for part in rule.name.split("-")),
            "shortDescription": {"text": rule.summary},
            "defaultConfiguration": {"level": _LEVELS[rule.level]},
        }
        for rule in RULES
    ]
    return {"name": "stationmaster", "semanticVersion": __version__, "rules": rules}


def _result(found: Finding) -> dict[str, Any]:
    text = f"{found.message}. {found.hint}" if found.hint else found.message
    location = {"artifactLocation": {"uri": _uri(found.file)}, "region": {"startLine": found.line}}
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": _NUMBERS[found.code],
        "level": _LEVELS[found.level],
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"stationmaster/v1": _fingerprint(found)},
    }
    if found.suppressed:
        result["suppressions"] = [{"kind": "inSource", "justification": found.suppressed}]
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(found: Finding) -> str:
    """The same when lines move."""
    told = "\0".join((found.code, PurePath(found.file).as_posix(), found.message))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
