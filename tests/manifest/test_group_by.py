"""Labels that alerts are grouped by, and the word for none."""

from pathlib import Path

import pytest

from stationmaster.core.problem import InvalidInputError
from stationmaster.manifest.read import parse_document


def test_three_dots_are_read_as_no_grouping(tmp_path: Path) -> None:
    text = 'environment: lab\nincidents: {group_by: ["..."]}\n'
    assert parse_document(text, file="platform.yaml", folder=tmp_path).spec.incidents.group_by == ("...",)


@pytest.mark.parametrize("label", ["..", "....", "__name__", "a-b", ""])
def test_other_words_that_are_no_label_are_refused_with_a_hint(label: str, tmp_path: Path) -> None:
    text = f'environment: lab\nincidents: {{group_by: ["{label}"]}}\n'
    with pytest.raises(InvalidInputError) as refused:
        parse_document(text, file="platform.yaml", folder=tmp_path)
    assert "... for no grouping" in refused.value.diagnostics[0].hint
