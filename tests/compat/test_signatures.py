"""Names, order and defaults of arguments are the original's; `noise` and `rng` come after.

`original_signatures.json` holds the original's, read off its source.
"""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import pytest

from ddsp_ref.compat.magenta._function import Function

from .coverage import find

ORIGINAL = json.loads((Path(__file__).parent / "original_signatures.json").read_text())
PRESENT = [path for path in ORIGINAL if find(path) is not None]


def parameters(path):
    thing = find(path)
    if isinstance(thing, Function):
        found = thing.signature.parameters
    else:
        found = inspect.signature(thing).parameters
    return [p for p in found.values() if p.name != "self" and p.kind <= p.VAR_POSITIONAL]


@pytest.mark.parametrize("path", PRESENT)
def test_arguments_are_those_of_the_original(path):
    ours, theirs = parameters(path), ORIGINAL[path]
    if any(p.kind is p.VAR_POSITIONAL for p in ours):
        return
    names = [name for name, _ in theirs]
    assert [p.name for p in ours][: len(names)] == names
    for parameter, (name, default) in zip(ours, theirs, strict=False):
        if default is None:
            assert parameter.default is parameter.empty, f"{name} has a default"
            continue
        try:
            wanted = ast.literal_eval(default)
        except ValueError:  # a function, or a constant by name
            assert parameter.default is not parameter.empty
            continue
        assert parameter.default == wanted, name
    for parameter in ours[len(names) :]:
        assert parameter.name in ("noise", "rng"), f"{parameter.name} is not the original's"


def test_most_of_the_original_is_compared():
    assert len(PRESENT) > 200
