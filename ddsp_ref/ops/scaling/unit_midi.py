"""MIDI note number to the unit interval and back: linear scaling."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define_unit_to_midi(unit, *, midi_min=20.0, midi_max=90.0, clip=False, xp=np):
    """Map the unit interval linearly to a range of MIDI notes.

    ``y = midi_min + (midi_max - midi_min) * unit``

    Parameters
    ----------
    unit : array, shape (...)
        Position in the range, 0 to 1; beyond it the line goes on, unless clip is set.
    midi_min : float
        Note at 0.
    midi_max : float
        Note at 1, greater than midi_min.
    clip : bool
        If true, unit is limited to 0 ... 1 first.

    Returns
    -------
    array, shape (...)
        MIDI note number.

    Raises
    ------
    ParameterError
        If midi_max is not greater than midi_min.

    Notes
    -----
    Gradient: ``midi_max - midi_min``; 0 where unit was clipped, not at the limits themselves.
    Precision: that of a multiplication and an addition.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, unit_to_midi.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.unit_to_midi(np.array([0.0, 0.5, 1.0]))
    array([20., 55., 90.])
    """
    if clip:
        unit = xp.clip(unit, 0.0, 1.0)
    return midi_min + (midi_max - midi_min) * unit


def vjp_unit_to_midi(unit, *, midi_min=20.0, midi_max=90.0, clip=False):
    dtype = unit.dtype.type
    span = dtype(midi_max - midi_min)
    y = unit * span + dtype(midi_min)
    if clip:
        y = np.minimum(np.maximum(y, dtype(midi_min)), dtype(midi_max))

    def pullback(y_bar):
        if not clip:
            return (y_bar * span,)
        return (y_bar * span * ((unit >= 0) & (unit <= 1)),)

    return y, pullback


def check(dims, *, midi_min=20.0, midi_max=90.0, clip=False):
    require(
        midi_max > midi_min,
        f"midi_max is {midi_max}, must be greater than midi_min, {midi_min}, e.g. {midi_min + 12}",
    )


def cases_unit_to_midi():
    edges = np.array([-0.5, 0.25, 1.5])
    octave = {"midi_min": 60.0, "midi_max": 72.0}
    return [
        Case("by hand", [edges], octave, np.array([54.0, 63.0, 78.0])),
        Case("by hand, clipped", [edges], {**octave, "clip": True}, np.array([60.0, 63.0, 72.0])),
        Case("typical", [np.linspace(0.0, 1.0, 12).reshape(3, 4)]),
        Case("limits", [np.array([0.0, 1.0])], {"clip": True}, np.array([20.0, 90.0]), grad=False),
        Case("empty range", [edges], {"midi_min": 90.0}, error="midi_max is 90.0, must be great"),
        Case("not a number", [np.array([np.nan])], error=r"unit is nan at index \(0,\)"),
    ]


unit_to_midi = Op(
    "unit_to_midi",
    define_unit_to_midi,
    vjp=vjp_unit_to_midi,
    check=check,
    cases=cases_unit_to_midi,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, unit_to_midi",
)


def define_midi_to_unit(notes_midi, *, midi_min=20.0, midi_max=90.0, clip=False, xp=np):
    """Map a range of MIDI notes linearly to the unit interval.

    ``y = (notes_midi - midi_min) / (midi_max - midi_min)``

    Parameters
    ----------
    notes_midi : array, shape (...)
        MIDI note number.
    midi_min : float
        Note that becomes 0.
    midi_max : float
        Note that becomes 1, greater than midi_min.
    clip : bool
        If true, the result is limited to 0 ... 1.

    Returns
    -------
    array, shape (...)
        Position in the range, 0 to 1 for notes within it.

    Raises
    ------
    ParameterError
        If midi_max is not greater than midi_min.

    Notes
    -----
    Gradient: ``1 / (midi_max - midi_min)``; 0 where y was clipped, not at the limits themselves.
    Precision: that of a subtraction and a multiplication.
    Source: magenta/ddsp 3.7.0, ddsp/core.py, midi_to_unit.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> ddsp_ref.midi_to_unit(np.array([20.0, 55.0, 90.0]))
    array([0. , 0.5, 1. ])
    """
    unit = (notes_midi - midi_min) / (midi_max - midi_min)
    return xp.clip(unit, 0.0, 1.0) if clip else unit


def vjp_midi_to_unit(notes_midi, *, midi_min=20.0, midi_max=90.0, clip=False):
    dtype = notes_midi.dtype.type
    scale = dtype(1 / (midi_max - midi_min))
    y = (notes_midi - dtype(midi_min)) * scale
    if clip:
        y = np.minimum(np.maximum(y, 0), 1)

    def pullback(y_bar):
        if not clip:
            return (y_bar * scale,)
        return (y_bar * scale * ((notes_midi >= midi_min) & (notes_midi <= midi_max)),)

    return y, pullback


def cases_midi_to_unit():
    edges = np.array([54.0, 63.0, 78.0])
    octave = {"midi_min": 60.0, "midi_max": 72.0}
    return [
        Case("by hand", [edges], octave, np.array([-0.5, 0.25, 1.5])),
        Case("by hand, clipped", [edges], {**octave, "clip": True}, np.array([0.0, 0.25, 1.0])),
        Case("typical", [np.linspace(20.0, 90.0, 12).reshape(3, 4)]),
        Case("limits", [np.array([20.0, 90.0])], {"clip": True}, np.array([0.0, 1.0]), grad=False),
        Case("empty range", [edges], {"midi_max": 10.0}, error="midi_max is 10.0, must be great"),
        Case("not a number", [np.array([np.nan])], error=r"notes_midi is nan at index \(0,\)"),
    ]


midi_to_unit = Op(
    "midi_to_unit",
    define_midi_to_unit,
    vjp=vjp_midi_to_unit,
    check=check,
    cases=cases_midi_to_unit,
    signature="()->()",
    source="magenta/ddsp 3.7.0, ddsp/core.py, midi_to_unit",
)
