"""Decoders: gradients against differences, pieces against the whole."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.jit import get_num_threads, set_num_threads
from ddsp_ref.models import decoder as base
from ddsp_ref.models import recurrence
from ddsp_ref.models.convolution import ConvDecoder, ConvSettings
from ddsp_ref.models.decoders import MlpDecoder, MlpSettings, RnnDecoder, RnnSettings
from ddsp_ref.models.recurrence import PytorchDecoder, PytorchSettings

TINY = [
    MlpDecoder(MlpSettings(5, 2), n_harmonics=4, n_bands=3),
    RnnDecoder(RnnSettings(5, 2, 6), n_harmonics=4, n_bands=3),
    ConvDecoder(ConvSettings(5, 2, 6, 2), n_harmonics=4, n_bands=3),
]
NAMES = ("amplitudes", "harmonic_distribution", "noise_magnitudes")


def double(params):
    return {k: p.astype(np.float64) for k, p in params.items()}


def shake(params, rng):
    """Return float64 parameters without zeros, so that no gradient is hidden."""
    return {k: p + 0.3 * rng.standard_normal(p.shape) for k, p in double(params).items()}


@pytest.mark.parametrize("decoder", TINY)
def test_gradient(decoder, rng):
    params = shake(decoder.init(rng), rng)
    f0, loudness = rng.random((2, 2, 7))
    outputs, pullback = decoder.vjp(params, f0, loudness)
    bars = {k: rng.standard_normal(v.shape) for k, v in outputs.items()}
    gradients, f0_bar, loudness_bar = pullback(bars)
    assert set(gradients) == set(params)
    inputs = {**params, "f0": f0, "loudness": loudness}
    got = {**gradients, "f0": f0_bar, "loudness": loudness_bar}

    def value(changed):
        own = {k: changed[k] for k in params}
        y = decoder(own, changed["f0"], changed["loudness"])
        return sum(float(np.sum(y[k] * bars[k])) for k in NAMES)

    for name, array in inputs.items():
        direction = rng.standard_normal(array.shape)
        up, down = ({**inputs, name: array + s * 1e-6 * direction} for s in (1, -1))
        slope = (value(up) - value(down)) / 2e-6
        assert abs(slope - np.sum(got[name] * direction)) < 1e-6 * max(1, abs(slope)), name


@pytest.mark.parametrize("decoder", TINY)
def test_pieces_agree_with_the_whole(decoder, rng, monkeypatch):
    params = shake(decoder.init(rng), rng)
    f0, loudness = rng.random((2, 3, 50))
    whole = decoder.vjp(params, f0, loudness)[0]
    monkeypatch.setattr(base, "_CHUNK", 7)
    monkeypatch.setattr(recurrence, "_PIECE", 7)
    pieces = decoder(params, f0, loudness)
    for name in NAMES:
        np.testing.assert_allclose(pieces[name], whole[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "decoder",
    [
        RnnDecoder(RnnSettings(40, 2, 48), n_harmonics=4, n_bands=3),
        PytorchDecoder(PytorchSettings(48, 2), n_harmonics=4, n_bands=3),
    ],
)
@pytest.mark.parametrize("n_sequences", [1, 3])
def test_a_recurrence_beside_other_work_gives_what_it_gives_alone(
    decoder, n_sequences, rng, monkeypatch
):
    monkeypatch.setattr(recurrence, "_PIECE", 64)
    params = {k: p.astype(np.float32) for k, p in shake(decoder.init(rng), rng).items()}
    f0, loudness = rng.random((2, n_sequences, 300)).astype(np.float32)
    before = get_num_threads()
    try:
        set_num_threads(1)
        alone = decoder(params, f0, loudness)
        for n_threads in (2, 3):
            set_num_threads(n_threads)
            beside = decoder(params, f0, loudness)
            assert all(np.array_equal(beside[name], alone[name]) for name in NAMES)
    finally:
        set_num_threads(before)
    by_piece = decoder(double(params), f0, loudness)
    monkeypatch.setattr(recurrence, "_PIECE", 300)
    at_once = decoder(double(params), f0, loudness)
    for name in NAMES:
        assert by_piece[name].dtype == np.float64
        np.testing.assert_allclose(by_piece[name], at_once[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("decoder", TINY)
@pytest.mark.parametrize("shape", [(0, 5), (2, 0, 5), (1, 1), (2, 3, 5)])
def test_few_frames_and_none(decoder, shape, rng):
    params = decoder.init(rng)
    controls = decoder(params, *np.zeros((2, *shape)))  # float64, whatever comes
    assert controls["noise_magnitudes"].shape == (*shape, 3)
    assert controls["noise_magnitudes"].dtype == np.float32


@pytest.mark.parametrize("decoder", TINY)
def test_without_batch_axis(decoder, rng):
    params = decoder.init(rng)
    f0, loudness = rng.random((2, 9)).astype(np.float32)
    outputs = decoder(params, f0, loudness)
    assert outputs["amplitudes"].shape == (9,)
    assert outputs["harmonic_distribution"].shape == (9, 4)
    assert outputs["noise_magnitudes"].shape == (9, 3)
    assert outputs["amplitudes"].dtype == np.float32


def test_the_recurrent_decoder_remembers(rng):
    decoder = TINY[1]
    params = shake(decoder.init(rng), rng)
    f0, loudness = rng.random((2, 9))
    later = loudness.copy()
    later[0] += 0.5
    a, b = decoder(params, f0, loudness), decoder(params, f0, later)
    assert np.abs(a["amplitudes"] - b["amplitudes"])[1:].max() > 1e-4


def test_wrong_sizes():
    with pytest.raises(ParameterError, match="MlpSettings: n_layers is 0, must be a whole"):
        MlpSettings(n_layers=0)
    with pytest.raises(ParameterError, match=r"RnnSettings: n_hidden is 1.5"):
        RnnSettings(n_hidden=1.5)


def test_the_convolutional_decoder_looks_back_eight_frames(rng):  # 2 * (1 + 3)
    decoder = TINY[2]
    params = shake(decoder.init(rng), rng)
    f0, loudness = rng.random((2, 20))
    later = loudness.copy()
    later[5] += 0.5
    a, b = decoder(params, f0, loudness), decoder(params, f0, later)
    changed = np.flatnonzero(np.abs(a["amplitudes"] - b["amplitudes"]) > 1e-9)
    assert changed.tolist() == list(range(5, 5 + 9))
