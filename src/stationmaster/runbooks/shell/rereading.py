"""Says where shell text has a value read once more: by a shell, by a program that takes a text for a program."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tree_sitter import Node

from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.surroundings import command_around, text_of, walk, word_around

_SHELLS = cells("sh bash dash zsh ksh ash fish csh tcsh eval xargs parallel")
_INTERPRETERS = _SHELLS | cells(
    """
        busybox toybox ssh mosh sshpass scp sftp rsync su runuser watch awk gawk mawk nawk
        sed gsed perl python ruby irb node nodejs php lua jq yq psql mysql mariadb mongo mongosh sqlite
        redis-cli cqlsh influx clickhouse-client sqlcmd osascript pwsh powershell cmd script flock nsenter chroot
        systemd-run tmux screen rails rake gdb vi vim ex ed groovy tclsh expect make gmake at batch crontab bc dc trap
        env source find ansible salt salt-ssh salt-call knife vagrant pssh pdsh clush dsh fab tsh
        """
)
_READ_BY_BASH = cells("eval source . trap alias complete compgen at batch exec let read getopts unset")
"""What takes its words for shell text or for names of variables, where it is the program of a call."""
_FILTERS = cells("awk gawk mawk nawk sed gsed jq yq find env watch")
_FILTERS_WITH_A_PROGRAM = cells("python perl ruby node nodejs php lua")
"""What takes standard input for data; these only when a program is given beside it."""
_TAKES_PATHS = _FILTERS | _FILTERS_WITH_A_PROGRAM | cells("psql mysql mariadb sqlite make gmake rsync scp sftp")
_SAYS_WHAT_RUNS = cells(
    """
        BASH_ENV ENV PS0 PS4 PROMPT_COMMAND LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PATH IFS SHELLOPTS BASHOPTS PYTHONPATH
        PYTHONSTARTUP PERL5OPT PERL5LIB RUBYOPT NODE_OPTIONS GIT_SSH_COMMAND GIT_SSH GIT_PAGER PAGER EDITOR VISUAL
        LESSOPEN
        """
)
_WRAPPERS = cells(
    """
        sudo doas nohup nice ionice chrt taskset setsid unshare setpriv stdbuf time timeout command exec builtin env
        strace ltrace coproc watch xargs source .
        """
)
_TEXT_PROGRAMS = cells("sed gsed awk gawk mawk nawk perl vi vim ex ed")
_COMMAND_OPTION = re.compile(
    r"--?(?:c|e|E|S|x?exec|eval|ex|cmd|command|scripts?|filter|checkpoint-action|to-command|use-compress-program|rsh"
    r"|rsync-path|config|split-string|compress-program|execute|expression|run|parameters|module-args|args"
    r"|[\w-]+-(?:command|cmd|exec|hook|script|program))"
)
_ALSO = {
    "ssh": r"-o",
    "scp": r"-[oS]",
    "sftp": r"-[oS]",
    "tar": r"-I|-F",
    "less": r"\+.*",
    "man": r"-P",
    "mapfile": r"-C",
    "readarray": r"-C",
    "git": r"-x",
}
_FREE_OF_COMMANDS = cells("grep egrep fgrep zgrep rg ag echo printf curl wget ping docker podman helm")
"""Programs whose short options of these names take plain texts."""
_EXPANDS_AGAIN = re.compile(r"\$\{!|@[A-Za-z]\}|\b(?:declare|typeset|local)\s+(?:-\w+\s+)*-\w*n")
_RECKONS = re.compile(r"\(\(|\$\[|\[\[?.*\s-(?:eq|ne|l[te]|g[te]|v)\s|\w\[\S*\$|\s-v\b|-\w*i\s", re.DOTALL)
_CODE = re.compile(r"[;|&$<>(){}\[\]\\`\"'*!#\n]")
_GIVES = frozenset({"variable_assignment", "for_statement", "declaration_command", "herestring_redirect"})


def names_program(root: Node, first: int, end: int) -> bool:
    """Whether the place stands where a wrapper such as `sudo` expects the program, or in a variable that names one."""
    node = root.descendant_for_byte_range(first, end)
    for each in _around(node):
        if each.type == "variable_assignment" and text_of(each).split("=", 1)[0].rstrip("+") in _SAYS_WHAT_RUNS:
            return True
    word = word_around(node)
    command = command_around(word)
    if word is None or command is None or command.type != "command" or _program(command) not in _WRAPPERS:
        return False
    before = [each for each in _words(command)[1:] if each.end_byte <= first]
    quoted = word.type in {"string", "raw_string"}
    return word.start_byte + quoted == first and all(
        re.fullmatch(r"-.*|\d[\d.]*[smhd]?|\w+=.*", text_of(each), re.DOTALL) for each in before
    )


def reread(root: Node, first: int, end: int, mark: str, *, path: bool = False) -> str | None:
    """Why only a plain word may stand at a place in quotes of ours: somebody takes them off and reads on. A `path` is
    a plain one, whose only danger is that it is run."""
    node = root.descendant_for_byte_range(first, end)
    word = word_around(node)
    command = command_around(word)
    if path:
        run = interpreters_of(command) - _TAKES_PATHS or _is_option_for(word, command, mark)
        return _by_the_text(root, node) or ("a path there would be run" if run else None)
    return _by_the_text(root, node) or _split(root, node) or _by_its_call(word, command, mark)


def ends_its_text(root: Node, first: int, end: int, value: str, mark: str) -> bool:
    """Whether a value would end the `/…/` of a text program in which it stands."""
    word = word_around(root.descendant_for_byte_range(first, end))
    command = command_around(word)
    if word is None or command is None or not programs_of(command) & _TEXT_PROGRAMS:
        return False
    behind = re.search(rf"{mark}(?P<sign>.)", text_of(word), re.DOTALL)
    return behind is not None and behind["sign"] in "/,:@+" and behind["sign"] in value


def interpreters_of(command: Node | None) -> set[str]:
    """The programs of a call that take a text for a program."""
    return set() if command is None else programs_of(command) & _INTERPRETERS


def programs_of(command: Node) -> set[str]:
    """Every word of a call that could be a program's name: wrappers such as `sudo` are seen through."""
    return {_named(each) for each in walk(command) if each.type in {"word", "string", "raw_string"}} - {""}


