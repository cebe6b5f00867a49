"""Samples as an OpenMetrics text with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stationmaster.monitor.promql.samples import Labels


def exposition(series: Mapping[Labels, Sequence[tuple[int, float]]]) -> str:
    """Metrics have to stand together; every one is declared unknown, so that names may be as they are."""
    by_name: dict[str, list[Labels]] = defaultdict(list)
    for labels, samples in series.items():
        if samples:
            by_name[dict(labels)["__name__"]].append(labels)
    lines = []
    for name, all_labels in sorted(by_name.items()):
        lines.append(f"# TYPE {name} unknown")
        for labels in all_labels:
            shown = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels if key != "__name__")
            lines += [f"{name}{{{shown}}} {value!r} {at_ms / 1000:.3f}" for at_ms, value in series[labels]]
    return "\n".join([*lines, "# EOF", ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
