"""A value stays one value: whatever it holds, and whatever quotes stand around its place."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stationmaster.runbooks.shell.script import BASH, Filled, Misfit, Value, fill, kept_variables, written_places

CANARY = "import sys, os; print(*['=' + os.fsencode(each).hex() for each in sys.argv[1:]])"

# A template with its place, and the words that a program has to see for the value V.
QUOTED = [
    ("canary <value-x>", ["V"]),
    ("canary a<value-x>b", ["aVb"]),
    ("canary --name=<value-x> z", ["--name=V", "z"]),
    ('canary "<value-x>"', ["V"]),
    ('canary "say <value-x> now" end', ["say V now", "end"]),
    ("canary 'say <value-x> now' end", ["say V now", "end"]),
    ("canary 'a'<value-x>\"b\"", ["aVb"]),
    ('canary "$VALUE_X"', ["V"]),
    ("canary $VALUE_X ${VALUE_X}", ["V", "V"]),
    ("true && canary <value-x> | cat", ["V"]),
    ('for each in <value-x> last; do canary "$each"; done', ["V", "last"]),
    ('if true; then canary "$(printf %s <value-x>; echo .)"; fi', ["V."]),
    ('kept=<value-x>; canary "$kept"', ["V"]),
    ("canary {{ value_x }} [DATE]", ["V", "[DATE]"]),
    ("case <value-x> in *) canary matched;; esac", ["matched"]),
]
NASTY = [
    "; touch /tmp/owned", "$(id)", "`id`", "a b", "'", '"', "\\", "a\\", "$HOME", "!x", "*", "~", "a\nb", "&& x", "| x",
    "> f", "${x}", "#x", "\u2028", "ü\u202e", "a'b\"c`d$e\\f", "<pod-name>", "{{ x }}", "Zq0Place0Qz", "=", "(x)", "\t",
]  # fmt: skip

values = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text and not text.startswith("-"))
values = values.filter(lambda text: not any(0xD800 <= ord(each) <= 0xDFFF for each in text))


def filled(template: str, value: str) -> Filled | Misfit:
    return fill(template, {each.text: Value(text=value) for each in written_places(template) if each.name == "value_x"})


def seen_by_canary(found: Filled, folder: Path) -> list[str]:
    """What the canary was really called with, in a real bash where one is needed."""
    program = folder / "canary"
    if not program.exists():
        program.write_text(f"#!{sys.executable} -IS\n{CANARY}\n")
        program.chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    ran = subprocess.run(
        [*found.argv], env={"PATH": path}, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    return [bytes.fromhex(each[1:]).decode("utf-8", "surrogateescape") for each in ran.stdout.decode().split()]


@pytest.mark.parametrize(("template", "words"), QUOTED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
@example(value="a'b\"c`d$e\\f $(touch owned) ; touch owned\n#")
def test_a_program_sees_exactly_the_value(template: str, words: list[str], value: str, tmp_path: Path) -> None:
    found = filled(template, value)
    assert isinstance(found, Filled), found
    wanted = [word.replace("V", value) for word in words]
    assert seen_by_canary(found, tmp_path) == wanted
    assert sorted(each.name for each in tmp_path.iterdir()) == ["canary"]


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize(("template", "words"), QUOTED)
def test_nasty_values_stay_one_value(template: str, words: list[str], value: str, tmp_path: Path) -> None:
    found = filled(template, value)
    assert isinstance(found, Filled), found
    assert seen_by_canary(found, tmp_path) == [word.replace("V", value) for word in words]


@settings(max_examples=60, deadline=None)
@given(value=values)
@example(value="EOF")
@example(value="a`b$(c)\\")
def test_a_here_document_keeps_its_lines(value: str) -> None:
    for template in ("cat <<EOF\nis <value-x> so\n<value-x>\nEOF", "cat <<'EOF'\nis <value-x> so\n<value-x>\nEOF"):
        found = filled(template, value)
        if isinstance(found, Misfit):
            assert set(value) & set("\n\r\x0b\x0c") or value.startswith("\t") or value == "EOF"
            continue
        ran = subprocess.run([*found.argv], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
        assert ran.stdout.decode() == f"is {value} so\n{value}\n"


# template, value: places where no quotes of ours protect a value from being taken apart again.
REFUSED = [
    ("<value-x> --all", "rm"),
    ("echo $<value-x>", "HOME"),
    ("echo ${<value-x>}", "HOME"),
    ("echo `ls <value-x>`", "a b"),
    ("echo \\<value-x>", "a b"),
    ("echo $'<value-x>'", "a b"),
    ("sh -c 'rm <value-x>'", "a; b"),
    ('sudo bash -c "ls <value-x>"', "$(id)"),
    ("ssh host ls <value-x>", "a b"),
    ("ssh host 'ls <value-x>'", "a b"),
    ("kubectl exec pod -- sh -c 'cat <value-x>'", "a b"),
    ("eval ls <value-x>", "a;b"),
    ("psql -c \"select '<value-x>'\"", "'; drop table x"),
    ("awk '/<value-x>/ {print}' f", "x/ {system(1)}"),
    ("python3 -c 'print(\"<value-x>\")'", '"'),
    ('curl -d \'{"a": "<value-x>"}\' http://h', '", "b": "'),
    ("bash <<EOF\nls <value-x>\nEOF", "a b"),
    ("cat <<EOF\n<value-x>\nEOF", "EOF"),
    ("cat <<EOF\n<value-x>\nEOF", "a\nEOF\nid"),
    ("echo $((1 + <value-x>))", "a[$(id)]"),
    ("canary <value-x>", "-rf"),
    ('canary "<value-x>"', "--all"),
    ("canary <value-x>", "a\0b"),
]


@pytest.mark.parametrize(("template", "value"), REFUSED)
def test_a_value_is_refused_where_something_would_take_it_apart(template: str, value: str) -> None:
    found = filled(template, value)
    assert isinstance(found, Misfit)
    assert found.why


def test_an_authors_pattern_may_let_an_option_through() -> None:
    assert isinstance(fill("canary <value-x>", {"<value-x>": Value(text="-v", free=True)}), Filled)


def test_one_plain_call_needs_no_shell() -> None:
    found = filled("kubectl get pod <value-x> -o wide", "web-1")
    assert isinstance(found, Filled)
    assert (found.argv, found.why) == (("kubectl", "get", "pod", "web-1", "-o", "wide"), "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ps aux | grep x", "a pipe"),
        ("for a in 1 2; do echo $a; done", "a loop"),
        ("cat <<EOF\nx\nEOF", "a here-document"),
        ("make && make install", "several commands"),
    ],
)
def test_what_needs_a_shell_says_why(text: str, why: str) -> None:
    found = fill(text, {})
    assert isinstance(found, Filled)
    assert found.argv == (*BASH, text)
    assert why in found.why


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("kubectl get pod $POD -n <name-space>", ["$POD", "<name-space>"]),
        ("for p in $(kubectl get $KIND); do echo $p; done", ["$KIND"]),
        ("echo '$NOT' \"$YES\"", ["$YES"]),
        ("awk '{print $NF}' f", []),
        ("docker ps --format '{{.Names}}'", []),
        ("cat <<'EOF'\n$NOT\nEOF", []),
        ("X=1; echo $X $HOME", []),
        ("while read -r line; do echo $line; done", []),
        ("curl X.X.X.X:80 {{ host_name }}", ["X.X.X.X", "{{ host_name }}"]),
    ],
)
def test_only_what_nothing_else_gives_a_value_is_a_place(text: str, places: list[str]) -> None:
    assert [each.text for each in written_places(text)] == places


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("POD=$(kubectl get pod)", ("POD",)),
        ("export A=1 B=2", ("A", "B")),
        ("cd /var/log", ("PWD",)),
        ("(cd /tmp; X=1)", ("PWD",)),
        ("echo x", ()),
    ],
)
def test_what_a_shell_leaves_behind_is_known(text: str, kept: tuple[str, ...]) -> None:
    assert kept_variables(text) == kept
