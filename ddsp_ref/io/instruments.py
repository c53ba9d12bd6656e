"""The two files of an instrument: a JSON header and weights, checked for damage."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ddsp_ref.errors import InstrumentError
from ddsp_ref.io.files import atomic_path

SCHEMA_VERSION = 1
HEADER = "instrument.json"
WEIGHTS = "weights.safetensors"
_DTYPES = (np.float16, np.float32)


def write_instrument_files(
    folder: str | os.PathLike[str], header: dict[str, Any], weights: dict[str, np.ndarray]
) -> None:
    """Write the two files of an instrument, each atomically.

    Parameters
    ----------
    folder : str or PathLike
        Made if it is not there; its parent must exist.
    header : dict
        Plain JSON; NaN and infinity are not.
    weights : dict of str to ndarray
        float16 or float32.

    Raises
    ------
    InstrumentError
        If the folder cannot be made, or the header is not plain JSON.
    """
    folder = Path(folder)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InstrumentError(f"cannot make the folder {folder}: {error.strerror}") from error
    data = save({k: np.ascontiguousarray(w) for k, w in weights.items()})
    own = {"schema_version": SCHEMA_VERSION, "weights_sha256": hashlib.sha256(data).hexdigest()}
    try:
        text = json.dumps({**own, **header}, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InstrumentError(f"the header of {folder} is not plain JSON: {error}") from error
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(data)
    with atomic_path(folder / HEADER) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_instrument_files(
    folder: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the two files of an instrument.

    Parameters
    ----------
    folder : str or PathLike
        As written by `write_instrument_files`.

    Returns
    -------
    header : dict
        Without `schema_version` and `weights_sha256`, which are known to fit.
    weights : dict of str to ndarray
        float16 or float32.

    Raises
    ------
    InstrumentError
        If the folder or a file is missing, damaged or of an unknown schema.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InstrumentError(f"the instrument {folder} does not exist")
    for name in (HEADER, WEIGHTS):
        if not (folder / name).is_file():
            raise InstrumentError(f"{folder} is not a complete instrument: {name} is missing")
    header = _read_header(folder)
    return header, _read_weights(folder, header.pop("weights_sha256", None))


def _read_header(folder: Path) -> dict[str, Any]:
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InstrumentError(f"the instrument {folder} is damaged: {HEADER}: {error}") from error
    if not isinstance(header, dict):
        raise InstrumentError(f"the instrument {folder} is damaged: {HEADER} is not a JSON object")
    version = header.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise InstrumentError(
            f"the instrument {folder} has schema_version {version!r}; this version of ddsp_ref "
            f"reads {SCHEMA_VERSION}"
        )
    return header


def _read_weights(folder: Path, digest: Any) -> dict[str, np.ndarray]:
    damaged = f"the instrument {folder} is damaged: {WEIGHTS}"
    try:
        data = (folder / WEIGHTS).read_bytes()
        weights = load(data)
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise InstrumentError(f"{damaged}: {error}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InstrumentError(f"{damaged} is not the file that {HEADER} belongs to")
    for name, array in weights.items():
        if array.dtype not in _DTYPES:
            raise InstrumentError(
                f"{damaged}: {name} has dtype {array.dtype}, must be float32 or float16"
            )
    return weights
