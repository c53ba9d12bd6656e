"""Write ddsp_ref/__init__.pyi from the registry: `python -m tests.write_stubs`."""

from __future__ import annotations

from pathlib import Path

import ddsp_ref
from ddsp_ref.registry import all_ops


def stub_text() -> str:
    """Return the text of the stub file."""
    homes = dict(ddsp_ref._HOME)
    homes |= {name: op.__module__ for name, op in all_ops().items()}
    lines = [f"from {home} import {name} as {name}" for name, home in homes.items()]
    lines = sorted(lines, key=lambda line: (line.split()[1], line))
    return "\n".join([*lines, "", "__version__: str", ""])


if __name__ == "__main__":
    Path(ddsp_ref.__file__).with_name("__init__.pyi").write_text(stub_text())
