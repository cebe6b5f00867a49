"""Clients whose options and statements decide what they do: curl, wget, and the clients of databases."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stationmaster.runbooks.risk.classes import Judged, Risk, cells, worst_of
from stationmaster.runbooks.risk.sql import Dialect, risk_of_sql
from stationmaster.runbooks.shell.commands import Word

_CURL_VALUES = cells(
    """
    -H --header -A --user-agent -e --referer -u --user -b --cookie -m --max-time --connect-timeout --retry
    --retry-delay --retry-max-time -x --proxy --cacert --cert -E --key --resolve --connect-to --interface
    -r --range --url --ciphers --limit-rate --max-redirs --noproxy --oauth2-bearer --cert-type
    --key-type --proto --proto-redir --unix-socket -C --continue-at --dns-servers --doh-url --tls-max
    """
)
_CURL_FLAGS = cells(
    """
    -s --silent -S --show-error -f --fail --fail-with-body -k --insecure -L --location -v --verbose -i
    --include -I --head -4 --ipv4 -6 --ipv6 -g --globoff -G --get -N --no-buffer --compressed --http1.1
    --http2 --http2-prior-knowledge -# --progress-bar --retry-connrefused --retry-all-errors --tlsv1.2
    --tlsv1.3 --location-trusted -n --netrc --next -Z --parallel --raw --no-progress-meter --anyauth --basic
    --digest --negotiate -0 --http1.0 -1 -q --disable --path-as-is --http3 --ntlm --no-keepalive --tcp-nodelay
    """
)
_CURL_DATA = cells("-d --data --data-ascii --data-binary --data-raw --data-urlencode -F --form --json --form-string")
_CURL_FILES = cells("-o --output -D --dump-header -c --cookie-jar --trace --trace-ascii --stderr --output-dir")
_CURL_NAMES = cells("-O --remote-name -J --remote-header-name --remote-name-all --create-dirs")
_CURL_METHOD = {
    **dict.fromkeys(("GET", "HEAD", "OPTIONS"), Risk.READ),
    **dict.fromkeys(("POST", "PUT", "PATCH", "PURGE"), Risk.CHANGE),
    "DELETE": Risk.DESTROY,
}


def curl(words: Sequence[Word], _fed: str | None) -> Judged:
    options = list(_curl_options(words[1:]))
    found: list[Judged] = [(Risk.READ, "only fetches")]
    found += [judged for option, value in options if (judged := _curl_option(option, value)) is not None]
    names = {option for option, _ in options}
    if names & _CURL_DATA and not names & {"-G", "--get"}:
        found.append((Risk.CHANGE, "sends data"))
    return worst_of(found)


def _curl_option(option: str, value: str) -> Judged | None:
    if option in {"-X", "--request"}:
        return _CURL_METHOD.get(value.upper(), Risk.UNKNOWN), f"sends {value}"
    if option in {"-H", "--header"} and re.match(r"x-(?:http-)?method(?:-override)?\s*:", value, re.IGNORECASE):
        return _CURL_METHOD.get(value.partition(":")[2].strip().upper(), Risk.UNKNOWN), f"sends {value}"
    if option in {"", "--url"} and re.search(r"/_(?:delete_by_query|flush/synced|forcemerge)\b", value):
        return Risk.CHANGE, "asks a store to change"
    if option in {"-T", "--upload-file"}:
        return Risk.CHANGE, "uploads a file"
    if option in _CURL_FILES and value not in {"/dev/null", "-"}:
        return Risk.CHANGE, f"writes `{value}`"
    if option in _CURL_NAMES:
        return Risk.CHANGE, "writes a file"
    if option in {"-w", "--write-out"} and re.match(r"@|.*%output", value, re.DOTALL):
        return Risk.CHANGE, "writes a file after the transfer"
    if option == "?" or (not option and not re.match(r"(?:https?://|[\w$<{.\[])", value)):
        return Risk.UNKNOWN, f"has `{value}`, which is not known"
    if (option in {"", "--url"}) and re.match(r"(?!https?:)[a-z][a-z0-9+.-]*://", value, re.IGNORECASE):
        return Risk.UNKNOWN, f"speaks `{value.split(':', 1)[0]}`"
    return None


def _curl_options(words: Sequence[Word]) -> Iterator[tuple[str, str]]:
    """Pairs of option and value; `("", word)` for a URL, `("?", word)` for what curl's manual does not let us place."""
    takes = _CURL_VALUES | _CURL_DATA | _CURL_FILES | cells("-X --request -T --upload-file -w --write-out")
    alone = _CURL_FLAGS | _CURL_NAMES
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.loose and not word.text.startswith("http"):
            yield "?", word.text
        elif word.text.startswith("--"):
            yield (
                _taken(word.text, waiting)
                if word.text in takes
                else (word.text if word.text in alone else "?", word.text)
            )
        elif word.text.startswith("-") and len(word.text) > 1:
            yield from _curl_letters(word.text, waiting, takes, alone)
        else:
            yield "", word.text


