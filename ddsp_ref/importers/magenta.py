"""Checkpoints of magenta/ddsp as instruments: configuration, weights, statistics put together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ddsp_ref.errors import ParameterError
from ddsp_ref.importers import _magenta_config
from ddsp_ref.importers._input import refusal
from ddsp_ref.importers._magenta_config import Found
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.gin_config import find_operative_config, read_gin
from ddsp_ref.importers.statistics_pickle import TransformerRecord, read_statistics
from ddsp_ref.importers.tf_checkpoint import find_checkpoint, read_tf_checkpoint
from ddsp_ref.models.decoders import RnnSettings
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.models.model import IR_KEY, ModelConfig
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.processors.reverbs import ExpDecayReverb, FilteredNoiseReverb
from ddsp_ref.processors.synths import uniform_noise

STATISTICS = "dataset_statistics.pkl"
_STACKS = {"level": "loudness_stack", "f0": "f0_stack"}
_DENSE, _NORM = "layer_with_weights-0", "layer_with_weights-1"
_PARTS = {"kernel": _DENSE, "bias": _DENSE, "gamma": _NORM, "beta": _NORM}
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
    Understood are models of one `RnnFcDecoder` with a GRU that is told pitch and loudness or
    power, a harmonic and a noise synthesizer, and any of the three reverbs or none: the published
    configurations solo_instrument, tiny_instrument and vst. Reverbs that draw noise at every call
    get it once, here, from a fixed seed: their rooms do not change from call to call.

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
            parameters, reverb_taps = _parameters(found, weights, checkpoint)
            config = ModelConfig(
                sample_rate=found.sample_rate,
                frame_rate=found.frame_rate,
                n_harmonics=found.n_harmonics,
                n_bands=found.n_bands,
                reverb_seconds=reverb_taps / found.sample_rate,
                reverb_gain=1.0,
                reverb_decay_db=0.0,
                amp_resample_method=found.amp_resample_method,
                level=found.level,
                decoder="rnn",
                decoder_settings=RnnSettings(found.n_channels, found.n_layers, found.n_hidden),
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


def _parameters(
    found: Found, weights: dict[str, np.ndarray], checkpoint: Path
) -> tuple[Parameters, int]:
    def take(key: str, shape: tuple[int, ...]) -> np.ndarray:
        key = f"model/{key}"
        if key not in weights:
            raise refusal(checkpoint, f"the variable {key} is missing")
        if weights[key].shape != shape:
            raise refusal(
                checkpoint,
                f"the variable {key} has shape {weights[key].shape}",
                remedy=f"by the configuration it must be {shape}",
            )
        return np.asarray(weights[key], np.float32)

    n, n_hidden = found.n_channels, found.n_hidden
    params: Parameters = {}

    def stack(ours: str, theirs: str, n_in: int) -> None:
        for i in range(found.n_layers):
            for part, layer in _PARTS.items():
                shape = (n_in if i == 0 else n, n) if part == "kernel" else (n,)
                key = f"decoder/{theirs}/layer_with_weights-{i}/{layer}/{part}"
                params[f"decoder/{ours}/{i}/{part}"] = take(key, shape)

    for place, what in enumerate(found.inputs):
        stack(_STACKS[what], f"input_stacks/{place}", 1)
    stack("out_stack", "out_stack", 2 * n + n_hidden)
    gates = 3 * n_hidden
    cell = "decoder/rnn/rnn/cell"
    params["decoder/gru/kernel"] = take(f"{cell}/kernel", (2 * n, gates))
    params["decoder/gru/recurrent_kernel"] = take(f"{cell}/recurrent_kernel", (n_hidden, gates))
    params["decoder/gru/bias"], params["decoder/gru/recurrent_bias"] = take(
        f"{cell}/bias", (2, gates)
    )
    n_out = 1 + found.n_harmonics + found.n_bands
    params["decoder/controls/kernel"] = take("decoder/dense_out/kernel", (n, n_out))
    params["decoder/controls/bias"] = take("decoder/dense_out/bias", (n_out,))
    if found.inputs != ("level", "f0"):  # our layers see the level first
        for name in ("decoder/gru/kernel", "decoder/out_stack/0/kernel"):
            f0, level, rest = np.split(params[name], [n, 2 * n])
            params[name] = np.concatenate([level, f0, rest])
    taps = _impulse_response(found, take)
    if taps is None:
        return params, 0
    params[IR_KEY] = taps
    return params, len(taps)


def _impulse_response(found: Found, take: Any) -> np.ndarray | None:
    if found.reverb is None:
        return None
    at, n_taps = f"processor_group/{found.reverb_name}", found.reverb_settings["reverb_length"]
    if found.reverb == "Reverb":
        return take(f"{at}/ir", (n_taps,))
    noise = uniform_noise((n_taps,), np.random.default_rng(0))
    nothing = np.zeros(1, np.float32)
    if found.reverb == "ExpDecayReverb":
        gain, decay = take(f"{at}/gain", (1,)), take(f"{at}/decay", (1,))
        return ExpDecayReverb().controls_vjp(nothing, gain[0], decay[0], noise)[0][1]
    settings = found.reverb_settings
    magnitudes = take(f"{at}/magnitudes", (settings["n_frames"], settings["n_filter_banks"]))
    return noise_response(magnitudes, noise, settings["window_size"], settings["initial_bias"])


def noise_response(
    magnitudes: np.ndarray, noise: np.ndarray, window_size: int, initial_bias: float
) -> np.ndarray:
    """Return the impulse response of a `FilteredNoiseReverb`.

    Parameters
    ----------
    magnitudes : ndarray, shape (n_frames, n_filter_banks)
        As trained.
    noise : ndarray, shape (n_taps,)
        Uniform in [-1, 1).
    window_size : int
        See `FilteredNoiseReverb`.
    initial_bias : float
        The same.

    Returns
    -------
    ndarray, shape (n_taps,)
        Whose tap 0 is not heard.
    """
    reverb = FilteredNoiseReverb(window_size=window_size, initial_bias=initial_bias)
    nothing = np.zeros(1, np.float32)
    return reverb.controls_vjp(nothing, magnitudes, noise)[0][1]


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
