"""Reads how long something takes and from when to when it goes: "15 minutes", "0-5 minutes", "within 24 hours"."""

import re

UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_UNIT = r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\b"
_NUMBERS = {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "ten": 10.0, "an": 1.0, "a": 1.0}
_AMOUNT = r"(?P<amount>\d+(?:\.\d+)?|one|two|three|four|five|ten|an?)"
_DURATION = re.compile(rf"\b{_AMOUNT}[\s-]*{_UNIT}", re.IGNORECASE)
_RANGE = re.compile(
    rf"(?<![\w.])(?:T\s*\+\s*)?(?P<first>\d+)\s*(?P<own>m|mins?|minutes?|h|hrs?|hours?|days?)?\s*(?:-|–|—|to"
    rf"|until)\s*"
    rf"(?:T\s*\+\s*)?(?P<last>\d+)\s*{_UNIT}",
    re.IGNORECASE,
)
_BARE_RANGE = re.compile(
    r"\b(?P<unit>minutes?|mins?|hours?)\s+(?P<first>\d+)\s*(?:-|–|—|to)\s*(?P<last>\d+)\b", re.IGNORECASE
)
_FIRST = re.compile(rf"\b(?:first|within(?: the first)?|next|initial)\s+{_AMOUNT}[\s-]*{_UNIT}", re.IGNORECASE)
_OPEN = re.compile(
    rf"(?<![\w.])(?:(?P<plus>\d+)\s*\+\s*{_UNIT}|(?:T\s*\+|after|beyond|>)\s*(?P<after>\d+)\s*"
    r"(?P<unit2>m|mins?|minutes?|h|hrs?|hours?)\b\s*\+?)",
    re.IGNORECASE,
)
_EVERY = re.compile(
    rf"\b(?:every|each)\s+(?:(?P<amount>\d+|one|two|few)\s*(?:-|–|to)?\s*\d*\s*)?{_UNIT}|\b(?P<word>hourly|daily)\b",
    re.IGNORECASE,
)
_WITHIN = re.compile(
    rf"\b(?:within|in|in the(?: next)?|by|due(?: in)?|after|no later than|up to|next)\s+(?:the\s+)?(?:next\s+"
    rf"|first\s+)?"
    rf"{_AMOUNT}[\s-]*(?:business |working )?{_UNIT}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rf"[(\[]\s*<?\s*{_AMOUNT}[\s-]*(?:business |working )?{_UNIT}\s*[)\]]", re.IGNORECASE)


def seconds(amount: str, unit: str) -> float:
    """ "15", "minutes" are 900 seconds."""
    return _NUMBERS.get(amount.lower(), 0.0) * UNIT_S[unit[0].lower()] or float(amount) * UNIT_S[unit[0].lower()]


def duration_s(text: str) -> float | None:
    """The first length of time that a text names, in seconds."""
    match = _DURATION.search(text)
    return seconds(match["amount"], match["unit"]) if match else None


def window_s(title: str) -> tuple[float, float | None] | None:
    """From when to when a part of the procedure goes, in seconds; None where its title has no clock."""
    if match := _RANGE.search(title):
        return seconds(match["first"], match["own"] or match["unit"]), seconds(match["last"], match["unit"])
    if match := _BARE_RANGE.search(title):
        return seconds(match["first"], match["unit"]), seconds(match["last"], match["unit"])
    if match := _FIRST.search(title):
        return 0.0, seconds(match["amount"], match["unit"])
    if match := _OPEN.search(title):
        return seconds(match["plus"] or match["after"], match["unit"] or match["unit2"]), None
    return None


def due_s(text: str) -> float | None:
    """When something is due, in seconds: "within 24 hours", "(1 week)"."""
    match = _WITHIN.search(text) or _BRACKETED.search(text)
    return seconds(match["amount"], match["unit"]) if match else None


def cadence_s(text: str) -> float | None:
    """ "every 15 minutes" is 900 seconds."""
    match = _EVERY.search(text)
    if match is None:
        return None
    if match["word"]:
        return UNIT_S["h" if match["word"].lower() == "hourly" else "d"]
    amount = match["amount"] or "one"
    return None if amount == "few" else seconds(amount, match["unit"])
