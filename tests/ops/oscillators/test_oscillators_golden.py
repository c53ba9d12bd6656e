"""Oscillators and wavetables against recorded calls of the original, values and gradients.

The original counts phase in radians, these ops in cycles; phases and their cotangents are
converted here.
"""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.ops.oscillators.angular_cumsum import angular_cumsum
from ddsp_ref.ops.oscillators.harmonic_distribution_to_wavetable import (
    harmonic_distribution_to_wavetable,
)
from ddsp_ref.ops.oscillators.harmonic_oscillator_bank import harmonic_oscillator_bank
from ddsp_ref.ops.oscillators.harmonic_synthesis_shifted import harmonic_synthesis_shifted
from ddsp_ref.ops.oscillators.linear_lookup import linear_lookup
from ddsp_ref.ops.oscillators.oscillator_bank import oscillator_bank
from ddsp_ref.ops.oscillators.streaming_harmonic_synthesis import streaming_harmonic_synthesis
from ddsp_ref.ops.oscillators.wavetable_synthesis import wavetable_synthesis

from ...check import assert_close
from ...golden import load
from ...golden.compare import assert_golden

TURN = 2 * np.pi


def cases(name, wanted=lambda golden: True):
    chosen = [g for g in load(name) if wanted(g)]
    assert chosen
    return pytest.mark.parametrize("golden", chosen, ids=[g.label for g in chosen])


def flat(array):
    """Drop the trailing axis of length 1 that the original keeps on f0 and amplitudes."""
    return None if array is None else array[..., 0]


def settings_of(golden):
    return {k: v for k, v in golden.settings.items() if k != "use_angular_cumsum"}


@cases("angular_cumsum", lambda golden: not golden.raises)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_angular_cumsum(golden, dtype):
    x = golden.inputs["angular_frequency"]
    shape = (*x.shape[:2], -1)
    y, pullback = angular_cumsum.vjp(x.reshape(shape).astype(dtype))
    off = y.astype(np.float64) - golden.outputs["y"].reshape(shape)
    off -= TURN * np.round(off / TURN)  # a phase just above 0 may be one just below a turn
    single = dtype == np.float32
    assert np.abs(off).max() < (5e-7 if single else 1e-11)
    (bar,) = pullback(golden.cotangents["y"].reshape(shape))
    wanted = golden.gradients["angular_frequency"].reshape(shape)
    assert_close(bar, wanted, 1e-6 if single else 1e-12, "cotangent")


@cases("angular_cumsum", lambda golden: golden.raises)
def test_angular_cumsum_takes_the_axes_that_the_original_fails_on(golden):
    x = golden.inputs["angular_frequency"].astype(np.float64)
    samples_last_but_one = x.reshape(1, 130, 4)
    wanted = np.cumsum(samples_last_but_one, axis=1) % TURN
    np.testing.assert_allclose(angular_cumsum(samples_last_but_one), wanted, atol=1e-12)


@cases("oscillator_bank")
def test_oscillator_bank(golden):
    names = ("frequency_envelopes", "amplitude_envelopes")
    arrays = [golden.inputs[n] for n in names]
    gradients = [golden.gradients[n] for n in names]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(
        oscillator_bank, arrays, settings_of(golden), y, y_bar, gradients, precision=1e-10
    )


def phases_of(golden):
    """Return initial phase, outputs, cotangents and the gradient of the phase, in cycles."""
    n_batch = len(golden.outputs["0"])
    initial = golden.inputs.get("initial_phase", np.zeros(n_batch)).reshape(n_batch)
    final = golden.outputs["1"].reshape(n_batch) / TURN % 1
    final_bar = golden.cotangents["1"].reshape(n_batch).astype(np.float64) * TURN
    bars = (golden.cotangents["0"], final_bar)
    gradient = golden.gradients.get("initial_phase")
    gradient = None if gradient is None else gradient.reshape(n_batch) * TURN
    return initial.astype(np.float64) / TURN, (golden.outputs["0"], final), bars, gradient


