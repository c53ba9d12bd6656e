"""The generated pages: one for every op of the registry, and lists of all other public names."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path

import numpy as np
from numpydoc.docscrape_sphinx import SphinxDocString

import ddsp_ref
from ddsp_ref.registry import all_ops

# Themes are the folders under ddsp_ref/ops; what is not listed gets its name as a title.
TITLES = {"losses": "Losses", "layers": "Layers of networks", "spectral": "Spectra and levels"}


def title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def indented(text: str) -> str:
    return textwrap.indent(text, "   ")


def docstring(op) -> str:
    """Return the docstring as reStructuredText; each note begins a paragraph."""
    text = re.sub(r"^([A-Z][a-z]+): ", r"\n**\1**: ", inspect.getdoc(op), flags=re.M)
    # outside of literals and examples a bar is a bar, not the start of a substitution
    pieces = re.split(r"(``.*?``|^ *(?:>>>|\.\.\.) [^\n]*$)", text, flags=re.M | re.S)
    text = "".join(p if i % 2 else p.replace("|", r"\|") for i, p in enumerate(pieces))
    return str(SphinxDocString(text, config={"show_class_members": False}))


def definition(op) -> str:
    """Return the source of the definition, without its docstring."""
    lines = inspect.getsource(op._define).splitlines()
    first = ast.parse("\n".join(lines)).body[0].body[0]
    return "\n".join(lines[: first.lineno - 1] + lines[first.end_lineno :])


def shown(value) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(shown(part) for part in value) + ")"
    digits = {"float_kind": lambda number: f"{number:.6g}"}
    return np.array2string(np.asarray(value), formatter=digits, separator=", ", threshold=60)


def worked_case(op) -> str:
    """Return the first case, the one worked out by hand."""
    case = op.cases()[0]
    pairs = [(n, shown(a)) for n, a in zip(op.array_names, case.arrays, strict=True)]
    pairs += [(name, repr(value)) for name, value in case.settings.items()]
    pairs.append(("result", shown(case.expected)))
    lines = []
    for name, text in pairs:
        rest = " " * (len(name) + 3)
        lines.append(f"{name} = " + text.replace("\n", "\n" + rest))
    return "\n".join(lines)


def op_page(op) -> str:
    """Return the page of one op."""
    module = inspect.getmodule(op._define)
    path = module.__name__.replace(".", "/") + ".py"
    rows = [
        ("signature", f"``{op.signature}``"),
        ("source", op.source),
        ("file", f"``{path}``"),
        ("float32, value", f"{op.float32_error:.1e} of the largest value"),
        ("float32, gradient", f"{op.float32_grad_error:.1e} of the largest cotangent"),
        ("float64", "1e-11 of the largest value, 1e-10 of the largest cotangent"),
    ]
    parameters = inspect.signature(op._define).parameters.values()
    signature = inspect.Signature([p for p in parameters if p.name != "xp"])
    table = ".. list-table::\n   :stub-columns: 1\n   :widths: 20 80\n\n"
    table += "\n".join(f"   * - {name}\n     - {text}" for name, text in rows)
    return "\n".join([
        title(op.name, "="),
        ".. py:currentmodule:: ddsp_ref\n",
        f".. py:function:: {op.name}{signature}\n",
        indented(docstring(op)),
        "",
        title("Definition", "-"),
        "The formula as code, for one entry of a batch; the fast path is tested against it.\n",
        ".. code-block:: python\n",
        indented(definition(op)),
        "",
        title("Worked by hand", "-"),
        ".. code-block:: text\n",
        indented(worked_case(op)),
        "",
        title("Shapes, source and tolerances", "-"),
        "Errors are the largest that the tests allow, over all cases of the op.\n",
        table,
        "",
    ])  # fmt: skip


def first_line(thing) -> str:
    return inspect.getdoc(thing).splitlines()[0]


def toctree(entries, *options: str) -> str:
    lines = [".. toctree::", *(f"   {option}" for option in options), ""]
    return "\n".join([*lines, *(f"   {entry}" for entry in entries), ""])


def write_ops(folder: Path) -> None:
    themes: dict[str, list] = {}
    for op in all_ops().values():
        themes.setdefault(op._define.__module__.split(".")[2], []).append(op)
        write(folder / "ops" / f"{op.name}.rst", op_page(op))
    for theme, ops in themes.items():
        name = TITLES.get(theme, theme.capitalize())
        lines = [f"* :py:func:`~ddsp_ref.{op.name}`: {first_line(op)}" for op in ops]
        tree = toctree([f"{op.name}" for op in ops], ":hidden:")
        write(
            folder / "ops" / f"theme_{theme}.rst", "\n".join([title(name, "="), *lines, "", tree])
        )
    intro = "An op is a function of arrays with a value, a gradient and a definition.\n"
    tree = toctree([f"ops/theme_{theme}" for theme in sorted(themes)], ":maxdepth: 2")
    write(folder / "ops.rst", "\n".join([title("Ops", "="), intro, tree]))


def write_names(folder: Path) -> None:
    """Write a page for each part of the house that has public names."""
    parts: dict[str, list[str]] = {}
    for name, home in ddsp_ref._HOME.items():
        parts.setdefault(home.split(".")[1], []).append(name)
    for part, names in parts.items():
        text = [title(f"ddsp_ref.{part}", "="), ".. py:currentmodule:: ddsp_ref\n"]
        for name in sorted(names):
            if inspect.isclass(getattr(ddsp_ref, name)):
                text.append(f".. autoclass:: ddsp_ref.{name}\n   :members:\n")
            else:
                text.append(f".. autofunction:: ddsp_ref.{name}\n")
        write(folder / "names" / f"{part}.rst", "\n".join(text))
    tree = toctree([f"names/{part}" for part in sorted(parts)], ":maxdepth: 1")
    write(folder / "names.rst", "\n".join([title("All other names", "="), tree]))


def write_pages(folder: Path) -> None:
    """Write everything below `folder`, and a list of the pages that stand beside it."""
    write_ops(folder)
    write_names(folder)
    beside = [path.stem for path in sorted(folder.parent.glob("*.md")) if path.stem != "index"]
    tree = toctree([f"/{name}" for name in beside], ":maxdepth: 1")
    write(folder / "pages.rst", "\n".join([title("Measured and compared", "="), tree]))


def write(path: Path, text: str) -> None:
    """Write a page if it differs from what is there, so that only changes are built anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
