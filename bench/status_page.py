"""The status page through the control plane's API listener: requests per second and how long the slowest take."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from bench.figures import row
from bench.ground import free_address, platform

_RUNS, _SPAN_S, _CONNECTIONS = 3, 3, 32
_WHATS = (("overview", "/status"), ("summary.json", "/status/api/v2/summary.json"))
_DOCUMENT = {
    "regions": ["eu"],
    "services": [
        {
            "name": "orders",
            "port": 8081,
            "instances": [{"name": "orders-1", "region": "eu", "address": "127.0.0.1:9"}],
        }
    ],
    "status_page": {
        "title": "Bench",
        "components": [{"name": f"Component {number}", "services": ["orders"]} for number in range(1, 11)],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    per_s: float
    p99_ms: float


def rows() -> Iterator[str]:
    """Ten components, as a client that takes gzip; then one that has the page already (304)."""
    api = free_address()
    with platform({**_DOCUMENT, "control": {"api": api, "xds": free_address()}}):
        base = f"http://{api}"
        for name, path in _WHATS:
            yield from _measured(name, base + path, {"accept-encoding": "gzip"})
        tag = httpx.get(f"{base}/status", trust_env=False).headers["etag"]
        yield from _measured("overview, not changed (304)", f"{base}/status", {"if-none-match": tag})


def _measured(name: str, url: str, headers: dict[str, str]) -> Iterator[str]:
    _warm(url, headers)
    measure = _by_wrk if shutil.which("wrk") else _by_python
    found = [measure(url, headers) for _ in range(_RUNS)]
    by = "wrk" if shutil.which("wrk") else "a Python client, which is slower than what it measures"
    note = f"p99 {max(each.p99_ms for each in found):.1f} ms, {_CONNECTIONS} connections, by {by}"
    yield row(f"status page: {name}", [each.per_s for each in found], "requests/s", note=note)


def _warm(url: str, headers: dict[str, str]) -> None:
    """Waits until the page is prepared."""
    for _ in range(200):
        if httpx.get(url, headers=headers, trust_env=False).status_code in (200, 304):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} is not there")


def _by_wrk(url: str, headers: dict[str, str]) -> _Found:
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ("wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SPAN_S}s", "--latency", *given, url)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    if "Non-2xx or 3xx" in done or "Socket errors" in done:
        raise ValueError(f"not every request was answered: {done}")
    value, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s)", done)[0]
    per_s = float(re.findall(r"Requests/sec:\s+([\d.]+)", done)[0])
    return _Found(per_s=per_s, p99_ms=float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def _by_python(url: str, headers: dict[str, str]) -> _Found:
    return asyncio.run(_sent(url, headers))


async def _sent(url: str, headers: dict[str, str]) -> _Found:
    took: list[float] = []
    begun = time.perf_counter()

    async def ask(http: httpx.AsyncClient) -> None:
        while time.perf_counter() - begun < _SPAN_S:
            sent = time.perf_counter()
            answer = await http.get(url)
            if answer.status_code not in (200, 304):
                raise ValueError(f"answered {answer.status_code}")
            took.append(time.perf_counter() - sent)

    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        await asyncio.gather(*(ask(http) for _ in range(_CONNECTIONS)))
    span_s = time.perf_counter() - begun
    took.sort()
    return _Found(per_s=len(took) / span_s, p99_ms=took[int(len(took) * 0.99)] * 1000)
