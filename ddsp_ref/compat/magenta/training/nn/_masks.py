"""Masks of notes, and what is measured note by note."""

from __future__ import annotations

import numpy as np

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._record import apply


def _flat(x):
    """Drop a channel axis of (batch, time, 1)."""
    return x[:, :, 0] if x.ndim == 3 else x


@function("q_pitch")
def get_note_mask(q_pitch, max_regions=100, note_on_only=True):
    """Return masks (batch, time, max_regions) of equal values in a row; see `note_mask`."""
    return apply("note_mask", _flat(q_pitch), n_regions=max_regions, note_on_only=note_on_only)


@function("q_pitch", "onset")
def get_note_mask_from_onset(q_pitch, onset, max_regions=100, note_on_only=True):
    """Return a mask for each stretch from onset to onset; see `note_mask_from_onsets`."""
    settings = {"n_regions": max_regions, "note_on_only": note_on_only}
    return apply("note_mask_from_onsets", _flat(q_pitch), _flat(onset), **settings)


@function("note_mask")
def get_note_lengths(note_mask):
    """Return the number of frames of each note; see `note_lengths`."""
    return apply("note_lengths", note_mask)


@function("x", "note_mask")
def get_note_moments(x, note_mask, return_std=True):
    """Return mean and deviation over each note; see `note_moments`.

    Where the deviation is 0 its gradient is 0, where the original has NaN.
    """
    moments = apply("note_moments", x if x.ndim == 3 else x[:, :, None], note_mask)
    if x.ndim == 2:
        moments = tuple(part[:, :, 0] for part in moments)
    return moments if return_std else moments[0]


@function("x", "note_mask")
def pool_over_notes(x, note_mask, return_std=True):
    """Return mean and deviation over the note of each frame; see `pool_over_notes`.

    Where the deviation is 0 its gradient is 0, where the original has NaN.
    """
    pooled = apply("pool_over_notes", x, note_mask)
    return pooled if return_std else pooled[0]


@function("note_mask", "note_lengths", "note_pitches")
def get_short_note_loss_mask(note_mask, note_lengths, note_pitches, min_length=40):
    """Return a mask (batch, time) of short notes; see `short_note_mask`."""
    return apply("short_note_mask", note_mask, note_lengths, note_pitches, min_length=min_length)


@function("x")
def straight_through_int_quantization(x):
    """Round, with the gradient of the identity; see `round_straight_through`."""
    return apply("round_straight_through", x)


def _drawn(noise, logits):
    """Return uniform numbers in [0, 1), drawn anew unless they are given."""
    if noise is not None:
        return noise
    return np.random.default_rng().random(logits.shape[:-1]).astype(logits.dtype)


@function("logits", "noise")
def straight_through_softmax(logits, noise=None):
    """Draw a category, one-hot, and return its probabilities; see `straight_through_softmax`.

    `noise=` takes uniform numbers in [0, 1), one for each draw.
    """
    return apply("straight_through_softmax", logits, _drawn(noise, logits))


@function("logits", "values", "noise")
def straight_through_choice(logits, values, noise=None):
    """Draw one of several values; see `straight_through_choice`.

    `noise=` takes uniform numbers in [0, 1), one for each draw.
    """
    return apply("straight_through_choice", logits, values, _drawn(noise, logits))[..., None]
