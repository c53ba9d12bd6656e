"""Mean distance of frequencies in semitones."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import midi

from . import mean_difference


def define(frequencies_hz, target_hz, weights, *, loss_type="L1", xp=np):
    """Average how many semitones frequencies are away from their targets.

    ``y = mean_difference(m(frequencies_hz), m(target_hz), weights)``, where m is the MIDI note
    number, ``m(f) = 12 log2(f / 440) + 69``, and 0 where f is not positive; see `hz_to_midi`.

    Parameters
    ----------
    frequencies_hz : array, shape (..., n_rows, n_values)
        Frequencies in Hz; 0 or less stands for "no pitch", which is note 0.
    target_hz : array, shape (..., n_rows, n_values)
        What they should be, in Hz.
    weights : array, shape (..., n_weight_rows, n_weights)
        Weight of each, see `mean_difference`; ``[[1.0]]`` means no weights. Take 0 for frames
        without pitch, or they count as being 8.18 Hz.
    loss_type : {"L1", "L2", "COSINE"}
        Kind of distance, see `mean_difference`.

    Returns
    -------
    array, shape (...)
        Mean over the rows and values, in semitones with "L1".

    Raises
    ------
    ParameterError
        For the reasons of `mean_difference`.

    Notes
    -----
    Gradient: that of the formula; 0 for frequencies that are not positive.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, freq_loss.
    Differences: those of `mean_difference`.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> f0_hz, target_hz = np.array([[220.0, 220.0]]), np.array([[440.0, 220.0]])
    >>> float(ddsp_ref.frequency_loss(f0_hz, target_hz, np.array([[1.0]])))
    6.0
    """
    notes, target_notes = (midi.define_hz_to_midi(hz, xp=xp) for hz in (frequencies_hz, target_hz))
    return mean_difference.define(notes, target_notes, weights, loss_type=loss_type, xp=xp)


def vjp(frequencies_hz, target_hz, weights, *, loss_type="L1"):
    *both, wide_weights = (x.astype(np.float64) for x in (frequencies_hz, target_hz, weights))
    notes, pull_notes = zip(*[midi.vjp_hz_to_midi(hz) for hz in both])
    y, pull_difference = mean_difference.vjp(*notes, wide_weights, loss_type=loss_type)

    def pullback(y_bar):
        *notes_bar, weights_bar = pull_difference(y_bar)
        return *(pull(bar)[0] for pull, bar in zip(pull_notes, notes_bar)), weights_bar

    return y.astype(frequencies_hz.dtype), pullback


def check(dims, *, loss_type="L1"):
    mean_difference.check(dims, loss_type=loss_type)


def cases():
    rng = np.random.default_rng(0)
    some, others = rng.uniform(50.0, 2000.0, (2, 3, 4))
    one, per_row = np.ones((1, 1)), np.array([[1.0], [0.5], [-2.0]])
    octaves, a4 = np.array([[220.0, 880.0, 110.0]]), np.full((1, 3), 440.0)
    squares, cosine = {"loss_type": "L2"}, {"loss_type": "COSINE"}
    return [
        # 12 below, 12 above, 24 below
        Case("by hand", [octaves, a4, one], {}, np.array(16.0)),
        Case("by hand, L2", [octaves, a4, one], squares, np.array(288.0)),
        # notes 57, 81, 45 and three times 69
        Case("by hand, COSINE", [octaves, a4, one], cosine, np.array(1.0 - 69.0 * 183.0)),
        Case("by hand, no pitch", [np.array([[0.0, 440.0]]), np.array([[440.0, -1.0]]), one],
             {}, np.array(69.0), grad=False),
        Case("typical", [some, others, per_row]),
        Case("typical, L2", [np.stack([some, others]), others, per_row], squares),
        Case("type", [some, others, one], {"loss_type": "l2"}, error="loss_type is 'l2', must be"),
        Case("weights", [some, others, per_row[:2]], error="has 2 rows, must have 1 or 3"),
    ]  # fmt: skip


frequency_loss = Op(
    "frequency_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_rows,n_values),(n_rows,n_values),(n_weight_rows,n_weights)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, freq_loss",
)
