"""Queries are found in their own language, one by one, each with the title above it."""

import pytest

from stationmaster.runbooks.read.queries import queries_of
from tests.runbooks.chapters import chapter


def found(text: str) -> list[tuple[str, str, str, int, int]]:
    return [
        (each.language, each.title, each.text, each.lines.first, each.lines.last) for each in queries_of(chapter(text))
    ]


def test_a_fence_of_several_queries_is_split_at_its_comments() -> None:
    text = '## Dashboard Queries\n\n```promql\n# Error rate\nrate(a[5m]) / rate(b[5m])\n\n# Up\nup{job="x"}\n```\n'
    assert found(text) == [
        ("promql", "Error rate", "rate(a[5m]) / rate(b[5m])", 5, 5),
        ("promql", "Up", 'up{job="x"}', 8, 8),
    ]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("sum(\n  rate(a[5m])\n)\n/\nsum(b)", 1),
        ("sum(a)\n\n/ sum(b)", 1),
        ("rate(a[5m])\nrate(b[5m])", 2),
        ("sum by (x) (\n\n  a\n)", 1),
        ("$ up == 0", 1),
        ("# only a comment", 0),
    ],
)
def test_promql_is_split_between_queries_alone(body: str, count: int) -> None:
    assert len(found(f"```promql\n{body}\n```\n")) == count


def test_sql_is_split_at_its_ends_and_changes_are_no_queries() -> None:
    text = "Run this:\n\n```sql\n-- who is there\nselect *\nfrom a; -- all\nDELETE FROM a;\nshow tables;\n```\n"
    assert found(text) == [
        ("sql", "who is there", "select *\nfrom a; -- all", 5, 6),
        ("sql", "Run this", "show tables;", 8, 8),
    ]


def test_the_expressions_of_prometheus_rules_are_queries() -> None:
    text = (
        "```yaml\n- alert: ErrorsHigh\n  expr: |\n    rate(a[5m]) > 1\n    and up\n  for: 5m\n"
        "- record: b\n  expr: sum(a)\n```\n"
    )
    assert found(text) == [
        ("promql", "ErrorsHigh", "rate(a[5m]) > 1\nand up", 3, 5),
        ("promql", "b", "sum(a)", 8, 8),
    ]


def test_a_fence_without_a_language_is_one_when_the_words_above_say_so() -> None:
    assert found("Use this PromQL query:\n\n```\nsum(rate(a[5m]))\n```\n")[0][:2] == ("promql", "Use this PromQL query")
    assert found("Use the PromQL console:\n\n```\n$ kubectl get pods\n```\n") == []
    assert found("```\nselect 1\n```\n") == []