def _taken(option: str, waiting: list[Word]) -> tuple[str, str]:
    """An option with the next word; a value that may fall apart could hold further options."""
    if not waiting:
        return option, ""
    value = waiting.pop(0)
    return ("?" if value.splits else option, value.text)


def _curl_letters(
    text: str, waiting: list[Word], takes: frozenset[str], alone: frozenset[str]
) -> Iterator[tuple[str, str]]:
    for place, letter in enumerate(text[1:], start=1):
        option = f"-{letter}"
        if option in takes:
            rest = text[place + 1 :]
            yield (option, rest) if rest else _taken(option, waiting)
            return
        yield option if option in alone else "?", text


_WGET_FLAGS = re.compile(
    r"-[qvSdc46]+|-nv|-q?O-|-qO|--(?:quiet|spider|server-response|no-check-certificate|"
    r"no-verbose|verbose|debug|no-proxy|no-cache)"
    r"|--(?:timeout|tries|header|user|password|user-agent|method=(?:GET|HEAD)|connect-timeout|"
    r"read-timeout|max-redirect)(?:=.*)?"
)


def wget(words: Sequence[Word], _fed: str | None) -> Judged:
    """wget writes a file unless it only looks (`--spider`) or writes to the terminal (`-O -`)."""
    texts = [word.text for word in words[1:]]
    if any(word.loose for word in words[1:]):
        return Risk.UNKNOWN, "gets words that may be any option"
    if any(re.match(r"-(?!-)\w*e|--(?:ex|use-ask|config|input|rc)|-\w*i", text) for text in texts):
        return Risk.UNKNOWN, "takes further orders"
    if any(re.match(r"--method=DELETE", text, re.IGNORECASE) for text in texts):
        return Risk.DESTROY, "deletes what the address names"
    if any(re.match(r"--(?:post|body|method=(?!GET|HEAD))", text) for text in texts):
        return Risk.CHANGE, "sends data"
    shows = (
        "--spider" in texts
        or any(re.fullmatch(r"-q?O-|-q?O/dev/null|--output-document=-", text) for text in texts)
        or any(
            re.fullmatch(r"-q?O|--output-document", one) and two in {"-", "/dev/null"} for one, two in pairwise(texts)
        )
    )
    plain = all(
        _WGET_FLAGS.fullmatch(text)
        or not text.startswith("-")
        or text == "-"
        or re.fullmatch(r"-q?O/dev/null|--output-document(?:=-)?|-[Tt]\d*|-qS?O-?", text)
        for text in texts
    )
    if shows and plain:
        return Risk.READ, "only fetches"
    return Risk.CHANGE, "writes a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlClient:
    """How a client takes its statements: by `options`, or as words of its own (`from_word` counts the words before)."""

    dialect: Dialect
    options: frozenset[str]
    valued: frozenset[str] = frozenset()
    refused: str = r"(?!)"
    from_word: int | None = None
    lists: str = r"-V|--version|--help"


SQL_CLIENTS: dict[str, SqlClient] = {
    "psql": SqlClient(
        dialect=Dialect.POSTGRES,
        options=cells("-c --command"),
        valued=cells("-h --host -p --port -U --username -d --dbname -P --pset -F --field-separator -R -T"),
        refused=r"-[a-zA-Z]*[fovL](?![a-z]).*|--(?:fi|o|set|va|log).*",
        lists=r"-l|--list|-V|--version|--help|-lqt|-qtl",
    ),
    "mysql": SqlClient(
        dialect=Dialect.MYSQL,
        options=cells("-e --execute"),
        valued=cells("-h --host -P --port -u --user -D --database -S --socket --default-character-set --login-path"),
        refused=r"--(?:de|i|te|pa(?!ss)|pl|l).*",
    ),
    "clickhouse-client": SqlClient(
        dialect=Dialect.OTHER,
        options=cells("-q --query"),
        valued=cells("-h --host --port -u --user --password -d --database --format -f"),
        refused=r"--(?:qu.*-f|out|i|log|ba|config).*",
    ),
    "sqlite3": SqlClient(
        dialect=Dialect.OTHER,
        options=cells("-cmd"),
        valued=cells("-separator -newline -nullvalue"),
        refused=r"-(?:init|A|ar|unsafe|deserialize|vfs)\b.*",
        from_word=1,
    ),
}


