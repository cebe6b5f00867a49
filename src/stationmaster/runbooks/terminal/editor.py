"""One line that is being typed."""

from dataclasses import dataclass

LONGEST = 4_000


@dataclass(slots=True)
class LineEditor:
    """`key` takes the names of keys.py; every other key is text."""

    text: str = ""
    at: int = 0

    def key(self, name: str) -> None:
        match name:
            case "left":
                self.at = max(self.at - 1, 0)
            case "right":
                self.at = min(self.at + 1, len(self.text))
            case "home" | "ctrl-a":
                self.at = 0
            case "end" | "ctrl-e":
                self.at = len(self.text)
            case "backspace":
                self._cut(self.at - 1, self.at)
            case "delete":
                self._cut(self.at, self.at + 1)
            case "ctrl-u":
                self._cut(0, self.at)
            case "ctrl-w":
                self._cut(self._word_start(), self.at)
            case _ if len(name) == 1 and name.isprintable() and len(self.text) < LONGEST:
                self.text = self.text[: self.at] + name + self.text[self.at :]
                self.at += 1
            case _:
                pass

    def _cut(self, start: int, end: int) -> None:
        start = max(start, 0)
        self.text = self.text[:start] + self.text[end:]
        self.at = start

    def _word_start(self) -> int:
        kept = self.text[: self.at].rstrip()
        return kept.rfind(" ") + 1
