"""Whatever a document holds, it is read: nothing of it is lost, nothing crashes, nothing takes for ever."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.read.sections import parse_document
from stationmaster.runbooks.read.steps import StepBuilder

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "open"
BLOCKS = st.sampled_from(
    [
        "# A title",
        "## 2. Check it",
        "Restart the pod.",
        "- a\n  - b `ls -l`",
        "1. Look.\n\n   ```bash\n   df -h\n   ```",
        "```\n$ ls\nout\n```",
        "    indented",
        "> quoted\n> more",
        "| a | b |\n|---|---|\n| `ls -l` | c |",
        "<details>\ntext\n</details>",
        "[ref]: http://x",
        "* * *",
        "Title\n=====",
        "Term\n: meaning",
        '=== "tab"\n\n    inner',
        "!!! note\n    inner",
        "```bash\nssh a",
        "{{< tabs >}}",
        '{{% tab name="a" %}}',
        "<!-- a comment -->",
        "<pod-name>",
        "~~~\nls\n~~~",
        "1. a\n1. b\n\n```\nls -l\n```\n1. c",
    ]
)


def build(text: str) -> None:
    StepBuilder(file="x.md", lines=text.split("\n")).document(parse_document(text).root)


def covered(text: str) -> set[int]:
    runbook = read_runbook(text, file="x.md").runbook
    spans = [each.lines for each in runbook.sections] + [each.lines for each in runbook.walk()]
    return {line for span in spans for line in range(span.first, span.last + 1)}


def lost(text: str) -> list[int]:
    found = covered(text)
    return [number for number, line in enumerate(text.split("\n"), 1) if line.strip() and number not in found]


@given(st.lists(BLOCKS, max_size=8).map("\n\n".join))
@settings(deadline=None)
def test_every_line_belongs_to_a_step_a_note_or_a_section(text: str) -> None:
    assert lost(text) == []


@given(st.lists(BLOCKS, max_size=8).map("\n".join))
@settings(deadline=None)
def test_addresses_are_unique_and_lines_lie_in_the_document(text: str) -> None:
    steps = list(read_runbook(text, file="x.md").runbook.walk())
    assert len({step.address for step in steps}) == len(steps)
    assert all(1 <= step.lines.first <= step.lines.last <= text.count("\n") + 1 for step in steps)
    assert all(edge.target in {"", *(step.address for step in steps)} for step in steps for edge in step.edges)


@given(st.text(alphabet="#`-*1.2 \n\t{}%<>!$()|&;'\"\\abc[]:=~_@^?/\r\x00\ufeff", max_size=300))
@settings(deadline=None)
def test_no_text_is_a_crash(text: str) -> None:
    read_runbook(text, file="x.md")


def test_every_line_of_the_corpus_is_kept_and_every_file_is_read() -> None:
    if not CORPUS.is_dir():
        pytest.skip(
            "needs the corpus of public runbooks in ../shared/corpus/open, which is not part of this repository"
        )
    for path in sorted(CORPUS.rglob("*.md"))[::12]:
        text = path.read_text("utf-8", "replace").replace("\r\n", "\n")
        if "{%" not in text:
            assert lost(text) == [], path


@pytest.mark.parametrize(
    "text", ["1. a\r\n\r\n\t```bash\r\n\tls -l\r\n\t```\r\n", "\ufeff# T\n\n1. a\n", "a\x00b", "\r\r\r"]
)
def test_line_ends_tabs_marks_and_nulls_are_read(text: str) -> None:
    read_runbook(text, file="x.md")


LARGE = {
    "one long line": "run the check " * 8000,
    "brackets": "[" * 60_000,
    "images": "![ " * 30_000,
    "stars": "*a " * 30_000,
    "backticks": "`a " * 30_000,
    "quotation marks": "' \" " * 20_000,
    "items": "- restart it\n" * 8000,
    "deep quotes": ">" * 10_000 + " a",
    "deep lists": "- " * 10_000 + "x",
    "nested lists": "\n".join(" " * (2 * depth) + "- a" for depth in range(400)),
    "headings": "# a\n" * 20_000,
    "numbered headings": "## Step 1: run\n" * 6000,
    "a long block": "```bash\n" + "kubectl get pods\n" * 4000 + "```\n",
    "an open quotation in a block": "```bash\necho 'x\n" + "a b c\n" * 8000 + "```\n",
    "many prompts": "```bash\n" + "psql -h a\nselect 1;\nexit\n" * 700 + "```",
    "unclosed fences": "```bash\n\n## x\n" * 4000,
    "conditions": "If it is down, restart it. " * 4000,
    "braces": "{" * 60_000,
    "placeholders": "<a " * 30_000,
    "at signs": "```\n" + "a@" * 30_000 + "\n```",
    "jumps": "1. Go to step 2.\n" * 4000,
    "html": "<div>\n" * 20_000,
}


@pytest.mark.parametrize("name", LARGE)
def test_large_documents_take_time_in_proportion_to_their_size(name: str) -> None:
    text = LARGE[name]
    started = time.process_time()
    build(text)
    assert time.process_time() - started < 20e-6 * len(text) + 1.5
