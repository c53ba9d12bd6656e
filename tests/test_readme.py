"""What the README says is true: its examples run, its commands are those of .ci/run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="the README is not part of an installed package"
)


def test_examples_of_the_readme_run():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    failed, tried = doctest.testfile(str(ROOT / "README.md"), False, optionflags=flags)
    assert tried > 10
    assert failed == 0


def test_ci_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    command = re.search(r"## Test it\n+```sh\n(.+)\n```", readme).group(1)
    script = (ROOT / ".ci/run").read_text()
    assert command in script
