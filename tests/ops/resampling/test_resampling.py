"""What is peculiar to resampling: frames are met, sums are kept, tables cost what they cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ddsp_ref

NEAREST, LINEAR = ddsp_ref.resample_nearest, ddsp_ref.resample_linear
CUBIC = ddsp_ref.resample_cubic
ANY = pytest.mark.parametrize("op", [NEAREST, LINEAR, CUBIC], ids=lambda op: op.name)
quick = settings(deadline=None, max_examples=30)


@ANY
@given(st.integers(1, 9), st.integers(1, 40), st.booleans())
@quick
def test_the_pullback_is_the_transpose(op, n_frames, n_samples, add_endpoint):
    rng = np.random.default_rng(n_frames + 10 * n_samples)
    x, y_bar = rng.standard_normal((n_frames, 2)), rng.standard_normal((n_samples, 2))
    y, pullback = op.vjp(x, n_samples=n_samples, add_endpoint=add_endpoint)
    np.testing.assert_allclose(np.sum(y * y_bar), np.sum(x * pullback(y_bar)[0]), atol=1e-12)
    # weights of every sample sum up to 1, so cotangents are handed on in full
    np.testing.assert_allclose(pullback(y_bar)[0].sum(axis=0), y_bar.sum(axis=0), atol=1e-12)


@ANY
@given(st.integers(2, 9), st.integers(1, 7), st.booleans())
@quick
def test_frames_are_met_where_they_sit(op, n_frames, hop, add_endpoint):
    x = np.random.default_rng(hop).standard_normal((n_frames, 1))
    n_samples = hop * n_frames if add_endpoint else hop * (n_frames - 1) + 1
    y = op(x, n_samples=n_samples, add_endpoint=add_endpoint)
    np.testing.assert_allclose(y[::hop], x, rtol=1e-14)


def test_nearest_holds_where_integer_division_says():
    for n_frames, n_samples in ((7, 100), (1000, 64000), (16, 5), (999, 1000)):
        x = np.arange(n_frames, dtype=np.float32)[:, None]
        wanted = [t * n_frames // n_samples for t in range(n_samples)]
        np.testing.assert_array_equal(NEAREST(x, n_samples=n_samples)[:, 0], wanted)


def test_nearest_is_within_half_a_frame_of_linear_without_endpoint():
    x = np.arange(9.0)[:, None]
    for n_samples in (2, 5, 33, 50):
        settings_ = {"n_samples": n_samples, "add_endpoint": False}
        gap = NEAREST(x, **settings_) - LINEAR(x, **settings_)
        assert np.all((gap > -0.5 - 1e-12) & (gap <= 0.5 + 1e-12))


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2), st.integers(8, 60))
@quick
def test_keys_slope_reproduces_parabolas_between_inner_frames(a, b, c, n_samples):
    at = np.arange(8.0)
    x = (a + b * at + c * at**2)[:, None]
    y = CUBIC(x, n_samples=n_samples, slope=-0.5, table_size=None)[:, 0]
    position = np.arange(n_samples) * 8 / n_samples
    inner = (position >= 1) & (position <= 6)
    wanted = a + b * position + c * position**2
    np.testing.assert_allclose(y[inner], wanted[inner], atol=1e-11)


def test_the_table_costs_about_a_thousandth(rng):
    x = rng.uniform(-1, 1, (50, 4))
    exact = CUBIC(x, n_samples=1931, table_size=None)
    errors = [np.abs(CUBIC(x, n_samples=1931, table_size=n) - exact).max() for n in (1024, 8192)]
    assert 2e-4 < errors[0] < 2e-3
    assert errors[1] < errors[0] / 6
    # up to whole hops of a power of two the table is exact
    np.testing.assert_array_equal(
        CUBIC(x, n_samples=50 * 64), CUBIC(x, n_samples=50 * 64, table_size=None)
    )


def test_cubic_is_even_in_time(rng):
    x = rng.standard_normal((6, 1))
    forth = CUBIC(x, n_samples=41, add_endpoint=False)
    back = CUBIC(x[::-1], n_samples=41, add_endpoint=False)[::-1]
    np.testing.assert_allclose(forth, back, atol=1e-13)


@given(st.integers(1, 12), st.integers(1, 30))
@quick
def test_center_crop_undoes_padding(frame_size, n_samples):
    audio = np.random.default_rng(0).standard_normal((2, n_samples))
    padded = np.pad(audio, [(0, 0), (frame_size // 2,) * 2], mode="reflect" if n_samples > 12 else
                    "constant")  # fmt: skip
    np.testing.assert_array_equal(ddsp_ref.center_crop(padded, frame_size=frame_size), audio)
