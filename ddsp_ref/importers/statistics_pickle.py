"""The statistics of a data set that magenta/ddsp keeps in a pickle, read without unpickling."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ddsp_ref.importers._input import read_bytes, refusal
from ddsp_ref.importers._numpy_pickle import NAMES, ContentError, Plain
from ddsp_ref.importers._pickle_machine import Call, PickleError, read_pickle

_MAX_FILE = 16 << 20
# The one class that is known, by where it lay: since 1.4, before, and where it was copied from.
_TRANSFORMERS = {
    f"{module}.QuantileTransformer"
    for module in (
        "ddsp.training.postprocessing",
        "ddsp.colab.colab_utils",
        "sklearn.preprocessing._data",
        "sklearn.preprocessing.data",
    )
}
# The transformer carries the state of NumPy's random generator, which is of no use.
_RANDOM = {
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "numpy.random._mt19937.MT19937",
    "numpy.random.bit_generator.SeedSequence",
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
}
_NAMES = {*NAMES, *_RANDOM, *_TRANSFORMERS}


@dataclass
class TransformerRecord:
    """A QuantileTransformer as it was saved: its attributes by name, without random state."""

    attributes: dict[str, object] = field(default_factory=dict)


def read_statistics(path: str | os.PathLike[str]) -> dict[str, object]:
    """Read dataset_statistics.pkl of a magenta/ddsp checkpoint.

    Parameters
    ----------
    path : str or PathLike
        Of the pickle, protocol 2 to 5.

    Returns
    -------
    dict of str to object
        As they were saved: NumPy scalars such as "mean_pitch", and under "quantile_transform" a
        `TransformerRecord` whose attributes are "quantiles_", "references_", "n_quantiles_" and
        so on.

    Raises
    ------
    ImportFormatError
        If the file is missing or damaged, or names any class or function but those of NumPy's
        arrays and `QuantileTransformer`; none is ever imported or called.
    """
    path = Path(path)
    data = read_bytes(path, _MAX_FILE)
    try:
        statistics = Plain(len(data), _record).value(read_pickle(data, _NAMES))
    except PickleError as error:
        raise refusal(path, f"refused: {error}", f"byte {error.place}", _REMEDY) from None
    except ContentError as error:
        raise refusal(path, f"refused: {error}", "", _REMEDY) from None
    if not isinstance(statistics, dict) or not all(isinstance(key, str) for key in statistics):
        raise refusal(path, "holds no mapping of names to statistics", "", _REMEDY)
    return statistics


_REMEDY = "give dataset_statistics.pkl as magenta/ddsp wrote it"


def _record(call: Call, plain: Plain, depth: int) -> object:
    if call.name not in _TRANSFORMERS:
        raise ContentError(f"{call.name} stands where a value should stand")
    if call.args or not isinstance(call.state, dict):
        raise ContentError("a QuantileTransformer has no attributes")
    kept = {k: v for k, v in call.state.items() if k != "random_state"}
    return TransformerRecord(plain.value(kept, depth + 1))
