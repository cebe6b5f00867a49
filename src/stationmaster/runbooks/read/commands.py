"""Takes shell commands out of blocks and inline code; text that only looks like one stays text."""

import re

from stationmaster.runbooks.read.cautions import caution_of
from stationmaster.runbooks.read.document import Command
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.programs import KNOWN, VERBS_AFTER, WORDS_TOO
from stationmaster.runbooks.read.prompts import begins_command, read_line
from stationmaster.runbooks.read.prose import Sentence

_CERTAIN = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "console",
        "shell-session",
        "shellsession",
        "zsh",
        "ksh",
        "sh-session",
        "terminal",
        "bash-session",
        "shellscript",
    ]
)
_OPEN = frozenset({"", "text", "plaintext", "txt", "none", "plain", "session", "cmd", "command"})
_OUTPUT_ABOVE = re.compile(
    r"\b(?:outputs?|responses?|results?|reply|prints?|looks? like|similar to|something like|shows?|returns?"
    r"|displays?|error message"
    r"|error log|example log|you (?:will|should|might|may) see|you'll see)\b[^.,]{0,30}:?\s*$",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:run|runs|running|re-run|rerun|execut(?:e|es|ing)|using|use|uses|call|calling|re-call|typ(?:e|ing)|enter"
    r"|issu(?:e|ing)|invok(?:e|ing)|via|try|with|by|do|perform|command|e\.g\.|see|check|from|and|or|then|to"
    r"|through|look at"
    r"|apply)\b[\s\w,'\":-]{0,24}$|[:>—-][\s\w,'\"-]{0,24}$",
    re.IGNORECASE,
)
_RUN_ALONE = re.compile(r"\b(?:run|running|re-run|rerun|execut(?:e|es|ing)|invok(?:e|ing))\b[^.]{0,50}$", re.IGNORECASE)
_HOW_TO = re.compile(r"\bhow to\b[^.]{0,30}$", re.IGNORECASE)
_IF_RUN = re.compile(r"\bif (?:you|we|they|someone)(?: \w+)? \w+\s*$", re.IGNORECASE)
"""Speaks of the case that somebody runs it."""
_NAMED = re.compile(
    r"\s*(?:commands?|tools?|utility|cli|client|script|queries|query|pods?|container|service|binary|as a|job)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"\s*(?:[.;:]|$|\n\n)")
_BESIDE = re.compile(r"(?:^|[(,])\s*$")
_RUN = re.compile(
    r"\b(?:run|running|re-run|rerun|execut(?:e|es|ing)|typ(?:e|ing)|invok(?:e|ing)|issue|issuing|enter|call|calling)"
    r"(?:\s+(?:the|a|an|this|following|command|script|again|it|with|simply|e\.g\.|something like|in|as|root|then"
    r"|just|first)){0,4}:?\s*$",
    re.IGNORECASE,
)
_RUNS = re.compile(r"\b(?:run|running|execut\w+|type|using)\b", re.IGNORECASE)
_MARKS = re.compile(r"[-/|<>$.=*_\[;&]")
_ONE_WORD = re.compile(r"[a-z][\w-]*|\d+(?:\.\d+)?[smhd]?")
_FOREIGN = re.compile(r"\s*(?:[\w.\[\]'\"<>-]+\s+=\s|[a-z]\w*\s?\((?!\s*\)|[\w.-]+\)[:\d]*[>*])\S)")
"""How code of another language begins: an assignment with blanks around its sign, a call with arguments in brackets."""
_CALL = re.compile(r"\s*[a-z]\w*\s?\((?!\s*\)|[\w.-]+\)[:\d]*[>*])\S")


def language_of(info: str) -> str:
    return re.split(r"[\s{,:]", info.strip().lstrip("{."), maxsplit=1)[0].lower()


def is_shell(info: str, text: str, *, above: str = "") -> bool:
    """Whether a block holds commands: by its language, or without one by its first lines. `above` is what is said
    right before it; what is announced as output is none."""
    language = language_of(info)
    if language in _CERTAIN:
        return not _CALL.match(text)
    if language not in _OPEN or _FOREIGN.match(text):
        return False
    lines = [line for line in text.split("\n", 40)[:40] if line.strip()]
    if any(read_line(line, hashes=False).prompt for line in lines):
        return True
    if lines and re.match(r"\s*> [a-z]", lines[0]) and not (above and _OUTPUT_ABOVE.search(above)):
        return True
    typed = [line for line in lines if not line.lstrip().startswith("#")]
    if not typed:
        return False
    announced = bool(_OUTPUT_ABOVE.search(above)) and not _RUNS.search(above.rsplit(". ", 1)[-1])
    if announced:
        return False
    told = bool(_RUNS.search(above.rsplit(". ", 1)[-1]))
    if begins_command(typed[0]):
        return told or _is_line_of_shell(typed[0])
    return told and _unknown_program(typed[0])


def _unknown_program(line: str) -> bool:
    """Whether a line that the text tells to run looks like a call of a program that nobody here knows."""
    words = line.split()
    return (
        bool(
            re.fullmatch(r"[a-z][\w.-]*(?:/[\w.-]+)*", words[0])
            and len(words) > 1
            and re.search(r"\s--?\w|[/=|<]", line)
        )
        and ": " not in line
    )


def _is_line_of_shell(line: str) -> bool:
    """A word that is also plain English begins a command only where it is followed by more than words."""
    words = line.split()
    if words[0] not in WORDS_TOO:
        return not (len(words) == 1 and words[0].endswith(":"))
    return _followed_well(words, line)


def _followed_well(words: list[str], line: str) -> bool:
    if len(words) < 2:
        return False
    return bool(_MARKS.search(line)) or (words[0] in VERBS_AFTER and bool(_ONE_WORD.fullmatch(words[1])))


def looks_like_command(text: str) -> bool:
    """Whether inline code is a command by itself: a known program with at least one word after it."""
    line = read_line(text.strip(), hashes=True).text
    words = _bare_words(line)
    if not words and line.startswith("sudo -"):
        return True
    if len(words) < 2:
        return bool(words) and words[0] != line and words[0] in KNOWN
    program = words[0].rsplit("/", 1)[-1]
    if program == "select":
        return False
    if program not in KNOWN:
        return bool(re.match(r"(?:\.{0,2}/|bin/|scripts?/)[\w./-]*\w$|/chatops$", words[0]))
    return program not in WORDS_TOO or _followed_well(words, " ".join(words))


_WITH_VALUE = frozenset({"-u", "-g", "-h", "--user", "--group"})


def _bare_words(line: str) -> list[str]:
    """The words of a command without assignments, `sudo` and its options."""
    words = line.split()
    wrapped = False
    while words:
        if words[0] == "sudo":
            wrapped, words = True, words[1:]
        elif wrapped and words[0].startswith("-"):
            words = words[2:] if words[0] in _WITH_VALUE else words[1:]
        elif re.fullmatch(r"[A-Z_][A-Z\d_]*=\S*", words[0]):
            words = words[1:]
        else:
            break
    return words


def inline_command(
    text: str, *, line: int, before: str = "run", after: str = "", sentence: Sentence | None = None
) -> Command | None:
    """The command of a code span that stands between `before` and `after`, which have to tell to run it."""
    typed = read_line(text.strip(), hashes=True).text
    run = _RUN.search(before) and not _HOW_TO.search(before) and not _IF_RUN.search(before)
    told = sentence is None or sentence.instructs
    if looks_like_command(text):
        named = run or _stands_alone(before, after, typed) or (told and _named_well(before, after, typed))
        if _IF_RUN.search(before) or not named:
            return None
    elif not (_RUN_ALONE.search(before) and run and _runnable(typed) and not _NAMED.match(after)):
        return None
    caution = caution_of(sentence.text, sentence.words, line=sentence.line) if sentence else None
    return Command(text=typed, lines=Lines(first=line, last=line), cautions=(caution,) if caution else ())


def _stands_alone(before: str, after: str, typed: str) -> bool:
    """Whether a code span is all that its sentence says, or follows a colon."""
    lead = before.rstrip()
    begins = not lead or lead.endswith((":", ".", ":**"))
    complete = len(typed.split()) > 2 or bool(_MARKS.search(typed)) or ((not lead or lead[-1] == ":") and not after)
    return begins and complete and bool(_ENDS.match(after))


def _named_well(before: str, after: str, typed: str) -> bool:
    """Whether a sentence that instructs does so by this code: more than a program and its verb, or told to run."""
    complete = len(typed.split()) > 2 or bool(_MARKS.search(typed))
    if not complete:
        return False
    return bool(_TOLD.search(before[-60:]) or _BESIDE.search(before) or _ENDS.match(after))


def _runnable(text: str) -> bool:
    words = text.split()
    if not words or not re.fullmatch(r"[\w./~][\w./~-]*", words[0]):
        return False
    if words[0] in KNOWN:
        return True
    return bool(re.search(r"\w-\w|^[./~].*/\w|\w\.(?:sh|py|rb)$", words[0])) or (len(words) > 1 and " -" in text)
