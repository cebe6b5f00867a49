"""Shell text is read as bash reads it; where that is not certain, it is said."""

import pytest

from stationmaster.runbooks.shell.commands import SimpleCommand, parse, statements


def words(command: SimpleCommand) -> list[str]:
    return [word.text for word in command.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kubectl get pods -n 'a b'", [["kubectl", "get", "pods", "-n", "a b"]]),
        ("r\\m \"x y\"'z'", [["rm", "x yz"]]),
        ("a | b && c; d", [["a"], ["b"], ["c"], ["d"]]),
        ("a \\\n  -b", [["a", "-b"]]),
        ("sort <a -o b", [["sort", "-o", "b"]]),
        ("awk -F$'\\t' x", [["awk", "-F\t", "x"]]),
        ("echo $(rm x)", [["rm", "x"], ["echo", "$(rm x)"]]),
        ("kubectl logs <pod-name> -n {{ namespace }}", [["kubectl", "logs", "<pod-name>", "-n", "{{ namespace }}"]]),
        ("if true; then rm x; fi", [["true"], ["rm", "x"]]),
    ],
)
def test_a_text_gives_its_simple_commands(text: str, expected: list[list[str]]) -> None:
    script = parse(text)
    assert sorted(words(command) for command in script.commands if command.words) == sorted(expected)
    assert script.opaque == ()


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("a > b", ("b",)),
        ("a >> b 2>&1", ("b",)),
        ("a > /dev/null 2>&1", ()),
        ("a 2>&-", ()),
        ("a < b", ()),
        ("a >| b", ("b",)),
        ("a &> b", ("b",)),
        ("cat <<X > b\nx\nX", ("b",)),
        ("> b", ("b",)),
    ],
)
def test_redirections_that_write_are_told(text: str, writes: tuple[str, ...]) -> None:
    assert parse(text).commands[-1].writes == writes


@pytest.mark.parametrize(
    ("text", "fed"),
    [
        ("psql <<< 'SELECT 1'", "SELECT 1"),
        ("psql <<'X'\nSELECT 1\nX", "SELECT 1"),
        ("psql <<X\nSELECT 1\nX", "SELECT 1"),
        ("psql <<X\nSELECT $a\nX", None),
        ('psql <<< "$a"', None),
        ("psql", ""),
    ],
)
def test_what_a_command_is_fed_is_told_where_it_is_known(text: str, fed: str | None) -> None:
    assert parse(text).commands[-1].fed == fed


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("ls $x", False),
        ("x=a; ls $x", False),
        ("x=-o; ls $x", True),
        ("x=$(a); ls $x", True),
        ('x=$(a); ls "p$x"', False),
        ("ls $(a)", True),
        ('ls "$(a)"', True),
        ('ls "p$(a)"', False),
        ("ls {a,b}", True),
        ("ls $_", True),
        ("ls ${x:--o}", True),
        ("ls ${x:-a}", False),
        ("for x in a b; do ls $x; done", False),
        ("for x in $(a); do ls $x; done", True),
        ("read x; ls $x", True),
        ("ls jsonpath={..metadata.name}", False),
    ],
)
def test_words_that_may_turn_out_to_be_options_are_loose(text: str, loose: bool) -> None:
    command = next(command for command in parse(text).commands if command.program == "ls")
    assert command.words[-1].loose is loose


@pytest.mark.parametrize(
    "text",
    [
        "echo x # \\rm a\n\\rm a",
        'sort -o$"a" b',
        "echo $'\\\\'; rm a #'",
        "echo `echo \\`rm x\\``",
        "cat <<X\n`rm x`\nX",
        "cat <<A <<B\nx\nA\ny\nB",
        "cat <<X\nX \nrm x\n",
        "echo ${x:-<(rm a)}",
        "echo ${x@P}",
        "echo 'unclosed",
        "ls\u00a0-l",
        "ls\r\nrm x",
        "f() { rm x; }",
    ],
)
def test_what_a_shell_may_read_otherwise_is_opaque(text: str) -> None:
    assert parse(text).opaque


@pytest.mark.parametrize("text", ["a", "a -b 'c d'", "a \\\n b"])
def test_one_plain_call_can_run_as_an_argv(text: str) -> None:
    assert parse(text).simple


@pytest.mark.parametrize("text", ["a; b", "a | b", "a > b", "a &", "a $(b)", "a <<< b", "", "# a"])
def test_what_needs_a_shell_is_not_simple(text: str) -> None:
    assert not parse(text).simple


def test_statements_keep_the_comments_above_them_and_their_lines() -> None:
    found = list(statements("# careful\nkubectl get pods\n\ndf -h | tail\n"))
    assert [(each.text, each.first_line, each.last_line, each.comment) for each in found] == [
        ("kubectl get pods", 1, 1, "careful"),
        ("df -h | tail", 3, 3, ""),
    ]
