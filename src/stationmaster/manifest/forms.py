"""The forms that texts of the YAML have: how each is read, and what is said when a text does not fit."""

from collections.abc import Callable
from dataclasses import dataclass

from stationmaster.manifest.objective_text import parse_objective
from stationmaster.manifest.values import (
    parse_address,
    parse_duration,
    parse_group_label,
    parse_host_pattern,
    parse_interval,
    parse_label,
    parse_name,
    parse_path,
    parse_seconds,
    parse_size,
)
from stationmaster.manifest.values_response import (
    parse_clock,
    parse_condition,
    parse_date,
    parse_email,
    parse_match,
    parse_page_target,
    parse_zone,
)
from stationmaster.manifest.web import (
    parse_header,
    parse_header_or_star,
    parse_location,
    parse_method,
    parse_origin,
    parse_route,
    parse_scope,
    parse_url,
    parse_value,
)


@dataclass(frozen=True, slots=True)
class Form:
    """`parse` raises ValueError with the end of a sentence that begins with the text."""

    what: str
    parse: Callable[[str], object]
    code: str
    hint: str


def _seconds(least: str, most: str) -> Callable[[str], int]:
    bounds = parse_seconds(least), parse_seconds(most)

    def parse(text: str) -> int:
        seconds = parse_seconds(text)
        if not bounds[0] <= seconds <= bounds[1]:
            raise ValueError(f"is not between {least} and {most}")
        return seconds

    return parse


FORMS: dict[str, Form] = {
    "name": Form("a name", parse_name, "bad-name", "use letters, digits and . _ ~ -, beginning with a letter or digit"),
    "duration": Form(
        "a duration", parse_duration, "bad-duration", "write a number and its unit, as 500ms, 1s, 2m or 1h"
    ),
    "interval": Form(
        "a duration", parse_interval, "bad-duration", "write a number and its unit, at least 50ms, as 500ms or 2s"
    ),
    "wait": Form("a duration", _seconds("1s", "30d"), "bad-duration", "write 1s to 30d, as 30s, 5m, 1h or 7d"),
    "lifetime": Form("a duration", _seconds("1m", "30d"), "bad-duration", "write 1m to 30d, as 15m, 1h or 7d"),
    "rotation": Form("a duration", _seconds("1h", "365d"), "bad-duration", "write 1h to 365d, as 12h or 30d"),
    "retention": Form("a duration", _seconds("2h", "400d"), "bad-duration", "write 2h to 400d, as 12h or 15d"),
    "group label": Form("a label", parse_group_label, "bad-label", "use a name as team, or ... for no grouping"),
    "label": Form("a label", parse_label, "bad-label", "use letters, digits and _, as team"),
    "scalar": Form("a value", str, "bad-text", "write text, a number, true or false"),
    "objective": Form(
        "an objective", parse_objective, "bad-objective", "write 99.9% over 30d, or 99% under 300ms over 7d"
    ),
    "zone": Form("a time zone", parse_zone, "bad-zone", "write its name, as UTC or Europe/Berlin"),
    "clock": Form("a time of a day", parse_clock, "bad-clock", 'write hours and minutes between quotes, as "09:00"'),
    "date": Form("a date", parse_date, "bad-date", 'write year, month and day between quotes, as "2026-01-05"'),
    "email": Form("an address of e-mail", parse_email, "bad-email", "write name@example.org"),
    "turn": Form("a duration", _seconds("1d", "365d"), "bad-duration", "write whole days, as 1d or 7d"),
    "delay": Form("a duration", _seconds("0s", "30d"), "bad-duration", "write 0s to 30d, as 30s, 15m or 1h"),
    "page-target": Form(
        "a target", parse_page_target, "bad-target", "write responder/NAME, schedule/NAME or channel/NAME"
    ),
    "condition": Form(
        "a condition",
        parse_condition,
        "bad-condition",
        "write open for 15m, restarts failed 2, runbook failed, data integrity, security, customer reports, "
        "infrastructure, major impact, or severity critical",
    ),
    "match": Form("a match", parse_match, "bad-match", 'write service="doctor" or severity=~"warning|info"'),
    "size": Form("a size", parse_size, "bad-size", "write a number and its unit, as 512B, 64KB or 1MB"),
    "address": Form("an address", parse_address, "bad-address", "write host:port, as 127.0.0.1:8080"),
    "path": Form("a path", parse_path, "bad-path", "write a path from its '/' on, as /healthz"),
    "route": Form("a path", parse_route, "bad-path", "write /pets, =/pets for that path alone, or ~/pets/[0-9]+"),
    "host": Form("a host", parse_host_pattern, "bad-host", "write a host name, as api.example.org or *.example.org"),
    "method": Form("a method", parse_method, "bad-method", "write it in capitals, as GET"),
    "header": Form("a header", parse_header, "bad-header", "write the name of a header, as X-Version"),
    "star": Form("a header", parse_header_or_star, "bad-header", "write the name of a header, as X-Version, or *"),
    "value": Form("a header's value", parse_value, "bad-header", "write one line of visible ASCII characters"),
    "scope": Form("a scope", parse_scope, "bad-scope", "write it without blanks and quotes, as orders:read"),
    "origin": Form("an origin", parse_origin, "bad-origin", "write scheme and host, as https://shop.example.org, or *"),
    "location": Form("a URL or path", parse_location, "bad-url", "write https://example.org/new, or /new"),
    "url": Form("a URL", parse_url, "bad-url", "write the whole URL, as https://login.example.org/jwks.json"),
}
