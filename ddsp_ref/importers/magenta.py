"""Checkpoints of magenta/ddsp as instruments: configuration, weights, statistics put together."""

from __future__ import annotations

import os
from pathlib import Path

from ddsp_ref.errors import ParameterError
from ddsp_ref.importers import _magenta_config
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers._magenta_statistics import make_statistics
from ddsp_ref.importers._magenta_weights import Variables, take_parameters
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.gin_config import find_operative_config, read_gin
from ddsp_ref.importers.statistics_pickle import read_statistics
from ddsp_ref.importers.tf_checkpoint import find_checkpoint, read_tf_checkpoint
from ddsp_ref.models.decoders import RnnSettings
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY, ModelConfig
from ddsp_ref.models.network_decoder import NetworkSettings

STATISTICS = "dataset_statistics.pkl"


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
    loudness of notes; quantiles that they do not hold are interpolated. Those of before version
    1.4 hold the mean pitch alone: an octave either way is assumed, and the card says so.
    """
    with open_folder_or_zip(path) as folder:
        gin_path = find_operative_config(folder)
        found = _magenta_config.understand(read_gin(gin_path))
        checkpoint = find_checkpoint(folder)
        weights = read_tf_checkpoint(checkpoint)
        pickle = folder / STATISTICS
        saved = read_statistics(pickle) if pickle.exists() else {}
        statistics, told = make_statistics(saved, found.level)
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
            statistics=statistics,
            description="Imported from a checkpoint of magenta/ddsp",
            card={
                "imported_from": {"format": "magenta/ddsp", "checkpoint": checkpoint.name},
                **({"statistics": told} if told else {}),
            },
        )


def _settings(network: NetworkSettings) -> RnnSettings:
    return RnnSettings(network.n_channels, network.n_layers, network.n_hidden)
