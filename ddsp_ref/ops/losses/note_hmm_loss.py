"""How improbable a pitch and an amplitude are as a sequence of notes and rests."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.op import Case, Op


def define(
    pitch_midi, amplitudes, *, avg_length=200.0, midi_std=0.5, amps_on_center=1.5,
    amps_on_scale=0.5, amps_off_center=0.0, amps_off_scale=0.1, n_pitches=128, xp=np,
):  # fmt: skip
    """Measure how improbable pitch and amplitude are under a hidden Markov model of notes.

    ``loss = -log p(pitch, amplitudes) / n_frames``, where every frame is in one of `n_pitches`
    states: state 0 is a rest, state s the MIDI note s. A state goes on with probability
    ``1 - 1 / avg_length``, or changes to any other. In a note, the pitch is normal around the
    note with deviation `midi_std` and the amplitude around `amps_on_center`; in a rest, the pitch
    is normal around ``n_pitches / 2`` with deviation `n_pitches`, the amplitude around
    `amps_off_center`.

    Parameters
    ----------
    pitch_midi : array, shape (..., n_frames)
        Pitch in MIDI notes.
    amplitudes : array, shape (..., n_frames)
        Amplitude, in the unit of the centers.
    avg_length : float
        Mean length of a state in frames, above 1.
    midi_std : float
        Deviation of the pitch within a note, above 0.
    amps_on_center, amps_on_scale : float
        Mean and deviation of the amplitude in a note.
    amps_off_center, amps_off_scale : float
        Mean and deviation of the amplitude in a rest.
    n_pitches : int
        Number of states, at least 2.

    Returns
    -------
    array, shape (...)
        Mean negative log-likelihood per frame, in nats.

    Raises
    ------
    ParameterError
        If a setting is out of its range or shapes do not fit.

    Notes
    -----
    Gradient: that of a state's density, weighted with the probability of the state given all
    frames (Baum's forward and backward sums).
    Precision: float64 inside, whatever the input; sums are scaled frame by frame, so that long
    sequences do not underflow.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, HmmTranscriber.nll; L. Rabiner, "A tutorial on
    hidden Markov models", Proceedings of the IEEE 77, 1989, equations 18 to 27.
    Differences: the mean over the batch and the weight are left to the caller.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> amplitudes = np.full(4, 1.5)
    >>> float(ddsp_ref.note_hmm_loss(np.array([60.0, 60.0, 60.0, 60.0]), amplitudes).round(3))
    1.668
    >>> float(ddsp_ref.note_hmm_loss(np.array([60.0, 64.0, 62.5, 60.0]), amplitudes).round(3))
    7.173
    """
    rest = np.arange(n_pitches) == 0
    pitch_loc = np.where(rest, n_pitches / 2, np.arange(n_pitches))
    pitch_scale = np.where(rest, n_pitches, midi_std)
    amps_loc = np.where(rest, amps_off_center, amps_on_center)
    amps_scale = np.where(rest, amps_off_scale, amps_on_scale)
    stay, change = 1 - 1 / avg_length, 1 / avg_length / (n_pitches - 1)
    log_transitions = np.log(np.where(np.eye(n_pitches) > 0, stay, change))

    def log_normal(x, loc, scale):
        return -0.5 * ((x - loc) / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))

    def log_sum(x):  # over the first axis
        top = xp.max(x, axis=0)
        return top + xp.log(xp.sum(xp.exp(x - top), axis=0))

    log_densities = log_normal(pitch_midi[:, None], pitch_loc, pitch_scale)
    log_densities = log_densities + log_normal(amplitudes[:, None], amps_loc, amps_scale)
    forward = log_densities[0] - np.log(n_pitches)
    for t in range(1, len(pitch_midi)):
        forward = log_densities[t] + log_sum(forward[:, None] + log_transitions)
    return -log_sum(forward) / len(pitch_midi)


@njit
def _kernel(pitch, amplitudes, pitch_model, amps_model, change, forward, nll):
    """Write scaled forward sums and the loss; a model has rows of means and deviations."""
    n_frames, n_states = forward.shape[1:]
    stay = 1.0 - change * n_states  # beyond what a state gets as one of all
    for b in range(len(forward)):
        total = 0.0
        for t in range(n_frames):
            top = -np.inf
            for s in range(n_states):
                x = (np.float64(pitch[b, t]) - pitch_model[0, s]) / pitch_model[1, s]
                y = (np.float64(amplitudes[b, t]) - amps_model[0, s]) / amps_model[1, s]
                log_density = -0.5 * (x * x + y * y)
                log_density -= math.log(2.0 * math.pi * pitch_model[1, s] * amps_model[1, s])
                forward[b, t, s] = log_density
                top = max(top, log_density)
            scale = 0.0
            for s in range(n_states):
                before = forward[b, t - 1, s] if t > 0 else 1.0
                prior = stay * before + change if t > 0 else 1.0 / n_states
                forward[b, t, s] = prior * math.exp(forward[b, t, s] - top)
                scale += forward[b, t, s]
            for s in range(n_states):
                forward[b, t, s] /= scale
            total += top + math.log(scale)
        nll[b] = -total / n_frames


@njit
def _kernel_vjp(
    pitch, amplitudes, pitch_model, amps_model, change, forward, nll_bar, pitch_bar, amplitudes_bar
):
    """Go backwards: weigh the slopes of the densities with the probabilities of the states."""
    n_frames, n_states = forward.shape[1:]
    stay = 1.0 - change * n_states
    ahead = np.empty(n_states)  # density of what follows, times that of this frame, scaled
    for b in range(len(forward)):
        for s in range(n_states):
            ahead[s] = 1.0
        for t in range(n_frames - 1, -1, -1):
            total = 0.0
            for s in range(n_states):
                total += forward[b, t, s] * ahead[s]
            slope_pitch, slope_amplitude = 0.0, 0.0
            for s in range(n_states):
                share = forward[b, t, s] * ahead[s] / total
                x = np.float64(pitch[b, t]) - pitch_model[0, s]
                y = np.float64(amplitudes[b, t]) - amps_model[0, s]
                slope_pitch += share * x / pitch_model[1, s] ** 2
                slope_amplitude += share * y / amps_model[1, s] ** 2
            pitch_bar[b, t] = nll_bar[b] * slope_pitch / n_frames
            amplitudes_bar[b, t] = nll_bar[b] * slope_amplitude / n_frames
            if t > 0:
                _step_back(forward[b, t], forward[b, t - 1], stay, change, ahead)


@njit
def _step_back(here, before, stay, change, ahead):
    """Turn what follows frame t into what follows frame t - 1, up to a factor."""
    total, largest = 0.0, 0.0
    for s in range(len(here)):  # here / prior is the density of the frame, up to a factor
        ahead[s] *= here[s] / (stay * before[s] + change)
        total += ahead[s]
    for s in range(len(here)):
        ahead[s] = stay * ahead[s] + change * total
        largest = max(largest, ahead[s])
    for s in range(len(here)):
        ahead[s] /= largest


def note_models(
    midi_std, amps_on_center, amps_on_scale, amps_off_center, amps_off_scale, n_pitches
):
    """Return means and deviations of pitch and amplitude, shape (2, n_pitches) each."""
    pitch = np.full((2, n_pitches), float(midi_std))
    pitch[0] = np.arange(n_pitches)
    pitch[:, 0] = n_pitches / 2, n_pitches
    amps = np.empty((2, n_pitches))
    amps[:, :1] = [[amps_off_center], [amps_off_scale]]
    amps[:, 1:] = [[amps_on_center], [amps_on_scale]]
    return pitch, amps


def vjp(
    pitch_midi, amplitudes, *, avg_length=200.0, midi_std=0.5, amps_on_center=1.5,
    amps_on_scale=0.5, amps_off_center=0.0, amps_off_scale=0.1, n_pitches=128,
):  # fmt: skip
    models = note_models(
        midi_std, amps_on_center, amps_on_scale, amps_off_center, amps_off_scale, n_pitches
    )
    change = 1 / avg_length / (n_pitches - 1)
    forward = np.empty((*pitch_midi.shape, n_pitches))
    nll = np.empty(len(pitch_midi))
    _kernel(pitch_midi, amplitudes, *models, change, forward, nll)

    def pullback(nll_bar):
        bars = np.empty_like(pitch_midi), np.empty_like(pitch_midi)
        _kernel_vjp(pitch_midi, amplitudes, *models, change, forward, nll_bar, *bars)
        return bars

    return nll.astype(pitch_midi.dtype), pullback


def check(
    dims, *, avg_length=200.0, midi_std=0.5, amps_on_center=1.5, amps_on_scale=0.5,
    amps_off_center=0.0, amps_off_scale=0.1, n_pitches=128,
):  # fmt: skip
    require(n_pitches >= 2, f"n_pitches is {n_pitches}, must be at least 2, e.g. 128")
    require(avg_length > 1, f"avg_length is {avg_length}, must be above 1, e.g. 200")
    scales = {
        "midi_std": midi_std,
        "amps_on_scale": amps_on_scale,
        "amps_off_scale": amps_off_scale,
    }
    for name, scale in scales.items():
        require(scale > 0, f"{name} is {scale}, must be above 0, e.g. 0.5")


def cases():
    rng = np.random.default_rng(0)
    pitch = 60 + np.cumsum(rng.standard_normal(12))
    amplitudes = np.where(np.arange(12) % 5 < 3, 1.4, 0.1) + 0.1 * rng.standard_normal(12)
    one = 1 / (2 * np.pi)  # the density of two standard normals at their middle
    plain = {"midi_std": 1.0, "amps_on_scale": 1.0, "amps_off_scale": 0.5, "n_pitches": 2}
    return [
        # two states, both with a density of 1 / (2 pi) at the middle of the note: rest (mean 1,
        # deviation 2 for the pitch, 1/2 for the amplitude, centers equal), note (1, 1)
        Case("by hand, one frame", [np.array([1.0]), np.array([0.0])],
             {**plain, "amps_on_center": 0.0}, -np.log(one)),
        # every course of the two states is as probable as it is long: the densities factor out
        Case("by hand, three frames", [np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0])],
             {**plain, "amps_on_center": 0.0, "avg_length": 7.0}, -np.log(one)),
        # a rest has exp(-4^2 / (2 / 4)) times less; two frames stay with 3/4 or change with 1/4
        Case("by hand, two frames", [np.array([1.0, 1.0]), np.array([4.0, 4.0])],
             {**plain, "amps_on_center": 4.0, "avg_length": 4.0},
             -np.log(one**2 / 2 * (0.75 + 0.5 * np.exp(-32) + 0.75 * np.exp(-64))) / 2),
        Case("typical", [pitch, amplitudes], {"n_pitches": 80}),
        Case("batch", [np.stack([pitch, pitch + 3]), amplitudes], {"n_pitches": 70}),
        Case("far away", [np.array([500.0, -300.0, 60.0]), np.array([9.0, 0.0, -4.0])]),
        Case("short notes", [pitch, amplitudes], {"avg_length": 1.5, "n_pitches": 64}),
        Case("one state", [pitch, amplitudes], {"n_pitches": 1}, error="n_pitches is 1, must be"),
        Case("too short", [pitch, amplitudes], {"avg_length": 1.0}, error="avg_length is 1.0"),
        Case("no width", [pitch, amplitudes], {"midi_std": 0.0}, error="midi_std is 0.0, must be"),
        Case("negative width", [pitch, amplitudes], {"amps_off_scale": -1.0},
             error="amps_off_scale is -1.0"),
        Case("lengths", [pitch, amplitudes[:5]], error="n_frames=12"),
    ]  # fmt: skip


note_hmm_loss = Op(
    "note_hmm_loss",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames),(n_frames)->()",
    source="magenta/ddsp 3.7.0, ddsp/losses.py, HmmTranscriber.nll",
)
