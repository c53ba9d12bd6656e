"""A feature brought to the number of frames that was expected."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(feature, *, n_expected, pad_value=0.0, tolerance=20, xp=np):
    """Add or take away a few frames at the end.

    ``y[m] = feature[m] if m < n_frames else pad_value``, for m < n_expected

    Parameters
    ----------
    feature : array, shape (..., n_frames)
        Feature, such as a loudness, of about the right length.
    n_expected : int
        Number of frames that it has to have, at least 1.
    pad_value : float
        Value of frames that are missing.
    tolerance : int
        How many frames may be missing or too many, at least 0.

    Returns
    -------
    array, shape (..., n_expected)
        Feature with n_expected frames.

    Raises
    ------
    ParameterError
        If the numbers of frames differ by more than the tolerance: then something else is wrong.

    Notes
    -----
    Gradient: the cotangent of each frame that stays; 0 for those taken away.
    Precision: exact.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, pad_or_trim_to_expected_length.
    Differences: none.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.pad_or_trim(np.array([-20.0, -30.0]), n_expected=3, pad_value=-80.0)
    array([-20., -30., -80.])
    """
    n_frames = feature.shape[-1]
    missing = max(n_expected - n_frames, 0)
    return xp.concatenate([feature, np.full(missing, pad_value)])[:n_expected]


def vjp(feature, *, n_expected, pad_value=0.0, tolerance=20):
    kept = min(feature.shape[1], n_expected)
    y = np.full((len(feature), n_expected), pad_value, feature.dtype)
    y[:, :kept] = feature[:, :kept]

    def pullback(y_bar):
        feature_bar = np.zeros(feature.shape, feature.dtype)
        feature_bar[:, :kept] = y_bar[:, :kept]
        return (feature_bar,)

    return y, pullback


def check(dims, *, n_expected, pad_value=0.0, tolerance=20):
    for name, value, least in (("n_expected", n_expected, 1), ("tolerance", tolerance, 0)):
        require(
            value >= least,
            f"{name} is {value}, must be a whole number of at least {least}",
        )
    n_frames = dims["n_frames"]
    require(
        abs(n_frames - n_expected) <= tolerance,
        f"n_frames is {n_frames}, must be within {tolerance} of n_expected={n_expected}; "
        f"tolerance={abs(n_frames - n_expected)} lets it pass",
    )


def cases():
    ramp, rows = np.arange(1.0, 6.0), np.sin(np.arange(14.0)).reshape(2, 7)
    return [
        Case("by hand", [ramp], {"n_expected": 7, "pad_value": -3.0},
             np.array([1.0, 2, 3, 4, 5, -3, -3])),
        Case("by hand, trimmed", [ramp], {"n_expected": 3}, ramp[:3]),
        Case("padded", [rows], {"n_expected": 10}),
        Case("trimmed", [rows], {"n_expected": 4}),
        Case("as it is", [rows], {"n_expected": 7, "tolerance": 0}, rows),
        Case("far off", [ramp], {"n_expected": 26}, error="n_frames is 5, must be within 20 of .*"
             "n_expected=26; tolerance=21"),
        Case("no frames", [ramp], {"n_expected": 0}, error="n_expected is 0, must be a whole"),
        Case("tolerance", [ramp], {"n_expected": 5, "tolerance": -1}, error="tolerance is -1, mu"),
    ]  # fmt: skip


pad_or_trim = Op(
    "pad_or_trim",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames)->(n_expected)",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, pad_or_trim_to_expected_length",
)
