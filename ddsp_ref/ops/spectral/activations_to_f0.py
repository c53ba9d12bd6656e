"""From the activations of a pitch network over its bins to frequency and confidence."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op

# Bin 0 of CREPE in cents above 10 Hz, 31.7 Hz; its bins are 20 cents apart.
LOWEST_CENTS = 1997.3794084376191
MOST_CENTS = 100000  # from 10 Hz, up or down: beyond, frequencies leave the range of float32


def define(
    activations, centers, *, lowest_cents=LOWEST_CENTS, cents_per_bin=20.0, edges="repeat", xp=np
):
    """Read frequency and confidence off the activations of a pitch network.

    ``f0 = 10 * 2^(c / 1200)`` with ``c = sum_j a[j] c[j] / sum_j a[j]``, the mean of the bins'
    cents ``c[j] = lowest_cents + cents_per_bin j`` over the bins around the center, weighted by
    their activations. The confidence is the largest activation of all bins.

    Parameters
    ----------
    activations : array, shape (..., n_bins)
        Activation of every bin, 0 or more, in CREPE 0 to 1 and 360 bins.
    centers : array, shape (...)
        Bin in the middle of the average: that of the largest activation, or that of a path
        through all frames, see `ddsp_ref.analysis.crepe.viterbi_centers`. Rounded to the nearest
        bin, halves up.
    lowest_cents : float
        Frequency of bin 0, in cents above 10 Hz, from -100000 to 100000.
    cents_per_bin : float
        From one bin to the next, positive; the highest bin is at most at 100000 cents.
    edges : {"repeat", "cut"}
        Which bins are averaged. "repeat": from 4 below to 5 above the center, and for each one
        that lies beyond the first or last bin, that bin once more, as magenta/ddsp does it. "cut":
        from 4 below to 4 above, those that exist, as the package crepe does it.

    Returns
    -------
    f0_hz : array, shape (...)
        Frequency in Hz.
    confidence : array, shape (...)
        The largest activation.

    Raises
    ------
    ParameterError
        If cents_per_bin is not positive, a bin lies beyond 83 octaves from 10 Hz, or edges is
        neither of the two.

    Notes
    -----
    Gradient: of the frequency, ``f0 ln(2) / 1200 (c[j] - c) / sum a`` for each bin averaged; of
    the confidence, 1 for the bin with the largest activation, shared evenly where several have
    it. The centers have none.
    Precision: sums are float64.
    Differences: where no bin around the center is active the original divides 0 by 0; here the
    frequency is that of the center, without a gradient. The original looks for the center by
    itself unless it is given; here it is always given. "repeat" is half a bin too high where
    activations are flat; "cut" is not.
    Source: magenta/ddsp 3.7.0, ddsp/spectral_ops.py, PretrainedCREPE.
    activations_to_f0_and_confidence; Kim et al. (2018), equation 2.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> activations = np.zeros((1, 360))
    >>> activations[0, 228:230] = 0.6, 0.2
    >>> f0_hz, confidence = ddsp_ref.activations_to_f0(activations, [228])
    >>> f0_hz.round(2), confidence
    (array([442.82]), array([0.6]))
    """
    n_bins = activations.shape[0]
    # `+ 0.5` compared with whole numbers rounds without a step that could not be taped
    center = sum(1 for j in range(1, n_bins) if centers + 0.5 >= j)
    around = np.arange(center - 4, center + (6 if edges == "repeat" else 5))
    if edges == "repeat":
        around = np.minimum(np.maximum(around, 0), n_bins - 1)
    around = around[(around >= 0) & (around < n_bins)]
    weights, cents = activations[around], lowest_cents + cents_per_bin * around
    total = xp.sum(weights)
    if total > 0:
        mean = xp.sum(weights * cents) / total
    else:
        mean = lowest_cents + cents_per_bin * center + 0.0 * total
    return 10.0 * 2.0 ** (mean / 1200.0), xp.max(activations)


@njit
def _kernel(activations, centers, reach_up, repeat, lowest, step, f0_hz, means, totals):
    """Fill f0_hz, the mean bins, and the sums of the weights, 0 where there are none."""
    n_frames, n_bins = activations.shape
    for t in range(n_frames):
        center = int(min(max(np.floor(centers[t] + 0.5), 0.0), n_bins - 1.0))
        total, moment = 0.0, 0.0
        for k in range(-4, reach_up + 1):
            j = center + k
            if repeat or 0 <= j < n_bins:
                j = min(max(j, 0), n_bins - 1)
                total += activations[t, j]
                moment += activations[t, j] * (j - center)
        shift = moment / total if total > 0 else 0.0
        means[t] = center + shift
        f0_hz[t] = 10.0 * 2.0 ** ((lowest + step * means[t]) / 1200.0)
        totals[t] = total if total > 0 else 0.0


@njit
def _kernel_vjp(centers, reach_up, repeat, step, means, totals, cents_bar, bar):
    n_frames, n_bins = bar.shape
    for t in range(n_frames):
        if totals[t] > 0:
            center = int(min(max(np.floor(centers[t] + 0.5), 0.0), n_bins - 1.0))
            scale = cents_bar[t] * step / totals[t]
            for k in range(-4, reach_up + 1):
                j = center + k
                if repeat or 0 <= j < n_bins:
                    j = min(max(j, 0), n_bins - 1)
                    bar[t, j] += scale * (j - means[t])


def vjp(activations, centers, *, lowest_cents=LOWEST_CENTS, cents_per_bin=20.0, edges="repeat"):
    dtype = activations.dtype
    repeat = edges == "repeat"
    reach, step = (5 if repeat else 4, repeat), float(cents_per_bin)
    f0_hz, means, totals = np.empty((3, len(activations)))
    _kernel(activations, centers, *reach, float(lowest_cents), step, f0_hz, means, totals)
    confidence = activations.max(axis=1)

    def pullback(bars):
        f0_bar, confidence_bar = bars
        best = activations == confidence[:, None]
        bar = best * (confidence_bar / best.sum(axis=1))[:, None].astype(np.float64)
        cents_bar = math.log(2.0) / 1200.0 * f0_hz * f0_bar
        _kernel_vjp(centers, *reach, step, means, totals, cents_bar, bar)
        return bar.astype(dtype, copy=False), np.zeros_like(centers)

    return (f0_hz.astype(dtype), confidence), pullback


def check(dims, *, lowest_cents=LOWEST_CENTS, cents_per_bin=20.0, edges="repeat"):
    require(cents_per_bin > 0, f"cents_per_bin is {cents_per_bin}, must be above 0; 20 is usual")
    require(
        abs(lowest_cents) <= MOST_CENTS,
        f"lowest_cents is {lowest_cents}, must be within {MOST_CENTS} cents of 10 Hz, which are 83 "
        f"octaves; {LOWEST_CENTS} is usual",
    )
    most = (MOST_CENTS - lowest_cents) / max(dims["n_bins"] - 1, 1)
    require(
        cents_per_bin <= most,
        f"cents_per_bin is {cents_per_bin}, must be at most {most:.6g}, so that the highest bin is "
        f"within {MOST_CENTS} cents of 10 Hz; 20 is usual",
    )
    require(edges in ("repeat", "cut"), f"edges is {edges!r}, must be 'repeat' or 'cut'")


def cases():
    # an octave above 10 Hz and a bin an octave, so that everything can be worked out by hand
    octaves = {"lowest_cents": 1200.0, "cents_per_bin": 1200.0}
    one = np.zeros(12)
    one[5] = 0.5
    pair = one.copy()
    pair[6] = 0.25
    first = np.zeros(12)
    first[0], first[2] = 1.0, 5.0
    far = np.zeros(12)
    far[[0, 11]] = 1.0, 0.5
    rng = np.random.default_rng(0)
    wave = 0.05 + rng.random((3, 20))
    return [
        # 10 Hz times 2 to the power of 1 + 5
        Case("by hand", [one, 5], octaves, (np.array(640.0), np.array(0.5))),
        # a third of the way from bin 5 to bin 6
        Case("by hand, between", [pair, 5], octaves, (np.array(640 * 2 ** (1 / 3)), np.array(0.5))),
        # bin 0 counts five times, as itself and for the four below: (5 * 0 + 1 * 5 * 2) / 10
        Case("by hand, repeated", [first, 0], octaves, (np.array(40.0), np.array(5.0))),
        # bin 0 counts once: (0 + 5 * 2) / 6
        Case("by hand, cut", [first, 0], octaves | {"edges": "cut"},
             (np.array(20.0 * 2 ** (10 / 6)), np.array(5.0))),
        # bin 6 is seen from bin 1, and not if cut
        Case("by hand, five above", [pair, 1], octaves,
             (np.array(20.0 * 2 ** (5 + 1 / 3)), np.array(0.5))),
        Case("by hand, four above", [pair, 1], octaves | {"edges": "cut"},
             (np.array(640.0), np.array(0.5))),
        Case("nothing around", [far, 5.0], octaves, (np.array(640.0), np.array(1.0)), grad=False),
        Case("rounded", [pair, 4.5], octaves, (np.array(640 * 2 ** (1 / 3)), np.array(0.5)),
             grad=False),
        Case("beyond", [far, [-3.0, 40.0]], octaves,
             (np.array([20.0, 10 * 2.0**12]), np.array([1.0, 1.0]))),
        Case("equals", [np.full(12, 0.5), 6.0], grad=False),
        Case("middle", [wave, [7.0, 9.0, 12.0]]),
        Case("low edge", [wave, [0.0, 1.0, 3.0]]),
        Case("high edge, cut", [wave, [19.0, 18.0, 15.0]], {"edges": "cut"}),
        Case("one bin", [[[0.5], [0.25]], [0.0, 0.0]]),
        Case("no step", [one, 5], {"cents_per_bin": 0.0}, error="cents_per_bin is 0.0, must be ab"),
        Case("edges", [one, 5], {"edges": "zero"}, error="edges is 'zero', must be 'repeat' or"),
        Case("no bins", [np.zeros((2, 0)), [0, 0]], error="n_bins must be at least 1"),
    ]  # fmt: skip


activations_to_f0 = Op(
    "activations_to_f0",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_bins),()->(),()",
    source="magenta/ddsp 3.7.0, ddsp/spectral_ops.py, activations_to_f0_and_confidence",
)
