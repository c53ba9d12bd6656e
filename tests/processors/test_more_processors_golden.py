"""Synthesizers, effects and mixers against recorded calls of the original."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.layers.softplus import softplus
from ddsp_ref.ops.scaling.frequencies_softmax import frequencies_softmax
from ddsp_ref.processors.filters import FIRFilter, ModDelay
from ddsp_ref.processors.mixing import Crop, Mix
from ddsp_ref.processors.oscillators import Sinusoidal, TensorToAudio, Wavetable
from ddsp_ref.processors.reverbs import ExpDecayReverb, FilteredNoiseReverb

from ..check import as_tuple, assert_close
from ..golden import load

# The recorded float64 numbers; and float32 through three or four ops, each within its own bound.
BOUNDS = [(np.float64, 1e-10, 1e-9), (np.float32, 1e-5, 5e-5)]
precisions = pytest.mark.parametrize("bounds", BOUNDS, ids=["float64", "float32"])
FUNCTIONS = {"softplus": softplus, "frequencies_softmax": frequencies_softmax}


def cases(name, wanted=lambda golden: True):
    chosen = [g for g in load(name) if wanted(g)]
    assert chosen
    return pytest.mark.parametrize("golden", chosen, ids=[g.label for g in chosen])


def flat(array):
    """Drop the trailing axis of length 1 that the original keeps."""
    return array[..., 0]


def same(array):
    return array


def settings_of(golden, *left_out):
    """Return the settings, with functions in place of their names."""
    kept = {k: v for k, v in golden.settings.items() if k not in left_out}
    return {k: FUNCTIONS.get(v, v) if k.endswith("_fn") else v for k, v in kept.items()}


def compare(processor, golden, names, shapes, bounds):
    """Compare what was recorded: the controls, the signal made from them, or both in one.

    `names` are the original's inputs in our order, `shapes` what makes our shapes of them; the
    controls come in the same order under our names.
    """
    dtype, value, gradient = bounds
    inputs = [shape(golden.inputs[n]).astype(dtype) for n, shape in zip(names, shapes)]
    step = golden.label.split("__")[-1]
    method = {"get_controls": processor.controls_vjp, "get_signal": processor.signal_vjp}
    got, pullback = method.get(step, processor.vjp)(*inputs)
    recorded = list(golden.outputs)
    renamed = {"impulse_response": "ir"}
    if step == "get_controls":
        order = [renamed.get(name, name) for name in processor.controls]
        pairs = [(part, name) for part, name in zip(got, order) if name in recorded]
    else:
        pairs = [(got, "y")]
    by_name = dict(zip(names, shapes))
    bars = [np.zeros_like(part) for part in as_tuple(got)]
    for place, (part, name) in enumerate(pairs):
        shape = by_name.get(name, same)
        assert_close(part, shape(golden.outputs[name]), value, name)
        assert part.dtype == dtype
        bars[place] = shape(golden.cotangents[name]).astype(dtype)
    for name, shape, bar in zip(names, shapes, pullback(*bars)):
        if name in golden.gradients:
            wanted = shape(golden.gradients[name]).reshape(bar.shape)
            assert_close(bar, wanted, gradient, f"cotangent of {name}")


@precisions
@cases("synth_tensor_to_audio", lambda golden: golden.label.endswith("call"))
def test_tensor_to_audio(golden, bounds):
    compare(TensorToAudio(), golden, ["samples"], [same], bounds)


def test_tensor_to_audio_needs_an_axis_of_one():
    with pytest.raises(ParameterError, match=r"\(4,\), must be \(..., n_samples, 1\)"):
        TensorToAudio()(np.ones(4))
    with pytest.raises(ParameterError, match=r"\(4, 2\), must be"):
        TensorToAudio()(np.ones((4, 2)))


@precisions
@cases("synth_wavetable")
def test_wavetable(golden, bounds):
    names = ["amplitudes", "wavetables", "f0_hz"]
    compare(Wavetable(**settings_of(golden)), golden, names, [flat, same, flat], bounds)


@precisions
@cases("synth_sinusoidal")
def test_sinusoidal(golden, bounds):
    """Frequencies that float32 rounds, by two units in the last place, end at another phase."""
    names = ["amplitudes", "frequencies"]
    dtype, value, gradient = bounds
    if dtype == np.float32:
        radians = 2 * np.pi * 8000 * golden.settings["n_samples"] / 16000
        bounds = (dtype, value + 1.2e-7 * radians, gradient + 1.2e-7 * radians)
    compare(Sinusoidal(**settings_of(golden)), golden, names, [same, same], bounds)


REVERB = ["audio", "gain", "decay", "noise"]


@precisions
@cases("effect_exp_decay_reverb", lambda golden: "__" in golden.label)
def test_exp_decay_reverb(golden, bounds):
    processor = ExpDecayReverb(**settings_of(golden, "reverb_length"))
    compare(processor, golden, REVERB, [same, flat, flat, same], bounds)


@precisions
@cases("effect_filtered_noise_reverb", lambda golden: "__" in golden.label)
def test_filtered_noise_reverb(golden, bounds):
    processor = FilteredNoiseReverb(**settings_of(golden, "reverb_length"))
    compare(processor, golden, ["audio", "magnitudes", "noise"], [same] * 3, bounds)


def compare_trained(processor, golden, inputs, bounds):
    """Compare signal and controls of a reverb with one response for the whole batch.

    The recorded gradients are those of the sum over controls and signal, with a cotangent each.
    """
    dtype, value, gradient = bounds
    arrays = [a.astype(dtype) for a in inputs.values()]
    controls, pull_controls = processor.controls_vjp(*arrays)
    signal, pull_signal = processor.signal_vjp(*controls)
    assert_close(signal, golden.outputs["signal"], value, "signal")
    for row in golden.outputs["controls/ir"]:  # the original repeats it for the batch
        assert_close(controls[1].ravel(), row, value, "impulse response")
    audio_bar, response_bar = pull_signal(golden.cotangents["signal"].astype(dtype))
    audio_bar = audio_bar + golden.cotangents["controls/audio"].astype(dtype)
    tiled_bar = golden.cotangents["controls/ir"].astype(dtype).sum(axis=0)
    response_bar = response_bar + tiled_bar.reshape(response_bar.shape)
    for name, bar in zip(inputs, pull_controls(audio_bar, response_bar)):
        wanted = golden.gradients[name].reshape(bar.shape)
        assert_close(bar, wanted, gradient, f"cotangent of {name}")


@precisions
@cases("effect_exp_decay_reverb", lambda golden: golden.label == "trainable")
def test_trained_exp_decay_reverb(golden, bounds):
    inputs = {name: golden.inputs[name] for name in REVERB}
    inputs |= {name: inputs[name][0] for name in ("gain", "decay", "noise")}
    compare_trained(ExpDecayReverb(), golden, inputs, bounds)


@precisions
@cases("effect_filtered_noise_reverb", lambda golden: golden.label == "trainable")
def test_trained_filtered_noise_reverb(golden, bounds):
    processor = FilteredNoiseReverb(
        **settings_of(golden, "reverb_length", "n_frames", "n_filter_banks")
    )
    names = ["audio", "magnitudes", "noise"]
    inputs = {name: golden.inputs[name] for name in names}
    inputs["noise"] = inputs["noise"][0]
    compare_trained(processor, golden, inputs, bounds)


@precisions
@cases("effect_fir_filter")
def test_fir_filter(golden, bounds):
    processor = FIRFilter(**settings_of(golden))
    compare(processor, golden, ["audio", "magnitudes"], [same] * 2, bounds)


@precisions
@cases("effect_mod_delay")
def test_mod_delay(golden, bounds):
    def gain(array):
        return array.reshape(golden.inputs["audio"].shape)

    processor = ModDelay(**settings_of(golden))
    compare(processor, golden, ["audio", "gain", "phase"], [same, gain, flat], bounds)


@pytest.mark.parametrize(
    "settings", [{"center_ms": -1}, {"depth_ms": -1}, {"center_ms": 0, "depth_ms": 0.01}]
)
def test_mod_delay_refuses_a_line_without_samples(settings):
    with pytest.raises(ParameterError, match=r"ModDelay: center_ms is .* one sample, 0.0625 ms"):
        ModDelay(**settings)


@precisions
@cases("processors", lambda golden: golden.label == "mix")
def test_mix(golden, bounds):
    """Recorded with controls and signal, each with a cotangent of its own."""
    dtype, value, gradient = bounds
    names = ["signal_one", "signal_two", "nn_out_mix_level"]
    processor = Mix()
    inputs = [flat(golden.inputs[n]).astype(dtype) for n in names]
    controls, pull_controls = processor.controls_vjp(*inputs)
    signal, pull_signal = processor.signal_vjp(*controls)
    assert_close(signal, flat(golden.outputs["signal"]), value, "signal")
    for name, part in zip(processor.controls, controls):
        assert_close(part, flat(golden.outputs[f"controls/{name}"]), value, name)
    bars = pull_signal(flat(golden.cotangents["signal"]).astype(dtype))
    bars = [
        bar + flat(golden.cotangents[f"controls/{name}"]).astype(dtype)
        for name, bar in zip(processor.controls, bars)
    ]
    for name, bar in zip(names, pull_controls(*bars)):
        assert_close(bar, flat(golden.gradients[name]), gradient, f"cotangent of {name}")


def test_mix_refuses_signals_of_different_length():
    with pytest.raises(ParameterError, match="signal_one has 3 samples and signal_two 4"):
        Mix()(np.ones(3), np.ones(4), np.zeros(2))


@precisions
@cases("processors", lambda golden: golden.label.startswith("crop"))
def test_crop(golden, bounds):
    compare(Crop(**golden.settings), golden, ["audio"], [same], bounds)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_size": 4, "crop_location": "end"}, "crop_location is 'end'"),
        ({"frame_size": 0}, "frame_size is 0, must be a whole number"),
        ({"frame_size": 8}, "frame_size is 8, must be less than the 8 samples"),
        ({"frame_size": 8, "crop_location": "center"}, "frame_size is 8, must be at most 7"),
    ],
)
def test_crops_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ParameterError, match=message):
        Crop(**settings)(np.ones(8))
