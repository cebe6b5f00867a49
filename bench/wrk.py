"""Closed-loop load by wrk, where it is installed: requests per second, and what they cost a process."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

MISSING = "not measured: `wrk` is not installed (Debian package wrk)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    per_s: float
    cpu_us: float
    """Processor time of the measured process for one request, user and system together."""
    failed: int


def installed() -> bool:
    return shutil.which("wrk") is not None


def measure(url: str, pid: int, *, headers: Mapping[str, str] | None = None, seconds: int = 4) -> Rate:
    """32 connections of one thread for `seconds`."""
    process = psutil.Process(pid)
    given = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
    before = _cpu_s(process)
    done = subprocess.run(
        ("wrk", "-t1", "-c32", f"-d{seconds}s", *given, url), check=True, capture_output=True, text=True, timeout=60
    ).stdout
    requests = int(_found(r"(\d+) requests in", done))
    return Rate(
        per_s=float(_found(r"Requests/sec:\s+([\d.]+)", done)),
        cpu_us=(_cpu_s(process) - before) / max(1, requests) * 1e6,
        failed=int(_found(r"Non-2xx or 3xx responses: (\d+)", done, "0")),
    )


def _cpu_s(process: psutil.Process) -> float:
    """Of the process and of its children that live."""
    each = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (one.cpu_times() for one in each))


def _found(pattern: str, text: str, otherwise: str | None = None) -> str:
    match = re.search(pattern, text)
    if match:
        return match[1]
    if otherwise is None:
        raise ValueError(f"wrk did not say {pattern!r}: {text}")
    return otherwise
