"""Wide definitions of the layers of the decoder."""

from __future__ import annotations

import numpy as np

from ddsp_ref.conformance.variants._pieces import stop


def dense(x, kernel, bias, *, offset="added", weights="given", xp=np):
    """Map channels, with every choice that ports disagree on."""
    if weights == "transposed" and kernel.shape[0] == kernel.shape[1]:
        kernel = xp.transpose(kernel)
    y = xp.sum(x[:, None] * kernel, axis=0)
    return {"missing": y, "twice": y + 2 * bias, "subtracted": y - bias}.get(offset, y + bias)


def layer_norm(
    x, gamma, beta, *, epsilon=1e-3, variance="biased", centre="mean", place="inside",
    scale="gamma", offset="added", statistics_gradient="full", xp=np,
):  # fmt: skip
    """Normalise a frame, with every choice that ports disagree on."""
    mean = 0.0 if centre == "none" else xp.mean(x)
    mean = stop(mean) if statistics_gradient in ("mean_detached", "detached") else mean
    centred = x - mean
    spread = xp.mean(centred**2)
    if variance == "unbiased":
        spread = spread * len(x) / max(len(x) - 1, 1)
    if statistics_gradient in ("variance_detached", "detached"):
        spread = stop(spread)
    if place == "outside":
        deviation = xp.sqrt(spread + 1e-300) + epsilon
    else:
        deviation = xp.sqrt(spread + epsilon)
    factor = {"missing": 1.0, "1 + gamma": 1.0 + gamma}.get(scale, gamma)
    y = factor * centred / deviation
    return y if offset == "missing" else y + beta


def leaky_relu(x, *, slope=0.2, xp=np):
    """Shrink negative values; the slope is what ports disagree on."""
    return xp.where(x > 0, x, slope * x)


def gru(
    x, state, kernel, recurrent_kernel, bias, recurrent_bias, *, gates="z r h", reset="after",
    update="keeps", biases="both", activation="tanh", start="given", state_gradient="full", xp=np,
):  # fmt: skip
    """Run a recurrent layer, with every choice that ports disagree on."""
    n = state.shape[0]
    at = {"r z h": (1, 0, 2), "h z r": (1, 2, 0), "h r z": (2, 1, 0)}.get(gates, (0, 1, 2))
    parts = [slice(i * n, (i + 1) * n) for i in at]
    frames, h = [], 0 * state if start == "zeros" else state
    b = 0 * recurrent_bias if biases == "recurrent_missing" else recurrent_bias
    for x_t in x:
        before = stop(h) if state_gradient == "truncated" and frames else h
        a = xp.dot(x_t, kernel) + (0 * bias if biases == "input_missing" else bias)
        c = xp.dot(before, recurrent_kernel) + b
        z, r = (1.0 / (1.0 + xp.exp(-(a[p] + c[p]))) for p in parts[:2])
        if reset == "before":
            last = parts[2]
            inner = xp.dot(r * before, recurrent_kernel[:, last]) + b[last]
        elif reset == "missing":
            inner = c[parts[2]]
        else:
            inner = r * c[parts[2]]
        total = a[parts[2]] + inner
        candidate = {
            "sigmoid": lambda v: 1.0 / (1.0 + xp.exp(-v)),
            "relu": lambda v: xp.maximum(v, 0),
        }
        candidate = candidate.get(activation, xp.tanh)(total)
        z = 1.0 - z if update == "replaces" else z
        h = z * before + (1.0 - z) * candidate
        frames.append(h)
    return xp.stack(frames)


CHOICES = {
    dense: {
        "offset": {
            "missing": "the bias is missing",
            "twice": "the bias is added twice",
            "subtracted": "the bias is subtracted",
        },
        "weights": {"transposed": "a square kernel is transposed (PyTorch keeps (n_out, n_in))"},
    },
    layer_norm: {
        "epsilon": {
            1e-5: "an epsilon of 1e-5 (PyTorch's default)",
            1e-6: "an epsilon of 1e-6 (Flax)",
            0.0: "no epsilon",
        },
        "variance": {"unbiased": "the variance is divided by n - 1"},
        "centre": {"none": "the mean is not subtracted (RMS norm)"},
        "place": {"outside": "epsilon is added to the deviation, not to the variance"},
        "scale": {"missing": "gamma is missing", "1 + gamma": "a factor of 1 + gamma"},
        "offset": {"missing": "beta is missing"},
        "statistics_gradient": {
            "mean_detached": "the mean is detached",
            "variance_detached": "the variance is detached: no gradient through the normaliser",
            "detached": "mean and variance are detached: no gradient through the normaliser",
        },
    },
    leaky_relu: {
        "slope": {0.01: "a slope of 0.01 (PyTorch's default)", 0.0: "a plain rectifier",
                  0.3: "a slope of 0.3 (Keras' default)", 1.0: "no rectifier"}
    },
    gru: {
        "gates": {
            "r z h": "gates in the order r, z, h (PyTorch's r, z, n)",
            "h z r": "gates in the order h, z, r",
            "h r z": "gates in the order h, r, z",
        },
        "reset": {
            "before": "the reset gate is applied before the product (reset_after=False)",
            "missing": "no reset gate",
        },
        "update": {"replaces": "the update gate weighs the candidate, not the old state"},
        "biases": {
            "recurrent_missing": "the recurrent bias is missing",
            "input_missing": "the input bias is missing",
        },
        "activation": {"sigmoid": "a sigmoid for tanh", "relu": "a rectifier for tanh"},
        "start": {"zeros": "the given state is not read"},
        "state_gradient": {"truncated": "the state is detached between frames: no gradient "
                           "through time"},
    },
}  # fmt: skip
SEE = "layers"
