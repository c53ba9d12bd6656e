"""Scale and shift, by learned numbers or by a conditioning signal."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op


def define(x, scale, shift, *, xp=np):
    """Scale and shift each channel.

    ``y = x * scale + shift``

    Parameters
    ----------
    x : array, shape (..., n_channels)
        Input.
    scale : array, shape (..., n_channels)
        Factor; its leading axes may be 1 or absent, for example one scale for all frames.
    shift : array, shape (..., n_channels)
        Offset; the same holds.

    Returns
    -------
    array, shape (..., n_channels)
        Scaled and shifted input.

    Raises
    ------
    ParameterError
        If the shapes do not fit together.

    Notes
    -----
    Gradient: ``x_bar = y_bar * scale``, ``scale_bar = y_bar * x``, ``shift_bar = y_bar``, added up
    over axes along which an input was repeated.
    Precision: two roundings.
    Source: Perez et al. 2018, eq. 2 (feature-wise linear modulation); magenta/ddsp 3.7.0,
    ddsp/training/nn.py, ConditionalScaleAndShift.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> ddsp_ref.scale_and_shift(x, np.array([10.0, 1.0]), np.array([0.0, 0.5]))
    array([[10. ,  2.5],
           [30. ,  4.5]])
    """
    return x * scale + shift


def vjp(x, scale, shift):
    y = x * scale
    y += shift

    def pullback(y_bar):
        return y_bar * scale, y_bar * x, y_bar

    return y, pullback


def cases():
    x, scale, shift = np.random.default_rng(0).standard_normal((3, 2, 5, 4))
    return [
        Case("by hand", [[3.0, 4.0], [2.0, 0.5], [1.0, -1.0]], {}, np.array([7.0, 1.0])),
        Case("typical", [x, scale, shift]),
        Case("one for all frames", [x, scale[0, 0], shift[0, 0]]),
        Case("one for each sequence", [x, scale[:, :1], shift[:, :1]]),
        Case("other channels", [x, scale[..., :3], shift],
             error=r"scale has shape \(2, 5, 3\), must be \(\.\.\., n_channels\) with n_c"),
        Case("other frames", [x, scale[:, :3], shift], error="batch axes do not fit together"),
    ]  # fmt: skip


scale_and_shift = Op(
    "scale_and_shift",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_channels),(n_channels),(n_channels)->(n_channels)",
    source="Perez et al. 2018; magenta/ddsp 3.7.0, ddsp/training/nn.py, ConditionalScaleAndShift",
)
