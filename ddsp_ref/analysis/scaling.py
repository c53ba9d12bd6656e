"""The scale on which networks are told a pitch; for levels see `db_to_unit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddsp_ref.op import Op
from ddsp_ref.ops.scaling.midi import hz_to_midi, midi_to_hz
from ddsp_ref.ops.scaling.unit_midi import midi_to_unit, unit_to_midi

_RANGE = {"midi_min": 0.0, "midi_max": 127.0}


def chain_vjp(x: Any, *steps: tuple[Op, dict[str, Any]]) -> tuple[Any, Callable]:
    """Apply ops of one array one after the other.

    Parameters
    ----------
    x : array
        Input of the first op.
    *steps : (Op, dict)
        Ops and their settings, the first one first.

    Returns
    -------
    y : array
        Value of the last op.
    pullback : function
        From the cotangent of y to that of x.

    Examples
    --------
    >>> y, pullback = chain_vjp(np.array([81.0]), (midi_to_hz, {}), (hz_to_midi, {}))
    >>> y, pullback(np.array([3.0])).round(9)
    (array([81.]), array([3.]))
    """
    pullbacks = []
    for op, settings in steps:
        x, pullback = op.vjp(x, **settings)
        pullbacks.append(pullback)

    def back(bar: np.ndarray) -> np.ndarray:
        for pullback in reversed(pullbacks):
            (bar,) = pullback(bar)
        return bar

    return x, back


def scale_f0(f0_hz: np.ndarray) -> np.ndarray:
    """Scale a pitch for a network: MIDI note number over 127.

    Parameters
    ----------
    f0_hz : array, shape (...)
        Frequency in Hz; 0 or less stands for "no pitch" and becomes 0.

    Returns
    -------
    array, shape (...)
        0 for 8.18 Hz, 1 for 12.5 kHz.

    Raises
    ------
    ParameterError
        If a frequency is not finite.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, scale_f0_hz.

    Examples
    --------
    >>> scale_f0(np.array([0.0, 440.0])) * 127
    array([ 0., 69.])
    """
    return midi_to_unit(hz_to_midi(f0_hz), **_RANGE)


def scale_f0_vjp(f0_hz: np.ndarray) -> tuple[np.ndarray, Callable]:
    """Return `scale_f0` of a pitch, and the way back for cotangents."""
    return chain_vjp(f0_hz, (hz_to_midi, {}), (midi_to_unit, _RANGE))


def unscale_f0(f0_scaled: np.ndarray) -> np.ndarray:
    """Undo `scale_f0`; 0 becomes 8.18 Hz.

    Parameters
    ----------
    f0_scaled : array, shape (...)
        MIDI note number over 127.

    Returns
    -------
    array, shape (...)
        Frequency in Hz.

    Raises
    ------
    ParameterError
        If a value is not finite.

    Notes
    -----
    Source: magenta/ddsp 3.7.0, ddsp/training/preprocessing.py, inv_scale_f0_hz.

    Examples
    --------
    >>> unscale_f0(np.array([69 / 127])).round(9)
    array([440.])
    """
    return midi_to_hz(unit_to_midi(f0_scaled, **_RANGE))


def unscale_f0_vjp(f0_scaled: np.ndarray) -> tuple[np.ndarray, Callable]:
    """Return `unscale_f0` of a scaled pitch, and the way back for cotangents."""
    return chain_vjp(f0_scaled, (unit_to_midi, _RANGE), (midi_to_hz, {}))
