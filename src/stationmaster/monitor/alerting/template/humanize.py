"""Numbers in the words of people, as the functions of Prometheus' templates write them."""

import math

from stationmaster.monitor.alerting.template.values import NANOSECONDS, Moment, not_finite

_LARGE, _SMALL = "kMGTPEZY", "munpfazy"
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_FURTHEST = 2.0**63


def four_digits(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else not_finite(value)


def humanize(value: float) -> str:
    """With the prefixes of the SI: `1.234M`, `5m`."""
    if value == 0 or not math.isfinite(value):
        return four_digits(value)
    return _large(value) if abs(value) >= 1 else _small(value)


def humanize_1024(value: float) -> str:
    """With the prefixes of powers of 1024: `1.5Mi`."""
    if abs(value) <= 1 or not math.isfinite(value):
        return four_digits(value)
    prefix = ""
    for each in _BINARY:
        if abs(value) < 1024:
            break
        prefix, value = each, value / 1024
    return four_digits(value) + prefix


def humanize_duration(value: float) -> str:
    """Of seconds: `1d 2h 3m 4s`, `250ms`."""
    if not math.isfinite(value):
        return four_digits(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return _small(value) + "s"
    sign, whole = ("-" if value < 0 else ""), int(abs(value))
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{four_digits(abs(value))}s"


def humanize_percentage(value: float) -> str:
    """Of a ratio: 0.15 is `15%`."""
    return four_digits(value * 100) + "%"


def humanize_timestamp(value: float) -> str:
    """Of seconds since 1970: `2015-11-22 08:10:04.125 +0000 UTC`; raises OverflowError."""
    return str(moment(value)) if math.isfinite(value) else four_digits(value)


def moment(value: float) -> Moment:
    """To the millisecond; raises OverflowError for what no time of Go can be."""
    if not math.isfinite(value) or abs(value * NANOSECONDS) >= _FURTHEST:
        text = four_digits(value) if not math.isfinite(value) else repr(value)
        raise OverflowError(f"{text} cannot be represented as a nanoseconds timestamp since it overflows int64")
    return Moment(int(value * NANOSECONDS) // 1_000_000 * 1_000_000)


def _large(value: float) -> str:
    prefix = ""
    for each in _LARGE:
        if abs(value) < 1000:
            break
        prefix, value = each, value / 1000
    return four_digits(value) + prefix


def _small(value: float) -> str:
    prefix = ""
    for each in _SMALL:
        if abs(value) >= 1:
            break
        prefix, value = each, value * 1000
    return four_digits(value) + prefix
