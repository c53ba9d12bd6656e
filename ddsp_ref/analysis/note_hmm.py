"""The most probable sequence of notes and rests behind a pitch and an amplitude."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.analysis._checks import real_array
from ddsp_ref.jit import njit
from ddsp_ref.ops.losses.note_hmm_loss import note_hmm_loss, note_models


@njit
def _decode(pitch, amplitudes, pitch_model, amps_model, log_stay, log_change, came_from, states):
    """Find the best path. Only two predecessors count: the same state and the best of all."""
    n_frames, n_states = came_from.shape
    best, following = np.zeros(n_states), np.empty(n_states)
    for t in range(n_frames):
        leader = 0
        for s in range(n_states):
            if best[s] > best[leader]:
                leader = s
        for s in range(n_states):
            x = (pitch[t] - pitch_model[0, s]) / pitch_model[1, s]
            y = (amplitudes[t] - amps_model[0, s]) / amps_model[1, s]
            density = -0.5 * (x * x + y * y) - math.log(pitch_model[1, s] * amps_model[1, s])
            changes = best[leader] + log_change > best[s] + log_stay
            came_from[t, s] = leader if changes else s
            prior = best[leader] + log_change if changes else best[s] + log_stay
            following[s] = density + (prior if t > 0 else 0.0)
        best, following = following, best
    states[n_frames - 1] = np.argmax(best)
    for t in range(n_frames - 1, 0, -1):
        states[t - 1] = came_from[t, states[t]]


def decode_notes(
    pitch_midi: np.ndarray,
    amplitudes: np.ndarray,
    *,
    avg_length: float = 200.0,
    midi_std: float = 0.5,
    amps_on_center: float = 1.5,
    amps_on_scale: float = 0.5,
    amps_off_center: float = 0.0,
    amps_off_scale: float = 0.1,
    n_pitches: int = 128,
) -> np.ndarray:
    """Return the most probable notes under the model of `note_hmm_loss`.

    Parameters
    ----------
    pitch_midi : array, shape (n_frames,)
        Pitch in MIDI notes.
    amplitudes : array, shape (n_frames,)
        Amplitude, in the unit of the centers.
    avg_length, midi_std, amps_on_center, amps_on_scale, amps_off_center, amps_off_scale : float
        See `note_hmm_loss`.
    n_pitches : int
        Number of states, at least 2.

    Returns
    -------
    ndarray, shape (n_frames,), int64
        The MIDI note of every frame, 0 in a rest.

    Raises
    ------
    ParameterError
        If shapes do not fit or a setting is out of its range.

    Notes
    -----
    Viterbi's algorithm. All changes of state cost the same, so that a frame takes time
    proportional to the number of states, not to its square.
    Source: magenta/ddsp 3.7.0, ddsp/losses.py, HmmTranscriber.predict_midi.

    Examples
    --------
    >>> pitch = np.array([60.2, 59.9, 60.4, 64.0, 63.8, 64.1, 12.0])
    >>> decode_notes(pitch, np.array([1.5, 1.4, 1.6, 1.5, 1.3, 1.2, 0.0]), avg_length=3.0)
    array([60, 60, 60, 64, 64, 64,  0])
    """
    arrays = [
        real_array(f"decode_notes: {name}", array).astype(np.float64)
        for name, array in (("pitch_midi", pitch_midi), ("amplitudes", amplitudes))
    ]
    model = (midi_std, amps_on_center, amps_on_scale, amps_off_center, amps_off_scale, n_pitches)
    names = ("midi_std", "amps_on_center", "amps_on_scale", "amps_off_center", "amps_off_scale")
    settings = dict(zip(names, model))
    note_hmm_loss.check(
        *[a.shape for a in arrays], avg_length=avg_length, n_pitches=n_pitches, **settings
    )
    n_frames = len(arrays[0])
    came_from = np.empty((n_frames, n_pitches), np.int16)
    states = np.empty(n_frames, np.int64)
    log_stay = math.log(1 - 1 / avg_length)
    log_change = math.log(1 / avg_length / (n_pitches - 1))
    _decode(*arrays, *note_models(*model), log_stay, log_change, came_from, states)
    return states
