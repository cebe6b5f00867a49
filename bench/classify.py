"""Commands classed per second on one core: a hundred thousand, of every row's examples and some longer lines."""

import time
from collections.abc import Iterator

from bench.figures import row
from stationmaster.runbooks.risk import judge
from stationmaster.runbooks.risk.programs import FAMILIES

_ROUNDS = 3
_COMMANDS = 100_000
_LONGER = (
    "kubectl get pods -n api -o json | jq -r '.items[].metadata.name' | sort | uniq -c | sort -rn | head -20",
    "for ns in api web jobs; do kubectl -n $ns get pods --field-selector=status.phase!=Running; done",
    "ssh web-1 \"sudo journalctl -u api --since '10 min ago' | grep -i error | tail -50\"",
    "kubectl exec -it deploy/api -- sh -c 'psql -c \"SELECT count(*) FROM pg_stat_activity\"'",
)


def rows() -> Iterator[str]:
    texts = [example for family in FAMILIES for each in family.rows for example in each.examples] + list(_LONGER)
    many = [f"{text} " + " " * (number // len(texts)) for number, text in _numbered(texts)]
    fresh, kept = [], []
    for _ in range(_ROUNDS):
        judge.forget()
        fresh.append(_COMMANDS / _class(many))
        kept.append(_COMMANDS / _class([texts[number % len(texts)] for number in range(_COMMANDS)]))
    yield row(f"commands classed ({_COMMANDS} texts, all different)", fresh, "1/s")
    yield row(f"commands classed ({len(texts)} texts, again and again)", kept, "1/s", note="remembered by their text")


def _numbered(texts: list[str]) -> Iterator[tuple[int, str]]:
    return ((number, texts[number % len(texts)]) for number in range(_COMMANDS))


def _class(texts: list[str]) -> float:
    started = time.perf_counter()
    for text in texts:
        judge.assess(text)
    return time.perf_counter() - started
