"""Partials that no recording let be heard: they are silent, not as random as they began."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.voices import PREFIX

_KERNEL, _BIAS = "decoder/controls/kernel", "decoder/controls/bias"
_SILENT = -10.0  # before exp_sigmoid: its least value, but for 0.2 %


def silence_unheard(params: Mapping[str, np.ndarray], n_harmonics: int) -> Parameters:
    """Let partials be silent that were above the Nyquist frequency in all recordings.

    Parameters
    ----------
    params : mapping of str to ndarray
        What a training found, with all voices. Left untouched.
    n_harmonics : int
        How many partials the decoder has.

    Returns
    -------
    dict of str to ndarray
        The same, but for partials whose bias is still 0, as it began: they never had a gradient.
        Where another voice learned such a partial, its bias is taken; where none did, the partial
        is silent.

    Notes
    -----
    Nothing changes at pitches that were learned. Below them more partials are audible than ever
    were, and would play whatever their weights began with: of a flute a fifth below its lowest note
    that was two thirds of the sound, between 5 and 8 kHz.
    """
    names = [k for k in params if k == _BIAS or (k.startswith(PREFIX) and k.endswith("/" + _BIAS))]
    biases = np.stack([params[name] for name in names])
    heard = biases != 0
    heard[:, :1] = heard[:, 1 + n_harmonics :] = True  # amplitude and noise always are
    n_heard = heard.sum(axis=0)
    fill = np.where(n_heard > 0, biases.sum(axis=0) / np.maximum(n_heard, 1), _SILENT)
    new = {name: np.where(h, b, fill).astype(b.dtype) for name, b, h in zip(names, biases, heard)}
    kernel = params[_KERNEL]
    return {**params, **new, _KERNEL: np.where(n_heard > 0, kernel, 0).astype(kernel.dtype)}
