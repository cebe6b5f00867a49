"""Programs whose options decide what they do (curl, psql, find, sed …), and those that run another program."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stationmaster.runbooks.risk_sql import risk_of_sql
from stationmaster.runbooks.risk_table import HARMLESS_VARIABLES, Risk, cells, worst
from stationmaster.runbooks.shell import Word

Judged = tuple[Risk, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """The command inside a wrapper, or the `problem` that keeps it from being seen."""

    words: tuple[Word, ...] = ()
    risk: Risk = Risk.READ
    problem: str = ""


_WRAPPERS: dict[str, tuple[frozenset[str], frozenset[str], int]] = {
    # program: options that take the next word, options alone, words of its own before the command
    "sudo": (
        cells("-u -g -h -p -C -T --user --group"),
        cells("-n -E -H -S --non-interactive"),
        0,
    ),
    "env": (cells("-u --unset"), cells("-i --ignore-environment -0"), 0),
    "timeout": (
        cells("-s -k --signal --kill-after"),
        cells("--preserve-status --foreground"),
        1,
    ),
    "nohup": (frozenset(), frozenset(), 0),
    "time": (cells("-f -o"), cells("-p -v"), 0),
    "nice": (cells("-n --adjustment"), frozenset(), 0),
    "command": (frozenset(), cells("-p"), 0),
    "xargs": (
        cells("-n -P -I -L -d -s -a --max-args --max-procs"),
        cells("-r -0 -t --no-run-if-empty --null"),
        0,
    ),
}
_EXEC_VALUES = cells("-n --namespace -c --container -e --env -u --user -w --workdir --context --kubeconfig")
_EXEC_FLAGS = cells("-i -t -it -ti -T -d --stdin --tty --interactive --detach -q --quiet")


def wrapped(program: str, words: Sequence[Word]) -> Wrapped | None:
    """What a wrapper runs; None when `program` is no wrapper."""
    if program == "kubectl":
        return _exec(words, after_dashes=True) if _has_verb(words, "exec") else None
    if program == "docker":
        return _exec(words, after_dashes=False) if _has_verb(words, "exec") else None
    if program not in _WRAPPERS:
        return None
    with_value, alone, own = _WRAPPERS[program]
    rest = _after_options(words[1:], with_value, alone)
    if rest is None:
        if program == "sudo" and any(word.text in {"-i", "-s", "--login", "--shell"} for word in words):
            return Wrapped(risk=Risk.INTERACTIVE, problem="opens a root shell")
        return Wrapped(risk=Risk.UNKNOWN, problem="has an option that is not known")
    if program in {"env", "sudo"}:
        rest, foreign = _without_assignments(rest)
        if foreign:
            return Wrapped(risk=Risk.UNKNOWN, problem=f"sets `{foreign}`, which may change what runs")
    rest = rest[own:]
    if not rest:
        return _nothing_wrapped(program)
    return Wrapped(words=tuple(rest))


def _nothing_wrapped(program: str) -> Wrapped:
    if program == "env":
        return Wrapped(words=(Word(text="printenv"),))
    if program == "xargs":
        return Wrapped(words=(Word(text="echo"),))
    return Wrapped(risk=Risk.UNKNOWN, problem="runs nothing that is named")


def _without_assignments(words: Sequence[Word]) -> tuple[Sequence[Word], str]:
    position = 0
    while position < len(words) and re.match(r"\w+=", words[position].text):
        name = words[position].text.split("=", 1)[0]
        if name not in HARMLESS_VARIABLES:
            return (), name
        position += 1
    return words[position:], ""


def _after_options(words: Sequence[Word], with_value: frozenset[str], alone: frozenset[str]) -> Sequence[Word] | None:
    """What follows the options of a wrapper; None when one of them is not known."""
    glued = tuple(each for each in with_value if not each.startswith("--"))
    position = 0
    while position < len(words) and words[position].text.startswith("-"):
        option = words[position].text
        if option == "--":
            return words[position + 1 :]
        if option in with_value:
            position += 2
        elif option in alone or option.split("=", 1)[0] in with_value | alone or option.startswith(glued):
            position += 1
        else:
            return None
    return words[position:]


def _has_verb(words: Sequence[Word], verb: str) -> bool:
    """Whether `verb` stands where the verb may stand: behind nothing but options and their values."""
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        position += 2 if words[position].text in _EXEC_VALUES else 1
    return position < len(words) and words[position].text == verb


def _exec(words: Sequence[Word], *, after_dashes: bool) -> Wrapped:
    texts = [word.text for word in words]
    start = texts.index("exec") + 1
    if after_dashes and "--" in texts[start:]:
        inner = words[texts.index("--", start) + 1 :]
    else:
        rest = _after_options(words[start:], _EXEC_VALUES, _EXEC_FLAGS)
        if rest is None or not rest:
            return Wrapped(risk=Risk.UNKNOWN, problem="exec has an option that is not known")
        inner = rest[1:]
    if not inner:
        return Wrapped(risk=Risk.UNKNOWN, problem="exec names no command")
    return Wrapped(words=tuple(inner))


_CURL_VALUES = cells(
    """
        -H --header -A --user-agent -e --referer -u --user -b --cookie -m --max-time --connect-timeout --retry
        --retry-delay --retry-max-time -x --proxy --cacert --cert -E --key --resolve --connect-to --interface -w
        --write-out -r --range --url --ciphers --limit-rate --max-redirs --noproxy --oauth2-bearer --cert-type
        --key-type
        """
)
_CURL_FLAGS = cells(
    """
        -s --silent -S --show-error -f --fail --fail-with-body -k --insecure -L --location -v --verbose -i
        --include -I --head -4 --ipv4 -6 --ipv6 -g --globoff -G --get -N --no-buffer --compressed --http1.1
        --http2 --http2-prior-knowledge -# --progress-bar --retry-connrefused --retry-all-errors --tlsv1.2
        --tlsv1.3 --location-trusted -n --netrc --next -Z --parallel --raw --no-progress-meter --anyauth --basic
        --digest --negotiate -0 --http1.0 -1 -q --disable
        """
)
_CURL_DATA = cells("-d --data --data-ascii --data-binary --data-raw --data-urlencode -F --form --json")
_CURL_FILES = cells("-o --output -D --dump-header -c --cookie-jar --trace --trace-ascii --stderr --output-dir")
_CURL_METHOD = {
    "GET": Risk.READ,
    "HEAD": Risk.READ,
    "OPTIONS": Risk.READ,
    "POST": Risk.CHANGE,
    "PUT": Risk.CHANGE,
    "PATCH": Risk.CHANGE,
    "DELETE": Risk.DESTROY,
}


def _curl(words: Sequence[Word]) -> Judged:
    found: list[Judged] = [(Risk.READ, "only fetches")]
    data, as_query = False, False
    for option, value in _curl_options(words[1:]):
        if option in _CURL_DATA:
            data = True
        elif option in {"-G", "--get"}:
            as_query = True
        elif option in {"-X", "--request"}:
            found.append((_CURL_METHOD.get(value.upper(), Risk.UNKNOWN), f"sends {value}"))
        elif option in {"-T", "--upload-file"}:
            found.append((Risk.CHANGE, "uploads a file"))
        elif option in _CURL_FILES and value not in {"/dev/null", "-"}:
            found.append((Risk.CHANGE, f"writes `{value}`"))
        elif option in {"-O", "--remote-name", "-J", "--remote-header-name", "--remote-name-all"}:
            found.append((Risk.CHANGE, "writes a file"))
        elif option == "?" or (not option and not re.match(r"(?:https?://|[\w$<{.\[])", value)):
            found.append((Risk.UNKNOWN, f"has `{value}`, which is not known"))
        elif not option and re.match(r"(?!https?:)[a-z][a-z0-9+.-]*://", value):
            found.append((Risk.UNKNOWN, f"speaks `{value.split(':', 1)[0]}`"))
    if data and not as_query:
        found.append((Risk.CHANGE, "sends data"))
    risk = worst(*(each[0] for each in found))
    return next(each for each in reversed(found) if each[0] is risk)


def _curl_options(words: Sequence[Word]) -> list[tuple[str, str]]:
    """Pairs of option and value; `("", word)` for a URL, `("?", word)` for what curl's manual does not let us place."""
    found: list[tuple[str, str]] = []
    takes = _CURL_VALUES | _CURL_DATA | _CURL_FILES | {"-X", "--request", "-T", "--upload-file"}
    alone = _CURL_FLAGS | {"-O", "--remote-name", "-J", "--remote-header-name", "--remote-name-all"}
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.substituted and not word.text.startswith("http"):
            found.append(("?", word.text))
        elif word.text.startswith("--"):
            if word.text in takes:
                found.append((word.text, waiting.pop(0).text if waiting else ""))
            else:
                found.append((word.text if word.text in alone else "?", word.text))
        elif word.text.startswith("-") and len(word.text) > 1:
            found += _curl_letters(word.text, waiting, takes, alone)
        else:
            found.append(("", word.text))
    return found


