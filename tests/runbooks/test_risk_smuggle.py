"""Nobody gets a change past the classifier: what is classed read is really run, and must change nothing."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stationmaster.runbooks.risk import Risk, assess
from tests.runbooks.canary import World, world

_PAYLOADS = (
    "rm a",
    "canary",
    "touch new",
    "echo x > a",
    "echo x >> a",
    "sed -i s/a/b/ a",
    "sort -o a b",
    "sort --outp=a b",
    "sort -uo a b",
    "tee new",
    "find . -name b -delete",
    "find . -fprintf new x",
    "find . -exec rm {} ;",
    "sed -n '1w new' a",
    "sed '1e canary' a",
    "sed 's/a/b/w new' a",
    "awk 'BEGIN{system(\"canary\")}'",
    "awk 'BEGIN{print 1 > \"new\"}'",
    "awk 'BEGIN{\"canary\" | getline}'",
    'awk \'/"/ {print > "f"} /"/\' a',
    "tar cf new a",
    "tar tf x --to-command=canary",
    "uniq a new",
    "xargs canary < a",
    "bash s.sh",
    "bash list",
    ". ./list",
    "source ./list",
)
_CARRIERS = (
    "echo {}",
    "cat a; {}",
    "true && {}",
    "false || {}",
    "cat a | {}",
    "{} | cat",
    "( {} )",
    "{{ {}; }}",
    "! {}",
    "{} &",
    "echo $({})",
    'echo "$({})"',
    "echo `{}`",
    "cat <({})",
    "cat < <({})",
    "echo ${{x:-$({})}}",
    "echo $(( $({}) ))",
    "x=$({}); echo $x",
    "for i in $({}); do echo $i; done",
    "for i in 1; do {}; done",
    "if {}; then echo; fi",
    "if true; then {}; fi",
    "case x in x) {};; esac",
    "until {}; do break; done",
    "f() {{ {}; }}; f",
    "function g {{ {}; }}; g",
    "bash -c '{}'",
    'sh -c "{}"',
    "bash <<< '{}'",
    "bash <<X\n{}\nX",
    "cat <<X\n$({})\nX",
    "cat <<X\n`{}`\nX",
    "cat <<'X'\nX\n{}\n",
    "cat <<X\nX \n{}\nX\n",
    "cat <<-X\n\tX\n{}\n",
    'cat <<"X"\nX\n{}\n',
    "cat <<X | cat\nhi\nX\n{}",
    "cat <<X && {}\nhi\nX\n",
    "cat <<X; {}\nhi\nX\n",
    "cat <<X > new\nhi\nX\n",
    "cat <<A <<B\nx\nA\ny\nB\n{}\n",
    "echo x # {}\n{}",
    "echo x\\\n{}",
    "echo \\\n; {}",
    "echo '\\'; {}",
    'echo "\\""; {}',
    "echo a#b; {}",
    "echo a\r\n{}",
    "eval '{}'",
    "eval echo x\\; {}",
    "env {}",
    "env -i PATH=$PATH {}",
    "timeout 2 {}",
    "nohup {}",
    "command {}",
    "builtin eval '{}'",
    "exec {}",
    "trap '{}' EXIT",
    "alias ls='{}'\nls",
    "shopt -s expand_aliases\nalias cat='{}'\ncat a",
    "x='{}'; $x",
    "x='{}'; eval \"$x\"",
    "x='{}'; echo ${{x@P}}",
    "x='$({})'; echo ${{x@P}}",
    "x='a[$({})]'; echo $((x))",
    "x='a[$({})]'; [[ $x -eq 1 ]]",
    "[[ -v 'a[$({})]' ]]",
    "test -v 'a[$({})]'",
    "x='a[$({})]'; echo ${{!x}}",
    "(( a[$({})] ))",
    "printf -v 'a[$({})]' x",
    "read 'a[$({})]' <<< x",
    "let 'a[$({})]=1'",
    "declare -n r=PATH; echo x; {}",
    "coproc {}",
    "time {}",
    "echo $[ $({}) ]",
    "PS4='$({})'; set -x; echo",
    "mapfile -C '{}' -c 1 x < a",
    "select x in 1; do {}; done",
    "jobs -x {}",
    "echo x | while read l; do {}; done",
    "printf '%s' '{}' | bash",
    "echo '{}' | sh",
    "cat list | bash",
    "xargs -I% sh -c '{}' < a",
    "echo {} | xargs env",
    'set -- {}; "$@"',
    'x=({}); "${{x[@]}}"',
    "IFS=,; x='{}'; $x",
    'echo "$(cat <<X\n$({})\nX\n)"',
    "echo '{}' > /dev/null; {}",
    "[ -f a ] && {}",
    "[[ -f a ]] && {}",
    "echo $'\\'; {}",
    "echo $'\\''; {} #'",
    'echo "${{x:-"$({})"}}"',
    "echo {{ $({}) }}",
    "echo {{{{ $({}) }}}}",
    "echo <x> ; {}",
    "find . -name a -exec {} ;",
    'echo "`echo \\`{}\\``"',
)
_DISGUISES = (
    "{}",
    "'{}'",
    '"{}"',
    "\\{}",
    "$'{}'",
    "''{}",
    '{}""',
    "{}\\\n",
    "$(echo {})",
    "${{x:-{}}}",
    "{{{},}}",
    "`echo {}`",
    "{} ",
    "\u200b{}",
    "{}\u00a0",
    "\t{}",
    '$"{}"',
)
_TOKENS = (
    "rm",
    "canary",
    "touch",
    "cat",
    "echo",
    "sort",
    "ls",
    "a",
    "b",
    "new",
    "-o",
    "-n",
    ";",
    "&&",
    "||",
    "|",
    "&",
    "\n",
    " ",
    " ",
    " ",
    " ",
    "(",
    ")",
    "{",
    "}",
    "$(",
    "`",
    "'",
    '"',
    "\\",
    "\\\n",
    "#",
    "$x",
    "x=",
    "${x}",
    "$((",
    "))",
    "<",
    ">",
    ">>",
    "<<X\n",
    "\nX\n",
    "<<<",
    "2>&1",
    ">|",
    "<>",
    "[[",
    "]]",
    "[",
    "]",
    "!",
    "if",
    "then",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "case",
    "esac",
    ";;",
    "$'",
    "*",
    "?",
    "~",
    "=",
    "-",
    "--",
    "xargs",
    "env",
    "eval",
    "bash",
    "-c",
    "find",
    "-delete",
    "-exec",
    "\\;",
    "{}",
    "{a,b}",
    "sed",
    "-i",
    "awk",
    "tee",
    "true",
    "time",
    "\t",
    "\r",
    "$",
    "@P}",
    "${",
    ":-",
    "uniq",
    "test",
    "-v",
    "printf",
    "read",
    "command",
    "<(",
    "1",
)
_PATIENT = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow], derandomize=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[World]:
    with world() as made:
        yield made


def _stays_harmless(sandbox: World, text: str) -> None:
    if assess(text).risk is Risk.READ:
        assert sandbox.changes(text) == []


def test_the_canaries_sing(sandbox: World) -> None:
    assert sandbox.changes("cat a | sort") == []
    assert sandbox.changes("true; rm a") == ["rm a"]
    assert sandbox.changes("sort -o new a") == ["new is not what it was"]
    assert sandbox.changes("echo $(canary) >> a") == ["canary ", "a is not what it was"]


@pytest.mark.parametrize("payload", _PAYLOADS)
def test_no_payload_is_classed_read_and_each_really_changes_something(payload: str) -> None:
    assert assess(payload).risk is not Risk.READ


@pytest.mark.parametrize("carrier", _CARRIERS)
def test_no_carrier_hides_a_call(carrier: str, sandbox: World) -> None:
    for payload in ("canary", "rm a"):
        text = carrier.format(*[payload] * carrier.count("{}"))
        if sandbox.changes(text):
            assert assess(text).risk is not Risk.READ, text


@given(data=st.data())
@_PATIENT
def test_what_is_classed_read_changes_nothing_however_it_is_wrapped(data: st.DataObject, sandbox: World) -> None:
    payload = data.draw(st.sampled_from(_PAYLOADS))
    words = payload.split(" ")
    for place in data.draw(st.sets(st.integers(0, len(words) - 1), max_size=2)):
        words[place] = data.draw(st.sampled_from(_DISGUISES)).format(words[place])
    text = " ".join(words)
    for carrier in data.draw(st.lists(st.sampled_from(_CARRIERS), max_size=3)):
        text = carrier.format(*[text] * carrier.count("{}"))
    _stays_harmless(sandbox, text)


@given(tokens=st.lists(st.sampled_from(_TOKENS), min_size=2, max_size=14))
@example(tokens=["echo", " ", "`", "echo", " ", "\\", "`", "rm", " ", "a", "\\", "`", "`"])
@example(tokens=["x=", "-o", ";", "sort", " ", "$x", " ", "new", " ", "a"])
@_PATIENT
def test_what_is_classed_read_changes_nothing_whatever_its_tokens(tokens: list[str], sandbox: World) -> None:
    _stays_harmless(sandbox, "".join(tokens))


@given(text=st.text(max_size=60))
def test_no_text_at_all_is_a_crash(text: str) -> None:
    assert assess(text).why


@pytest.mark.parametrize(
    "text", ["\udc80", "rm \ud800 x", "\x00", "a\x00b", "\ue000" * 5, "\ue0000\ue001", "<a b>" * 100]
)
def test_odd_code_points_are_no_crash(text: str) -> None:
    assert assess(text).risk is not Risk.READ
