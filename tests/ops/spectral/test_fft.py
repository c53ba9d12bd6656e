"""The transform of eight frames at a time against that of scipy in more digits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from ddsp_ref.ops.spectral import _fft

SIZES = [1 << i for i in range(4, 14)]
long_double = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="long double is no longer than double here"
)


def transform(x, size):
    """Return the complex transform of even plus i times odd samples, in natural order."""
    work = np.ascontiguousarray(x.T).ravel()
    _fft.forward(work, _fft.turns(size, x.dtype))
    parts = work.reshape(size // 2, 2, _fft.LANES)[_fft.places(size)]
    return (parts[:, 0] + 1j * parts[:, 1]).T


@long_double
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_error_is_that_of_rounding(size, dtype, rng):
    x = rng.standard_normal((_fft.LANES, size)).astype(dtype)
    wide = x.astype(np.longdouble)
    wanted = scipy.fft.fft(wide[:, ::2] + 1j * wide[:, 1::2])
    error = np.abs(transform(x, size) - wanted).max() / np.abs(wanted).max()
    assert error < 4 * np.finfo(dtype).eps


@pytest.mark.parametrize("size", SIZES)
def test_way_back_is_the_inverse(size, rng):
    x = rng.standard_normal(_fft.LANES * size)
    work, factors = x.copy(), _fft.turns(size, x.dtype)
    _fft.forward(work, factors)
    _fft.backward(work, factors)
    np.testing.assert_allclose(work / (size // 2), x, atol=1e-13)


def test_frames_do_not_touch_each_other(rng):
    x = np.zeros((_fft.LANES, 64), np.float32)
    x[3] = rng.standard_normal(64)
    spectra = transform(x, 64)
    assert np.abs(spectra[3]).min() > 0
    assert (np.delete(spectra, 3, axis=0) == 0).all()


@pytest.mark.parametrize("size", [0, 8, 24, 16384])
def test_other_sizes_are_known_not_to_suit(size):
    assert not _fft.suits(size)
