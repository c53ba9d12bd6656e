"""How each recorded call of the original is made on the face.

A recorded call is a text, such as "ddsp.synths.Harmonic(**settings).get_controls(**inputs)". Most
are read by rule; those that say something of their own are written down in `SPECIAL`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import ddsp_ref.compat.magenta as ddsp

from ..golden import Golden, load


@dataclass
class Made:
    """What a call gave: outputs by recorded name, and gradients for cotangents by that name."""

    outputs: dict[str, np.ndarray]
    gradients: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] | None
    function: str


def golden_files() -> list[str]:
    from ..golden import HERE

    return sorted(path.stem for path in HERE.glob("*.npz"))


def all_cases() -> list[tuple[str, Golden]]:
    return [(file, golden) for file in golden_files() for golden in load(file)]


def flatten(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Name the parts of a result as the golden files do."""
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, (tuple, list)):
        items = ((str(i), part) for i, part in enumerate(tree))
    else:
        return {prefix or "y": tree}
    flat: dict[str, Any] = {}
    for key, part in items:
        flat |= flatten(part, f"{prefix}/{key}" if prefix else key)
    return flat


def bars_like(tree: Any, bars: dict[str, Any], prefix: str = "") -> Any:
    """Put cotangents by recorded name into the form of a result."""
    if isinstance(tree, dict):
        return {k: bars_like(v, bars, f"{prefix}/{k}" if prefix else k) for k, v in tree.items()}
    if isinstance(tree, (tuple, list)):
        parts = (
            bars_like(v, bars, f"{prefix}/{i}" if prefix else str(i)) for i, v in enumerate(tree)
        )
        return tuple(parts)
    return bars.get(prefix or "y")


def at(path: str) -> Any:
    """Return what stands at "ddsp.core.resample"."""
    found = ddsp
    for name in path.removeprefix("ddsp.").split("."):
        found = getattr(found, name)
    return found


def cast(golden: Golden, dtype: type) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Return the inputs and the weights; what is floating-point in that precision."""
    arrays = {
        name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in golden.inputs.items()
    }
    weights = [a for name, a in sorted(arrays.items()) if name.startswith("w/")]
    return {n: a for n, a in arrays.items() if not n.startswith("w/")}, weights


def made(function: str, result: Any, pullback: Callable | None, names: dict | None = None) -> Made:
    """Return what a call gave; `names` says how the recorded inputs are called by the face."""

    def gradients(bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        pulled = pullback(bars_like(result, bars))
        of_layer = isinstance(pulled.get("weights"), list)
        weights = pulled.pop("weights") if of_layer else []
        found = flatten(pulled) if pulled else {}
        found = {name: found[key] for name, key in names.items()} if names else found
        return found | {f"w/{i:02d}": bar for i, bar in enumerate(weights)}

    return Made(flatten(result), None if pullback is None else gradients, function)


def call_function(path: str, inputs: dict, settings: dict, by_name: bool) -> Made:
    """Call a function, its arrays by name or in order."""
    function = at(path)
    if not hasattr(function, "vjp"):
        result = (
            function(**inputs, **settings) if by_name else function(*inputs.values(), **settings)
        )
        return made(path, result, None)
    if by_name:
        return made(path, *function.vjp(**inputs, **settings))
    names = dict(zip(inputs, function.signature.parameters, strict=False))
    return made(path, *function.vjp(*inputs.values(), **settings), names)


def call_processor(path: str, method: str, inputs: dict, settings: dict) -> Made:
    """Call a processor, or one of its two halves."""
    processor = at(path)(**settings)
    run = getattr(processor, f"{method}_vjp" if method else "vjp")
    if method == "get_controls" and "FilteredNoise" in path and "Reverb" not in path:
        inputs = {k: v for k, v in inputs.items() if k != "noise"}
    return made(path, *run(**inputs))


SPECIAL: dict[str, Callable] = {}


def special(*keys: str) -> Callable:
    """Say how the calls of a file, or of one case "file/label", are made."""

    def keep(function: Callable) -> Callable:
        SPECIAL.update(dict.fromkeys(keys, function))
        return function

    return keep


def make(file: str, golden: Golden, dtype: type) -> Made:
    """Make a recorded call in one precision."""
    inputs, weights = cast(golden, dtype)
    call, settings = golden.info["call"], golden.settings
    kind = golden.label.split("_")[0]
    for key in (f"{file}/{golden.label}", f"{file}/{kind}", file):
        if key in SPECIAL:
            return SPECIAL[key](golden, inputs, weights, settings)
    found = re.match(r"(ddsp\.[\w.]+)\(\*\*settings\)(?:\.(\w+))?\(\*\*inputs\)", call)
    if found and ("synths" in call or "effects" in call or "processors" in call):
        return call_processor(found.group(1), found.group(2) or "", inputs, settings)
    found = re.match(r"(ddsp\.[\w.]+)\((.*)\)", call)
    assert found, f"nothing says how to call {call!r}"
    by_name = found.group(2).startswith("**inputs")
    if "use_tf=False" in call:
        settings = settings | {"use_tf": False}
    return call_function(found.group(1), inputs, settings, by_name)
