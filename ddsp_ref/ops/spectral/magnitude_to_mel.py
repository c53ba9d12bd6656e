"""Magnitudes of a spectrum gathered in bands of equal width in mel."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op

from ._tables import mel_matrix


def define(magnitudes, *, n_mels=64, sample_rate=16000, low_hz=0.0, high_hz=8000.0, xp=np):
    """Gather the magnitudes of a spectrum in mel bands.

    ``y[m, j] = sum_k W[k, j] magnitudes[m, k]`` with ``W[k, j] = max(0, 1 - |p_k - (j + 1)|)``,
    a triangle of height 1, where p_k counts equal steps on the mel scale: 0 at low_hz and
    n_mels + 1 at high_hz. Bin k is at ``k sample_rate / (2 (n_bins - 1))``; bin 0 has weight 0.

    Parameters
    ----------
    magnitudes : array, shape (..., n_frames, n_bins)
        Magnitudes (or powers) of a spectrum from 0 Hz to Nyquist, both ends included.
    n_mels : int
        Number of bands, at least 1.
    sample_rate : float
        Samples per second, positive.
    low_hz : float
        Where the first band begins, at least 0.
    high_hz : float
        Where the last band ends, above low_hz and at most half the sample rate.

    Returns
    -------
    array, shape (..., n_frames, n_mels)
        Sum of each band. A band that is narrower than the distance of bins may hold none: 0.

    Raises
    ------
    ParameterError
        If the bands are no part of the spectrum, or there is only one bin.

    Notes
    -----
    Gradient: linear; the pullback multiplies by the transposed weights.
    Precision: that of a matrix product in the precision of the input.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mel, where it is
    tf.signal.linear_to_mel_weight_matrix; Young et al., The HTK Book, section 5.4.
    Differences: none to the original. librosa has triangles over Hz instead of mel and by default
    another mel scale and bands of equal area.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.magnitude_to_mel(np.ones((1, 257)), n_mels=4).round(1)
    array([[19.1, 31.6, 52.3, 86.6]])
    """
    frequencies = np.linspace(0.0, sample_rate / 2, magnitudes.shape[-1])
    mel = 2595.0 * np.log10(1.0 + frequencies / 700.0)
    edges = np.linspace(
        *(2595.0 * np.log10(1.0 + f / 700.0) for f in (low_hz, high_hz)), n_mels + 2
    )
    rise = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(np.minimum(rise, fall), 0.0)
    weights[0] = 0.0
    return xp.dot(magnitudes, weights)


def vjp(magnitudes, *, n_mels=64, sample_rate=16000, low_hz=0.0, high_hz=8000.0):
    band = (float(sample_rate), float(low_hz), float(high_hz))
    weights = mel_matrix(magnitudes.shape[2], int(n_mels), *band, magnitudes.dtype)

    def pullback(y_bar):
        return (y_bar @ weights.T,)

    return magnitudes @ weights, pullback


def check(dims, *, n_mels=64, sample_rate=16000, low_hz=0.0, high_hz=8000.0):
    n_bins = dims["n_bins"]
    require(n_bins >= 2, f"n_bins is {n_bins}, must be at least 2, for 0 Hz and Nyquist")
    require(n_mels >= 1, f"n_mels is {n_mels}, must be a whole number of at least 1, e.g. 64")
    require(sample_rate > 0, f"sample_rate is {sample_rate}, must be positive, e.g. 16000")
    require(low_hz >= 0, f"low_hz is {low_hz}, must be at least 0")
    require(
        high_hz <= sample_rate / 2,
        f"high_hz is {high_hz}, must be at most half the sample rate, {sample_rate / 2:g}",
    )
    require(
        # also in mel, where a range may vanish
        high_hz > low_hz and math.log10(1 + high_hz / 700) > math.log10(1 + low_hz / 700),
        f"high_hz is {high_hz}, must be above low_hz, {low_hz}",
    )


def cases():
    rng = np.random.default_rng(0)
    noise = rng.random((3, 17))
    small = {"n_mels": 5, "sample_rate": 4000, "high_hz": 2000.0}
    # 1 + f / 700 is 1, 2, 4 and 8 at bins 0, 1, 3 and 7: mels 0, 1, 2, 3 in units of 781. Two
    # bands between them: bin 1 is the middle of the first, bin 3 that of the second; bin 2
    # (1 + f / 700 = 3) is at log2(3). Bins 4, 5, 6 fall to 0 at bin 7 as 3 - log2(5, 6, 7).
    bins = np.array([[9.0, 1.0, 10.0, 100.0, 1000.0, 1e4, 1e5, 9.0]])
    falling = 3 - np.log2([5.0, 6.0, 7.0])
    between = 2 - np.log2(3.0)
    sums = [1 + 10 * between, 10 * (1 - between) + 100 + falling @ [1000.0, 1e4, 1e5]]
    octaves = {"n_mels": 2, "sample_rate": 9800, "high_hz": 4900.0}
    return [
        Case("by hand", [bins], octaves, np.array([sums])),
        Case("typical", [noise], small),
        Case("batch", [noise.reshape(3, 1, 17)], small | {"low_hz": 300.0, "high_hz": 1500.0}),
        Case("one band", [noise], small | {"n_mels": 1}),
        Case("bands without a bin", [noise], small | {"n_mels": 30}),
        Case("two bins", [noise[:, :2]], small),
        Case("one bin", [noise[:, :1]], small, error="n_bins is 1, must be at least 2"),
        Case("no band", [noise], {"n_mels": 0}, error="n_mels is 0, must be a whole number"),
        Case("half a band", [noise], {"n_mels": 2.5}, error="n_mels is 2.5, must be a whole"),
        Case("no rate", [noise], {"sample_rate": 0}, error="sample_rate is 0, must be positive"),
        Case("below 0 Hz", [noise], {"low_hz": -1.0}, error="low_hz is -1.0, must be at least 0"),
        Case("above Nyquist", [noise], {"high_hz": 8001.0}, error="at most half .* 8000"),
        Case("no width", [noise], {"low_hz": 90.0, "high_hz": 90.0}, error="above low_hz, 90.0"),
    ]  # fmt: skip


magnitude_to_mel = Op(
    "magnitude_to_mel",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_bins)->(n_frames,n_mels)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, compute_mel",
)
