"""The hidden Markov model of notes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddsp_ref.analysis.note_hmm import decode_notes
from ddsp_ref.compat.magenta._pieces import mean
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.losses._consistency import Loss
from ddsp_ref.compat.magenta.processors import as_array


class HmmTranscriber(Loss):
    """How improbable pitch and amplitude are as notes; see `note_hmm_loss`.

    Unlike the original, `n_timesteps` need not be the number of frames.
    """

    def __init__(
        self,
        avg_length=200,
        midi_std=0.5,
        amps_on_center=1.5,
        amps_on_scale=0.5,
        amps_off_center=0.0,
        amps_off_scale=0.1,
        n_timesteps=1000,
        n_pitches=128,
        weight=1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.avg_length, self.midi_std, self.weight = avg_length, midi_std, weight
        self.n_timesteps, self.n_pitches = n_timesteps, n_pitches
        self._model = {
            "avg_length": float(avg_length),
            "midi_std": midi_std,
            "amps_on_center": amps_on_center,
            "amps_on_scale": amps_on_scale,
            "amps_off_center": amps_off_center,
            "amps_off_scale": amps_off_scale,
            "n_pitches": n_pitches,
        }

    def call(self, pitch, amps):
        return self.nll(pitch, amps)

    def nll(self, pitch, amps, per_example_loss=False):
        """Return the negative log-likelihood per frame."""
        controls = as_array(pitch)[..., 0], as_array(amps)[..., 0]
        losses = apply("note_hmm_loss", *controls, **self._model)
        return (losses if per_example_loss else mean(losses)) * self.weight

    def predict_midi(self, pitch, amps, channel_dim=True, dtype=np.float32):
        """Return the most probable notes; see `decode_notes`."""
        controls = zip(np.asarray(pitch)[..., 0], np.asarray(amps)[..., 0], strict=True)
        notes = np.array([decode_notes(p, a, **self._model) for p, a in controls], dtype)
        return notes[..., None] if channel_dim else notes
