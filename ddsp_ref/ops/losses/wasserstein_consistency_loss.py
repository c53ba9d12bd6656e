"""Distance of two traces of sinusoids: how far amplitude has to be carried over frequency."""

from __future__ import annotations

import numpy as np

from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import midi

from . import wasserstein_distance


def define(
    amplitudes_a,
    frequencies_a_hz,
    amplitudes_b,
    frequencies_b_hz,
    *,
    midi_scale=True,
    normalize=False,
    xp=np,
):
    """Compare two traces of sinusoids by carrying the amplitudes of one to those of the other.

    ``y = mean_t W(m(f_a[t]), m(f_b[t]); a[t], b[t])``, where W is the `wasserstein_distance` of
    degree 1 with the amplitudes as weights, and m the MIDI note number of `hz_to_midi`.

    Parameters
    ----------
    amplitudes_a : array, shape (..., n_frames, n_a)
        Amplitudes of the first sinusoids, linear scale, at least 0.
    frequencies_a_hz : array, shape (..., n_frames, n_a)
        Their frequencies in Hz, in any order.
    amplitudes_b : array, shape (..., n_frames, n_b)
        Amplitudes of the second sinusoids.
    frequencies_b_hz : array, shape (..., n_frames, n_b)
        Their frequencies in Hz, in any order.
    midi_scale : bool
        If True, distances are in semitones; if False, in Hz.
    normalize : bool
        If True, the amplitudes of each set and frame are divided by their sum.

    Returns
    -------
    array, shape (...)
        Loss, a mean over frames.

    Raises
    ------
    ParameterError
        If the numbers of frames, or of amplitudes and frequencies, differ.

    Notes
    -----
    Gradient: that of the formula, with respect to all four arrays, in the order that the
    frequencies are in; see `wasserstein_distance`. 0 for frequencies that are not positive.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, WassersteinConsistencyLoss.
    Differences: midi_scale is called midi there, and with midi=False the original compares
    nothing and returns 0; here it compares frequencies in Hz. There are no recorded outputs of
    this class, but of the distance that it is made of.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> amps, a4 = np.array([[0.5]]), np.array([[440.0]])
    >>> float(ddsp_ref.wasserstein_consistency_loss(amps, a4, amps, 2 * a4))
    6.0
    >>> float(ddsp_ref.wasserstein_consistency_loss(amps, a4, amps, 2 * a4, midi_scale=False))
    220.0
    """
    a, b = frequencies_a_hz, frequencies_b_hz
    if midi_scale:
        a, b = midi.define_hz_to_midi(a, xp=xp), midi.define_hz_to_midi(b, xp=xp)
    frames = [
        wasserstein_distance.define(*frame, normalize=normalize, xp=xp)
        for frame in zip(a, b, amplitudes_a, amplitudes_b)
    ]
    return xp.mean(xp.stack(frames))


def vjp(
    amplitudes_a,
    frequencies_a_hz,
    amplitudes_b,
    frequencies_b_hz,
    *,
    midi_scale=True,
    normalize=False,
):
    given = amplitudes_a, frequencies_a_hz, amplitudes_b, frequencies_b_hz
    n_batch, n_frames = amplitudes_a.shape[:2]
    # every frame of every batch by itself: a batch of frames
    amps_a, a, amps_b, b = (
        x.reshape(n_batch * n_frames, x.shape[2]).astype(np.float64) for x in given
    )
    pull_notes = []
    if midi_scale:
        (a, b), pull_notes = zip(*[midi.vjp_hz_to_midi(hz) for hz in (a, b)])
    y, pull_distance = wasserstein_distance.vjp(a, b, amps_a, amps_b, normalize=normalize)

    def pullback(y_bar):
        frame_bar = np.repeat(y_bar.astype(np.float64) / n_frames, n_frames)
        *hz_bars, amps_a_bar, amps_b_bar = pull_distance(frame_bar)
        for i, pull in enumerate(pull_notes):
            (hz_bars[i],) = pull(hz_bars[i])
        bars = amps_a_bar, hz_bars[0], amps_b_bar, hz_bars[1]
        return tuple(bar.reshape(x.shape) for bar, x in zip(bars, given))

    return y.reshape(n_batch, n_frames).mean(axis=1).astype(amplitudes_a.dtype), pullback


def cases():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.1, 1.0, (4, 3)), rng.uniform(0.1, 1.0, (4, 2))
    a_hz, b_hz = rng.uniform(100.0, 900.0, (4, 3)), rng.uniform(100.0, 900.0, (4, 2))
    typical = [a, a_hz, b, b_hz]
    amps, hz = np.array([[2.0, 0.0], [1.0, 3.0]]), np.array([[220.0, 880.0], [110.0, 880.0]])
    others, others_hz = np.array([[2.0], [1.0]]), np.array([[440.0], [440.0]])
    pair, in_hz, shares = [amps, hz, others, others_hz], {"midi_scale": False}, {"normalize": True}
    return [
        # the weight that only the first set has lies at its highest value, and goes nowhere
        Case("by hand", pair, {}, np.array((2 * 12 + 24) / 2)),
        Case("by hand, Hz", pair, in_hz, np.array((2 * 220 + 330) / 2)),
        # a quarter of the weight goes up two octaves, three quarters go down one
        Case("by hand, normalised", pair, shares, np.array((12 + 0.25 * 24 + 0.75 * 12) / 2)),
        Case("typical", typical),
        Case("typical, Hz", typical, in_hz | shares),
        Case("batch", [np.stack([x, 0.9 * x]) for x in typical], shares),
        Case("no pitch", [amps, np.zeros((2, 2)), others, others_hz], shares, np.array(69.0),
             grad=False),
        Case("equal", [a, a_hz, a, a_hz], {}, np.array(0.0), grad=False),
        Case("no switch", pair, {"midi_scale": 1.0}, error="midi_scale is 1.0, must be True or F"),
        Case("frames", [a, a_hz, b[:3], b_hz[:3]], error=r"amplitudes_b has shape \(3, 2\)"),
    ]  # fmt: skip


wasserstein_consistency_loss = Op(
    "wasserstein_consistency_loss",
    define,
    vjp=vjp,
    cases=cases,
    signature="(n_frames,n_a),(n_frames,n_a),(n_frames,n_b),(n_frames,n_b)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, WassersteinConsistencyLoss",
)
