"""The FIR filters against recorded outputs and gradients of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref import (
    ParameterError,
    crop_and_compensate_delay,
    fft_convolve,
    fft_convolve_frames,
    frequency_filter,
    frequency_impulse_response,
)

from ...golden import load
from ...golden.compare import assert_golden

CONVOLVE = load("fft_convolve")
CROP = [g for g in load("crop_and_compensate_delay") if "audio_size" in g.settings]
FILTER = load("frequency_filter")
RESPONSE = load("frequency_impulse_response")
NOISE = [g for g in load("synth_filtered_noise") if g.label.endswith("__get_signal")]


def cases(golden, wanted):
    chosen = [g for g in golden if wanted(g)]
    return pytest.mark.parametrize("golden", chosen, ids=[g.label for g in chosen])


def is_right(golden):
    return golden.raises is None and golden.outputs["y"].size > 0


def raises(golden):
    return golden.raises is not None


def convolve_op(golden):
    frames = golden.inputs["impulse_response"].ndim == 3
    return fft_convolve_frames if frames else fft_convolve


def assert_agrees(op, golden, **shapes):
    """Compare value and gradients; `shapes` gives the op's own shape of an input."""
    arrays = [a.reshape(shapes.get(n, a.shape)) for n, a in golden.inputs.items()]
    gradients = [g.reshape(shapes.get(n, g.shape)) for n, g in golden.gradients.items()]
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(op, arrays, golden.settings, y, y_bar, gradients)


@cases(CONVOLVE, is_right)
def test_fft_convolve(golden):
    assert_agrees(convolve_op(golden), golden)


@cases(FILTER, is_right)
def test_frequency_filter(golden):
    batch, *n_frames, n_bands = golden.inputs["magnitudes"].shape
    assert_agrees(frequency_filter, golden, magnitudes=(batch, *(n_frames or [1]), n_bands))


@cases(NOISE, is_right)
def test_frequency_filter_in_filtered_noise(golden):
    """The signal of the noise synthesizer is this op; it has a case with an even window."""
    arrays = [golden.inputs["noise"], golden.inputs["magnitudes"]]
    gradients = [golden.gradients["noise"], golden.gradients["magnitudes"]]
    settings = {"window_size": golden.settings["window_size"]}
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(frequency_filter, arrays, settings, y, y_bar, gradients)


@cases(RESPONSE, is_right)
def test_frequency_impulse_response(golden):
    assert_agrees(frequency_impulse_response, golden)


@cases(CONVOLVE, raises)
def test_fft_convolve_raises_too(golden):
    with pytest.raises(ParameterError):
        convolve_op(golden)(*golden.inputs.values(), **golden.settings)


@cases(RESPONSE, raises)
def test_frequency_impulse_response_raises_too(golden):
    with pytest.raises(ParameterError):
        frequency_impulse_response(*golden.inputs.values(), **golden.settings)


@cases(CONVOLVE, lambda golden: not raises(golden) and not is_right(golden))
def test_where_the_original_is_empty_there_is_audio(golden):
    """The documented difference: the samples of the whole convolution that the rule names."""
    audio, response = (a[0].astype(np.float64) for a in golden.inputs.values())
    settings = {"padding": "same", "delay_compensation": -1, **golden.settings}
    whole = np.convolve(audio, response)
    start = settings["delay_compensation"]
    if start < 0:
        start = max((len(response) - 1) // 2 - 1, 0)
    n_out = len(audio) if settings["padding"] == "same" else len(whole)
    wanted = np.concatenate([whole, np.zeros(start)])[start : start + n_out]
    got = fft_convolve(audio, response, **golden.settings)
    np.testing.assert_allclose(got, wanted, atol=1e-12)
    got = fft_convolve_frames(audio, response[np.newaxis], **golden.settings)
    np.testing.assert_allclose(got, wanted, atol=1e-12)


def test_all_recorded_cases_are_compared():
    for golden in (CONVOLVE, FILTER, RESPONSE, NOISE):
        assert golden
    empty = {g.label for g in CONVOLVE if not raises(g) and not is_right(g)}
    assert empty == {"end_zero", "end_negative", "end_negative2", "ir1", "ir2"}


def crop_settings(golden):
    names = {"audio_size": "n_samples", "ir_size": "n_taps"}
    return {names.get(k, k): v for k, v in golden.settings.items()}


@cases(CROP, is_right)
def test_crop_and_compensate_delay(golden):
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    arrays, gradients = [golden.inputs["audio"]], [golden.gradients["audio"]]
    op, settings = crop_and_compensate_delay, crop_settings(golden)
    assert_golden(op, arrays, settings, y, y_bar, gradients, precision=0)


@cases(CROP, lambda golden: not is_right(golden))
def test_crop_keeps_what_the_original_loses(golden):
    """60 + 5 - 1 samples from 0 on are all 64; `x[0:-0]` is empty."""
    audio, settings = golden.inputs["audio"], crop_settings(golden)
    assert golden.outputs["y"].shape == (2, 0)
    assert settings == {"n_samples": 60, "n_taps": 5, "padding": "valid", "delay_compensation": 0}
    np.testing.assert_array_equal(crop_and_compensate_delay(audio, **settings), audio)