@cases("harmonic_oscillator_bank")
def test_harmonic_oscillator_bank(golden):
    initial, y, bars, initial_bar = phases_of(golden)
    arrays = [flat(golden.inputs["frequency"]), golden.inputs["amplitude_envelopes"], initial]
    gradients = [
        flat(golden.gradients["frequency"]),
        golden.gradients["amplitude_envelopes"],
        initial_bar,
    ]
    assert_golden(
        harmonic_oscillator_bank, arrays, settings_of(golden), y, bars, gradients, precision=1e-10
    )


@cases("streaming_harmonic_synthesis")
def test_streaming_harmonic_synthesis(golden):
    initial, y, bars, initial_bar = phases_of(golden)
    f0_hz, amplitudes = flat(golden.inputs["frequencies"]), flat(golden.inputs["amplitudes"])
    alone = np.ones((*f0_hz.shape, 1), "f4")
    shares = golden.inputs.get("harmonic_distribution", alone)
    gradients = [
        flat(golden.gradients["frequencies"]),
        flat(golden.gradients["amplitudes"]),
        golden.gradients.get("harmonic_distribution"),
        initial_bar,
    ]
    assert_golden(
        streaming_harmonic_synthesis,
        [f0_hz, amplitudes, shares, initial],
        golden.settings,
        y,
        bars,
        gradients,
        precision=1e-10,
    )


def is_shifted(golden):
    return "harmonic_shifts" in golden.inputs


@cases("harmonic_synthesis", is_shifted)
def test_harmonic_synthesis_shifted(golden):
    f0_hz, amplitudes = flat(golden.inputs["frequencies"]), flat(golden.inputs["amplitudes"])
    shifts = golden.inputs["harmonic_shifts"]
    shares = golden.inputs.get("harmonic_distribution", np.ones_like(shifts))
    arrays, settings = [f0_hz, amplitudes, shifts, shares], settings_of(golden)
    gradients = [
        flat(golden.gradients["frequencies"]),
        flat(golden.gradients["amplitudes"]),
        golden.gradients.get("harmonic_shifts"),
        golden.gradients.get("harmonic_distribution"),
    ]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(
        harmonic_synthesis_shifted, arrays, settings, y, y_bar, gradients, precision=1e-10
    )


@cases("linear_lookup")
def test_linear_lookup(golden):
    """The case "edge" has phases on points of the table, where the gradient is taken as 0."""
    phase, tables = golden.inputs["phase"], golden.inputs["wavetables"]
    shape = (len(tables), -1, tables.shape[-1])
    gradients = [
        golden.gradients["phase"].reshape(phase.shape[:2]),
        golden.gradients["wavetables"].reshape(len(tables), *tables.reshape(shape).shape[1:]),
    ]
    arrays = [phase.reshape(phase.shape[:2]), tables.reshape(shape)]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(linear_lookup, arrays, {}, y, y_bar, gradients)


@cases("harmonic_distribution_to_wavetable")
def test_harmonic_distribution_to_wavetable(golden):
    arrays = [golden.inputs["harmonic_distribution"]]
    gradients = [golden.gradients["harmonic_distribution"]]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(harmonic_distribution_to_wavetable, arrays, golden.settings, y, y_bar, gradients)


@cases("wavetable_synthesis")
def test_wavetable_synthesis(golden):
    tables = golden.inputs["wavetables"]
    shape = (len(tables), -1, tables.shape[-1])
    arrays = [
        flat(golden.inputs["frequencies"]),
        flat(golden.inputs["amplitudes"]),
        tables.reshape(shape),
    ]
    gradients = [
        flat(golden.gradients["frequencies"]),
        flat(golden.gradients["amplitudes"]),
        golden.gradients["wavetables"].reshape(shape),
    ]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(
        wavetable_synthesis, arrays, golden.settings, y, y_bar, gradients, precision=1e-10
    )
