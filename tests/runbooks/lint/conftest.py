"""The place in which the tests of the linter work."""

from pathlib import Path

import pytest

from tests.runbooks.lint.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
