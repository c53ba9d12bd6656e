"""What the recorded calls do not show of the losses: shapes of weights, gradients, what is 0."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref.compat.magenta as ddsp
from ddsp_ref.errors import ParameterError

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def assert_gradient_is_that_of_differences(loss, arrays):
    _, pullback = loss.vjp(**arrays)
    bars, step = pullback(1.0), 1e-6
    ways = {name: normal(*array.shape) for name, array in arrays.items()}
    sides = [
        loss(**{name: array + sign * step * ways[name] for name, array in arrays.items()})
        for sign in (1, -1)
    ]
    pulled = sum(np.sum(bars[name] * way) for name, way in ways.items())
    assert pulled == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-5)


def test_kernel_density_loss_is_its_formula_and_has_its_gradient():
    """Not among the recorded calls: one sinusoid each, 3 semitones apart, and differences."""
    one, a4, c5 = np.ones((1, 1, 1)), np.full((1, 1, 1), 440.0), np.full((1, 1, 1), 440 * 2**0.25)
    loss = ddsp.losses.KDEConsistencyLoss(weight_mean_amp=0.0, scale_a=1.0, scale_b=2.0)
    nll = [0.5 * (3 / s) ** 2 + np.log(s * np.sqrt(2 * np.pi)) for s in (1.0, 2.0)]
    assert loss(one, a4, one, c5) == pytest.approx(sum(nll), rel=1e-6)
    loss = ddsp.losses.KDEConsistencyLoss(scale_a=2.0, scale_b=3.0)
    names = ("amps_a", "freqs_a", "amps_b", "freqs_b")
    arrays = [RNG.uniform(low, 2 * low, (2, 3, 4)) for low in (0.5, 200.0, 0.5, 200.0)]
    _, pullback = loss.vjp(*arrays)
    bars = pullback(1.0)
    for i, name in enumerate(names):
        way, step = normal(2, 3, 4), 1e-5
        sides = [
            loss(*[x + sign * step * way * (j == i) for j, x in enumerate(arrays)])
            for sign in (1, -1)
        ]
        slope = (sides[0] - sides[1]) / (2 * step)
        assert np.sum(bars[name] * way) == pytest.approx(slope, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_transport_by_hand_and_its_gradient(p):
    """Weights 1 at 0 and at 3 against 2 at 1: one goes one step, one goes two."""
    u, v = np.array([[3.0, 0.0]]), np.array([[1.0]])
    ones, two = np.ones((1, 2)), np.full((1, 1), 2.0)
    y, pullback = ddsp.losses.wasserstein_distance.vjp(u, v, ones, two, p=p)
    assert y == pytest.approx(np.array([3.0 ** (1 / p)]))
    bars = pullback(np.ones(1))
    sign = 1 / p * 3.0 ** (1 / p - 1)
    np.testing.assert_allclose(bars["u_values"], sign * np.array([[1.0, -1.0]]))
    np.testing.assert_allclose(bars["v_values"], [[0.0]], atol=1e-15)


def test_two_way_mismatch_finds_the_pitch():
    freqs = 220.0 * np.arange(1, 8).reshape(1, 1, 7)
    candidates = np.array([[[110.0, 220.0, 330.0]]])
    best = ddsp.losses.TWMLoss().predict_f0(candidates, freqs, 1 / freqs)
    assert best.ravel() == 220.0


def test_embedding_loss_and_weights_of_zero():
    double = ddsp.losses.EmbeddingLoss(2.0, pretrained_model=lambda x: x * 3.0)
    y, pullback = double.vjp(target_audio=np.array([1.0]), audio=np.array([2.0]))
    assert y == 6.0
    assert pullback(1.0)["audio"] == 6.0
    assert ddsp.losses.SpectralLoss(mag_weight=0.0)(normal(1, 99), normal(1, 99)) == 0.0


@pytest.mark.parametrize(
    "shape", [(), (1,), (4,), (5, 1), (2, 1, 1), (5, 4), (2, 5, 4), (3, 1, 1, 1)]
)
def test_weights_of_any_shape_that_fits(shape):
    target, value, weights = normal(2, 5, 4), normal(5, 4), np.abs(normal(*shape)) + 0.5
    arrays = {"target": target, "value": value, "weights": weights}
    wanted = np.mean((target - value) ** 2 * weights)
    assert ddsp.losses.mean_difference(**arrays, loss_type="l2") == pytest.approx(wanted)
    assert ddsp.losses.ParamLoss(3.0)(value, target, weights) == pytest.approx(
        3 * np.mean(np.abs((target - value) * weights))
    )
    loss = ddsp.losses.ParamLoss(3.0, loss_type="L2")
    assert_gradient_is_that_of_differences(
        loss, {"pred": value, "target": target, "weights": weights}
    )


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match=r"mean_difference: the arrays .* weights \(3,\)"):
        ddsp.losses.mean_difference(normal(5, 4), normal(5, 4), weights=np.ones(3))


_TERMS = ("mag", "delta_time", "delta_freq", "cumsum_freq", "logmag")


@pytest.mark.parametrize("sizes", [(48,), (48, 64)])
@pytest.mark.parametrize("kind", ["L1", "L2", "COSINE"])
@pytest.mark.parametrize("term", _TERMS)
def test_spectra_of_sizes_that_are_padded(term, kind, sizes):
    """As in the original, to the next power of two; the views worked out by hand."""
    views = {
        "mag": lambda mag: mag,
        "delta_time": lambda mag: np.diff(mag, axis=1),
        "delta_freq": lambda mag: np.diff(mag, axis=2),
        "cumsum_freq": lambda mag: np.cumsum(mag, axis=2),
        "logmag": np.log,
    }
    distance = {
        "L1": lambda a, b: np.mean(np.abs(a - b)),
        "L2": lambda a, b: np.mean((a - b) ** 2),
        "COSINE": lambda a, b: np.mean(1 - np.sum(a * b, axis=-1)),
    }[kind]
    audio = {"target_audio": normal(2, 150), "audio": normal(2, 150)}
    settings = {"fft_sizes": sizes, "loss_type": kind, "mag_weight": 0.0, f"{term}_weight": 2.0}
    loss, wanted = ddsp.losses.SpectralLoss(**settings), 0.0
    for size in sizes:
        mags = [ddsp.spectral_ops.compute_mag(signal, size) for signal in audio.values()]
        assert mags[0].shape[-1] == 33
        wanted += 2 * distance(*map(views[term], mags))
    assert loss(**audio) == pytest.approx(wanted, rel=1e-9)
    assert_gradient_is_that_of_differences(loss, audio)


@pytest.mark.parametrize("kind", ["L1", "COSINE"])
def test_weights_are_spread_over_loudness_and_counted_over_the_batch(kind):
    """Weights (batch, 1, 1): over (batch, frames) of the loudness each signal has all of them."""
    audio = {"target_audio": normal(2, 300), "audio": normal(2, 300)}
    weights = np.array([0.0, 3.0]).reshape(2, 1, 1)
    loss = ddsp.losses.SpectralLoss((64,), kind, mag_weight=0.0, loudness_weight=0.5)
    louds = [ddsp.spectral_ops.compute_loudness(a, n_fft=2048) for a in audio.values()]
    if kind == "L1":
        wanted = np.mean(np.abs((louds[0] - louds[1]) * weights))
    else:
        wanted = np.mean(1 - np.sum(louds[0] * louds[1], axis=-1)) * 3.0
    assert loss(**audio, weights=weights) == pytest.approx(0.5 * wanted)
    loss = ddsp.losses.SpectralLoss((64,), kind)
    mags = [ddsp.spectral_ops.compute_mag(a, 64) for a in audio.values()]
    if kind == "L1":
        wanted = np.mean(np.abs(mags[0] - mags[1]) * weights)
    else:  # a mean over what has a weight other than 0: the frames of the second signal
        wanted = 3.0 * np.mean(1 - np.sum(mags[0][1] * mags[1][1], axis=-1))
    assert loss(**audio, weights=weights) == pytest.approx(wanted)


@pytest.mark.parametrize("shape", [(), (33,), (19, 1), (19, 33), (2, 19, 1), (1, 1, 33)])
def test_spectral_weights_of_frames_and_bins(shape):
    audio = {"target_audio": normal(2, 300), "audio": normal(2, 300)}
    weights = np.abs(normal(*shape)) + 0.5
    loss = ddsp.losses.SpectralLoss((64,), "l2")
    mags = [ddsp.spectral_ops.compute_mag(a, 64) for a in audio.values()]
    wanted = np.mean((mags[0] - mags[1]) ** 2 * weights)
    assert loss(**audio, weights=weights) == pytest.approx(wanted)
    assert_gradient_is_that_of_differences(loss, audio | {"weights": weights})


def test_weights_of_a_loss_that_are_not_positive_leave_terms_out():
    audio = normal(2, 1, 99)
    assert ddsp.losses.SpectralLoss(mag_weight=-1.0, loudness_weight=-1.0)(*audio) == 0.0
    sinusoids = [np.abs(normal(1, 2, 3)) + 0.1 for _ in range(4)]
    kde = ddsp.losses.KDEConsistencyLoss
    assert kde(weight_a=-1.0)(*sinusoids) == kde(weight_a=0.0)(*sinusoids)
    transport = ddsp.losses.WassersteinConsistencyLoss
    assert transport(weight=0.0)(*sinusoids) == transport(midi=False)(*sinusoids) == 0.0


def test_transport_of_sinusoids_is_a_mean_over_frames():
    """Amplitude 0.5 an octave up, and nothing to carry in the second frame: 6 / 2."""
    amps, a4 = np.full((1, 2, 1), 0.5), np.full((1, 2, 1), 440.0)
    to = a4 * np.array([2.0, 1.0]).reshape(1, 2, 1)
    loss = ddsp.losses.WassersteinConsistencyLoss(weight=2.0)
    assert loss(amps, a4, amps, to) == pytest.approx(6.0)
    assert_gradient_is_that_of_differences(
        loss, dict(zip(("amps_a", "freqs_a", "amps_b", "freqs_b"), (amps, a4, amps, to * 1.1)))
    )


def test_notes_of_a_hidden_markov_model():
    pitch = np.array([[60.1, 59.8, 64.0, 30.0], [50.0, 50.0, 50.0, 50.0]])[..., None]
    amps = np.array([[1.5, 1.4, 1.6, 0.0], [1.5, 1.5, 1.5, 1.5]])[..., None]
    model = ddsp.losses.HmmTranscriber(avg_length=3, weight=2.0)
    each = model.nll(pitch, amps, per_example_loss=True)
    assert each.shape == (2,)
    loss, pullback = model.vjp(pitch=pitch, amps=amps)
    np.testing.assert_allclose(loss, each.mean(), rtol=1e-12)
    bars = pullback(np.ones(()))
    step = 1e-6 * np.random.default_rng(0).standard_normal(pitch.shape)
    difference = model(pitch + step, amps - step) - model(pitch - step, amps + step)
    slope = np.sum((bars["pitch"] - bars["amps"]) * step)
    np.testing.assert_allclose(difference / 2, slope, rtol=1e-6)
    notes = model.predict_midi(pitch, amps)
    assert notes[..., 0].tolist() == [[60, 60, 64, 0], [50, 50, 50, 50]]
