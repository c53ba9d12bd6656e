"""What of the original there is: `python -m tests.compat.coverage` prints a table in Markdown.

Each line: a function or class of the original, the ops and modules it stands on, how many of its
recorded calls agree in value and in gradient (in both precisions), and why it is not there. Ends
with an error if something is missing without a reason, or a recorded call does not agree.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import ddsp_ref.compat.magenta as ddsp
from ddsp_ref.compat.magenta._function import Function
from ddsp_ref.registry import all_ops

from .absent import ABSENT
from .calls import all_cases
from .compare import compare
from .exceptions import DIFFERS, FLOAT32_ONLY, REFUSED, RUNS
from .test_golden import BOUNDS, disagreements

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "docs" / "coverage-of-magenta.md"
FACE = "ddsp_ref.compat.magenta"


def original_names() -> list[str]:
    """Return "core.resample" and all the others, in the original's order."""
    modules = json.loads((HERE / "original_names.json").read_text())
    return [f"{module}.{name}" for module, names in modules.items() for name in names]


def find(path: str) -> Any:
    """Return what the face has under a name, None if nothing."""
    found: Any = ddsp
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def reason(path: str) -> str:
    """Return why something is absent, by its name or that of its module."""
    parts = path.split(".")
    known = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((ABSENT[name] for name in known if name in ABSENT), "")


def stands_on(thing: Any, seen: set | None = None) -> list[str]:
    """Return the ops, and the functions of other parts of the library, that code refers to."""
    seen = set() if seen is None else seen
    if isinstance(thing, Function):
        thing = thing.body
    if isinstance(thing, dict):
        return sorted({name for value in thing.values() for name in stands_on(value, seen)})
    module = getattr(thing, "__module__", None) or ""
    if id(thing) in seen or not module.startswith("ddsp_ref."):
        return []
    seen.add(id(thing))
    if not module.startswith(FACE):
        is_part = module.startswith(("ddsp_ref.analysis.", "ddsp_ref.processors."))
        return [f"{module.removeprefix('ddsp_ref.')}.{thing.__name__}"] if is_part else []
    if inspect.isclass(thing):
        members = [m for base in thing.__mro__ for m in vars(base).values()]
        unwrapped = [getattr(m, "__func__", m) for m in members]
        functions = [m for m in unwrapped if isinstance(m, Function) or inspect.isfunction(m)]
        bases = [base for base in thing.__mro__[1:] if not base.__module__.startswith(FACE)]
        return sorted({name for one in functions + bases for name in stands_on(one, seen)})
    return _of_function(thing, seen) if inspect.isfunction(thing) else []


def _of_function(function: Any, seen: set) -> list[str]:
    ops, names = all_ops(), _names(function.__code__)
    texts = [c for c in _constants(function.__code__) if isinstance(c, str)]
    texts += [cell.cell_contents for cell in function.__closure__ or ()]
    texts = [text for text in texts if isinstance(text, str)]
    found = {text for text in texts if text in ops}
    found |= {on for default in function.__defaults__ or () for on in stands_on(default, seen)}
    found |= {op for text in texts if text == "resample_" for op in ops if op.startswith(text)}
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            members = (getattr(value, member, None) for member in names)
            found |= {on for member in members for on in stands_on(member, seen)}
        elif name not in ops:
            found |= set(stands_on(value, seen))
    return sorted(found)


def _codes(code: Any) -> list[Any]:
    inner = [c for const in code.co_consts if inspect.iscode(const) for c in _codes(const)]
    return [code, *inner]


def _constants(code: Any) -> list[Any]:
    return [const for c in _codes(code) for const in c.co_consts]


def _names(code: Any) -> set[str]:
    return {name for c in _codes(code) for name in c.co_names}


def recorded_calls() -> tuple[Counter, Counter, list[str]]:
    """Return, by function, value and gradient cases (all, and those that agree); what does not."""
    values, gradients, wrong = Counter(), Counter(), []
    before: dict[str, str] = {}
    for file, golden in all_cases():
        key = f"{file}/{golden.label}"
        outcomes = {dtype: compare(file, golden, dtype) for dtype in BOUNDS}
        bad = [t for dtype, o in outcomes.items() for t in disagreements(file, golden, o, dtype)]
        functions = outcomes[np.float64].function
        if not functions:  # refused: named in the call, or the function of the call before
            found = re.match(r"ddsp\.[\w.]+", golden.info["call"])
            functions = found.group() if found else before[file]
        before[file] = functions
        left_out = DIFFERS.get(key, ("", ""))[0]
        apart = key in RUNS or key in REFUSED or left_out == "*"
        gradient_apart = apart or left_out.startswith("grad/")
        for function in functions.removeprefix("ddsp.").split(", ddsp."):
            values.update({(function, "all"): 1, (function, _verdict(bad, apart)): 1})
            if golden.gradients:
                verdict = _verdict(bad, gradient_apart)
                gradients.update({(function, "all"): 1, (function, verdict): 1})
        wrong += [f"{key}: {line}" for line in bad]
    return values, gradients, wrong


def _verdict(bad: list[str], apart: bool) -> str:
    return "bad" if bad else "apart" if apart else "good"


def _passed(counts: Counter, path: str) -> str:
    """Write "5/6 (1 differs)", or nothing if there is nothing recorded."""
    if not counts[path, "all"]:
        return ""
    apart = counts[path, "apart"]
    more = f" ({apart} differ{'s' if apart == 1 else ''})" if apart else ""
    return f"{counts[path, 'good']}/{counts[path, 'all']}{more}"


def table() -> tuple[str, list[str]]:
    """Return the table, and what is wrong."""
    values, gradients, wrong = recorded_calls()
    lines = ["| magenta/ddsp 3.7.0 | stands on | values | gradients | if absent, why |"]
    lines += ["|---|---|---|---|---|"]
    names = original_names()
    for path in names:
        thing, why = find(path), reason(path)
        if thing is None and not why:
            wrong.append(f"{path} is missing without a reason")
        if thing is not None and path in ABSENT:
            wrong.append(f"{path} is there, and listed as absent")
        on = ", ".join(f"`{name}`" for name in stands_on(thing)) if thing is not None else ""
        on = on or ("in the face" if thing is not None else "")
        why = why if thing is None else ""
        passed = f"{_passed(values, path)} | {_passed(gradients, path)}"
        lines.append(f"| `{path}` | {on} | {passed} | {why} |")
    unknown = {function for function, _ in values} - set(names)
    wrong += [f"recorded calls of {name!r}, which is no name of the original" for name in unknown]
    return "\n".join(lines), wrong


def page() -> tuple[str, list[str]]:
    """Return the page for the documentation, and what is wrong."""
    text, wrong = table()
    reasons = {**RUNS, **REFUSED, **FLOAT32_ONLY, **{key: why for key, (_, why) in DIFFERS.items()}}
    notes = "\n".join(f"* `{key}`: {why}." for key, why in reasons.items())
    n_there = sum(find(path) is not None for path in original_names())
    head = (
        "# Coverage of magenta/ddsp\n\n"
        "Written by `python -m tests.compat.coverage`. `ddsp_ref.compat.magenta` has the names of\n"
        "the original on the left. Values and gradients: recorded calls that agree, in float64\n"
        "and in float32; those that differ on purpose are listed below. "
        f"{n_there} of {len(original_names())}\n"
        "names are there; for each of the others a reason is given.\n\n"
    )
    return f"{head}{text}\n\n## Differences on purpose\n\n{notes}\n", wrong


def main() -> int:
    text, wrong = page()
    print(text, end="")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
