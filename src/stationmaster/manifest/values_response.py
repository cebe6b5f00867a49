"""Words of the YAML about who answers: time zones, dates, clock times, page targets, conditions, label matches."""

import re
import zoneinfo
from datetime import date, time

import re2

from stationmaster.core.response import Condition, ConditionKind, LabelMatch, PageTarget, TargetKind
from stationmaster.manifest.values import parse_label, parse_name, parse_seconds

CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_CLOCK = re.compile(CLOCK_PATTERN, re.ASCII)
_DATE = re.compile(DATE_PATTERN, re.ASCII)
_MATCH = re.compile(r"\s*([^=!~\s]+)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_EMAIL = re.compile(r"[^@\s,;<>]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_COUNTED = re.compile(r"(.*?) ([0-9]{1,3})")
_LONGEST_MATCH = 1000


def parse_zone(text: str) -> str:
    """A time zone of the IANA database; ValueError says what is wrong."""
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("is no time zone of the IANA database") from None
    return text


def parse_clock(text: str) -> time:
    """A time of the day, "09:00"; ValueError says what is wrong."""
    if not _CLOCK.fullmatch(text):
        raise ValueError("is no time of a day")
    return time.fromisoformat(text)


def parse_date(text: str) -> date:
    """A day, "2026-01-05"; ValueError says what is wrong."""
    if not _DATE.fullmatch(text):
        raise ValueError("is no date")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("is a day that no calendar has") from None


def parse_email(text: str) -> str:
    """One address of e-mail (RFC 5321, without quoted and literal forms); ValueError says what is wrong."""
    if not _EMAIL.fullmatch(text):
        raise ValueError("is no address of e-mail")
    return text


def parse_page_target(text: str) -> PageTarget:
    """Reads "responder/ada", "schedule/primary" and "channel/ops"; ValueError says what is wrong."""
    kind, slash, name = text.partition("/")
    if not slash or kind not in {each.value for each in TargetKind}:
        raise ValueError("does not say whether it is a responder, a schedule or a channel")
    return PageTarget(kind=TargetKind(kind), name=parse_name(name))


def parse_condition(text: str) -> Condition:
    """Reads "open for 15m", "restarts failed 2", "severity critical", "security" and the like; ValueError says what is
    wrong."""
    if text.startswith(f"{ConditionKind.OPEN_FOR.value} "):
        return Condition(kind=ConditionKind.OPEN_FOR, seconds=parse_seconds(text.rpartition(" ")[2]))
    if text.startswith(f"{ConditionKind.SEVERITY.value} "):
        return Condition(kind=ConditionKind.SEVERITY, value=text.partition(" ")[2].strip())
    counted = _COUNTED.fullmatch(text)
    if counted is not None and counted[1] == ConditionKind.RESTARTS_FAILED.value and int(counted[2]) > 0:
        return Condition(kind=ConditionKind.RESTARTS_FAILED, count=int(counted[2]))
    plain = {each.value: each for each in ConditionKind} | {"restarts failed": ConditionKind.RESTARTS_FAILED}
    kind = plain.get(text)
    if kind is None or kind in (ConditionKind.OPEN_FOR, ConditionKind.SEVERITY):
        raise ValueError("is no condition")
    return Condition(kind=kind)


def parse_match(text: str) -> LabelMatch:
    """Reads `service="doctor"`, `severity=~"warning|info"` and the like; ValueError says what is wrong."""
    found = _MATCH.fullmatch(text)
    if found is None or len(text) > _LONGEST_MATCH:
        raise ValueError("is no condition on a label")
    name, operator, value = found[1], found[2], found[3]
    parse_label(name)
    quoted = len(value) >= 2 and value[0] == value[-1] == '"'
    value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if quoted else value
    if "~" in operator:
        try:
            re2.compile(value)
        except re2.error:
            raise ValueError("holds no regular expression") from None
    return LabelMatch(name=name, value=value, is_regex="~" in operator, is_equal="!" not in operator)
