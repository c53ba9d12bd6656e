"""Wide definitions of spectra, loudness and the spectral loss."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.conformance.variants._pieces import (
    SCALES,
    WINDOWS,
    cut,
    let_gradient_through,
    padded,
    root,
    scale_factor,
    spectrum,
    stop,
    window,
)
from ddsp_ref.ops.spectral._tables import a_weighting_db

QUANTITY = {
    "power": "power instead of magnitude",
    "real": "the absolute value of the real part instead of the magnitude",
    "sum": "|real| + |imag| instead of the magnitude",
}
ENDS = {
    "center": "frames have their middle at the hop, with zeros before the signal (center=True)",
    "reflect": "frames have their middle at the hop, with the signal mirrored (PyTorch's default)",
    "none": "no padding: only frames that lie within the signal",
}


def _transformed(audio, size, fft_size, hop, window_kind, scale, ends, xp):
    """Return real and imaginary parts under the named conventions."""
    weights = window(window_kind, size)
    frames = weights * cut(padded(audio, size, hop, ends, xp), size, hop)
    factor = scale_factor(scale, fft_size, weights)
    return tuple(factor * part for part in spectrum(frames, fft_size, xp))


def _magnitude(real, imag, quantity, xp):
    if quantity == "real":
        return xp.abs(real)
    if quantity == "sum":
        return xp.abs(real) + xp.abs(imag)
    power = real**2 + imag**2
    return power if quantity == "power" else root(power, xp)


def stft(
    audio, *, frame_size=2048, overlap=0.75, pad_end=True, fft_size=None, window_kind="periodic",
    scale="1", ends="after", sign="minus", size="given", hop_size="rounded", xp=np,
):  # fmt: skip
    """Take spectra, with every choice that ports disagree on."""
    if size == "power_of_two":
        fft_size = None
    fft_size = fft_size or 2 ** math.ceil(math.log2(frame_size))
    hop = math.floor(frame_size * (1 - overlap) + 1e-6 * (hop_size == "rounded"))
    ends = ends if pad_end else "none"
    args = frame_size, fft_size, hop, window_kind, scale, ends, xp
    real, imag = _transformed(audio, *args)
    return real, -imag if sign == "plus" else imag


def stft_magnitude(
    audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None, window_kind="periodic",
    scale="1", ends="after", quantity="magnitude", xp=np,
):  # fmt: skip
    """Take magnitudes, with every choice that ports disagree on."""
    size = frame_size or fft_size
    hop = math.floor(size * (1 - overlap) + 1e-6)
    ends = ends if pad_end else "none"
    parts = _transformed(audio, size, fft_size, hop, window_kind, scale, ends, xp)
    return _magnitude(*parts, quantity, xp)


def compute_loudness(
    audio, *, sample_rate=16000, frame_rate=250, fft_size=512, range_db=80.0, ref_db=0.0,
    padding="center", window_kind="periodic", scale="1", order="db_of_mean", quantity="power",
    log="10 log10", weighting="power", floor="clamped", ends="zeros", bins="mean",
    floor_gradient="zero", xp=np,
):  # fmt: skip
    """Measure loudness, with every choice that ports disagree on."""
    hop = round(sample_rate / frame_rate)
    ends = {"center": "reflect" if ends == "reflect" else "center", "same": "after"}.get(
        padding, "none"
    )
    parts = _transformed(audio, fft_size, fft_size, hop, window_kind, scale, ends, xp)
    power = _magnitude(*parts, "power", xp)
    level = a_weighting_db(np.arange(fft_size // 2 + 1) * sample_rate / fft_size)
    level = {"none": 0 * level, "amplitude": 2 * level, "half": level / 2}.get(weighting, level)
    smallest = 10.0 ** (-range_db / 10.0)
    factor = {"20 log10": 20 / math.log(10), "10 ln": 10.0, "ln": 1.0, "log10": 1 / math.log(10)}
    factor = factor.get(log, 10 / math.log(10))
    reduce = xp.sum if bins == "sum" else xp.mean
    heard = 10.0 ** (level / 10.0) * power
    if quantity == "magnitude":  # of |X|, not of its square
        heard = 10.0 ** (level / 20.0) * root(power, xp)
    if order == "mean_of_db":
        y = factor * xp.log(xp.maximum(heard, smallest))
        y = reduce(xp.maximum(y - ref_db, -range_db), axis=-1)
        return y
    mean = reduce(heard, axis=-1)
    if floor == "added":
        return factor * xp.log(mean + smallest) - ref_db
    if floor == "power_only":
        return factor * xp.log(xp.maximum(mean, smallest)) - ref_db
    y = xp.maximum(factor * xp.log(xp.maximum(mean, smallest)) - ref_db, -range_db)
    if floor_gradient == "passes":
        return let_gradient_through(y, factor * xp.log(mean + 1e-30))
    return y


def spectral_loss(
    target_audio, audio, *, fft_sizes=(2048, 1024, 512, 256, 128, 64), loss_type="L1",
    mag_weight=1.0, delta_time_weight=0.0, delta_freq_weight=0.0, cumsum_freq_weight=0.0,
    logmag_weight=0.0, loudness_weight=0.0, log_floor="replace", log_eps=1e-5, sample_rate=16000,
    frame_rate=250, window_kind="periodic", scale="1", ends="after", quantity="magnitude",
    hop="quarter", bins="mean", scales="sum", floor="as_set", log="e", relative="no",
    log_gradient="full", log_term="as_set", xp=np,
):  # fmt: skip
    """Compare spectra, with every choice that ports disagree on."""
    others = delta_time_weight, delta_freq_weight, cumsum_freq_weight, loudness_weight
    if any(others) or loss_type == "COSINE":
        raise NotImplementedError("views of the loss that have no variants")
    base = {"10": math.log(10), "2": math.log(2)}.get(log, 1.0)

    def logarithm(mag):
        if log_gradient == "missing":
            return stop(floored(mag)) + 0.0 * mag
        return floored(mag)

    def floored(mag):
        rule = floor if log_floor == "replace" and floor != "as_set" else log_floor
        if rule in ("add", "add_1e-7"):
            return xp.log(mag + (log_eps if rule == "add" else 1e-7)) / base
        if rule == "clamp":
            return xp.log(xp.maximum(mag, log_eps)) / base
        return xp.log(xp.where(mag > 0, mag, log_eps)) / base

    def distance(a, b):
        if relative == "to_target":
            return xp.sqrt(xp.sum((a - b) ** 2) + 1e-300) / xp.sqrt(xp.sum(a**2) + 1e-300)
        apart = (a - b) ** 2 if loss_type == "L2" else xp.abs(a - b)
        return xp.sum(apart) if bins == "sum" else xp.mean(apart)

    loss = 0.0
    for size in fft_sizes:
        step = size // 2 if hop == "half" else size // 4
        settings = size, size, step, window_kind, scale, ends, xp
        target, value = (
            _magnitude(*_transformed(signal, *settings), quantity, xp)
            for signal in (target_audio, audio)
        )
        if mag_weight > 0:
            loss = loss + mag_weight * distance(target, value)
        if logmag_weight > 0 and log_term != "missing":
            loss = loss + logmag_weight * distance(logarithm(target), logarithm(value))
    return loss / len(fft_sizes) if scales == "mean" else loss


_TRANSFORM = {"window_kind": WINDOWS, "scale": SCALES, "ends": ENDS}
_HOP = {0.5: "half of a frame is shared instead of three quarters"}
_END = {False: "no padding at the end: only frames that lie within the signal"}
CHOICES = {
    stft: _TRANSFORM
    | {
        "sign": {"plus": "exp(+i ...): the imaginary part has the other sign"},
        "overlap": _HOP,
        "size": {"power_of_two": "transforms have the next power of two, whatever size is asked "
                 "for (magenta/ddsp)"},
        "hop_size": {"truncated": "the hop loses a sample where its product is a hair too small "
                     "(10 * (1 - 0.8) in Python)"},
    },
    stft_magnitude: _TRANSFORM | {"quantity": QUANTITY, "overlap": _HOP, "pad_end": _END},
    compute_loudness: {
        "window_kind": WINDOWS,
        "scale": SCALES,
        "order": {"mean_of_db": "the mean of the dB of bins, not the dB of the mean (magenta "
                  "before 2.0)"},
        "quantity": {"magnitude": "the mean of |X|, not of |X|^2: amplitude for power"},
        "log": {"20 log10": "20 log10 of a power", "10 ln": "10 ln instead of 10 log10",
                "ln": "ln instead of 10 log10", "log10": "log10 without the factor 10"},
        "weighting": {"none": "no A-weighting", "amplitude": "the A-weighting of amplitudes "
                      "squared twice: its dB count double",
                      "half": "the A-weighting counts half: as a factor of amplitudes on powers"},
        "floor": {"added": "the floor is added to the power, not a lower limit"},
        "ends": {"reflect": "the signal is mirrored at its ends instead of zeros"},
        "bins": {"sum": "the sum over bins instead of their mean"},
        "padding": {"center": "frames have their middle at the hop", "same": "frames begin at the "
                    "hop", "valid": "only frames that lie within the signal"},
        "range_db": {120.0: "a floor of -120 dB (magenta before 2.0)"},
        "ref_db": {20.7: "a reference of 20.7 dB (magenta before 2.0)"},
        "fft_size": {2048: "frames of 2048 samples (magenta before 2.0, ddsp_pytorch)"},
        "floor_gradient": {"passes": "frames at the floor have a gradient"},
    },
    spectral_loss: _TRANSFORM
    | {
        "quantity": QUANTITY,
        "hop": {"half": "frames half a frame apart, not a quarter"},
        "bins": {"sum": "the sum over frames and bins, not their mean"},
        "scales": {"mean": "the mean over the sizes, not their sum"},
        "floor": {"add": "log_eps is added to every magnitude", "add_1e-7": "1e-7 is added to "
                  "every magnitude (ddsp_pytorch)", "clamp": "magnitudes are clamped at log_eps"},
        "log": {"10": "log10 instead of a natural logarithm", "2": "log2 instead of a natural "
                "logarithm"},
        "log_term": {"missing": "the logarithmic term is missing"},
        "loss_type": {"L2": "squares instead of absolute differences", "L1": "absolute "
                      "differences instead of squares"},
        "relative": {"to_target": "the distance is divided by that of the target (spectral "
                     "convergence)"},
        "log_gradient": {"missing": "no gradient through the logarithm"},
    },
}  # fmt: skip
SEE = "losses"
