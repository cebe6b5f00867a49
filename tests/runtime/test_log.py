"""What is told, and what happens when nobody can be told."""

import io

import pytest
import structlog

from stationmaster.runtime import log


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    before = structlog.get_config()
    monkeypatch.setattr("sys.stderr", FullDisk())
    try:
        log.configure(json_lines=True)
        structlog.get_logger("test").error("disk full", exc_info=ValueError("no matter"))
    finally:
        structlog.configure(**before)


def test_what_can_be_written_arrives_and_the_rest_is_as_it_was() -> None:
    there = io.StringIO()
    stream = log.undeterred(there)
    print("told", file=stream, flush=True)
    assert there.getvalue() == "told\n"
    assert stream.isatty() is False
