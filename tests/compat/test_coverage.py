"""The table of what there is of the original."""

from __future__ import annotations

from .absent import ABSENT
from .coverage import TABLE, original_names, page, reason


def test_the_table_is_complete_and_as_written_down():
    text, wrong = page()
    assert not wrong, "\n".join(wrong)
    assert TABLE.read_text() == text, (
        "run `python -m tests.compat.coverage > docs/coverage-of-magenta.md`"
    )


def test_reasons_are_given_for_what_there_is_no_more_of():
    names = original_names()
    for name in ABSENT:
        assert any(path == name or path.startswith(f"{name}.") for path in names), name
    assert reason("core.resample") == ""
