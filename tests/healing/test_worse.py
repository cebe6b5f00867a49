"""Whether callers fare worse after a change."""

from dataclasses import replace

import pytest

from stationmaster.core.changes import ApiReading
from stationmaster.healing.worse import worsened

BEFORE = ApiReading(api="orders", requests=100, good_percent=99.0, p95_ms=80.0)
PROMISED = replace(BEFORE, burn=1.0)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (BEFORE, BEFORE, ""),
        (BEFORE, replace(BEFORE, good_percent=97.5), ""),
        (
            BEFORE,
            replace(BEFORE, good_percent=41.0, requests=250),
            "orders: 41.0 % of 250 requests are good, 99.0 % before",
        ),
        (replace(BEFORE, good_percent=41.0), BEFORE, ""),
        (BEFORE, replace(BEFORE, p95_ms=130.0), ""),
        (BEFORE, replace(BEFORE, p95_ms=900.0), "orders: 95 % of answers within 900 ms, 80 ms before"),
        (replace(BEFORE, p95_ms=3000.0), replace(BEFORE, p95_ms=3300.0), ""),
        (BEFORE, replace(BEFORE, good_percent=0.0, requests=3), ""),
        (replace(BEFORE, requests=3), replace(BEFORE, good_percent=0.0), ""),
        (BEFORE, replace(BEFORE, api="other", good_percent=0.0), ""),
        (PROMISED, replace(PROMISED, good_percent=90.0, burn=1.4), ""),
        (
            PROMISED,
            replace(PROMISED, good_percent=90.0, burn=10.0),
            "orders: its error budget burns 10.0 times as fast as it may, 1.0 times before (90.0 % of 100 requests are "
            "good, 99.0 % before)",
        ),
    ],
    ids=[
        "the same",
        "a little",
        "fewer good answers",
        "better",
        "a little slower",
        "much slower",
        "slow before",
        "too few after",
        "too few before",
        "nobody knows how it was",
        "the promise is kept",
        "the promise is broken faster",
    ],
)
def test_worse_is_what_the_numbers_show(before: ApiReading, after: ApiReading, expected: str) -> None:
    assert worsened([before], [after]) == expected
