"""How unlikely a set of sinusoids is, given another one."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import midi, safe_divide

from . import gaussian_mixture_log_density as mixture


def define(
    amplitudes, frequencies_hz, target_amplitudes, target_frequencies_hz, *, scale=0.1, xp=np
):
    """Measure how unlikely the frequencies of sinusoids are around those of others.

    ``y = -mean_k(a[k] / sum(a) ln p(m(f[k])))``, where a and f are the amplitudes and frequencies,
    m the MIDI note number of `hz_to_midi`, and p the density with a Gaussian of width scale around
    each of the other sinusoids, as high as its amplitude; see `gaussian_mixture_log_density`.

    Parameters
    ----------
    amplitudes : array, shape (..., n_sinusoids)
        Amplitudes, linear scale, at least 0.
    frequencies_hz : array, shape (..., n_sinusoids)
        Frequencies in Hz; those that are not positive count as note 0.
    target_amplitudes : array, shape (..., n_targets)
        Amplitudes of the sinusoids that make the density; 0 counts as 1e-7.
    target_frequencies_hz : array, shape (..., n_targets)
        Their frequencies in Hz.
    scale : float
        Standard deviation of the Gaussians in semitones, positive.

    Returns
    -------
    array, shape (...)
        Negative log-likelihood per semitone, a mean over n_sinusoids.

    Raises
    ------
    ParameterError
        If scale is not positive.

    Notes
    -----
    Gradient: that of the formula, with respect to all four arrays; 0 for frequencies and target
    amplitudes that are not positive. It grows with the distance from the nearest sinusoid.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, KDEConsistencyLoss.nll.
    Differences: those of `gaussian_mixture_log_density`. As there, a weighted mean that divides
    by the sum of the weights divides by their number as well.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> one, a4 = np.array([1.0]), np.array([440.0])
    >>> float(ddsp_ref.sinusoidal_nll(one, a4, one, a4, scale=0.5).round(4))
    0.2258
    """
    notes, target_notes = (
        midi.define_hz_to_midi(hz, xp=xp) for hz in (frequencies_hz, target_frequencies_hz)
    )
    density = mixture.define(notes, target_amplitudes, target_notes, scale=scale, xp=xp)
    shares = safe_divide.define(amplitudes, xp.sum(amplitudes), xp=xp)
    return -xp.mean(shares * density)


def vjp(amplitudes, frequencies_hz, target_amplitudes, target_frequencies_hz, *, scale=0.1):
    arrays = amplitudes, frequencies_hz, target_amplitudes, target_frequencies_hz
    amps, hz, target_amps, target_hz = (x.astype(np.float64) for x in arrays)
    notes, pull_notes = midi.vjp_hz_to_midi(hz)
    target_notes, pull_target_notes = midi.vjp_hz_to_midi(target_hz)
    density, pull_density = mixture.vjp(notes, target_amps, target_notes, scale=scale)
    shares, pull_shares = safe_divide.vjp(amps, amps.sum(axis=1, keepdims=True))
    y = -np.mean(shares * density, axis=1)

    def pullback(y_bar):
        product_bar = -y_bar[:, None] / amps.shape[1]
        amps_bar, total_bar = pull_shares(product_bar * density)
        notes_bar, target_amps_bar, target_notes_bar = pull_density(product_bar * shares)
        return (
            amps_bar + total_bar.sum(axis=1, keepdims=True),
            *pull_notes(notes_bar),
            target_amps_bar,
            *pull_target_notes(target_notes_bar),
        )

    return y.astype(amplitudes.dtype), pullback


def check(dims, *, scale=0.1):
    require(0 < scale < math.inf, f"scale is {scale}, must be positive, e.g. 0.1")


def cases():
    rng = np.random.default_rng(0)
    amps, targets = rng.uniform(0.1, 1.0, (2, 5)), rng.uniform(0.1, 1.0, (2, 3))
    hz, target_hz = rng.uniform(100.0, 900.0, (2, 5)), rng.uniform(100.0, 900.0, (2, 3))
    typical = [amps, hz, targets, target_hz]
    one, a4 = np.ones(1), np.array([440.0])
    density = math.log(2 * math.sqrt(2 * math.pi))  # at a centre, of width 2, negative
    octaves, fifths = np.array([220.0, 880.0]), np.array([3.0, 1.0])
    return [
        Case("by hand", [one, a4, one, a4], {"scale": 2.0}, np.array(density)),
        # twelve semitones are six widths, -18 in the logarithm, from both; half of it in the mean
        Case("by hand, two", [fifths, octaves, one, a4], {"scale": 2.0},
             np.array((18 + density) / 2)),
        # three quarters of the density are an octave away, a height of exp(-18); the rest is there
        Case("by hand, two targets", [one, a4 * 2, fifths, a4 * np.array([1.0, 2.0])],
             {"scale": 2.0}, np.array(density - math.log(0.25 + 0.75 * math.exp(-18.0)))),
        Case("by hand, no pitch", [one, np.zeros(1), one, a4], {"scale": 69.0},
             np.array(0.5 + math.log(69.0 * math.sqrt(2 * math.pi))), grad=False),
        Case("typical", typical, {"scale": 2.0}),
        Case("narrow", typical),
        Case("silent", [np.zeros(2), octaves, one, a4], {}, np.array(0.0), grad=False),
        Case("silent target", [fifths, octaves, np.zeros(1), a4], {"scale": 2.0},
             np.array((18 + density) / 2), grad=False),
        Case("no scale", [one, a4, one, a4], {"scale": -1.0}, error="scale is -1.0, must be pos"),
        Case("counts", [one, octaves, one, a4], error=r"frequencies_hz has shape \(2,\)"),
    ]  # fmt: skip


sinusoidal_nll = Op(
    "sinusoidal_nll",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_sinusoids),(n_sinusoids),(n_targets),(n_targets)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, KDEConsistencyLoss.nll",
)
