"""Decides whether callers fare worse after a change than they did before it; pure."""

from collections.abc import Sequence

from stationmaster.core.changes import ApiReading

FEWEST_REQUESTS = 20
"""Fewer than these say nothing."""
POINTS = 2.0
"""A share of good answers that is lower by so many points of a hundred."""
TIMES_SLOWER, MORE_MS = 1.5, 100.0
"""A 95th percentile is worse when it is so many times longer, and by so much."""
TIMES_BURNT, MORE_BURN = 1.5, 1.0
"""The error budget of an objective burns faster, in the same way."""


def worsened(before: Sequence[ApiReading], after: Sequence[ApiReading]) -> str:
    """In which numbers, by API; empty where nothing is known to be worse."""
    known = {each.api: each for each in before if each.requests >= FEWEST_REQUESTS}
    compared = ((known[each.api], each) for each in after if each.api in known and each.requests >= FEWEST_REQUESTS)
    return "; ".join(filter(None, (_said(old, new) for old, new in compared)))


def _said(before: ApiReading, after: ApiReading) -> str:
    """What an objective promises is what counts, where there is one."""
    if before.burn is not None and after.burn is not None:
        if after.burn > before.burn * TIMES_BURNT and after.burn > before.burn + MORE_BURN:
            burnt = f"its error budget burns {after.burn:.1f} times as fast as it may, {before.burn:.1f} times before"
            return f"{after.api}: {burnt} ({_shares(before, after)})"
        return ""
    if after.good_percent < before.good_percent - POINTS:
        return f"{after.api}: {_shares(before, after)}"
    if before.p95_ms is None or after.p95_ms is None:
        return ""
    if after.p95_ms > before.p95_ms * TIMES_SLOWER and after.p95_ms > before.p95_ms + MORE_MS:
        return f"{after.api}: 95 % of answers within {after.p95_ms:.0f} ms, {before.p95_ms:.0f} ms before"
    return ""


def _shares(before: ApiReading, after: ApiReading) -> str:
    return f"{after.good_percent:.1f} % of {after.requests:.0f} requests are good, {before.good_percent:.1f} % before"