def sql_client(name: str) -> Callable[[Sequence[Word], str | None], Judged]:
    client = SQL_CLIENTS[name]

    def judge(words: Sequence[Word], fed: str | None) -> Judged:
        statements: list[str] = []
        plain: list[str] = []
        waiting = list(words[1:])
        while waiting:
            word = waiting.pop(0)
            statement = _statement_of(word, waiting, client)
            if statement is not None:
                if statement.dynamic:
                    return Risk.UNKNOWN, "gets a statement that is known only when it runs"
                statements.append(statement.text)
            elif re.fullmatch(client.refused, word.text):
                return Risk.UNKNOWN, f"`{word.text}` reads or writes files that are not seen here"
            elif word.loose:
                return Risk.UNKNOWN, f"`{word.text}` is known only when it runs"
            elif word.text in client.valued and waiting:
                if waiting.pop(0).splits:
                    return Risk.UNKNOWN, "gets words that are known only when it runs"
            elif not word.text.startswith("-"):
                plain.append(word.text)
                if client.from_word is not None and len(plain) > client.from_word and word.dynamic:
                    return Risk.UNKNOWN, "gets a statement that is known only when it runs"
        if client.from_word is not None:
            statements += plain[client.from_word :]
        return _judge_statements(client, statements, words, fed)

    return judge


def _statement_of(word: Word, waiting: list[Word], client: SqlClient) -> Word | None:
    if word.text in client.options:
        return waiting.pop(0) if waiting else Word(text="", dynamic=True)
    bundled = re.fullmatch(r"-[AtqXxnNBsErwGe]*([ceq])", word.text)
    if bundled and f"-{bundled[1]}" in client.options and waiting:
        return waiting.pop(0)
    for option in client.options:
        glued = f"{option}=" if option.startswith("--") else option
        if word.text.startswith(glued) and len(word.text) > len(glued):
            return Word(text=word.text.removeprefix(glued), dynamic=word.dynamic)
    if word.text.startswith("--") and any(option.startswith(word.text.split("=", 1)[0]) for option in client.options):
        return Word(text="", dynamic=True)
    return None


def _judge_statements(client: SqlClient, statements: list[str], words: Sequence[Word], fed: str | None) -> Judged:
    if fed is None:
        return Risk.UNKNOWN, "is fed a text that is known only when it runs"
    if fed:
        statements = [*statements, fed]
    if statements:
        return worst_of([_statement(each, client) for each in statements])
    if any(re.fullmatch(client.lists, word.text) for word in words[1:]):
        return Risk.READ, "lists databases"
    return Risk.INTERACTIVE, "opens a session"


def _statement(text: str, client: SqlClient) -> Judged:
    if client.from_word is not None and re.fullmatch(
        r"\s*\.(?:tables|schema|databases|indexes|indices|dbinfo)(?:\s+\w+)?\s*", text
    ):
        return Risk.READ, "lists objects"
    if client.dialect is Dialect.OTHER and re.match(
        r"\s*PRAGMA\s+(?:integrity_check|quick_check|table_info\(\w+\)|page_count|journal_mode)\s*;?\s*$",
        text,
        re.IGNORECASE,
    ):
        return Risk.READ, "looks at the file"
    return risk_of_sql(text, client.dialect)


_MONGO_READ = re.compile(
    r"\s*(?:printjson\()?(?:rs\.(?:status|conf|config|printReplicationInfo|"
    r"printSecondaryReplicationInfo|printSlaveReplicationInfo|isMaster|hello)\(\)"
    r"|sh\.status\(\)|db\.(?:stats|serverStatus|currentOp|isMaster|hello|version|"
    r"getCollectionNames|hostInfo|getMongo|getReplicationInfo|printReplicationInfo)\(\)"
    r"|db\.\w+\.(?:count|countDocuments|estimatedDocumentCount|stats|getIndexes|validate|"
    r"totalSize|dataSize)\((?:\{\})?\)"
    r"|show (?:dbs|databases|collections|users|logs)|"
    r"db\.adminCommand\(\{? *['\"]?ping['\"]?[^()]*\))\)?(?:\.(?:members|ok|connections|mem|"
    r"pretty\(\)|n|state|set))*\s*;?\s*"
)


def mongo(words: Sequence[Word], fed: str | None) -> Judged:
    texts = [word.text for word in words[1:]]
    if "--eval" in texts[:-1] and not any(word.loose for word in words):
        script = words[texts.index("--eval") + 2]
        if texts.count("--eval") == 1 and not script.dynamic and _MONGO_READ.fullmatch(script.text):
            files = [text for text in texts if text.endswith(".js")]
            return (Risk.UNKNOWN, "runs a file") if files else (Risk.READ, "only asks for the state of the server")
        return Risk.UNKNOWN, "runs a script that is not looked into"
    if fed != "" or any(text.endswith(".js") or text.startswith("--ev") for text in texts):
        return Risk.UNKNOWN, "runs a script that is not looked into"
    return Risk.INTERACTIVE, "opens a session"
