"""Spectral loss, its parts by the settings of the op: the spectra, and the loudness."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.ops.spectral import compute_loudness
from ddsp_ref.ops.spectral._fft import suits

from . import mean_difference
from ._magnitude_kernels import magnitude_distance
from ._spectral_terms import terms_distance

# Samples in a frame of the loudness
LOUDNESS_SIZE = 2048


def check_settings(
    dims,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    log_floor="replace",
    log_eps=1e-5,
    sample_rate=16000,
    frame_rate=250,
    **weights,
):
    """Raise unless there is something to compare, and the settings of it can work."""
    require(
        isinstance(fft_sizes, (tuple, list)) and len(fft_sizes) > 0,
        f"fft_sizes is {fft_sizes!r}, must be a list of sizes, e.g. (2048, 512, 128)",
    )
    for size in fft_sizes:
        whole = isinstance(size, (int, np.integer))
        require(whole, f"fft_sizes has {size!r}, must have whole numbers, e.g. 512")
        require(
            size >= 4 and size % 4 == 0,
            f"fft_sizes has {size}, must have multiples of 4 (the hop is a quarter), "
            f"e.g. {max(4 * round(size / 4), 4)}",
        )
    mean_difference.check(
        {"n_rows": 1, "n_values": 1, "n_weight_rows": 1, "n_weights": 1}, loss_type=loss_type
    )
    weights = {"mag_weight": 1.0} | weights
    for name, weight in weights.items():
        require(0 <= weight < math.inf, f"{name} is {weight}, must be at least 0, e.g. 1")
    require(
        any(weight > 0 for weight in weights.values()),
        "all weights are 0, so that nothing is compared; set one, e.g. mag_weight=1",
    )
    longest = max(fft_sizes) // 4
    require(
        weights.get("delta_time_weight", 0.0) == 0 or dims["n_samples"] > longest,
        f"n_samples is {dims['n_samples']}, must be at least {longest + 1} with delta_time_weight, "
        f"or a transform of {max(fft_sizes)} has a single frame",
    )
    require(
        log_floor in ("replace", "add"), f"log_floor is {log_floor!r}, must be 'replace' or 'add'"
    )
    require(0 < log_eps < math.inf, f"log_eps is {log_eps}, must be positive, e.g. 1e-5")
    rates = {"sample_rate": sample_rate, "frame_rate": frame_rate}
    for name, rate in rates.items():
        require(rate > 0, f"{name} is {rate}, must be positive, in Hz")
    if weights.get("loudness_weight", 0.0) > 0:
        compute_loudness.check(dims, fft_size=LOUDNESS_SIZE, **rates)


def spectra_distance(
    signals,
    bars,
    wanted,
    *,
    fft_sizes=(2048, 1024, 512, 256, 128, 64),
    loss_type="L1",
    mag_weight=1.0,
    delta_time_weight=0.0,
    delta_freq_weight=0.0,
    cumsum_freq_weight=0.0,
    logmag_weight=0.0,
    log_floor="replace",
    log_eps=1e-5,
    **rates,
):
    """Return what the spectra add to the loss, float64; add the cotangents to wanted bars."""
    add = log_eps if log_floor == "add" else 0.0
    more = delta_time_weight, delta_freq_weight, cumsum_freq_weight
    weights = mag_weight, *more, logmag_weight
    if not any(weight > 0 for weight in weights):
        return np.zeros(len(signals[0]))
    if loss_type == "L1" and not any(more) and all(suits(size) for size in fft_sizes):
        both = mag_weight, logmag_weight
        return magnitude_distance(signals, bars, wanted, fft_sizes, *both, add, log_eps)
    return terms_distance(signals, bars, wanted, fft_sizes, loss_type, weights, add, log_eps)


def loudness_distance(
    signals, weights, *, loss_type="L1", sample_rate=16000, frame_rate=250, **settings
):
    """Return what the loudness adds to the loss, and its pullback; weights are (batch, 1, 1)."""
    rates = {"sample_rate": sample_rate, "frame_rate": frame_rate}
    levels, pull_levels = zip(
        *[compute_loudness.vjp(signal, fft_size=LOUDNESS_SIZE, **rates) for signal in signals]
    )
    rows = [level.astype(np.float64)[:, None] for level in levels]
    y, pull_distance = mean_difference.vjp(*rows, weights, loss_type=loss_type)

    def pullback(y_bar):
        *level_bars, weights_bar = pull_distance(y_bar)
        bars = [bar[:, 0].astype(signals[0].dtype) for bar in level_bars]
        return *(pull(bar)[0] for pull, bar in zip(pull_levels, bars)), weights_bar

    return y, pullback
