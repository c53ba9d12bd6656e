"""An instrument as plain numbers: one binary file with a description, or one header of C."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import InstrumentError
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY

FORMAT = "ddsp-flat-1"
_ALIGNMENT = 64  # bytes: tensors begin where vector units like to read
_PER_LINE = 8


def tensors_of(instrument: Instrument) -> dict[str, np.ndarray]:
    """Return what an exported instrument holds: its parameters, float32, sorted by name.

    The impulse response of the room comes as it sounds, gain and envelope multiplied in.
    """
    found = {name: np.asarray(p, np.float32) for name, p in instrument.parameters.items()}
    if instrument.config.n_taps:
        found[IR_KEY] = instrument.model.impulse_response(found).astype(np.float32)
    return dict(sorted(found.items()))


def export_flat(instrument: Instrument, path: str | os.PathLike[str]) -> None:
    """Write an instrument as a binary file of numbers and a description in JSON beside it.

    Parameters
    ----------
    instrument : Instrument
        What to write.
    path : str or PathLike
        Of the binary file, `NAME.bin`; the description is `NAME.json`. The page "Instruments in
        files" of the documentation says what is in them.

    Raises
    ------
    InstrumentError
        If `path` does not end in `.bin`.

    Examples
    --------
    >>> import json, tempfile, ddsp_ref
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> export_flat(ddsp_ref.find_instrument("flute"), folder / "flute.bin")
    >>> json.loads((folder / "flute.json").read_text())["tensors"]["decoder/controls/bias"]["shape"]
    [126]
    """
    path = Path(path)
    if path.suffix != ".bin":
        raise InstrumentError(f"cannot write {path}: a flat instrument is a .bin file")
    data, tensors = bytearray(), {}
    for name, value in tensors_of(instrument).items():
        data += bytes(-len(data) % _ALIGNMENT)
        tensors[name] = {"shape": list(value.shape), "offset": len(data), "bytes": value.nbytes}
        data += value.astype("<f4").tobytes()
    description = {
        "format": FORMAT,
        "dtype": "float32",
        "byte_order": "little",
        "sha256": hashlib.sha256(data).hexdigest(),
        **_description(instrument),
        "tensors": tensors,
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def _description(instrument: Instrument) -> dict[str, Any]:
    definition, range_db = LEVELS[instrument.config.level]
    return {
        "name": instrument.name,
        "description": instrument.description,
        "feature_definition": definition,
        "level_range_db": range_db,
        "model": instrument.config.to_json(),
        "licence": instrument.card.get("licence", ""),
    }


def export_c(instrument: Instrument, path: str | os.PathLike[str]) -> None:
    """Write an instrument as one header of C99 with all numbers and a table of them.

    Parameters
    ----------
    instrument : Instrument
        What to write.
    path : str or PathLike
        A `.h` file. `docs/examples/decoder.c` shows a program that includes it.

    Raises
    ------
    InstrumentError
        If `path` does not end in `.h`.

    Examples
    --------
    >>> import tempfile, ddsp_ref
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "flute.h"
    >>> export_c(ddsp_ref.find_instrument("flute"), path)
    >>> [line for line in path.read_text().splitlines() if "N_HARMONICS" in line]
    ['#define DDSP_N_HARMONICS 60']
    """
    path = Path(path)
    if path.suffix != ".h":
        raise InstrumentError(f"cannot write {path}: a header of C is a .h file")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(_c_lines(instrument)) + "\n", encoding="ascii")


def _c_constant(value: int | float | str | tuple[str, ...]) -> str:
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value if isinstance(value, str) else " ".join(value))


def _c_lines(instrument: Instrument) -> Iterator[str]:
    config, tensors = instrument.config, tensors_of(instrument)
    about = _description(instrument)
    for key in ("name", "description", "licence"):
        yield f"/* {key}: {_plain(about[key])} */"
    yield "#ifndef DDSP_INSTRUMENT_H"
    yield "#define DDSP_INSTRUMENT_H"
    yield f"#define DDSP_DECODER_{config.decoder.upper()} 1"
    sizes = {
        "sample_rate": config.sample_rate,
        "frame_rate": config.frame_rate,
        "n_harmonics": config.n_harmonics,
        "n_bands": config.n_bands,
        "n_taps": config.n_taps,
        **vars(config.decoder_settings),
    }
    for name, value in sizes.items():
        yield f"#define DDSP_{name.upper()} {_c_constant(value)}"
    yield f"#define DDSP_LEVEL_RANGE_DB {about['level_range_db']:.1f}f"
    for i, value in enumerate(tensors.values()):
        yield f"static const float ddsp_tensor_{i}[{value.size}] = {{"
        words = [_c_float(number) for number in value.ravel().tolist()]
        for start in range(0, len(words), _PER_LINE):
            yield ", ".join(words[start : start + _PER_LINE]) + ","
        yield "};"
    yield "static const struct {"
    yield "    const char *name;"
    yield "    const float *data;"
    yield "    int rank, shape[4];"
    yield f"}} ddsp_tensors[{len(tensors)}] = {{"
    for i, (name, value) in enumerate(tensors.items()):
        shape = ", ".join(map(str, value.shape))
        yield f'    {{"{name}", ddsp_tensor_{i}, {value.ndim}, {{{shape}}}}},'
    yield "};"
    yield "#endif"


def _c_float(number: float) -> str:
    """Return nine digits, which are enough to read the same float32 again."""
    text = f"{number:.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


def _plain(text: str) -> str:
    """Return text that can stand in a comment of C."""
    return " ".join(text.replace("*/", "* /").encode("ascii", "replace").decode().split())
