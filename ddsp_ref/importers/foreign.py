"""Models that others trained, whichever project it was."""

from __future__ import annotations

import os
from pathlib import Path

from ddsp_ref.importers import ddsp_pytorch, magenta
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.models.instrument import Instrument

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
        If it is neither, or a file is damaged or not understood.
    """
    path = Path(path)
    if path.suffix == ".tflite":
        raise refusal(
            path,
            "is a decoder of ddsp-vst, which is not played",
            remedy="take the checkpoint that it was exported from",
        )
    with open_folder_or_zip(path) as folder:
        for is_kind, read in _KINDS:
            if is_kind(folder):
                return read(folder, name or path.stem)
    raise refusal(
        path,
        "holds no trained model",
        remedy="one of magenta/ddsp has operative_config-*.gin and ckpt-*.index, one of "
        "ddsp_pytorch config.yaml and state.pth",
    )
