"""Models that others trained, whichever project it was."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers import ddsp_pytorch, magenta
from ddsp_ref.importers._input import refusal, show
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.tflite import read_tflite
from ddsp_ref.models.instrument import Instrument

_MOST = 4  # inputs and operators that are named
_KINDS = (
    (magenta.is_magenta_folder, magenta.import_magenta),
    (ddsp_pytorch.is_ddsp_pytorch_folder, ddsp_pytorch.import_ddsp_pytorch),
)


def is_foreign(folder: Path) -> bool:
    """Return whether a folder looks like a training of another project."""
    return any(is_kind(folder) for is_kind, _ in _KINDS)


def import_model(path: str | os.PathLike[str], name: str | None = None) -> Instrument:
    """Make an instrument of a trained model of another project.

    Parameters
    ----------
    path : str or PathLike
        A folder, or a zip of one, of magenta/ddsp or of ddsp_pytorch.
    name : str, optional
        Of the instrument; that of the folder if not given.

    Returns
    -------
    Instrument
        See `import_magenta` and `import_ddsp_pytorch`.

    Raises
    ------
    ImportFormatError
        If it is neither, or a file is damaged or not understood. A `.tflite` decoder of ddsp-vst is
        refused, with what is in its graph.
    """
    path = Path(path)
    if path.suffix == ".tflite":  # a zip too: the plugin packs metadata behind the graph
        raise _refuse_tflite(path)
    with open_folder_or_zip(path) as folder:
        for is_kind, read in _KINDS:
            if is_kind(folder):
                return read(folder, name or path.stem)
        for graph in sorted(folder.glob("*.tflite")):
            raise _refuse_tflite(graph)
    raise refusal(
        path,
        "holds no trained model",
        remedy="one of magenta/ddsp has operative_config-*.gin and ckpt-*.index, one of "
        "ddsp_pytorch config.yaml and state.pth",
    )


def _refuse_tflite(path: Path) -> ImportFormatError:
    """Return the reason why a graph is not mapped onto a decoder.

    The converter fuses and renames: where kernels, gates and normalisations went differs from
    version to version of TensorFlow, and a mapping that cannot be verified would play wrongly.
    """
    graph = read_tflite(path).graphs[0]
    inputs = ", ".join(graph.tensors[i].name for i in graph.inputs[:_MOST] if i >= 0)
    counts = Counter(operator.name for operator in graph.operators).most_common(_MOST)
    operators = ", ".join(f"{n} {kind}" for kind, n in counts)
    return refusal(
        path,
        f"is a graph of TensorFlow Lite with the inputs {show(inputs)} and the operators "
        f"{show(operators)}, which is not mapped onto a decoder",
        remedy="import the checkpoint that it was made of: operative_config-*.gin, ckpt-*.index",
    )
