"""Frequency to the mel scale of pitch and back."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

# mel = MELS_PER_DECADE * log10(1 + f / KNEE_HZ)
MELS_PER_DECADE, KNEE_HZ = 2595.0, 700.0
# Stands in for 1 + f / 700 where that is not positive
EPSILON = 1e-5


def define_hz_to_mel(frequencies_hz, *, xp=np):
    """Convert frequency to pitch in mel.

    ``y = 2595 * log10(1 + frequencies_hz / 700)``

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency in Hz, meant to be at least 0.

    Returns
    -------
    array, shape (...)
        Pitch in mel; 1000 Hz is close to 1000 mel.

    Raises
    ------
    ParameterError
        If a frequency is not finite.

    Notes
    -----
    Gradient: ``2595 / (ln(10) * (700 + frequencies_hz))``, 0 at -700 Hz and below.
    Precision: relative, also for small frequencies (log1p).
    Source: magenta/ddsp 3.7.0, ddsp/core.py, hz_to_mel; Young et al., The HTK Book, section 5.4.
    Differences: none; -700 Hz and below become -12975 mel, as 1e-5 stands in for what has no
    logarithm. librosa's default is Slaney's formula, which is linear below 1000 Hz.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hz_to_mel(np.array([0.0, 700.0, 6300.0])).round(4)
    array([   0.    ,  781.1728, 2595.    ])
    """
    ratio = 1.0 + frequencies_hz / KNEE_HZ
    return MELS_PER_DECADE * xp.log10(xp.where(ratio > 0, ratio, EPSILON))


def vjp_hz_to_mel(frequencies_hz):
    dtype = frequencies_hz.dtype.type
    scale = dtype(MELS_PER_DECADE / math.log(10.0))
    inside = frequencies_hz > -KNEE_HZ
    hz = np.where(inside, frequencies_hz, 0)
    y = np.log1p(hz / dtype(KNEE_HZ))
    y *= scale
    y[~inside] = MELS_PER_DECADE * math.log10(EPSILON)

    def pullback(y_bar):
        return (y_bar * (scale / (hz + dtype(KNEE_HZ))) * inside,)

    return y, pullback


def cases_hz_to_mel():
    return [
        # 1 + f / 700 is 1, 2, 10 and 100
        Case(
            "by hand",
            [np.array([0.0, 700.0, 6300.0, 69300.0])],
            {},
            2595.0 * np.array([0.0, math.log10(2.0), 1.0, 2.0]),
        ),
        Case("typical", [np.linspace(20.0, 8000.0, 12).reshape(3, 4)]),
        Case("low", [np.array([1e-3, 1.0, -10.0])]),
        Case("no logarithm", [np.array([-700.0, -701.0])], {}, -12975.0 * np.ones(2), grad=False),
        Case("infinite", [np.array([np.inf])], error=r"frequencies_hz is inf at index \(0,\)"),
    ]


hz_to_mel = Op(
    "hz_to_mel",
    define_hz_to_mel,
    vjp=vjp_hz_to_mel,
    cases=cases_hz_to_mel,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, hz_to_mel",
)


def define_mel_to_hz(mel, *, xp=np):
    """Convert pitch in mel to frequency.

    ``y = 700 * (10 ** (mel / 2595) - 1)``

    Parameters
    ----------
    mel : array, shape (...)
        Pitch in mel.

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If a pitch is not finite.

    Notes
    -----
    Gradient: ``ln(10) / 2595 * (700 + y)``.
    Precision: relative, also for small pitches (expm1).
    Source: magenta/ddsp 3.7.0, ddsp/core.py, mel_to_hz; Young et al., The HTK Book, section 5.4.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.mel_to_hz(np.array([0.0, 1000.0, 2595.0])).round(4)
    array([   0.    , 1000.0218, 6300.    ])
    """
    return KNEE_HZ * (10.0 ** (mel / MELS_PER_DECADE) - 1.0)


def vjp_mel_to_hz(mel):
    dtype = mel.dtype.type
    scale = dtype(math.log(10.0) / MELS_PER_DECADE)
    y = np.expm1(mel * scale)
    y *= dtype(KNEE_HZ)

    def pullback(y_bar):
        return (y_bar * (scale * (y + dtype(KNEE_HZ))),)

    return y, pullback


def cases_mel_to_hz():
    return [
        Case(
            "by hand",
            [2595.0 * np.array([0.0, math.log10(2.0), 1.0, 2.0])],
            {},
            np.array([0.0, 700.0, 6300.0, 69300.0]),
        ),
        Case("typical", [np.linspace(0.0, 3200.0, 12).reshape(3, 4)]),
        Case("negative", [np.array([-100.0, -1e-2])]),
        Case("not a number", [np.array([np.nan])], error=r"mel is nan at index \(0,\)"),
    ]


mel_to_hz = Op(
    "mel_to_hz",
    define_mel_to_hz,
    vjp=vjp_mel_to_hz,
    cases=cases_mel_to_hz,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, mel_to_hz",
)
