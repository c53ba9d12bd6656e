"""Checkpoints of magenta/ddsp as instruments: configuration, weights, statistics put together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError
from ddsp_ref.importers import _magenta_config
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers._magenta_weights import Variables, take_parameters
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.gin_config import find_operative_config, read_gin
from ddsp_ref.importers.statistics_pickle import TransformerRecord, read_statistics
from ddsp_ref.importers.tf_checkpoint import find_checkpoint, read_tf_checkpoint
from ddsp_ref.models.decoders import RnnSettings
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY, ModelConfig
from ddsp_ref.models.network_decoder import NetworkSettings

STATISTICS = "dataset_statistics.pkl"
_SHARES = np.linspace(0.0, 1.0, 101)  # of the quantiles that an instrument keeps
# Of a distribution of which the smallest and largest value, mean and deviation are known.
_KNOWN_SHARES = [0.0, 0.16, 0.5, 0.84, 1.0]


def is_magenta_folder(folder: Path) -> bool:
    """Return whether a folder looks like the training of a magenta/ddsp model.

    Parameters
    ----------
    folder : Path
        Any.

    Returns
    -------
    bool
        True if there is an operative configuration and no instrument of ours.
    """
    return any(folder.glob("operative_config*.gin")) and not (folder / "instrument.json").exists()


def import_magenta(path: str | os.PathLike[str], name: str | None = None) -> Instrument:
    """Make an instrument of a checkpoint of magenta/ddsp, without TensorFlow.

    Parameters
    ----------
    path : str or PathLike
        A folder, or a zip of one, with `operative_config-N.gin`, `ckpt-N.index`,
        `ckpt-N.data-...` and, for the automatic adjustment, `dataset_statistics.pkl`.
    name : str, optional
        Of the instrument; that of the folder if not given.

    Returns
    -------
    Instrument
        Which plays what the original played, see Notes.

    Raises
    ------
    ImportFormatError
        If a file is missing or damaged, or the configuration has something that is not
        understood: the message names the binding.

    Notes
    -----
    Understood are models with an `RnnFcDecoder`, GRU or LSTM, or a `DilatedConvDecoder`, told
    pitch and loudness or power, and z by an `MfccTimeDistributedRnnEncoder`, an `MfccRnnEncoder`
    or nobody; with a harmonic and a noise synthesizer, and any of the three reverbs or none: the
    published configurations ae, solo_instrument, tiny_instrument and vst among them. Those like
    solo_instrument and vst get the decoder "rnn", which can be exported and trained on, others
    "magenta", which plays. Reverbs that draw noise at every call get it once, here, from a fixed
    seed: their rooms do not change from call to call.

    Statistics hold the smallest and largest pitch, mean and deviation, and quantiles of the
    loudness of notes; quantiles that they do not hold are interpolated.
    """
    with open_folder_or_zip(path) as folder:
        gin_path = find_operative_config(folder)
        found = _magenta_config.understand(read_gin(gin_path))
        checkpoint = find_checkpoint(folder)
        weights = read_tf_checkpoint(checkpoint)
        pickle = folder / STATISTICS
        saved = read_statistics(pickle) if pickle.exists() else None
        try:
            parameters = take_parameters(found, Variables(weights, checkpoint))
            config = ModelConfig(
                sample_rate=found.sample_rate,
                frame_rate=found.frame_rate,
                n_harmonics=found.n_harmonics,
                n_bands=found.n_bands,
                reverb_seconds=len(parameters.get(IR_KEY, ())) / found.sample_rate,
                reverb_gain=1.0,
                reverb_decay_db=0.0,
                amp_resample_method=found.amp_resample_method,
                level=found.level,
                decoder="rnn" if found.is_plain else "magenta",
                decoder_settings=_settings(found.network) if found.is_plain else found.network,
            )
        except ParameterError as error:  # sizes that are in range each, but not together
            raise refusal(gin_path, f"there is no such model: {error}") from None
        return Instrument(
            name=name or Path(path).stem,
            config=config,
            parameters=parameters,
            statistics=_statistics(saved, found.level) if saved else {},
            description="Imported from a checkpoint of magenta/ddsp",
            card={
                "imported_from": {"format": "magenta/ddsp", "checkpoint": checkpoint.name},
                **({"statistics": _told(saved, found.level)} if saved else {}),
            },
        )


def _settings(network: NetworkSettings) -> RnnSettings:
    return RnnSettings(network.n_channels, network.n_layers, network.n_hidden)


def _statistics(saved: dict[str, object], level: str) -> dict[str, Any]:
    what = "power" if level == "power" else "loudness"
    quantiles = None
    record = saved.get("quantile_transform")
    if what == "loudness" and isinstance(record, TransformerRecord):
        quantiles = _read_quantiles(record)
    return {
        "loudness_db": _distribution(saved, what, quantiles),
        "f0_midi": _distribution(saved, "pitch", None),
        "voiced_share": 1.0,  # not saved; of notes alone
    }


def _told(saved: dict[str, object], level: str) -> str:
    """Say which statistics were saved and which stand for what was not."""
    known = _statistics(saved, level)["loudness_db"]
    guessed = _distribution(saved, "power" if level == "power" else "loudness", None)
    levels = "interpolated from five figures" if known == guessed else "as saved"
    return (
        f"quantiles of the level {levels}, of the pitch interpolated from five figures; "
        f"voiced_share is not saved, 1 is assumed"
    )


def _read_quantiles(record: TransformerRecord) -> list[float] | None:
    values, shares = record.attributes.get("quantiles_"), record.attributes.get("references_")
    if not (isinstance(values, np.ndarray) and isinstance(shares, np.ndarray)):
        return None
    if values.size != shares.size or values.size < 2:
        return None
    return [float(x) for x in np.interp(_SHARES, shares.ravel(), values.ravel())]


def _distribution(
    saved: dict[str, object], what: str, quantiles: list[float] | None
) -> dict[str, Any]:
    lowest, mean, highest, deviation = (
        float(saved.get(f"{kind}_{what}_note", saved.get(f"{kind}_{what}", np.nan)))
        for kind in ("min", "mean", "max", "std")
    )
    if quantiles is None:
        known = [lowest, mean - deviation, mean, mean + deviation, highest]
        rising = np.maximum.accumulate(np.clip(known, lowest, highest))
        quantiles = [float(x) for x in np.interp(_SHARES, _KNOWN_SHARES, rising)]
    return {"mean": mean, "std": deviation, "quantiles": quantiles}
