"""What a node counts and under which names: the words that the node's configuration and its readers share."""

API, USE = "api", "use"
"""First words of the figures of every API, and of those of every API user at every API."""
REQUESTS, TOOK = "requests", "took"
API_TAG, USER_TAG, CODE_TAG, TRIES_TAG, POOL_TAG = "api", "user", "code", "tries", "pool"

BOUNDS_MS = (5, 10, 25, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000)
"""Upper bounds of the buckets of durations. A node measures whole milliseconds, rounded down, and counts below a bound
what is smaller: so nothing falls on the wrong side of one."""
BOUNDS_S = tuple(bound / 1_000 for bound in BOUNDS_MS)

_POOL_FIGURES = (
    r"upstream_rq_[1-5]xx",
    r"upstream_rq_(pending_)?active",
    r"upstream_rq_(retry|timeout|pending_overflow)",
    r"upstream_cx_(active|connect_fail)",
    r"circuit_breakers\.default\.(cx|rq|rq_pending|rq_retry)_open",
    r"endpoint\..+\.healthy",
)
_NODE_FIGURES = (
    r"http\.entrance\.downstream_(rq_[1-5]xx|rq_active|cx_active|cx_total)",
    r"server\.(memory_allocated|memory_physical_size|uptime)",
    r"connection_limit\.entrance\.limited_connections",
)
_READ = (rf"{API}\..*", *(rf"cluster\..+\.{each}" for each in _POOL_FIGURES), *_NODE_FIGURES)
SCRAPED = f"^({'|'.join(_READ)})$"
"""The names of the figures that are scraped. What users did is read more seldom, on its own."""
USED = rf"^{USE}\."
