"""Wide definitions of scalings and resampling."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.conformance.variants._pieces import UPSAMPLE, let_gradient_through, upsample


def exp_sigmoid(
    x, *, exponent=10.0, max_value=2.0, threshold=1e-7, power="ln", floor="added", law="sigmoid",
    xp=np,
):  # fmt: skip
    """Map to positive amplitudes, with every choice that ports disagree on."""
    if law == "exp":
        return xp.exp(xp.minimum(x, 700.0)) / 128
    if law == "softplus":
        return xp.log1p(xp.exp(-xp.abs(x))) + xp.maximum(x, 0.0) + threshold
    sigmoid = 1.0 / (1.0 + xp.exp(-x))
    raised = {"exponent": exponent, "log10": math.log10(exponent), "none": 1.0}
    y = max_value * sigmoid ** raised.get(power, math.log(exponent))
    if floor == "maximum":
        return xp.maximum(y, threshold)
    if floor == "inside":
        return max_value * (sigmoid ** raised.get(power, math.log(exponent)) + threshold)
    return y if floor == "missing" else y + threshold


def _floored(x, eps, floor, floor_gradient, xp):
    """Return the logarithm with its stand-in."""
    if floor == "added":
        return xp.log(xp.maximum(x, 0.0) + eps)
    if floor == "added_1e-7":
        return xp.log(xp.maximum(x, 0.0) + 1e-7)
    if floor == "clamped":
        return xp.log(xp.maximum(x, eps))
    y = xp.log(xp.where(x > 0, x, eps))
    if floor_gradient == "limited":
        return let_gradient_through(y, xp.log(xp.maximum(x, eps)))
    return y


LOG_FLOOR = {
    "added": "eps is added to every value instead of standing in for 0",
    "added_1e-7": "1e-7 is added to every value (ddsp_pytorch)",
    "clamped": "values are clamped at eps: log(1e-12) is log(eps)",
}
LOG_BASE = {
    "10": "a logarithm to base 10",
    "2": "a logarithm to base 2",
    "e": "a natural logarithm",
}
FLOOR_GRADIENT = {"limited": "the gradient of values below eps is 0"}


def safe_log(x, *, eps=1e-5, floor="replaced", to_base="e", floor_gradient="unlimited", xp=np):
    """Take a logarithm, with every choice that ports disagree on."""
    y = _floored(x, eps, floor, floor_gradient, xp)
    return y / {"10": math.log(10), "2": math.log(2)}.get(to_base, 1.0)


def log_base(
    x, *, base=10.0, eps=1e-5, floor="replaced", to_base="base", floor_gradient="unlimited", xp=np
):
    """Take a logarithm to any base, with every choice that ports disagree on."""
    y = _floored(x, eps, floor, floor_gradient, xp)
    own = math.log(base)
    return y / {"10": math.log(10), "2": math.log(2), "e": 1.0}.get(to_base, own)


def hz_to_midi(x, *, log="2", reference="69", silence="0", a4="440", scaled="no", xp=np):
    """Turn Hz into MIDI notes, with every choice that ports disagree on."""
    positive = x > 0
    ratio = xp.where(positive, x, float(a4)) / float(a4)
    octaves = xp.log(ratio) / {"10": math.log(10), "e": 1.0}.get(log, math.log(2))
    midi = 12 * octaves + {"0": 0.0, "57": 57.0}.get(reference, 69.0)
    y = xp.where(positive, midi, float(silence))
    return y / 127 if scaled == "127" else y


def safe_divide(numerator, denominator, *, eps=1e-7, floor="replaced", xp=np):
    """Divide, with every choice that ports disagree on."""
    if floor == "added":
        return numerator / (denominator + eps)
    if floor == "clamped":
        return numerator / xp.maximum(denominator, eps)
    return numerator / xp.where(denominator == 0, eps, denominator)


def resample_linear(x, *, n_samples, add_endpoint=True, method="linear", xp=np):
    """Resample by straight lines, with every choice that ports disagree on."""
    return upsample(x, n_samples, method, xp, add_endpoint)


def resample_nearest(x, *, n_samples, add_endpoint=True, method="nearest", xp=np):
    """Hold frames, with every choice that ports disagree on."""
    if method == "nearest" and not add_endpoint:
        where = np.arange(n_samples) * (x.shape[0] - 1) / max(n_samples - 1, 1)
        return x[np.floor(where + 0.5 + 1e-9).astype(int)]
    if method == "nearest_centred" and not add_endpoint:
        return resample_nearest(x, n_samples=n_samples, add_endpoint=False, xp=xp)
    return upsample(x, n_samples, method, xp, add_endpoint)


def resample_window(x, *, n_samples, add_endpoint=True, method="window", xp=np):
    """Resample by Hann windows, with every choice that ports disagree on."""
    n_frames = x.shape[0]
    if method not in ("window", "symmetric", "zero_end"):
        length = None if add_endpoint else n_samples  # the last frame is not reached
        return upsample(x, n_samples, method, xp, add_endpoint, length)
    intervals = n_frames if add_endpoint else max(n_frames - 1, 1)
    hop = n_samples // intervals
    last = 0 * x[-1:] if method == "zero_end" else x[-1:]
    held = xp.concatenate([x, last]) if add_endpoint else x
    distance = np.arange(n_samples)[:, None] - hop * np.arange(intervals + 1)
    if method == "symmetric":
        angle = 2 * np.pi * (distance + hop) / (2 * hop - 1)
        weights = np.where((distance >= -hop) & (distance < hop), 0.5 - 0.5 * np.cos(angle), 0.0)
    else:
        bell = 0.5 + 0.5 * np.cos(np.pi * distance / hop)
        weights = np.where(np.abs(distance) <= hop, bell, 0.0)
    return xp.dot(weights, held)


ENDPOINT = {
    True: "frames at i * hop, the last one held (add_endpoint=True)",
    False: "first and last frame at the ends (add_endpoint=False)",
}
_OTHER_THAN_LINEAR = {"cosine": "Hann windows"} | {
    k: v
    for k, v in UPSAMPLE.items()
    if k != "endpoint"  # that is add_endpoint = False
}
CHOICES = {
    exp_sigmoid: {
        "power": {
            "exponent": "sigmoid to the power of exponent, not of its logarithm",
            "log10": "sigmoid to the power of log10(exponent), not ln(exponent)",
            "none": "2 sigmoid(x) + 1e-7, without a power",
        },
        "floor": {
            "missing": "the threshold is not added",
            "maximum": "the threshold is a lower limit, not added",
            "inside": "the threshold is added before the multiplication with max_value",
        },
        "max_value": {1.0: "a largest value of 1 instead of 2"},
        "law": {"exp": "exp(x) / 128 (DDSP-SVC)", "softplus": "softplus(x)"},
    },
    safe_log: {
        "floor": LOG_FLOOR,
        "to_base": {k: v for k, v in LOG_BASE.items() if k != "e"},
        "floor_gradient": FLOOR_GRADIENT,
    },
    log_base: {"floor": LOG_FLOOR, "to_base": LOG_BASE, "floor_gradient": FLOOR_GRADIENT},
    hz_to_midi: {
        "log": {"10": "log10 instead of log2", "e": "a natural logarithm instead of log2"},
        "reference": {"0": "440 Hz is note 0, not 69", "57": "440 Hz is note 57: an octave off"},
        "silence": {"69": "0 Hz is given as if it were 440 Hz", "-1": "0 Hz is note -1"},
        "a4": {"442": "the A is at 442 Hz", "261.6256": "Hz are counted from middle C"},
        "scaled": {"127": "notes are divided by 127 already"},
    },
    safe_divide: {
        "floor": {
            "added": "eps is added to the denominator instead of standing in for 0",
            "clamped": "denominators are clamped at eps; negative ones are lost",
        }
    },
    resample_linear: {"method": _OTHER_THAN_LINEAR, "add_endpoint": ENDPOINT},
    resample_nearest: {
        "method": {k: v for k, v in UPSAMPLE.items() if k != "nearest"}
        | {"linear": "straight lines between frames"},
        "add_endpoint": ENDPOINT,
    },
    resample_window: {
        "method": _OTHER_THAN_LINEAR
        | {"linear": "straight lines", "symmetric": "symmetric windows, which do not add up to 1"},
        "add_endpoint": ENDPOINT,
    },
}  # fmt: skip
SEE = "scaling"