def _curl_letters(
    text: str, waiting: list[Word], takes: frozenset[str] | set[str], alone: frozenset[str] | set[str]
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for place, letter in enumerate(text[1:], start=1):
        option = f"-{letter}"
        if option in takes:
            value = text[place + 1 :] or (waiting.pop(0).text if waiting else "")
            return [*found, (option, value)]
        found.append((option if option in alone else "?", text))
    return found


def _psql(words: Sequence[Word]) -> Judged:
    statements: list[str] = []
    waiting = list(words[1:])
    while waiting:
        word = waiting.pop(0)
        if word.text in {"-c", "--command"} and waiting:
            if waiting[0].dynamic:
                return Risk.UNKNOWN, "gets a statement that is known only when it runs"
            statements.append(waiting.pop(0).text)
        elif word.text.startswith(("--command=", "-c")) and not word.dynamic:
            statements.append(re.sub(r"^(?:--command=|-c)", "", word.text))
        elif re.match(r"-[a-zA-Z]*[fov](?![a-z])|--(?:file|output|set|variable|log-file)", word.text):
            return Risk.UNKNOWN, f"`{word.text}` reads or writes files that are not seen here"
        elif word.substituted:
            return Risk.UNKNOWN, f"`{word.text}` is known only when it runs"
    if statements:
        judged = [risk_of_sql(statement) for statement in statements]
        risk = worst(*(each[0] for each in judged))
        return next(each for each in judged if each[0] is risk)
    if any(word.text in {"-l", "--list", "--version", "-V"} for word in words):
        return Risk.READ, "lists databases"
    return Risk.INTERACTIVE, "opens a session"


def _find(words: Sequence[Word]) -> Judged:
    texts = {word.text for word in words}
    if "-delete" in texts:
        return Risk.DESTROY, "deletes what it finds"
    if texts & {"-exec", "-execdir", "-ok", "-okdir", "-fprint", "-fprintf", "-fls", "-fprint0"}:
        return Risk.UNKNOWN, "runs another program or writes files"
    if any(word.substituted for word in words):
        return Risk.UNKNOWN, "gets words that are known only when it runs"
    return Risk.READ, "only looks for files"


def _sed(words: Sequence[Word]) -> Judged:
    if any(re.match(r"-[nErsuz]*i|--in-place", word.text) for word in words[1:]):
        return Risk.CHANGE, "edits files in place"
    scripts = [word.text for word in words[1:] if not word.text.startswith("-")][:1]
    if scripts and re.fullmatch(
        r"[\d,$]*[pdq]|(?:/[^/]*/)[pd]|s([/|#,])(?:(?!\1).)*\1(?:(?!\1).)*\1[gpiI\d]*", scripts[0]
    ):
        return Risk.READ, "only shows what it changed"
    return Risk.UNKNOWN, "runs a script that is not looked into"


def _awk(words: Sequence[Word]) -> Judged:
    text = " ".join(word.text for word in words[1:])
    if re.search(r"system|[|>]|getline|-f\b|-i\b|@|-[a-zA-Z]*e", text):
        return Risk.UNKNOWN, "may run programs or write files"
    return Risk.READ, "only shows what it computed"


def _sort(words: Sequence[Word]) -> Judged:
    if any(re.match(r"-[a-zA-Z]*o|--output|--compress-program|--out|--comp", word.text) for word in words[1:]):
        return Risk.CHANGE, "writes a file or runs a compressor"
    return Risk.READ, "only shows things in order"


def _aws(words: Sequence[Word]) -> Judged:
    texts = [word.text for word in words[1:]]
    if len(texts) < 2 or texts[0].startswith("-") or any(word.dynamic for word in words[1:3]):
        return Risk.UNKNOWN, "its service and operation are not both plain"
    if texts[0] in {"secretsmanager", "ssm", "kms", "sts"}:
        return Risk.UNKNOWN, "may show secrets"
    if re.match(r"(?:describe|list)-", texts[1]) or texts[:2] == ["s3", "ls"]:
        return Risk.READ, "only describes"
    if re.match(r"(?:delete|terminate)-", texts[1]) or texts[:2] in (["s3", "rm"], ["s3", "rb"]):
        return Risk.DESTROY, "deletes"
    return Risk.UNKNOWN, f"`{texts[0]} {texts[1]}` is not in the table of known operations"


def _kafka_topics(words: Sequence[Word]) -> Judged:
    texts = {word.text for word in words}
    if "--delete" in texts:
        return Risk.DESTROY, "deletes a topic"
    if texts & {"--create", "--alter"}:
        return Risk.CHANGE, "changes a topic"
    return (Risk.READ, "only lists topics") if texts & {"--list", "--describe"} else (Risk.UNKNOWN, "names no action")


def _journalctl(words: Sequence[Word]) -> Judged:
    if any(re.match(r"--(?:vacuum|rotate|flush|sync|relinquish|setup|update)", word.text) for word in words):
        return Risk.CHANGE, "rotates or trims the journal"
    return Risk.READ, "only shows the journal"


def _unless(pattern: str, reason: str) -> Callable[[Sequence[Word]], Judged]:
    """A program that only shows things unless one of its words matches."""

    def judge(words: Sequence[Word]) -> Judged:
        found = any(re.match(pattern, word.text) for word in words[1:])
        return (Risk.CHANGE, reason) if found else (Risk.READ, "only shows things")

    return judge


SPECIAL: dict[str, Callable[[Sequence[Word]], Judged]] = {
    "curl": _curl,
    "psql": _psql,
    "find": _find,
    "sed": _sed,
    "awk": _awk,
    "gawk": _awk,
    "sort": _sort,
    "date": _unless(r"-s|--set|\d", "sets the clock"),
    "hostname": _unless(r"(?!-[a-zA-Z]*$)", "sets the name of the host"),
    "ss": _unless(r"-[a-zA-Z]*K|--kill", "closes connections"),
    "dmesg": _unless(r"-[a-zA-Z]*[cCDEn]|--(?:clear|read-clear|console)", "clears or changes the kernel's log"),
    "uniq": _unless(r"[^-]", "may write a file"),
    "yq": _unless(r"-[a-zA-Z]*i|--inplace|-s|--split", "edits files in place"),
    "aws": _aws,
    "kafka-topics.sh": _kafka_topics,
    "kafka-topics": _kafka_topics,
    "journalctl": _journalctl,
}


def _kubectl_delete(rest: Sequence[Word]) -> Judged | None:
    texts = [word.text for word in rest]
    wide = {"--all", "--force", "-f", "--filename", "-l", "--selector", "-A", "--all-namespaces", "-k", "--now"}
    if any(text.split("=", 1)[0] in wide or text.startswith("--grace-period") for text in texts):
        return None
    names = [text for text in texts if not text.startswith("-")]
    pod = bool(names) and (names[0] in {"pod", "pods", "po"} or re.fullmatch(r"(?:pod|pods|po)/[\w.$<>-]+", names[0]))
    if pod and not any(word.substituted for word in rest):
        return Risk.CHANGE, "ends pods whose controller makes new ones"
    return None


def _kubectl_get(rest: Sequence[Word]) -> Judged | None:
    names = ",".join(word.text for word in rest if not word.text.startswith("-")).replace("/", ",").lower().split(",")
    kinds = {name.split(".", 1)[0] for name in names}
    if kinds & {"secret", "secrets"} or any(word.text.startswith("--raw") for word in rest):
        return Risk.UNKNOWN, "may show secrets, which do not belong on a page"
    return None


REFINE: dict[tuple[str, tuple[str, ...]], Callable[[Sequence[Word]], Judged | None]] = {
    ("kubectl", ("delete",)): _kubectl_delete,
    ("kubectl", ("get",)): _kubectl_get,
    ("kubectl", ("describe",)): _kubectl_get,
}
