"""What the losses on parameters and sinusoids owe to their definitions elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from ddsp_ref import get_op
from ddsp_ref.ops.losses import mean_difference as module

from ...check import assert_close

mean_difference = get_op("mean_difference")
mixture = get_op("gaussian_mixture_log_density")
kde_loss, wasserstein = get_op("kde_consistency_loss"), get_op("wasserstein_distance")
mismatch, mismatch_loss = get_op("two_way_mismatch"), get_op("two_way_mismatch_loss")
ONE = np.ones((1, 1))


SHAPES = [("L1", (n, m)) for n in (1, 700) for m in (1, 3)]
SHAPES += [("L2", shape) for _, shape in SHAPES] + [("COSINE", (1, 1)), ("COSINE", (700, 1))]


@pytest.mark.parametrize(("loss_type", "weight_shape"), SHAPES)
def test_mean_difference_does_not_depend_on_how_rows_are_divided(
    loss_type, weight_shape, rng, monkeypatch
):
    target, value = rng.standard_normal((2, 700, 3))
    weights, results = rng.uniform(0.1, 1.0, weight_shape), []
    for part in (50, 1 << 16):
        monkeypatch.setattr(module, "_PART", part)
        y, pullback = mean_difference.vjp(target, value, weights, loss_type=loss_type)
        results.append((y, *pullback(2.0)))
    assert_close(results[0], results[1], 1e-13, "parts")


def test_cosine_of_rows_of_length_one_is_that_of_their_angle():
    angles = np.linspace(0.0, 3.0, 7)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    still = np.tile([[1.0, 0.0]], (7, 1))
    got = mean_difference(rows, still, ONE, loss_type="COSINE")
    assert got == pytest.approx(np.mean(1 - np.cos(angles)), rel=1e-14)


def test_mixture_is_a_density(rng):
    weights, centers = rng.uniform(0.1, 2.0, 6), rng.uniform(-5.0, 5.0, 6)
    points = np.linspace(-15.0, 15.0, 20001)
    density = np.exp(mixture(points, weights, centers, scale=0.7))
    assert scipy.integrate.trapezoid(density, points) == pytest.approx(1.0, rel=1e-10)
    wanted = scipy.stats.norm.pdf(points[:, None], centers, 0.7) @ (weights / weights.sum())
    np.testing.assert_allclose(density, wanted, rtol=1e-11)


def test_mixture_does_not_change_when_all_weights_grow(rng):
    points, centers = rng.standard_normal((2, 5))
    weights = rng.uniform(0.1, 2.0, 5)
    y, pullback = mixture.vjp(points, weights, centers, scale=0.3)
    np.testing.assert_allclose(mixture(points, 1e3 * weights, centers, scale=0.3), y, rtol=1e-12)
    assert abs(pullback(np.ones(5))[1] @ weights) < 1e-13


def test_mixture_moves_with_its_points_and_centres(rng):
    points, centers = rng.standard_normal((2, 5))
    _, pullback = mixture.vjp(points, np.ones(5), centers, scale=0.3)
    points_bar, _, centers_bar = pullback(np.ones(5))
    assert points_bar.sum() == pytest.approx(-centers_bar.sum(), rel=1e-12)


def midi(hz):
    return 12 * np.log2(hz / 440) + 69


def test_kde_loss_is_that_of_scipys_normal_distribution(rng):
    """There are no recorded outputs of the original's class."""
    (a, b), (a_hz, b_hz) = rng.uniform(0.1, 1.0, (2, 6, 4)), rng.uniform(100.0, 900.0, (2, 6, 4))
    scales = {"a": 1.5, "b": 2.5}

    def nll(amps, hz, others, others_hz, scale):
        pdf = scipy.stats.norm.pdf(midi(hz)[:, :, None], midi(others_hz)[:, None, :], scale)
        shares = others / others.sum(axis=1, keepdims=True)
        density = np.einsum("tij,tj->ti", pdf, shares)
        return -np.mean(amps / amps.sum(axis=1, keepdims=True) * np.log(density))

    wanted = (
        2.0 * nll(a, a_hz, b, b_hz, scales["b"])
        + 3.0 * nll(b, b_hz, a, a_hz, scales["a"])
        + 0.5 * np.mean(np.abs(a.mean(axis=1) - b.mean(axis=1)))
    )
    settings = {"weight_a": 2.0, "weight_b": 3.0, "weight_mean_amp": 0.5}
    settings |= {"scale_a": scales["a"], "scale_b": scales["b"]}
    got = kde_loss(a, a_hz, b, b_hz, **settings)
    assert got == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_distance_is_scipys(seed):
    rng = np.random.default_rng(seed)
    u, v = rng.standard_normal(9).round(1), rng.standard_normal(6).round(1)  # with equal values
    u_weights, v_weights = rng.uniform(0.1, 1.0, 9), rng.uniform(0.1, 1.0, 6)
    arrays = u, v, u_weights, v_weights
    got = wasserstein(*arrays, normalize=True)
    assert got == pytest.approx(scipy.stats.wasserstein_distance(*arrays), rel=1e-12)
    energy = np.sqrt(2) * wasserstein(*arrays, p=2.0, normalize=True)
    assert energy == pytest.approx(scipy.stats.energy_distance(*arrays), rel=1e-12)


def test_moving_all_points_moves_all_weight(rng):
    values, weights = rng.standard_normal(8), rng.uniform(0.1, 1.0, 8)
    y, pullback = wasserstein.vjp(values + 7.0, values, weights, weights)
    assert y == pytest.approx(7.0 * weights.sum(), rel=1e-12)
    u_bar, v_bar, *_ = pullback(1.0)
    # points that lie apart are pulled with their weight
    np.testing.assert_allclose(u_bar, weights, rtol=1e-12)
    np.testing.assert_allclose(v_bar, -weights, rtol=1e-12)


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_equal_sets_do_not_pull(p, rng):
    values, weights = rng.standard_normal(8), np.exp2(np.arange(8.0))  # sums are exact
    y, pullback = wasserstein.vjp(values, values[::-1], weights, weights[::-1], p=p)
    assert y == 0
    for bar in pullback(1.0):
        np.testing.assert_array_equal(bar, 0)


@pytest.mark.parametrize("f0_hz", [82.4, 196.0, 440.0])
def test_the_fundamental_has_the_smallest_mismatch(f0_hz):
    partials = f0_hz * np.arange(1, 13)
    candidates = f0_hz * np.array([0.5, 2 / 3, 1.0, 1.5, 2.0, 3.0])
    both = mismatch(candidates, partials, 1 / np.arange(1, 13))
    assert candidates[np.argmin(sum(both))] == f0_hz


def test_candidates_are_pulled_towards_the_fundamental():
    partials = 220.0 * np.arange(1, 13)[None]
    for f0_hz, sign in ((218.0, -1), (222.0, 1)):
        _, pullback = mismatch_loss.vjp([[f0_hz]], partials, 1 / partials)
        assert np.sign(pullback(1.0)[0][0, 0]) == sign


def test_a_cold_softmin_is_the_smallest_mismatch(rng):
    candidates, hz = rng.uniform(100.0, 900.0, (4, 5)), rng.uniform(100.0, 4000.0, (4, 7))
    amps = rng.uniform(0.1, 1.0, (4, 7))
    both = sum(mismatch(candidates, hz, amps))
    got = mismatch_loss(candidates, hz, amps, softmin_temperature=1e-3)
    assert got == pytest.approx(np.mean(both.min(axis=1)) / 5, rel=1e-12)
