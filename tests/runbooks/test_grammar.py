"""No text ends the process that reads it, and several threads may read at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.grammar import tree_of

ALL_PLANES = """
from stationmaster.runbooks.shell.commands import parse
for code in range(0x10000, 0x110000, 61):
    parse("{" + chr(code) + " x; echo ${" + chr(code) + "}")
print("read")
"""


def test_letters_of_four_bytes_behind_a_brace_do_not_end_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_PLANES], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "read\n")


def test_the_hidden_letters_are_there_again_in_the_words() -> None:
    [command] = parse("echo 'one \U0001f600 {' \U0001f680go").commands
    assert [word.text for word in command.words] == ["echo", "one \U0001f600 {", "\U0001f680go"]


def test_the_tree_has_the_offsets_of_the_text_given() -> None:
    source = "echo \U0001f600 x".encode()
    assert tree_of(source).root_node.end_byte == len(source)


def test_several_threads_read_at_once() -> None:
    texts = [f"echo {number}; for x in a b; do cat <<E\n{number}\nE\ndone" for number in range(300)]
    alone = [parse(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(parse, texts)) == alone
