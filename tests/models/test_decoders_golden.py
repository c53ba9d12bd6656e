"""The recurrent decoder against magenta/ddsp's, value and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.models import stacks
from ddsp_ref.models.decoders import RnnDecoder, RnnSettings

from ..check import assert_close
from ..golden import load

LAYER = ("kernel", "bias", "gamma", "beta")


def names_in_keras_order(n_layers, *, with_gru_bias=True):
    """Return our names of the recorded weights; Keras keeps both GRU biases in one array."""
    stack = [f"{i}/{part}" for i in range(n_layers) for part in LAYER]
    names = [f"decoder/loudness_stack/{name}" for name in stack]
    names += [f"decoder/f0_stack/{name}" for name in stack]
    names += [f"decoder/gru/{name}" for name in ("kernel", "recurrent_kernel", "bias")]
    names += [f"decoder/out_stack/{name}" for name in stack]
    return [*names, "decoder/controls/kernel", "decoder/controls/bias"]


def to_params(weights, names, dtype):
    params = {}
    for name, (_, weight) in zip(names, sorted(weights.items()), strict=True):
        if name == "decoder/gru/bias":
            params[name], params["decoder/gru/recurrent_bias"] = weight.astype(dtype)
        else:
            params[name] = weight.astype(dtype)
    return params


def only(arrays, start):
    return {k: a for k, a in arrays.items() if k.startswith(start)}


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 3e-5)])
def test_agrees_with_the_original(dtype, bound, monkeypatch):
    # TensorFlow keeps the slope as a float32 attribute, also when it runs in float64
    monkeypatch.setattr(stacks, "SLOPE", float(np.float32(0.2)))
    golden = next(g for g in load("decoders") if g.label == "rnn_fc_solo")
    settings = golden.settings
    n_layers = settings["layers_per_stack"]
    sizes = dict(settings["output_splits"])
    decoder = RnnDecoder(
        RnnSettings(settings["ch"], n_layers, settings["rnn_channels"]),
        sizes["harmonic_distribution"],
        sizes["noise_magnitudes"],
    )
    names = names_in_keras_order(n_layers)
    params = to_params(only(golden.inputs, "w/"), names, dtype)
    assert set(params) == set(decoder.init(np.random.default_rng(0)))
    f0 = golden.inputs["f0_scaled"][..., 0].astype(dtype)
    loudness = golden.inputs["ld_scaled"][..., 0].astype(dtype)

    outputs, pullback = decoder.vjp(params, f0, loudness)
    for ours, theirs in (
        (outputs["amplitudes"][..., None], "amps"),
        (outputs["harmonic_distribution"], "harmonic_distribution"),
        (outputs["noise_magnitudes"], "noise_magnitudes"),
    ):
        assert_close(ours, golden.outputs[theirs], bound, theirs)

    bars = {
        "amplitudes": golden.cotangents["amps"][..., 0].astype(dtype),
        "harmonic_distribution": golden.cotangents["harmonic_distribution"].astype(dtype),
        "noise_magnitudes": golden.cotangents["noise_magnitudes"].astype(dtype),
    }
    gradients, f0_bar, loudness_bar = pullback(bars)
    wanted = to_params(only(golden.gradients, "w/"), names, np.float64)
    assert set(gradients) == set(wanted)
    for name, gradient in gradients.items():
        # a bias before a layer norm has nearly no gradient: judge it by its kernel's
        scale = max(np.abs(wanted[name]).max(), 1e-2)
        assert np.abs(gradient - wanted[name]).max() <= 10 * bound * scale, name
    assert_close(f0_bar[..., None], golden.gradients["f0_scaled"], 10 * bound, "f0")
    assert_close(loudness_bar[..., None], golden.gradients["ld_scaled"], 10 * bound, "loudness")
