"""Lines of Prometheus' text format, good and bad: what a real Prometheus makes of each, and what our reader makes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from stationmaster.monitor.promql.samples import LabelTable
from stationmaster.monitor.query.external_answers import labels_of
from stationmaster.monitor.scrape.exposition import ExpositionError, ExpositionReader
from tests.monitor.differential.compare import Rows, difference
from tests.monitor.differential.exporter import CONFIG, exporting
from tests.monitor.differential.real import RealPrometheus, running

INTERVAL_MS = 50

LINES: Final = (
    "a 1",
    "a  1",
    "a\t1",
    "a 1  ",
    "a +1",
    "a .5",
    "a 5.",
    "a 1e3",
    "a Inf",
    "a +inf",
    "a -Inf",
    "a nan",
    "a -0",
    "a 1e",
    "a 1_0",
    "a 0x10",
    "a -0x1p-2",
    "a 0b11",
    "a 1e400",
    "a",
    "a ",
    "a{",
    "a one",
    "a 1 x",
    "a 1 1.5",
    "a 1 -1",
    "a 1 2 3",
    "a 1 # comment",
    "a 1\r",
    " a 1",
    "\tspaced 1",
    "\x00a 1",
    "9a 1",
    "é 1",
    "a:b 1",
    'a{b="c"} 1',
    'a{b="c"}1',
    'a {b="c"} 1',
    'a{b="c",} 1',
    'a{ b="c"} 1',
    'a{b ="c"} 1',
    'a {  b = "c" , d= "e" }   1',
    'a{b="c"}\t\t1',
    'a{b="c"} \t 1',
    "a{} 1",
    '{a="b"} 1',
    "a{b='c'} 1",
    'a{b="c",,} 1',
    'a{b="c"d="e"} 1',
    'a{b="\\\\ \\" \\n"} 1',
    'a{b="\\x"} 1',
    'a{b="é"} 1',
    'a{b="c\nd"} 1',
    'a{b=""} 1',
    'a{b="1",b="2"} 1',
    'a{__name__="z"} 1',
    'a{a:b="1"} 1',
    'a{job="own",zone="b",exported_job="c"} 1',
    "#a 1",
    "# foo\na 1",
    "# EOF\na 1",
    "a 1\n# EOF",
    "# HELP a\na 1",
    "# TYPE a\na 1",
    "# TYPE a foo\na 1",
    "# TYPE a counter\n# TYPE a gauge\na 1",
    "\n\na 1",
    "a 1\n\n  \nb 2",
    "a 1\nb 2 \nc 3",
    "a 1\nb{ 2\nc 3",
)

OTHERWISE: Final[Mapping[str, str]] = {
    'a{b="c\nd"} 1': "we read line by line: a bare line end in a value is refused, exporters escape it",
    'a{b="c"d="e"} 1': "a comma that is missing between labels is refused, as the format says",
    "\x00a 1": "a zero byte is refused; Prometheus takes it for the end of the body",
}
"""Where we differ on purpose."""


async def test_every_line_is_taken_or_refused_as_by_prometheus(tmp_path: Path, free_port: Callable[[], int]) -> None:
    wrong = []
    with exporting() as exporter:
        known = {"job": "live", "instance": f"127.0.0.1:{exporter.port}", "zone": "a"}
        config = CONFIG.format(interval=INTERVAL_MS, port=exporter.port)
        with running(tmp_path, free_port(), config) as server:
            for line in LINES:
                exporter.tell(f"{line}\n")
                await exporter.until_heard(readers=1)
                said = _difference(_ours(line, known), _theirs(server))
                if bool(said) is not (line in OTHERWISE):
                    wrong.append(f"{line!r}: {said or 'the same, and OTHERWISE says that it differs'}")
    assert not wrong, "\n".join(wrong)


def _difference(ours: Rows | str, theirs: Rows | str) -> str:
    if isinstance(ours, str) and isinstance(theirs, str):
        return ""  # both refuse
    if isinstance(ours, str) or isinstance(theirs, str):
        return f"{ours!r} for {theirs!r}"
    return difference(ours, theirs)


def _ours(line: str, known: Mapping[str, str]) -> Rows | str:
    """The samples, or why they were refused; moments do not matter."""
    table = LabelTable()
    try:
        found = ExpositionReader(table, known).read(f"{line}\n".encode())
    except ExpositionError as error:
        return str(error)
    return {table.labels(id_): {0: value} for id_, value in zip(found.ids.tolist(), found.values.tolist(), strict=True)}


def _theirs(server: RealPrometheus) -> Rows | str:
    (target,) = server.get("targets").json()["data"]["activeTargets"]
    if target["lastError"]:
        return str(target["lastError"])
    found: list[dict[str, Any]] = server.data("query", query='{instance=~".+", __name__!~"up|scrape_.*"}')["result"]
    return {labels_of(each["metric"]): {0: float(each["value"][1])} for each in found}
