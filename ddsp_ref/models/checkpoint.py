"""Checkpoints: everything that training needs to go on exactly, in one file, never a pickle."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from ddsp_ref.errors import CheckpointError
from ddsp_ref.io.files import atomic_path

SCHEMA = "ddsp_ref checkpoint 1"
BEST = "best.safetensors"
_KEEP = 2


@dataclass
class Checkpoint:
    """The state of a training run after some number of steps.

    Attributes
    ----------
    step : int
        Steps taken.
    arrays : dict of str to ndarray
        "parameters/...", "first/..." and "second/..." (Adam's moments).
    rng_state : dict
        State of the bit generator that draws crops and noise.
    config : dict
        What the run was started with; a run only continues with the same.
    progress : dict
        Losses so far, best held-out loss: plain JSON.
    """

    step: int
    arrays: dict[str, np.ndarray]
    rng_state: dict[str, Any]
    config: dict[str, Any]
    progress: dict[str, Any] = field(default_factory=dict)

    def part(self, kind: str) -> dict[str, np.ndarray]:
        """Return the arrays of one kind, without the kind in their names."""
        start = f"{kind}/"
        return {k[len(start) :]: a for k, a in self.arrays.items() if k.startswith(start)}


def _checksum(state: str, arrays: Mapping[str, np.ndarray]) -> str:
    value = zlib.crc32(state.encode())
    for name in sorted(arrays):
        value = zlib.crc32(name.encode(), value)
        value = zlib.crc32(np.ascontiguousarray(arrays[name]), value)
    return str(value)


def write(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write one checkpoint file, atomically: safetensors with the rest as JSON in its header.

    Parameters
    ----------
    path : str or PathLike
        The file.
    checkpoint : Checkpoint
        What to write.
    """
    arrays = {k: np.ascontiguousarray(a) for k, a in checkpoint.arrays.items()}
    state = {
        "step": checkpoint.step,
        "rng_state": checkpoint.rng_state,
        "config": checkpoint.config,
        "progress": checkpoint.progress,
    }
    text = json.dumps(state)
    metadata = {"schema": SCHEMA, "state": text, "crc32": _checksum(text, arrays)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(to_bytes(arrays, metadata))


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint file.

    Parameters
    ----------
    path : str or PathLike
        The file.

    Returns
    -------
    Checkpoint
        What was written.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not a checkpoint of this library.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("schema") != SCHEMA:
                raise CheckpointError(f"{path} is not a checkpoint of ddsp_ref, or of another age")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata["crc32"] != _checksum(metadata["state"], arrays):
            raise CheckpointError(f"cannot read the checkpoint {path}: its checksum does not fit")
        return Checkpoint(arrays=arrays, **json.loads(metadata["state"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, CheckpointError):
            raise
        reason = "it does not exist" if isinstance(error, FileNotFoundError) else "it is damaged"
        raise CheckpointError(f"cannot read the checkpoint {path}: {reason}") from error


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return where the checkpoint of a step is kept."""
    return folder / f"step_{step:09d}.safetensors"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the numbered checkpoints of a folder, oldest first."""
    return sorted(folder.glob("step_*.safetensors"))


def save(folder: Path, checkpoint: Checkpoint, *, best: bool = False) -> Path:
    """Write a checkpoint into a folder and drop all but the last two (and the best).

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    checkpoint : Checkpoint
        What to write.
    best : bool
        Whether to keep it as the best so far as well.

    Returns
    -------
    Path
        The numbered file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = checkpoint_path(folder, checkpoint.step)
    if best:  # first: should the run be killed in between, the step is only done again
        write(folder / BEST, checkpoint)
    write(path, checkpoint)
    for old in list_checkpoints(folder)[:-_KEEP]:
        old.unlink(missing_ok=True)
    return path


def load_latest(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint of a folder, None if it has none.

    Raises
    ------
    CheckpointError
        If the newest is damaged; the message names the one before it.
    """
    paths = list_checkpoints(folder)
    if not paths:
        return None
    try:
        return read(paths[-1])
    except CheckpointError as error:
        before = f"; remove it to go on from {paths[-2].name}" if len(paths) > 1 else ""
        raise CheckpointError(f"{error}{before}") from error