def _by_the_text(root: Node, node: Node | None) -> str | None:
    around = list(_around(node))
    gives = any(each.type in _GIVES for each in around)
    text = text_of(root)
    if (taking := _fed_to(around)) is not None:
        return f"only a plain word may stand in what `{taking}` takes for a program"
    if any(each.type == "declaration_command" for each in around[:2]):
        return "only a plain word may stand where a variable is named"
    for command in _calls(root):
        name = command.child_by_field_name("name")
        if (name is not None and _expands(name)) or _program(command) in _READ_BY_BASH:
            return f"only a plain word may stand there: `{text_of(command)[:40]}` may read it as a command"
        if shells := programs_of(command) & _SHELLS:
            return f"only a plain word may stand in what `{min(shells)}` may be given"
    if _EXPANDS_AGAIN.search(text):
        return "only a plain word may stand in a text that expands what it finds once more"
    if gives and _RECKONS.search(text):
        return "only a plain word may stand in a variable that is reckoned with"
    return None


def _split(root: Node, node: Node | None) -> str | None:
    around = list(_around(node))
    gives = any(each.type in _GIVES for each in around)
    if (gives and _is_split(root)) or _in_bare_substitution(around):
        return "only a plain word may stand there, because a shell would split it"
    return None


def _fed_to(around: list[Node]) -> str | None:
    """The program that takes for a program what the calls around a place print."""
    for each in around:
        if each.type not in {"pipeline", "process_substitution"}:
            continue
        outer = command_around(each) if each.type == "process_substitution" else None
        readers = [outer] if outer is not None else _calls(each)
        for call in readers:
            taking = interpreters_of(call) - (_FILTERS if outer is None else frozenset())
            taking -= _FILTERS_WITH_A_PROGRAM if outer is None and len(_words(call)) > 1 else frozenset()
            if taking:
                return min(taking)
    return None


def _calls(root: Node) -> list[Node]:
    return [each for each in walk(root) if each.type == "command"]


def _by_its_call(word: Node | None, command: Node | None, mark: str) -> str | None:
    if word is None or command is None:
        return None
    if taking := interpreters_of(command):
        return f"only a plain word may stand in what `{min(taking)}` takes for a program"
    if _is_option_for(word, command, mark):
        return "only a plain word may stand in what an option takes for a command"
    rest = re.sub(mark, "", bare_text(word))
    return "only a plain word may stand inside code" if _CODE.search(rest) else None


def _is_option_for(word: Node | None, command: Node | None, mark: str) -> bool:
    """`-c VALUE`, `-cVALUE`, `--command=VALUE` and their like."""
    if word is None or command is None:
        return False
    program = _program(command)
    before = word.prev_named_sibling
    said = [re.split(mark, bare_text(word))[0].split("=", 1)[0]]
    said += [text_of(before).split("=", 1)[0]] if before is not None else []
    also = _ALSO.get(program)
    if also is not None and any(re.match(also, each) for each in said):
        return True
    return program not in _FREE_OF_COMMANDS and any(_COMMAND_OPTION.fullmatch(each) for each in said)


def _is_split(root: Node) -> bool:
    """Whether the text expands, outside quotes, a variable that it sets itself."""
    for node in walk(root):
        if node.type in {"simple_expansion", "expansion"}:
            around = [each.type for each in _around(node)]
            if "string" not in around and "test_command" not in around and around[:1] != ["variable_assignment"]:
                return True
    return False


def _in_bare_substitution(around: list[Node]) -> bool:
    for each in around:
        if each.type == "command_substitution":
            parent = each.parent
            return parent is None or parent.type not in {"string", "variable_assignment", "test_command"}
    return False


def _around(node: Node | None) -> Iterator[Node]:
    while node is not None and node.parent is not None:
        node = node.parent
        yield node


def _expands(name: Node) -> bool:
    return any(each.type in {"simple_expansion", "expansion", "command_substitution"} for each in walk(name))


def _program(command: Node) -> str:
    name = command.child_by_field_name("name")
    return _named(name) if name is not None else ""


def _words(command: Node) -> list[Node]:
    return [each for each in command.named_children if not each.type.endswith("redirect")]


def _named(node: Node) -> str:
    """A program's name without its folder and its version: `/usr/bin/python3.11` is `python`."""
    said = text_of(node).strip("'\"")
    name = PurePosixPath(said).name or said
    return re.sub(r"(?<=[a-z])[\d.]+$", "", name)


def bare_text(word: Node) -> str:
    text = text_of(word)
    return text[1:-1] if word.type in {"string", "raw_string"} else text.replace('"', "").replace("'", "")
