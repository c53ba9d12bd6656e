"""Two signals mixed by a level between 0 and 1."""

from __future__ import annotations

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op


def define(signal_one, signal_two, mix_level, *, law="original", xp=np):
    """Mix two signals by a level between 0 and 1.

    ``y = sqrt(|m|) signal_one + g signal_two`` with ``g = 1 - sqrt(|1 - m|)`` by the law of the
    original, and ``g = sqrt(|1 - m|)`` at constant power.

    Parameters
    ----------
    signal_one : array, shape (...)
        The signal that is heard alone at level 1 with constant power.
    signal_two : array, shape (...)
        The signal that is heard alone at level 0 with constant power.
    mix_level : array, shape (...)
        Level m, between 0 and 1.
    law : {"original", "constant_power"}
        How the second signal goes with the level.

    Returns
    -------
    array, shape (...)
        Mixed signal.

    Raises
    ------
    ParameterError
        If the law is neither of the two.

    Notes
    -----
    The law of the original is called a constant-power crossfade there, but it silences both
    signals at level 0 and adds both in full at level 1.
    Gradient: at levels of exactly 0 and 1 the slope of a square root is infinite; 0 is taken for
    that term.
    Source: magenta/ddsp 3.7.0, ddsp/processors.py, Mix.get_signal.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> level = np.array([0.0, 0.25, 1.0])
    >>> ddsp_ref.crossfade(np.ones(3), 10 * np.ones(3), level).round(3)
    array([ 0.  ,  1.84, 11.  ])
    >>> ddsp_ref.crossfade(np.ones(3), 10 * np.ones(3), level, law="constant_power").round(3)
    array([10.  ,  9.16,  1.  ])
    """
    one, rest = xp.sqrt(xp.abs(mix_level)), xp.sqrt(xp.abs(1.0 - mix_level))
    two = 1.0 - rest if law == "original" else rest
    return one * signal_one + two * signal_two


def vjp(signal_one, signal_two, mix_level, *, law="original"):
    one, rest = np.sqrt(np.abs(mix_level)), np.sqrt(np.abs(1 - mix_level))
    two = 1 - rest if law == "original" else rest

    def pullback(y_bar):
        rise = np.sign(mix_level) / np.where(one > 0, 2 * one, 1)
        fall = np.sign(mix_level - 1) / np.where(rest > 0, 2 * rest, 1)
        slope = rise * signal_one + (-fall if law == "original" else fall) * signal_two
        return y_bar * one, y_bar * two, y_bar * slope

    return one * signal_one + two * signal_two, pullback


def check(dims, *, law="original"):
    require(
        law in ("original", "constant_power"),
        f"law is {law!r}, must be 'original' or 'constant_power'",
    )


def cases():
    t = np.arange(24.0).reshape(2, 12)
    signals = [np.cos(t), np.sin(t * t), 0.5 + 0.45 * np.sin(t)]
    # square roots of 9/25 and 16/25 are 3/5 and 4/5
    by_hand = [np.array([5.0]), np.array([50.0]), np.array([9 / 25])]
    power = {"law": "constant_power"}
    return [
        Case("by hand", by_hand, {}, np.array([3.0 + 10.0])),
        Case("by hand, constant power", by_hand, power, np.array([3.0 + 40.0])),
        Case("typical", signals),
        Case("typical, constant power", signals, power),
        Case("ends", [np.ones(2), 10 * np.ones(2), np.array([0.0, 1.0])], {},
             np.array([0.0, 11.0]), grad=False),
        Case("beyond the ends", [np.ones(2), np.ones(2), np.array([-0.5, 1.5])]),
        Case("no such law", signals, {"law": "linear"}, error="law is 'linear', must be 'orig"),
    ]  # fmt: skip


crossfade = Op(
    "crossfade",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(),(),()->()",
    source="magenta/ddsp 3.7.0, ddsp/processors.py, Mix",
)
