"""pytest: a test for each op, value or gradient, and dtype of a port written in Python.

In the port's repository, `pytest -p ddsp_ref.conformance.pytest_plugin` with this in its settings:

    [tool.pytest.ini_options]
    ddsp_conform = "my_port:adapter"
    ddsp_conform_expected = "conformance-expected.txt"

adds the tests. What the port does not implement is skipped, expected failures are xfailed, and one
that passes fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddsp_ref.conformance.report_table import details
from ddsp_ref.conformance.verdicts import BAD, EXPECTED, MISSING, Report, Verdict
from ddsp_ref.errors import DdspRefError

_WORDS = {
    "ddsp_conform": "module:name of the adapter of a port",
    "ddsp_conform_dtypes": "float32, float64, or both",
    "ddsp_conform_expected": "file of expected failures, beside the settings of pytest",
    "ddsp_conform_profile": "conventions of another library",
}


def pytest_addoption(parser: Any) -> None:
    """Declare the settings."""
    for name, text in _WORDS.items():
        parser.addini(name, text, default="")
    parser.getgroup("ddsp_ref").addoption("--ddsp-conform", help=_WORDS["ddsp_conform"])


def pytest_collection(session: pytest.Session) -> None:
    """Judge the port before tests are collected; stop if it cannot be found."""
    config = session.config
    spec = config.getoption("--ddsp-conform") or config.getini("ddsp_conform")
    if not spec or hasattr(config, "workerinput"):  # with xdist, the first process judges
        return
    try:
        session.stash[_REPORT] = _judge(spec, config)
    except DdspRefError as error:
        raise pytest.UsageError(f"ddsp_conform: {error}") from error


_REPORT = pytest.StashKey[Report]()


def _judge(spec: str, config: pytest.Config) -> Report:
    from ddsp_ref.conformance.adapters import load_adapter
    from ddsp_ref.conformance.diagnose import diagnose
    from ddsp_ref.conformance.expected import read_expected
    from ddsp_ref.conformance.profiles import profile_vectors
    from ddsp_ref.conformance.runner import run

    listed, profile = config.getini("ddsp_conform_expected"), config.getini("ddsp_conform_profile")
    return run(
        load_adapter(spec),
        profile_vectors(profile) if profile else None,
        dtypes=config.getini("ddsp_conform_dtypes").split() or ("float32", "float64"),
        expected=read_expected(Path(config.rootpath) / listed) if listed else None,
        port=spec,
        diagnose=diagnose,
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add a test for every verdict."""
    report = session.stash.get(_REPORT, None)
    if report is None:
        return
    folder = Judgements.from_parent(session, name=f"ddsp-conform[{report.port}]", path=Path.cwd())
    folder.verdicts = report.verdicts
    items.extend(folder.collect())
    for note in report.notes:
        session.config.issue_config_time_warning(pytest.PytestWarning(note), stacklevel=2)


class Judgements(pytest.Collector):
    """All verdicts on a port."""

    verdicts: list[Verdict]

    def __init__(self, *, path: Path, **rest: Any) -> None:
        super().__init__(**rest)
        self.path = path

    def collect(self) -> Iterator[pytest.Item]:
        """Yield a test for each verdict."""
        for verdict in self.verdicts:
            item = Judgement.from_parent(self, name="-".join(verdict.key))
            item.verdict = verdict
            yield item


class Judgement(pytest.Item):
    """One verdict as a test."""

    verdict: Verdict

    def runtest(self) -> None:
        """Fail, skip or pass as the verdict says."""
        text = "\n".join(details(self.verdict))
        if self.verdict.status == MISSING:
            pytest.skip(f"not implemented: {self.verdict.text}")
        if self.verdict.status == EXPECTED:
            pytest.xfail(text)
        if self.verdict.status in BAD:
            pytest.fail(text, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the test in reports."""
        return self.path, None, f"{self.parent.name}::{self.name}"
