"""Runs every measurement, or those named, and prints Markdown."""

import os
import platform
import sys

from bench import (
    chain,
    change,
    classify,
    clocks,
    drill,
    intake,
    kills,
    library,
    memory,
    probes,
    reader,
    revocation,
    rules,
    scrape,
    start,
    status_page,
    steps,
    store,
    storm,
    tokens,
)
from bench.figures import HEAD

MEASUREMENTS = {
    "chain": chain.rows,
    "change": change.rows,
    "revocation": revocation.rows,
    "kills": kills.rows,
    "start": start.rows,
    "tokens": tokens.rows,
    "store": store.rows,
    "memory": memory.rows,
    "probes": probes.rows,
    "scrape": scrape.rows,
    "rules": rules.rows,
    "intake": intake.rows,
    "storm": storm.rows,
    "clocks": clocks.rows,
    "status page": status_page.rows,
    "reader": reader.rows,
    "steps": steps.rows,
    "library": library.rows,
    "classify": classify.rows,
    "drill": drill.rows,
}


def main() -> None:
    wanted = sys.argv[1:] or list(MEASUREMENTS)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    for name in wanted:
        print(f"## {name}\n\n{HEAD}", flush=True)
        for line in MEASUREMENTS[name]():
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
