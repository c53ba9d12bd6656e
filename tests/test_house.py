"""The rules of the house that can be read off the source files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

import ddsp_ref
from ddsp_ref.registry import all_ops

PACKAGE = Path(ddsp_ref.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# From top to bottom: a file imports from its own row and from rows below, never from above.
ROWS = [
    {"app", "__main__"},
    {"transfer", "compat"},
    {"importers", "exporters", "streaming"},
    {"models"},
    {"analysis", "processors", "io", "plots", "bridges", "conformance"},
    {"registry"},
    {"ops"},
    {"op"},
    {"call"},
    {"arguments"},
    {"errors", "jit"},
]


def part_of(path: Path) -> str:
    """Return the name of the part of the house that a file belongs to."""
    inside = path.relative_to(PACKAGE).parts
    return inside[0].removesuffix(".py")


def row_of(part: str) -> int:
    return next(i for i, row in enumerate(ROWS) if part in row)


def imports(path: Path):
    """Yield the part of the house that each import of a file names."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "ddsp_ref":
                names = [f"ddsp_ref.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("ddsp_ref."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=[str(f.relative_to(PACKAGE)) for f in FILES])
def test_imports_point_down(path):
    part = part_of(path)
    if part == "__init__":
        return
    for other in imports(path):
        if other.startswith("__"):
            continue
        assert row_of(other) >= row_of(part), f"{part} imports {other}, which stands above it"


@pytest.mark.parametrize("path", FILES, ids=[str(f.relative_to(PACKAGE)) for f in FILES])
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert text.count("\n") <= 320, "longer than 320 lines: does it hold one thing?"


@pytest.mark.parametrize("path", FILES, ids=[str(f.relative_to(PACKAGE)) for f in FILES])
def test_only_one_file_configures_numba_and_none_unpickles(path):
    part = part_of(path)
    text = path.read_text()
    assert part == "jit" or "import numba" not in text
    assert "parallel=True" not in text
    assert "import pickle" not in text, "nothing unpickles what a user was sent"
    assert "allow_pickle=True" not in text


def names_read(code: CodeType) -> set[str]:
    """Return the global names and attributes that a function reads, and functions inside it."""
    inner = [names_read(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


def test_definitions_share_no_code_with_kernels():
    """A definition reads no name of its file but tables, which have tests of their own."""
    for name, op in all_ops().items():
        module = sys.modules[op._define.__module__]
        compiled = {n for n, v in vars(module).items() if hasattr(v, "py_func")}
        used = names_read(op._define.__code__)
        assert not used & compiled, f"{name}: the definition calls {used & compiled}"
        assert "vjp" not in used, f"{name}: the definition calls a vjp"


def test_import_costs_almost_nothing():
    code = "import sys, ddsp_ref; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("numpy", "numba", "scipy", "matplotlib", "soundfile"):
        assert f"'{heavy}'" not in loaded, f"import ddsp_ref loads {heavy}"


def test_every_public_name_can_be_had():
    for name in dir(ddsp_ref):
        assert getattr(ddsp_ref, name) is not None


def test_stubs_list_the_public_names():
    """Type checkers cannot see lazy names; `python -m tests.write_stubs` writes them down."""
    from .write_stubs import stub_text

    written = (PACKAGE / "__init__.pyi").read_text()
    assert written == stub_text(), "run `python -m tests.write_stubs`"
