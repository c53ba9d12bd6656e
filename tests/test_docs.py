"""The documentation builds without warnings, and has a page for every op."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddsp_ref.registry import all_ops

ROOT = Path(__file__).parents[1]
NEEDED = ("sphinx", "numpydoc", "myst_parser", "furo")


@pytest.mark.slow
def test_documentation_builds_without_warnings(tmp_path):
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing or not (ROOT / "docs").exists():
        pytest.skip(f"needs the extra docs: {missing}")
    # a copy beside what the pages include: generated pages do not end up in the repository
    kept = shutil.ignore_patterns("_build", "reference")
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=kept)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    built = tmp_path / "html"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, str(tmp_path / "docs"), str(built)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    for name in all_ops():
        page = (built / "reference" / "ops" / f"{name}.html").read_text()
        for part in ("Parameters", "Gradient", "Worked by hand", "Shapes, source and tolerances"):
            assert part in page, f"{name}: nothing about {part}"
    assert "10 min" in (built / "accuracy.html").read_text()
