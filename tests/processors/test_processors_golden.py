"""Processors against recorded calls of the original, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.scaling.exp_sigmoid import exp_sigmoid
from ddsp_ref.processors.effects import Add, Reverb
from ddsp_ref.processors.graph import Graph
from ddsp_ref.processors.synths import FilteredNoise, Harmonic

from ..check import assert_close
from ..golden import load

# The recorded float64 numbers; and float32 through three or four ops, each within its own bound.
BOUNDS = [(np.float64, 1e-10, 1e-9), (np.float32, 1e-5, 5e-5)]
precisions = pytest.mark.parametrize(
    ("dtype", "value", "gradient"), BOUNDS, ids=["float64", "float32"]
)


def cases(name, ending):
    return [pytest.param(g, id=g.label) for g in load(name) if g.label.endswith(ending)]


def flat(array):
    """Drop the trailing axis of length 1 that the original keeps on f0 and amplitudes."""
    return array[..., 0]


def settings_of(golden):
    settings = {k: v for k, v in golden.settings.items() if k != "use_angular_cumsum"}
    if "scale_fn" in settings:
        settings["scale_fn"] = {None: None}.get(settings["scale_fn"], exp_sigmoid)
    return settings


def compare(processor, inputs, golden_y, y_bar, gradients, value, gradient):
    y, pullback = processor.vjp(*inputs)
    assert_close(y, golden_y, value, "signal")
    assert y.dtype == inputs[0].dtype
    if y_bar is not None:
        for got, wanted in zip(pullback(y_bar.astype(y.dtype)), gradients):
            if wanted is not None:
                assert_close(got, wanted, gradient, "cotangent")


@precisions
@pytest.mark.parametrize("golden", cases("synth_harmonic", "__call"))
def test_harmonic(golden, dtype, value, gradient):
    names = ("amplitudes", "harmonic_distribution", "f0_hz")
    inputs = [golden.inputs[n].astype(dtype) for n in names]
    wanted = [golden.gradients.get(n) for n in names]
    for i in (0, 2):
        inputs[i] = flat(inputs[i])
        wanted[i] = None if wanted[i] is None else flat(wanted[i])
    processor = Harmonic(**settings_of(golden))
    y_bar = golden.cotangents.get("y")
    compare(processor, inputs, golden.outputs["y"], y_bar, wanted, value, gradient)


@precisions
@pytest.mark.parametrize("golden", cases("synth_harmonic", "__get_controls"))
def test_harmonic_controls(golden, dtype, value, gradient):
    del gradient
    got = Harmonic(**settings_of(golden)).get_controls(
        flat(golden.inputs["amplitudes"]).astype(dtype),
        golden.inputs["harmonic_distribution"].astype(dtype),
        flat(golden.inputs["f0_hz"]).astype(dtype),
    )
    assert_close(got["amplitudes"], flat(golden.outputs["amplitudes"]), value, "amplitudes")
    for name in ("harmonic_distribution",):
        assert_close(got[name], golden.outputs[name], value, name)


@precisions
@pytest.mark.parametrize("golden", cases("synth_filtered_noise", "__call"))
def test_filtered_noise(golden, dtype, value, gradient):
    settings = settings_of(golden)
    settings.pop("n_samples")
    inputs = [golden.inputs["magnitudes"].astype(dtype), golden.inputs["noise"].astype(dtype)]
    processor = FilteredNoise(**settings)
    wanted = [golden.gradients.get("magnitudes"), None]
    y_bar = golden.cotangents.get("y")
    compare(processor, inputs, golden.outputs["y"], y_bar, wanted, value, gradient)


@precisions
@pytest.mark.parametrize("golden", cases("effect_reverb", "__call"))
def test_reverb(golden, dtype, value, gradient):
    audio = golden.inputs["audio"].astype(dtype)
    ir = golden.inputs["ir"].astype(dtype)
    wanted_ir = golden.gradients["ir"]
    if ir.ndim == 3:
        ir, wanted_ir = ir[..., 0], wanted_ir[..., 0]
    wanted = [golden.gradients["audio"], wanted_ir]
    processor = Reverb(**golden.settings)
    y_bar = golden.cotangents["y"]
    compare(processor, [audio, ir], golden.outputs["y"], y_bar, wanted, value, gradient)


@precisions
def test_add(dtype, value, gradient):
    (golden,) = cases("processors", "add")[:1][0].values
    inputs = [golden.inputs[n].astype(dtype) for n in ("signal_one", "signal_two")]
    wanted = [golden.gradients[n] for n in ("signal_one", "signal_two")]
    y_bar = golden.cotangents["y"]
    compare(Add(), inputs, golden.outputs["y"], y_bar, wanted, value, gradient)


def published_nodes():
    return [
        (Harmonic(n_samples=640), ["amps", "harmonic_distribution", "f0_hz"]),
        (FilteredNoise(window_size=0), ["noise_magnitudes", "noise"]),
        (Add(), ["filtered_noise/signal", "harmonic/signal"]),
        (Reverb(), ["add/signal", "ir"]),
    ]


def ours(key, array):
    """Return a recorded array without the axes of length 1 of f0 and amplitudes."""
    return flat(array) if key.split("/")[-1] in ("amps", "amplitudes", "f0_hz") else array


@precisions
def test_graph_of_the_published_model(dtype, value, gradient):
    (golden,) = (g for g in load("processors") if g.label == "group_h_fn_add_reverb")
    nodes = published_nodes()
    inputs = {name: ours(name, array).astype(dtype) for name, array in golden.inputs.items()}
    values = Graph(nodes).run(inputs)
    renamed = {"signal": "reverb/signal", "add": "add/signal"}
    for key, wanted in golden.outputs.items():
        assert_close(values[renamed.get(key, key)], ours(key, wanted), value, key)

    # the recorded gradients are those of the sum over all outputs, each with its own cotangent
    total = {name: np.zeros(array.shape) for name, array in inputs.items()}
    bars = {renamed.get(key, key): ours(key, bar) for key, bar in golden.cotangents.items()}
    for place, (processor, keys) in enumerate(nodes):
        signal_bar = bars[f"{processor.name}/signal"].astype(dtype)
        pulled = Graph(nodes[: place + 1]).vjp(inputs)[1](signal_bar)
        for name, bar in pulled.items():
            total[name] += bar
        if f"{processor.name}/controls/{processor.controls[0]}" not in bars:
            continue
        controls, pull = processor.controls_vjp(*[inputs[key] for key in keys])
        zeros = dict(zip(processor.controls, map(np.zeros_like, controls)))
        controls_bar = [
            bars.get(f"{processor.name}/controls/{name}", zero).astype(dtype)
            for name, zero in zeros.items()
        ]
        for name, bar in zip(keys, pull(*controls_bar)):
            total[name] += bar
    for name, wanted in golden.gradients.items():
        assert_close(total[name], ours(name, wanted), gradient, name)
