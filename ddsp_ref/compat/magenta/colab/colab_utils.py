"""What computes in the original's ddsp/colab/colab_utils.py: tuning."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis import tuning
from ddsp_ref.compat.magenta import spectral_ops

DEFAULT_SAMPLE_RATE = spectral_ops.CREPE_SAMPLE_RATE


def get_tuning_factor(f0_midi, f0_confidence, mask_on):
    """Return how sharp notes are, in semitones; see `ddsp_ref.analysis.tuning`."""
    arrays = (np.asarray(a) for a in (f0_midi, f0_confidence, mask_on))
    return tuning.get_tuning_factor(*arrays, whole_notes=False)


def auto_tune(f0_midi, tuning_factor, mask_on, amount=0.0, chromatic=False):
    """Pull pitch to the notes of a scale; see `ddsp_ref.analysis.tuning`. Nothing is printed."""
    f0_midi, mask_on = np.asarray(f0_midi), np.asarray(mask_on)
    return tuning.auto_tune(
        f0_midi, float(tuning_factor), mask_on, amount=amount, chromatic=chromatic
    )
