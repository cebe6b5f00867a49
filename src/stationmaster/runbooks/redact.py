"""Takes secrets out of everything that is journaled or told: known values, and what looks like a secret."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

HIDDEN = "***"
_SHORTEST = 4
"""A shorter value is hidden only as a word of its own: it would otherwise eat half of every text."""
_NAMES = r"(?:password|passwd|passphrase|secret|api_?-?key|access_?-?key|token)"
_FORMS: tuple[tuple[str, str], ...] = (
    (
        r"(?i)\b((?:proxy-)?authorization\s{0,9}[:=]\s{0,9}['\"]?\s{0,9}"
        r"(?:(?:bearer|basic|digest|token|apikey)\s{1,9})?+)(?![<{$*])[^\s'\"]+",
        rf"\1{HIDDEN}",
    ),
    (r"(?i)\b(x-[\w-]{0,60}?(?:api-?key|token|secret)|(?:set-)?cookie)(\s{0,9}:\s{0,9})[^'\"\n]+", rf"\1\2{HIDDEN}"),
    (r"(?i)(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{0,30}://[^\s/@:'\"]{0,200}):[^\s/@'\"]{1,500}@", rf"\1:{HIDDEN}@"),
    (r"(?i)\b(bearer\s+)[\w.~+/-]{8,}=*", rf"\1{HIDDEN}"),
    (
        rf"(?i)({_NAMES}[\"']?\s{{0,9}}[=:]\s{{0,9}}[\"']?)(?![\s\"'$<{{*])[^\s\"'&,}}]+",
        rf"\1{HIDDEN}",
    ),
    (r"(?i)((?<!\S)--?(?:password|passwd|token|secret|api-key|client-secret)\s+)(?![-$<{*])\S+", rf"\1{HIDDEN}"),
    (r"(\bcurl\b[^|;\n]{0,2000}?\s(?:-u|--user)[ =]?['\"]?[^\s:'\"]{1,200}):[^\s'\"]+", rf"\1:{HIDDEN}"),
    (r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]+", HIDDEN),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{30,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{10,}", HIDDEN),
    (r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", HIDDEN),
    (r"(?m)(?:^[A-Za-z0-9+/=]{20,200}+[ \t\r]{0,9}\n){1,200}+-----END [A-Z ]{0,30}PRIVATE KEY-----", HIDDEN),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _FORMS)
_LONGEST_LINE = 8_192
_KEY_BEGINS, _KEY_ENDS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"-----END [A-Z ]*PRIVATE KEY-----"),
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the secrets: longest first, and each line of one that has several."""
    for secret in sorted(
        {line for each in secrets for line in (each, *each.splitlines()) if line}, key=len, reverse=True
    ):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
        else:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


@dataclass(slots=True, kw_only=True)
class LineRedactor:
    """Redacts a stream: whole lines only, so that no secret slips through between two pieces."""

    secrets: tuple[str, ...]
    _held: str = field(default="", init=False)
    _in_key: bool = field(default=False, init=False)

    def feed(self, text: str) -> str:
        """What may be shown by now."""
        self._held += text
        cut = max(self._held.rfind("\n"), self._held.rfind("\r")) + 1
        if not cut and len(self._held) > _LONGEST_LINE:
            cut = max(
                self._held.rfind(" "), len(self._held) - max((len(each) for each in self.secrets), default=0) - 256
            )
        ready, self._held = self._held[: max(cut, 0)], self._held[max(cut, 0) :]
        return self._clean(ready)

    def rest(self) -> str:
        ready, self._held = self._held, ""
        return self._clean(ready)

    def _clean(self, text: str) -> str:
        return "".join(self._line(line) for line in text.splitlines(keepends=True))

    def _line(self, line: str) -> str:
        """A private key goes over many lines."""
        begins, ends = _KEY_BEGINS.search(line), _KEY_ENDS.search(line)
        if self._in_key:
            self._in_key = ends is None
            return ""
        self._in_key = begins is not None and ends is None
        return redacted(line, self.secrets)
