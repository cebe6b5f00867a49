"""Tells a run as JSON, one object a line; docs/runbook-events.schema.json describes them."""

import re
from typing import TextIO

import msgspec

from stationmaster.runbooks.talk import RunEvent
from stationmaster.runbooks.transcript.events import EventDocument, document_of
from stationmaster.runbooks.transcript.questions import Question

_RAW = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


class JsonLines:
    """What a terminal could take for a command is written as an escape, which is the same JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def told(self, event: RunEvent) -> None:
        self._write(document_of(event))

    def asked(self, question: Question) -> None:
        self._write(question)

    def _write(self, document: EventDocument | Question) -> None:
        text = msgspec.json.encode(document).decode()
        self._stream.write(_RAW.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")
        self._stream.flush()
