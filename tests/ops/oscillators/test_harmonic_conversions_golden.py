"""Harmonics as sinusoids and back, against recorded calls of the original."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref

from ...check import assert_close
from ...golden import load
from ...golden.compare import assert_golden

CONVERSIONS = load("harmonic_sinusoidal_conversion")


@pytest.mark.parametrize("golden", load("get_harmonic_frequencies"), ids=lambda g: g.label)
def test_harmonic_frequencies(golden):
    assert_golden(
        ddsp_ref.harmonic_frequencies,
        [golden.inputs["frequencies"][..., 0]],
        golden.settings,
        golden.outputs["y"],
        golden.cotangents["y"],
        [golden.gradients["frequencies"][..., 0]],
    )


@pytest.mark.parametrize("golden", load("remove_above_nyquist"), ids=lambda g: g.label)
def test_remove_above_nyquist(golden):
    arrays = [golden.inputs["frequency_envelopes"], golden.inputs["amplitude_envelopes"]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    gradients = [None, golden.gradients["amplitude_envelopes"]]
    op = ddsp_ref.remove_above_nyquist
    assert_golden(op, arrays, golden.settings, y, y_bar, gradients)
    _, pullback = op.vjp(*arrays, **golden.settings)
    assert_close(pullback(y_bar)[0], np.zeros_like(y), 0, "frequencies")


@pytest.mark.parametrize("golden", CONVERSIONS, ids=lambda g: g.label)
def test_conversions(golden):
    inputs, gradients = golden.inputs, golden.gradients
    outputs = [golden.outputs["0"], golden.outputs["1"]]
    bars = [golden.cotangents["0"], golden.cotangents["1"]]
    if "harmonic_to_sinusoidal" in golden.info["call"]:
        op, names = ddsp_ref.harmonic_to_sinusoidal, ("harm_amp", "harm_dist", "f0_hz")
    else:
        op, names = ddsp_ref.sinusoidal_to_harmonic, ("sin_amps", "sin_freqs", "f0_hz")
        # the amplitude has no channel axis of its own here
        outputs[0], bars[0] = outputs[0][..., 0], bars[0][..., 0]

    def ours(arrays):
        single = ("f0_hz", "harm_amp")
        return [arrays[n][..., 0] if n in single else arrays[n] for n in names]

    settings = golden.settings
    assert_golden(
        op, ours(inputs), settings, tuple(outputs), tuple(bars), ours(gradients), precision=1e-10
    )
