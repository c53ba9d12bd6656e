"""Outputs and gradients of magenta/ddsp 3.7.0 itself, and how they are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Golden:
    """One recorded call: float32 inputs, float64 outputs, cotangents and gradients by name."""

    label: str
    settings: dict
    info: dict
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    cotangents: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]

    @property
    def raises(self) -> str | None:
        """What the original raised, None if the call went through."""
        return self.info.get("raises")


def load(name: str) -> list[Golden]:
    """Return the recorded calls of one file, in their order."""
    with np.load(HERE / f"{name}.npz") as data:
        arrays = {key: data[key] for key in data.files}

    def part(label: str, kind: str) -> dict[str, np.ndarray]:
        start = f"{label}/{kind}/"
        return {k[len(start) :]: v for k, v in arrays.items() if k.startswith(start)}

    return [
        Golden(
            label,
            json.loads(str(arrays[f"{label}/settings"])),
            json.loads(str(arrays[f"{label}/info"])),
            part(label, "in"),
            part(label, "out64"),
            part(label, "G"),
            part(label, "grad64"),
        )
        for label in json.loads(str(arrays["__cases__"]))
    ]
