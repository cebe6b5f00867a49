"""Hostile values at places where somebody reads them once more: none of them ever runs, in a real bash."""

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from stationmaster.runbooks.shell.script import Filled, Misfit, Value, fill, written_places

# Places in shells, in programs that take a text for a program, in options that take a command, in what bash reckons.
TEMPLATES = r"""
echo "${X:-'<x>'}"
echo "${X:-"<x>"}"
echo "$(echo '<x>')"
echo "`echo '<x>'`"
cat <<EOF⏎${v:-'<x>'}⏎EOF
cat <<EOF⏎`echo '<x>'`⏎EOF
cat <<EOF⏎$(echo '<x>')⏎EOF
cat <<EOF | bash⏎echo "<x>"⏎EOF
cat > s.sh <<EOF⏎<x>⏎EOF⏎bash s.sh
[[ <x> -eq 1 ]]
[ -v "<x>" ]
[[ -v <x> ]]
printf -v "<x>" hi
read "<x>" <<< a
declare "<x>"
declare -i n=<x>
declare -n r=<x>; echo $r
let "n=<x>"
(( <x> > 1 ))
for ((i=0;i<<x>;i++)); do echo; done
echo ${a[<x>]}
X=<x>; echo $((X))
X="<x>"; [[ $X -eq 1 ]]
X="<x>"; echo "${!X}"
X="<x>"; echo ${X@P}
X=<x>; $X
X="<x>"; eval $X
X="<x>"; bash -c "$X"
set -- <x>; eval "$1"
for c in <x>; do $c; done
f() { eval "$1"; }; f <x>
while read l; do eval "$l"; done <<EOF⏎<x>⏎EOF
trap '<x>' EXIT
PS4=<x>; set -x; true
BASH_ENV=<x> bash -c true
. "<x>"
source <x>
mapfile -C <x> -c 1 a < f
compgen -W "<x>"
echo hi >&<x>
echo <x> | bash
printf "%s" "<x>" | sh
bash <(echo "<x>")
$(echo <x>)
"$SHELL" -c "echo <x>"
python3.11 -c "print('<x>')"
python3 -c"<x>"
perl -e"<x>"
perl -pe "s/a/<x>/" f
sed "s/a/<x>/" f
sed --expression="s/a/<x>/" f
sed -n "/<x>/p" f
awk "/<x>/" f
awk -f <(echo "<x>")
make VAR=<x> -f mk
make --eval="<x>" -f mk
sqlite3 :memory: .<x>
tar cf x.tar f --checkpoint=1 --checkpoint-action=<x>
tar cf x.tar -I "<x>" f
split --filter="<x>" f
git -c alias.z="<x>" z
env -S"<x>"
env <x>
nice <x>
timeout 1 <x>
setsid <x>
find . -exec sh -c 'echo <x>' \;
xargs -I{} sh -c "<x>" < f
"""
VALUES = [
    "$(touch pwn)", "`touch pwn`", "a; touch pwn", "a\ntouch pwn\n", "'; touch pwn; '", '"; touch pwn; "',
    "a[$(touch pwn)]", "a[$(touch pwn)]=1", "touch pwn", "!touch pwn", "exec=touch pwn", "shell touch pwn",
    "x/;1e touch pwn\ns/y/z", '/{system("touch pwn")}/', 'x/ || system("touch pwn") || /x', "$(shell touch pwn)",
    'BEGIN{system("touch pwn")}', "__import__('os').system('touch pwn')", "system('touch pwn')", "evil", "./evil",
    "');__import__('os').system('touch pwn');('", "EOF\ntouch pwn",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "f").write_text("a\nb\n")
    (tmp_path / "mk").write_text("all:\n\techo $(VAR)\n")
    (tmp_path / "evil").write_text("#!/bin/sh\ntouch pwn\n")
    (tmp_path / "evil").chmod(0o755)
    return tmp_path


def run(found: Filled, folder: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "SHELL": "/bin/bash"}
    quiet = subprocess.DEVNULL
    with (
        suppress(OSError),
        subprocess.Popen(
            found.argv, cwd=folder, env=env, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        ) as process,
    ):
        with suppress(subprocess.TimeoutExpired):
            process.wait(2)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_no_hostile_value_ever_runs(folder: Path) -> None:
    templates = [line.replace("⏎", "\n") for line in TEMPLATES.strip().split("\n")]
    evil = str(folder / "evil")

    def ran(template: str) -> list[tuple[str, str]]:
        owned = []
        for value in (*VALUES, evil):
            own = folder / str(abs(hash((template, value))))
            own.mkdir()
            for each in ("f", "mk", "evil"):
                (own / each).symlink_to(folder / each)
            found = fill(template, {"<x>": Value(text=value)})
            if isinstance(found, Filled):
                run(found, own)
            owned += [(template, value)] if (own / "pwn").exists() else []
        return owned

    with ThreadPoolExecutor(2) as pool:
        assert [each for found in pool.map(ran, templates) for each in found] == []


# Places where a value is data, whatever it holds.
HARMLESS = [
    ('echo "deploy of <x>"', "it's $(done); ok"),
    ("find <x> -size +1G", "/var/log"),
    ("curl -s '<x>' | jq .status", "http://h/x?a=1&b=2"),
    ("grep -e '<x>' log | awk '{print $1}'", "error: (a|b)"),
    ('git commit -m "fix: <x>"', "a b; c"),
    ("kubectl exec web-1 -- ls '<x>'", "a folder"),
    ("cat '<x>' | sed 's/a/b/'", "a file"),
    ("psql -h <x> -c 'select 1'", "db-1.example.com"),
    ("sed -n 1,5p /var/log/<x>", "app/web.log"),
    ("sudo systemctl restart <x>", "web@1.service"),
    ("kept=$(printf %s '<x>'); echo \"$kept\"", "a b"),
]


@pytest.mark.parametrize(("template", "value"), HARMLESS)
def test_what_nobody_reads_again_may_hold_anything(template: str, value: str) -> None:
    assert isinstance(fill(template, {"<x>": Value(text=value)}), Filled)


REFUSED = [
    ("sudo <x>", "reboot"),
    ("PATH=<x> ls", "bin"),
    ("for p in <x>; do ls $p; done", "-la /"),
    ("ls $(echo <x>)", "a -la"),
    ("echo \"select '<x>'\" | psql", "'; drop table x; --"),
    ('ansible all -m shell -a "systemctl status <x>"', "a; reboot"),
    ('gcloud compute ssh h --command="ls <x>"', "a; reboot"),
    ("curl -F 'f=<x>' http://h -d <x>", "</etc/passwd"),
    ("sed -n '/<x>/p' f", "a/w"),
]


@pytest.mark.parametrize(("template", "value"), REFUSED)
def test_a_value_that_would_become_more_than_a_value_is_refused(template: str, value: str) -> None:
    found = fill(template, {"<x>": Value(text=value)})
    assert isinstance(found, Misfit), found
    assert found.why


def test_a_variable_that_a_shell_leaves_alone_is_left_alone() -> None:
    text = "echo $NAME \\$NAME | awk '{print $NAME}'"
    assert [each.text for each in written_places(text)] == ["$NAME"]
    found = fill(text, {"$NAME": Value(text="a b")})
    assert isinstance(found, Filled)
    assert found.text == "echo 'a b' \\$NAME | awk '{print $NAME}'"
