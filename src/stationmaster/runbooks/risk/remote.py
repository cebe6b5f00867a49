"""Programs that run a command elsewhere: in a container, a pod, on another host, for each file that is found."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from stationmaster.runbooks.risk.classes import Risk, cells
from stationmaster.runbooks.risk.wrappers import Wrapped, after_options, joined, safe_ssh_setting
from stationmaster.runbooks.shell.commands import Word

_UNKNOWN_OPTION = Wrapped(risk=Risk.UNKNOWN, problem="has an option that is not known")
_SHELL = Wrapped(risk=Risk.INTERACTIVE, problem="opens a shell")
_KUBE_VALUES = cells(
    "-n --namespace -c --container --context --cluster --user --as --request-timeout -s "
    "--server --token --shell --image --to-namespace --node-name"
)
_KUBE_FLAGS = cells(
    "-i -t -it -ti -T -tT -q --stdin --tty --quiet --no-tty --no-tty=true -d --keep-labels "
    "--as-root --one-container --insecure-skip-tls-verify"
)
_DOCKER_VALUES = cells(
    """
    -e --env -u --user -w --workdir --env-file --index -H --host -c --context -f --file -p --project-name
    --profile --detach-keys -v --volume --name --network --net --entrypoint -p --publish -m --memory --cpus
    --restart -h --hostname --label -l --link --mount --pid --ulimit --cap-add --cap-drop --add-host
    --log-driver --log-opt --platform --device --security-opt --shm-size --tmpfs --volumes-from --dns --ipc
    --pull --gpus --runtime --userns --cgroupns --project-directory
    """
)
_DOCKER_FLAGS = cells(
    "-i -t -T -it -ti -d -itd -dit --interactive --tty --detach --privileged --rm --init "
    "--no-deps --read-only --sig-proxy --use-aliases -P --service-ports --no-TTY -a -P"
)


def elsewhere(program: str, words: Sequence[Word]) -> Wrapped | None:
    judge = _PROGRAMS.get(program)
    return judge(words) if judge is not None else None


def _kubectl(words: Sequence[Word]) -> Wrapped | None:
    at = _verb_at(words, _KUBE_VALUES, _KUBE_FLAGS)
    verb = words[at].text if at is not None else ""
    if at is None or verb not in {"exec", "rsh", "debug"}:
        return None
    texts = [word.text for word in words]
    least, why = (Risk.CHANGE, "starts a container of its own") if verb == "debug" else (Risk.READ, "")
    if any(
        text.startswith(("--kubeconfig", "--filename", "-f"))
        for text in texts[: texts.index("--") if "--" in texts else None]
    ):
        return _UNKNOWN_OPTION
    if "--" in texts[at:]:
        inner = words[texts.index("--", at) + 1 :]
    else:
        rest = after_options(words[at + 1 :], _KUBE_VALUES, _KUBE_FLAGS)
        if rest is None:
            return None if verb == "debug" else _UNKNOWN_OPTION
        inner = rest[1:]
        if inner and inner[0].text.startswith("-"):
            trailing = after_options(inner, _KUBE_VALUES, _KUBE_FLAGS)
            inner = inner if trailing is None else trailing
    if not inner:
        return (
            None
            if verb == "debug"
            else (_SHELL if verb == "rsh" else Wrapped(risk=Risk.UNKNOWN, problem="exec names no command"))
        )
    return Wrapped(words=tuple(inner), risk=least, why=why)


def _docker(words: Sequence[Word]) -> Wrapped | None:
    at = _verb_at(words, _DOCKER_VALUES, _DOCKER_FLAGS | {"-D", "--debug", "--tls"})
    if at is not None and words[at].text in {"container", "compose"}:
        deeper = _verb_at(words[at:], _DOCKER_VALUES, frozenset())
        at = at + deeper if deeper is not None else None
    if at is None or words[at].text not in {"exec", "run"}:
        return None
    rest = after_options(words[at + 1 :], _DOCKER_VALUES, _DOCKER_FLAGS)
    starts = words[at].text == "run"
    if rest is None or not rest:
        return _UNKNOWN_OPTION
    least, why = (Risk.CHANGE, "starts a container of its own") if starts else (Risk.READ, "")
    if len(rest) == 1:
        inner = (Word(text="true"),) if starts else ()
        return (
            Wrapped(words=inner, risk=least, why=why)
            if starts
            else Wrapped(risk=Risk.UNKNOWN, problem="exec names no command")
        )
    if starts and any(word.text.startswith("--entrypoint") for word in words[at : len(words) - len(rest)]):
        return Wrapped(risk=Risk.UNKNOWN, problem="names a program of its own to begin with")
    if starts and rest[1].text.startswith("-"):
        return Wrapped(words=(Word(text="true"),), risk=least, why=why)
    return Wrapped(words=tuple(rest[1:]), risk=least, why=why)


def _crictl(words: Sequence[Word]) -> Wrapped | None:
    if len(words) < 2 or words[1].text != "exec":
        return None
    rest = after_options(words[2:], cells("--timeout -r -e"), cells("-i -t -it -ti -s --sync --tty --interactive"))
    if rest is None or len(rest) < 2:
        return _UNKNOWN_OPTION
    return Wrapped(words=tuple(rest[1:]))


def _ssh(words: Sequence[Word]) -> Wrapped:
    valued = cells("-p -l -i -o -J -c -m -b -B -e -Q")
    rest: Sequence[Word] | None = words[1:]
    settings = [two.text for one, two in pairwise(words) if one.text == "-o"]
    settings += [word.text[2:] for word in words if word.text.startswith("-o") and len(word.text) > 2]
    if not all(safe_ssh_setting(each) for each in settings):
        return Wrapped(risk=Risk.UNKNOWN, problem="has a setting that may run another program")
    host = after_options(words[1:], valued, cells("-t -T -tt -q -n -x -X -A -a -4 -6 -C -v -vv -vvv -k -K -y"))
    if host is None:
        holds = any(re.fullmatch(r"-[A-Za-z]*[LRDNfWM]\S*", word.text) for word in words[1:])
        return Wrapped(risk=Risk.INTERACTIVE, problem="opens a tunnel") if holds and not settings else _UNKNOWN_OPTION
    rest = after_options(host[1:], valued, cells("-t -T -tt -q -n -x -A -4 -6 -C -v --")) if host else None
    if rest is None:
        return _UNKNOWN_OPTION if host else _SHELL
    if host[0].loose or host[0].text.startswith("-"):
        return _UNKNOWN_OPTION
    return joined(rest) if rest else Wrapped(risk=Risk.INTERACTIVE, problem="opens a session on another host")


def _su(words: Sequence[Word]) -> Wrapped:
    texts = [word.text for word in words]
    places = [number for number, text in enumerate(texts) if text in {"-c", "--command"}]
    if len(places) == 1 and places[0] + 1 < len(words):
        if any(re.fullmatch(r"-[sGgPTw]\w*|--(?!login|command).*", text) for text in texts[1:]):
            return _UNKNOWN_OPTION
        return joined([words[places[0] + 1]])
    return _UNKNOWN_OPTION if any(re.match(r"-\w*c.|--comm|--sess", text) for text in texts[1:]) else _SHELL


def _parallel(words: Sequence[Word]) -> Wrapped:
    rest = after_options(
        words[1:], cells("-j --jobs -n --delay --timeout"), cells("-k -u --keep-order --no-notice --bar --halt")
    )
    if rest is None or not rest:
        return Wrapped(risk=Risk.UNKNOWN, problem="runs what it is fed")
    texts = [word.text for word in rest]
    stop = next((number for number, text in enumerate(texts) if text.startswith(":::")), len(texts))
    return Wrapped(words=(*rest[:stop], Word(text="", dynamic=True, loose=True, splits=True)))


def _find(words: Sequence[Word]) -> Wrapped | None:
    """`-exec` runs its words for each file; the rest of the expression is judged by the table."""
    texts = [word.text for word in words]
    places = [number for number, text in enumerate(texts) if text in {"-exec", "-execdir", "-ok", "-okdir"}]
    if not places:
        return None
    if len(places) > 1 or any(text in {"-delete", "-fprint", "-fprintf", "-fls", "-fprint0"} for text in texts):
        return Wrapped(risk=Risk.UNKNOWN, problem="does several things with what it finds")
    start = places[0] + 1
    ends = [n for n in range(start, len(words)) if texts[n] == ";" or (texts[n] == "+" and texts[n - 1] == "{}")]
    if not ends or any(word.loose for word in words):
        return Wrapped(risk=Risk.UNKNOWN, problem="runs something whose end is not plain")
    inner = tuple(
        Word(text=word.text, dynamic=True, substituted=True, loose=False, splits=False) if "{}" in word.text else word
        for word in words[start : ends[0]]
    )
    asks = texts[places[0]].startswith("-ok")
    return Wrapped(words=inner, risk=Risk.INTERACTIVE if asks else Risk.READ, why="asks for each file" if asks else "")


def _bundle(words: Sequence[Word]) -> Wrapped | None:
    return Wrapped(words=tuple(words[2:])) if len(words) > 2 and words[1].text == "exec" else None


def _dashed(words: Sequence[Word]) -> Wrapped | None:
    """`gds aws PROFILE -- command` and its like."""
    texts = [word.text for word in words]
    return Wrapped(words=tuple(words[texts.index("--") + 1 :])) if "--" in texts[:-1] and "aws" in texts[1:2] else None


def _aws(words: Sequence[Word]) -> Wrapped | None:
    texts = [word.text for word in words]
    if "send-command" in texts and "ssm" in texts:
        found = re.search(r"commands=(.*)", " ".join(texts), re.DOTALL)
        quoted = re.findall(r"""["']([^"']+)["']""", found[1]) if found else []
        if len(quoted) == 1 and not any(word.dynamic for word in words):
            return Wrapped(text=quoted[0], risk=Risk.CHANGE, why="sends a command to other machines")
        return Wrapped(risk=Risk.UNKNOWN, problem="sends a command to other machines that is not seen here")
    return None


def _knife(words: Sequence[Word]) -> Wrapped | None:
    """`knife ssh QUERY 'command'` runs a command on every host that the query finds."""
    if len(words) < 2 or words[1].text != "ssh":
        return None
    rest = after_options(
        words[2:], cells("-C --concurrency -a --attribute -x --ssh-user -i -p"), cells("-m -afqdn -aipaddress -C1")
    )
    if rest is None or len(rest) < 2:
        return _UNKNOWN_OPTION
    inner = rest[1:] if rest[1].text != "--" else rest[2:]
    return joined(inner) if len(inner) == 1 and not inner[0].text.startswith("-") else _UNKNOWN_OPTION


def _verb_at(words: Sequence[Word], valued: frozenset[str], flags: frozenset[str]) -> int | None:
    """Where the verb stands: behind nothing but options and their values."""
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        option = words[position].text
        if option in valued:
            position += 2
        elif option in flags or "=" in option:
            position += 1
        else:
            return None
    return position if position < len(words) else None


_PROGRAMS: dict[str, Callable[[Sequence[Word]], Wrapped | None]] = {
    "kubectl": _kubectl,
    "oc": _kubectl,
    "docker": _docker,
    "docker-compose": _docker,
    "crictl": _crictl,
    "ssh": _ssh,
    "su": _su,
    "runuser": _su,
    "parallel": _parallel,
    "find": _find,
    "bundle": _bundle,
    "gds": _dashed,
    "gds-cli": _dashed,
    "aws": _aws,
    "knife": _knife,
}
