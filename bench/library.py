"""A library of 10,000 runbooks: loading, memory, and how long an alert takes to find the one that answers it."""

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import row
from stationmaster.core.facts import Alert
from stationmaster.runbooks.library import Library, load_library
from stationmaster.runbooks.match import choose

_RUNBOOKS = 10_000
_SERVICES = 100
_ALERTS = 300
_OWN = Path(__file__).parents[1] / "runbooks" / "gateway-node-down.md"


def rows() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        _write(Path(folder))
        before = _memory_mb()
        started = time.perf_counter()
        library = load_library([Path(folder)])
        yield row(f"{_RUNBOOKS:,} runbooks loaded", [time.perf_counter() - started], "s", note="one core")
        yield row("memory that they take", [_memory_mb() - before], "MB")
        again = time.perf_counter()
        load_library([Path(folder)], library)
        yield row("loaded again, nothing changed", [time.perf_counter() - again], "s")
    for what, alerts in _asked().items():
        yield row(what, list(_times_ms(library, alerts)), "ms", note="aim: below 5 ms")


def _write(folder: Path) -> None:
    """Like one of ours, each for an alert of its own; a hundred of them for each service."""
    text = _OWN.read_text("utf-8")
    for number in range(_RUNBOOKS):
        own = text.replace("alert: GatewayNodeDown", f"alert: Alert{number}")
        own = own.replace("service: gateway", f"service: service-{number % _SERVICES}")
        own = own.replace("Gateway node is down", f"Part {number} of it is down")
        (folder / f"{number:05}.md").write_text(own, "utf-8")


def _asked() -> dict[str, list[Alert]]:
    step = _RUNBOOKS // _ALERTS
    numbers = range(0, _RUNBOOKS, step)
    return {
        "match: the alert is named": [_alert(f"Alert{n}", f"service-{n % _SERVICES}") for n in numbers],
        "match: words in common, 100 runbooks of its service": [
            _alert("Down", f"service-{n % _SERVICES}") for n in numbers
        ],
        "match: words in common, all 10,000 have its tag": [_alert("Down", "gateway") for _ in range(10)],
        "match: nothing answers": [_alert("Other", "none") for _ in numbers],
    }


def _alert(name: str, service: str) -> Alert:
    labels = {"alertname": name, "service": service, "environment": "prod"}
    summary = f"Service: {service} in env: prod is down, url is http://10.0.0.1:8888/healthz"
    return Alert(fingerprint="", labels=labels, summary=summary, url="", starts_at=datetime(2026, 1, 1, tzinfo=UTC))


def _times_ms(library: Library, alerts: list[Alert]) -> Iterator[float]:
    for alert in alerts:
        started = time.perf_counter()
        choose(alert, library.runbooks)
        yield (time.perf_counter() - started) * 1000


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
