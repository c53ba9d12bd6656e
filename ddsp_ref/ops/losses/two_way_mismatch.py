"""How badly sinusoids and the harmonics of possible fundamentals fit, in both directions."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.op import Case, Op
from ddsp_ref.ops.scaling import midi, safe_divide

from . import gaussian_mixture_log_density as mixture


def define(
    f0_candidates_hz,
    frequencies_hz,
    amplitudes,
    *,
    sinusoids_scale=0.5,
    harmonics_scale=0.2,
    n_harmonic_points=10,
    n_harmonic_gaussians=30,
    sample_rate=16000,
    xp=np,
):
    """Measure how badly a frame of sinusoids fits each of several fundamental frequencies.

    Sinusoids near harmonics: ``s[c] = -sum_i a[i] ln p(f[i] / f0[c]) / sum_i a[i]``, where p has
    an equally high Gaussian around each of the numbers 1, 2, ... n_harmonic_gaussians. Harmonics
    near sinusoids: ``h[c] = -mean_n(w[n] ln q(m(n f0[c])))`` over n = 1 ... n_harmonic_points,
    where q has a Gaussian around each m(f[i]), as high as a[i], and m is the MIDI note number of
    `hz_to_midi`. w falls from 1 to ``1 / n_harmonic_points`` in equal steps, is 0 for harmonics at
    or above half the sample rate, and is divided by the part of them that is below. For the
    densities see `gaussian_mixture_log_density`.

    Parameters
    ----------
    f0_candidates_hz : array, shape (..., n_candidates)
        Candidates f0 for the fundamental frequency in Hz.
    frequencies_hz : array, shape (..., n_sinusoids)
        Frequencies f of the sinusoids in Hz.
    amplitudes : array, shape (..., n_sinusoids)
        Their amplitudes a, linear scale, at least 0; in q a 0 counts as 1e-7.
    sinusoids_scale : float
        Width of the Gaussians around sinusoids, in semitones, positive.
    harmonics_scale : float
        Width of the Gaussians around harmonics, in multiples of the candidate, positive.
    n_harmonic_points : int
        Harmonics of a candidate that should have a sinusoid, at least 1.
    n_harmonic_gaussians : int
        Harmonics of a candidate that a sinusoid may belong to, at least 1.
    sample_rate : float
        Samples per second, positive.

    Returns
    -------
    sinusoids_loss : array, shape (..., n_candidates)
        Mismatch s of the sinusoids; it favours low candidates with dense harmonics.
    harmonics_loss : array, shape (..., n_candidates)
        Mismatch h of the harmonics; it favours high candidates, which miss few sinusoids.

    Raises
    ------
    ParameterError
        If a width, a number or the sample rate is not positive.

    Notes
    -----
    Gradient: that of the formula, with respect to all three arrays; 0 for frequencies that are not
    positive in m. Which harmonics are below half the sample rate is a constant. There is no
    choice of a candidate in here; the best has the smallest sum of both.
    Precision: float64 inside, whatever the inputs.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, TWMLoss.get_loss_tensors; after Maher and
    Beauchamp 1994.
    Differences: those of `gaussian_mixture_log_density`. As there, a candidate above half the
    sample rate has a harmonics_loss of 0, the frequency of a candidate of 0 Hz counts as 1e-7 Hz
    in the ratio, and so does a sum of the amplitudes of 0.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> candidates, partials = np.array([110.0, 220.0, 440.0]), 220.0 * np.arange(1, 11)
    >>> both = ddsp_ref.two_way_mismatch(candidates, partials, 1 / np.arange(1.0, 11.0))
    >>> candidates[np.argmin(sum(both))]
    np.float64(220.0)
    """

    def note(hz):
        voiced = hz > 0
        return xp.where(voiced, 12.0 * xp.log2(xp.where(voiced, hz, 440.0) / 440.0) + 69.0, 0.0)

    n_candidates = f0_candidates_hz.shape[0]
    f0 = f0_candidates_hz[:, None]
    ratios = xp.reshape(frequencies_hz / xp.where(f0 == 0, 1e-7, f0), (-1,))
    numbers = np.arange(1.0, n_harmonic_gaussians + 1)
    density = mixture.define(ratios, np.ones(numbers.size), numbers, scale=harmonics_scale, xp=xp)
    total = xp.sum(amplitudes)
    matched = xp.sum(amplitudes * xp.reshape(density, (n_candidates, -1)), axis=1)
    sinusoids_loss = -matched / xp.where(total == 0, 1e-7, total)

    harmonics = f0 * np.arange(1.0, n_harmonic_points + 1)
    points = xp.reshape(note(harmonics), (-1,))
    density = mixture.define(points, amplitudes, note(frequencies_hz), scale=sinusoids_scale, xp=xp)
    below = xp.where(harmonics < sample_rate / 2, 1.0, 0.0)
    part = xp.mean(below, axis=1)[:, None]
    weights = np.linspace(1.0, 1.0 / n_harmonic_points, n_harmonic_points)
    weights = weights * below / xp.where(part == 0, 1.0, part)
    return sinusoids_loss, -xp.mean(weights * xp.reshape(density, (n_candidates, -1)), axis=1)


def _sinusoids(f0, hz, amps, scale, n_gaussians):
    """Return the mismatch of the sinusoids and its pullback."""
    shape = (*f0.shape, hz.shape[1])
    flat = len(f0), shape[1] * shape[2]
    hz_of_all = np.broadcast_to(hz[:, None, :], shape)
    ratios, pull_ratios = safe_divide.vjp(hz_of_all, np.broadcast_to(f0[:, :, None], shape))
    numbers = np.arange(1.0, n_gaussians + 1)[None]
    density, pull_density = mixture.vjp(
        ratios.reshape(flat), np.ones_like(numbers), numbers, scale=scale
    )
    density = density.reshape(shape)
    total = amps.sum(axis=1, keepdims=True)
    matched = np.einsum("bcs,bs->bc", density, amps)
    y, pull_quotient = safe_divide.vjp(-matched, total)

    def pullback(y_bar):
        matched_bar, total_bar = pull_quotient(y_bar)
        density_bar = -matched_bar[:, :, None] * amps[:, None, :]
        amps_bar = -np.einsum("bc,bcs->bs", matched_bar, density)
        ratios_bar, _, _ = pull_density(density_bar.reshape(flat))
        hz_bar, f0_bar = pull_ratios(ratios_bar.reshape(shape))
        amps_bar += total_bar.sum(axis=1, keepdims=True)
        return f0_bar.sum(axis=2), hz_bar.sum(axis=1), amps_bar

    return y, pullback


def _harmonics(f0, hz, amps, scale, n_points, nyquist):
    """Return the mismatch of the harmonics and its pullback."""
    numbers = np.arange(1.0, n_points + 1)
    harmonics = f0[:, :, None] * numbers
    flat = len(f0), f0.shape[1] * n_points
    points, pull_points = midi.vjp_hz_to_midi(harmonics)
    notes, pull_notes = midi.vjp_hz_to_midi(hz)
    density, pull_density = mixture.vjp(points.reshape(flat), amps, notes, scale=scale)
    below = harmonics < nyquist
    part = below.mean(axis=2, keepdims=True)
    weights = np.divide(below, part, out=np.zeros(below.shape), where=part > 0)
    weights *= -np.linspace(1.0, 1.0 / n_points, n_points) / n_points

    def pullback(y_bar):
        density_bar = y_bar[:, :, None] * weights
        points_bar, amps_bar, notes_bar = pull_density(density_bar.reshape(flat))
        (harmonics_bar,) = pull_points(points_bar.reshape(harmonics.shape))
        return harmonics_bar @ numbers, *pull_notes(notes_bar), amps_bar

    return np.sum(weights * density.reshape(harmonics.shape), axis=2), pullback


def vjp(
    f0_candidates_hz,
    frequencies_hz,
    amplitudes,
    *,
    sinusoids_scale=0.5,
    harmonics_scale=0.2,
    n_harmonic_points=10,
    n_harmonic_gaussians=30,
    sample_rate=16000,
):
    given = f0_candidates_hz, frequencies_hz, amplitudes
    wide = [x.astype(np.float64) for x in given]
    sinusoids, pull_sinusoids = _sinusoids(*wide, harmonics_scale, n_harmonic_gaussians)
    harmonics, pull_harmonics = _harmonics(
        *wide, sinusoids_scale, n_harmonic_points, sample_rate / 2
    )

    def pullback(bars):
        sinusoids_bar, harmonics_bar = (bar.astype(np.float64) for bar in bars)
        both = zip(pull_sinusoids(sinusoids_bar), pull_harmonics(harmonics_bar))
        return tuple(one + other for one, other in both)

    dtype = f0_candidates_hz.dtype
    return (sinusoids.astype(dtype), harmonics.astype(dtype)), pullback


def check(
    dims,
    *,
    sinusoids_scale=0.5,
    harmonics_scale=0.2,
    n_harmonic_points=10,
    n_harmonic_gaussians=30,
    sample_rate=16000,
):
    scales = {"sinusoids_scale": sinusoids_scale, "harmonics_scale": harmonics_scale}
    for name, scale in scales.items():
        require(0 < scale < math.inf, f"{name} is {scale}, must be positive, e.g. 0.5")
    counts = {"n_harmonic_points": n_harmonic_points, "n_harmonic_gaussians": n_harmonic_gaussians}
    for name, count in counts.items():
        require(count >= 1, f"{name} is {count}, must be at least 1, e.g. 10")
    require(
        0 < sample_rate < math.inf, f"sample_rate is {sample_rate}, must be positive, e.g. 16000"
    )


def cases():
    rng = np.random.default_rng(0)
    f0, hz = rng.uniform(100.0, 900.0, (2, 3)), rng.uniform(100.0, 4000.0, (2, 4))
    amps, a4 = rng.uniform(0.1, 1.0, (2, 4)), np.array([440.0])
    typical, one = [f0, hz, amps], np.ones(1)
    few = {"n_harmonic_points": 3, "n_harmonic_gaussians": 2, "sinusoids_scale": 2.0}
    few |= {"harmonics_scale": 0.5}
    # Gaussians of widths 1/2 and 2: the logarithms of their heights, with the sign turned
    number, semitone = (math.log(s * math.sqrt(2 * math.pi)) for s in (0.5, 2.0))
    # a sinusoid at the first harmonic is two widths from the second one
    first = number + math.log(2.0) - math.log(1 + math.exp(-2.0))
    single = {"n_harmonic_points": 1, "n_harmonic_gaussians": 1, "sinusoids_scale": 2.0}
    single |= {"harmonics_scale": 0.5}
    # weights 1 and 1/2 for the first and second harmonic, an octave or six widths further up
    two = {"n_harmonic_points": 2, "n_harmonic_gaussians": 1, "sinusoids_scale": 2.0}
    two |= {"harmonics_scale": 0.5}
    return [
        # the first candidate hits; of 220 Hz the sinusoid is two widths beside number 1, and its
        # own first harmonic six widths below
        Case("by hand", [np.array([440.0, 220.0]), a4, one], single,
             (np.array([number, 2.0 + number]), np.array([semitone, 18.0 + semitone]))),
        Case("by hand, two harmonics", [a4, a4, one], two,
             (np.array([number]), np.array([(semitone + 0.5 * (18.0 + semitone)) / 2]))),
        Case("by hand, two Gaussians", [a4, a4, one], single | {"n_harmonic_gaussians": 2},
             (np.array([first]), np.array([semitone]))),
        # only the first of two harmonics is below 500 Hz: its weight 1 doubles, and is halved
        Case("by hand, Nyquist", [a4, a4, one], two | {"sample_rate": 1000},
             (np.array([number]), np.array([semitone]))),
        Case("above Nyquist", [a4, a4, one], two | {"sample_rate": 800},
             (np.array([number]), np.zeros(1))),
        Case("at Nyquist", [a4, a4, one], two | {"sample_rate": 1760},
             (np.array([number]), np.array([semitone])), grad=False),
        Case("typical", typical, few),
        Case("defaults", [x[0] for x in typical]),
        Case("low rate", typical, few | {"sample_rate": 2000}),
        Case("no candidate", [np.zeros(1), a4, one], few, grad=False),
        Case("silent", [f0[0], hz[0], np.zeros(4)], few, grad=False),
        Case("no width", typical, {"harmonics_scale": 0.0}, error="harmonics_scale is 0.0, must"),
        Case("no points", typical, {"n_harmonic_points": 0}, error="points is 0, must be at least"),
        Case("no rate", typical, {"sample_rate": -1}, error="sample_rate is -1, must be positive"),
        Case("counts", [f0, hz, amps[:, :2]], error=r"amplitudes has shape \(2, 2\)"),
    ]  # fmt: skip


two_way_mismatch = Op(
    "two_way_mismatch",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_candidates),(n_sinusoids),(n_sinusoids)->(n_candidates),(n_candidates)",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, TWMLoss.get_loss_tensors; Maher and Beauchamp 1994",
)
