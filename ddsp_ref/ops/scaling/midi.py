"""Frequency to MIDI note number and back."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.op import Case, Op

A4_HZ, A4_MIDI = 440.0, 69.0


def define_hz_to_midi(frequencies_hz, *, xp=np):
    """Convert frequency to MIDI note number.

    ``y = 12 * log2(frequencies_hz / 440) + 69``, and 0 where the frequency is not positive.

    Parameters
    ----------
    frequencies_hz : array, shape (...)
        Frequency in Hz; 0 or less stands for "no pitch".

    Returns
    -------
    array, shape (...)
        MIDI note number, fractions are cents / 100; 69 is 440 Hz.

    Raises
    ------
    ParameterError
        If a frequency is not finite.

    Notes
    -----
    Gradient: ``12 / (ln(2) * frequencies_hz)``, 0 where the frequency is not positive.
    Precision: about 1e-5 of a semitone in float32.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, hz_to_midi.
    Differences: none. Note 0 is 8.18 Hz, so 0 Hz does not survive the way back unless
    `midi_to_hz` is told so by midi_zero_silence.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.hz_to_midi(np.array([0.0, 220.0, 440.0, 466.1637615]))
    array([ 0., 57., 69., 70.])
    """
    voiced = frequencies_hz > 0
    ratio = xp.where(voiced, frequencies_hz, A4_HZ) / A4_HZ
    return xp.where(voiced, 12.0 * xp.log2(ratio) + A4_MIDI, 0.0)


def vjp_hz_to_midi(frequencies_hz):
    dtype = frequencies_hz.dtype.type
    voiced = frequencies_hz > 0
    # the quotient first: its logarithm is exact at 440 Hz and small around it
    y = np.log2(np.where(voiced, frequencies_hz, 440) / dtype(440))
    y *= 12
    y += 69
    y *= voiced

    def pullback(y_bar):
        slope = dtype(12 / math.log(2.0)) / np.where(voiced, frequencies_hz, 1)
        return (y_bar * slope * voiced,)

    return y, pullback


def cases_hz_to_midi():
    by_hand = np.array([440.0, 880.0, 55.0, 440.0 * 2 ** (1 / 12)])
    return [
        Case("by hand", [by_hand], expected=np.array([69.0, 81.0, 33.0, 70.0])),
        Case("typical", [np.linspace(20.0, 8000.0, 12).reshape(3, 4)]),
        Case("no pitch", [np.array([0.0, -3.0, 100.0])], grad=False),
        Case("below the audible", [np.array([1e-6, 1e-3, 1.0])]),
        Case("infinite", [np.array([1.0, np.inf])], error=r"frequencies_hz is inf at index \(1,\)"),
    ]


hz_to_midi = Op(
    "hz_to_midi",
    define_hz_to_midi,
    vjp=vjp_hz_to_midi,
    cases=cases_hz_to_midi,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, hz_to_midi",
)


def define_midi_to_hz(notes_midi, *, midi_zero_silence=False, xp=np):
    """Convert MIDI note number to frequency.

    ``y = 440 * 2 ** ((notes_midi - 69) / 12)``

    Parameters
    ----------
    notes_midi : array, shape (...)
        MIDI note number, any real number; 69 is 440 Hz.
    midi_zero_silence : bool
        If true, note 0 exactly becomes 0 Hz, the way back from `hz_to_midi` of "no pitch".

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If a note is not finite.

    Notes
    -----
    Gradient: ``ln(2) / 12 * y``, 0 where note 0 became silence.
    Precision: relative.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, midi_to_hz.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.midi_to_hz(np.array([0.0, 57.0, 69.0])).round(4)
    array([  8.1758, 220.    , 440.    ])
    >>> ddsp_ref.midi_to_hz(np.array([0.0, 69.0]), midi_zero_silence=True)
    array([  0., 440.])
    """
    hz = A4_HZ * 2.0 ** ((notes_midi - A4_MIDI) / 12.0)
    return xp.where(notes_midi == 0, 0.0, hz) if midi_zero_silence else hz


def vjp_midi_to_hz(notes_midi, *, midi_zero_silence=False):
    dtype = notes_midi.dtype.type
    # The difference first: it is exact near 440 Hz and keeps the exponent small everywhere.
    y = np.exp2((notes_midi - dtype(69)) / dtype(12))
    y *= dtype(440)
    if midi_zero_silence:
        y *= notes_midi != 0

    def pullback(y_bar):
        return (y_bar * (dtype(math.log(2.0) / 12) * y),)

    return y, pullback


def cases_midi_to_hz():
    return [
        Case(
            "by hand",
            [np.array([69.0, 81.0, 33.0, 0.0])],
            expected=np.array([440.0, 880.0, 55.0, 440.0 / 2**5.75]),
        ),
        Case("typical", [np.linspace(20.0, 100.0, 12).reshape(3, 4)]),
        Case("beyond MIDI", [np.array([-40.0, 200.0])]),
        Case(
            "zero is silence",
            [np.array([0.0, 57.0])],
            {"midi_zero_silence": True},
            np.array([0.0, 220.0]),
            grad=False,
        ),
        Case("not a number", [np.array([np.nan])], error=r"notes_midi is nan at index \(0,\)"),
    ]


midi_to_hz = Op(
    "midi_to_hz",
    define_midi_to_hz,
    vjp=vjp_midi_to_hz,
    cases=cases_midi_to_hz,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, midi_to_hz",
)
