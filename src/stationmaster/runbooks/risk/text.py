"""Programs that carry a small program of their own: sed, awk, tar, kill."""

import re
from collections.abc import Sequence

from stationmaster.runbooks.risk.classes import Judged, Risk
from stationmaster.runbooks.shell.commands import Word

_ADDRESS = r"(?:\d+|\$|/(?:\\[^\n]|[^/\\\n])*/I?|\d+~\d+|\+\d+)"
_SUBSTITUTE = r"s([/|#,:!@%_~+;])(?:\\[^\n]|(?!\{n})[^\\\n])*\{n}(?:\\[^\n]|(?!\{n})[^\\\n])*\{n}[gpiI\d]*"
_SED_FLAGS = re.compile(
    r"-[nErsuz]+|--(?:quiet|silent|regexp-extended|null-data|unbuffered|separate|posix|debug|line-length=\d+)"
)


def _command(group: int) -> str:
    substitute = _SUBSTITUTE.replace("{n}", str(group))
    return rf"\s*(?:{_ADDRESS}(?:,{_ADDRESS})?\s*)?!?\s*(?:[pdq=]|\{{\s*[pd;q\s]*\}}|{substitute})\s*"


_SED_SCRIPT = re.compile(_command(1) + "".join(rf"(?:[;\n]{_command(n)})?" for n in range(2, 6)) + ";?")


def sed(words: Sequence[Word], _fed: str | None) -> Judged:
    if any(re.match(r"-[nErsuz]*i|--in|-[nErsuz]*w", word.text) for word in words[1:]):
        return Risk.CHANGE, "edits files in place"
    scripts: list[Word] = []
    plain: list[Word] = []
    waiting = list(words[1:])
    while waiting:
        word = waiting.pop(0)
        if word.loose:
            return Risk.UNKNOWN, "gets words that may be any option"
        if re.fullmatch(r"-[nErsuz]*e|--expression", word.text):
            scripts += waiting[:1]
            waiting = waiting[1:]
        elif word.text.startswith("--expression="):
            scripts.append(Word(text=word.text.split("=", 1)[1], dynamic=word.dynamic))
        elif word.text.startswith("-") and len(word.text) > 1:
            if not _SED_FLAGS.fullmatch(word.text):
                return Risk.UNKNOWN, f"has `{word.text}`, which is not known"
        else:
            plain.append(word)
    scripts = scripts or plain[:1]
    if scripts and all(_SED_SCRIPT.fullmatch(each.text) and not each.dynamic for each in scripts):
        return Risk.READ, "only shows what it changed"
    return Risk.UNKNOWN, "runs a script that is not looked into"


_AWK_OPTIONS = re.compile(r"-F.*|--field-separator(?:=.*)?|-v\w+=.*")
_COMPARED = re.compile(r"[^{}\"/|`]*(?:\{[^{}<>|`]*\}[^{}\"/|`<>]*)*")


def awk(words: Sequence[Word], _fed: str | None) -> Judged:
    """Only a script without pipes, files and calls of programs is read; a `>` may compare outside of braces alone."""
    waiting = list(words[1:])
    while waiting and waiting[0].text.startswith("-") and len(waiting[0].text) > 1:
        option = waiting.pop(0)
        if option.text == "--":
            break
        if option.text in {"-F", "-v", "--field-separator"}:
            if not waiting or waiting.pop(0).splits:
                return Risk.UNKNOWN, "gets words that may be any option"
        elif not _AWK_OPTIONS.fullmatch(option.text) or option.loose:
            return Risk.UNKNOWN, f"has `{option.text}`, which is not known"
    if not waiting or waiting[0].dynamic:
        return Risk.UNKNOWN, "runs a script that is known only when it runs"
    script = waiting[0].text.replace("||", " ")
    if re.search(r"system|getline|@|\||`", script) or (">" in script and not _COMPARED.fullmatch(script)):
        return Risk.UNKNOWN, "may run programs or write files"
    return Risk.READ, "only shows what it computed"


_TAR_LONG = (
    r"--(?:file|list|verbose|gzip|gunzip|bzip2|xz|zstd|wildcards|exclude|strip-components|directory|utc|full-time"
    r"|numeric-owner)(?:=.*)?"
)


def tar(words: Sequence[Word], _fed: str | None) -> Judged:
    texts = [word.text for word in words[1:]]
    first = texts[0].lstrip("-") if texts else ""
    lists = bool(re.fullmatch(r"[tvzjJaf]*t[tvzjJaf]*", first)) or "--list" in texts
    options = [text for text in texts if text.startswith("-") and text != "-"]
    plain = all(re.fullmatch(rf"-[tvzjJaf]+|-C|{_TAR_LONG}", text) for text in options)
    if any(word.loose for word in words[1:]):
        return Risk.UNKNOWN, "gets words that may be any option"
    if lists and plain:
        return Risk.READ, "lists an archive"
    if any(re.match(r"--(?:check|to|use|rsh|rmt|info|new-vol|vol)|-[a-zA-Z]*[IF]", text) for text in options):
        return Risk.UNKNOWN, "may run another program"
    if any(re.match(r"--(?:delete|remove|unlink|recursive-unlink)", text) for text in options):
        return Risk.DESTROY, "removes files"
    return Risk.CHANGE, "packs or unpacks files"


def kill(words: Sequence[Word], _fed: str | None) -> Judged:
    first = words[1].text if len(words) > 1 else ""
    others = [word for word in words[2:] if word.text.startswith("-") or word.loose]
    if first in {"-0", "-l", "-L"} and not others:
        return Risk.READ, "only asks whether a process lives"
    return Risk.CHANGE, "ends or signals processes"
