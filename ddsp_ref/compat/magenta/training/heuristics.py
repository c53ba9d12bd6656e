"""Notes out of controls, as in the original's ddsp/training/heuristics.py."""

from __future__ import annotations

import numpy as np

from ddsp_ref.analysis import runs, segmentation, windows
from ddsp_ref.analysis.notes import Notes
from ddsp_ref.compat.magenta import core, spectral_ops

DDSP_DEFAULT_FRAME_RATE = 250


def _f0_hz(controls):
    return np.squeeze(np.asarray(controls["f0_hz"]))


def _amplitudes(controls):
    return np.squeeze(np.asarray(controls["harmonic"]["controls"]["amplitudes"]))


def mean_f0(controls, start, stop):
    """Return the mean pitch of some frames in Hz."""
    return np.mean(controls["f0_hz"][start:stop])


def median_f0(controls, start, stop):
    """Return the median pitch of some frames in Hz."""
    return np.median(controls["f0_hz"][start:stop])


def median_amps(controls, start, stop):
    """Return the median amplitude of some frames."""
    return np.median(_amplitudes(controls)[start:stop])


def segment_notes(binarize_f, pick_f0_f, pick_amps_f, controls, frame_rate=DDSP_DEFAULT_FRAME_RATE):
    """Return notes, one for each stretch that `binarize_f` calls on; see `ddsp_ref.analysis.notes`.

    A `Notes` stands for the original's NoteSequence. As there `pick_amps_f` is not heard: all
    velocities are 127.
    """
    del pick_amps_f
    is_on = np.asarray(binarize_f(controls))
    found = runs.runs(is_on)
    picked = [pick_f0_f(controls, start=start, stop=stop) for start, stop in found]
    pitches = np.rint(core.hz_to_midi(np.asarray(picked, float))).astype(int)
    edges = np.asarray(found, float).reshape(-1, 2) / frame_rate
    velocities = np.full(len(found), 127)
    return Notes(pitches, edges[:, 0], edges[:, 1], velocities, len(is_on) / frame_rate)


def segment_notes_batch(
    binarize_f, pick_f0_f, pick_amps_f, controls_batch, frame_rate=DDSP_DEFAULT_FRAME_RATE
):
    """Return the notes of each example of a batch of controls."""
    return [
        segment_notes(binarize_f, pick_f0_f, pick_amps_f, controls, frame_rate)
        for controls in _examples(controls_batch)
    ]


def _examples(batch):
    """Return the nested dictionaries of the examples; None is left out."""
    parts = {k: _examples(v) if isinstance(v, dict) else v for k, v in batch.items()}
    n = next(len(v) for v in parts.values() if v is not None)
    return [{k: v[i] for k, v in parts.items() if v is not None} for i in range(n)]


def window_array(array, sr, win_len, frame_step_ratio=0.75, ax=0):
    """Cut an array into overlapping windows; see `ddsp_ref.analysis.windows`."""
    array = np.asarray(array)
    return windows.window_array(array, sr, win_len, step_ratio=frame_step_ratio, axis=ax)


def pad_for_frame(vec, mode, frame_width, axis=0):
    """Lengthen a vector for its neighbourhoods; see `ddsp_ref.analysis.windows`."""
    del axis  # of a vector there is one
    return windows.pad_for_frame(np.asarray(vec), mode, frame_width)


def get_active_frame_indices(piano_roll):
    """Count the frames since each note began; see `ddsp_ref.analysis.runs`."""
    return runs.get_active_frame_indices(np.asarray(piano_roll))


def remove_short(is_on_vec, min_samples=20, glue_back=False):
    """Turn off short stretches; see `ddsp_ref.analysis.runs`. The array itself stays as it is."""
    short = "fill" if glue_back else "remove"
    return runs.remove_short(np.asarray(is_on_vec, bool), min_samples=min_samples, short=short)


def amp_pooled_outliers(controls, frame_width=80, num_devs=2, pad_mode="center"):
    """Return where the amplitude is not far below its neighbours; see `segmentation`."""
    settings = {"frame_width": frame_width, "num_devs": float(num_devs), "pad_mode": pad_mode}
    return segmentation.amp_pooled_outliers(_amplitudes(controls), **settings)


def strided_freq_change(controls, frame_widths=(2, 4, 8, 16, 32), pad_mode="front"):
    """Return where the pitch stays; see `ddsp_ref.analysis.segmentation`."""
    settings = {"frame_widths": frame_widths, "pad_mode": pad_mode}
    return segmentation.strided_freq_change(_f0_hz(controls), **settings)


def power_pooled_outliers(controls, frame_width=80, num_devs=2.5, pad_mode="center"):
    """Return where the power is not far below its neighbours; see `segmentation`.

    The original fails here always: it looks for a constant that is not there.
    """
    audio = np.asarray(controls["audio"])
    power_db = np.squeeze(spectral_ops.compute_power(audio, frame_size=256))
    settings = {"frame_width": frame_width, "num_devs": float(num_devs), "pad_mode": pad_mode}
    return segmentation.power_pooled_outliers(power_db, **settings)


def midi_heuristic(controls):
    """Return where notes sound, by pitch and amplitude; see `ddsp_ref.analysis.segmentation`."""
    return segmentation.midi_heuristic(_f0_hz(controls), _amplitudes(controls))


def midi_heuristic_power(controls):
    """Return where notes sound, by pitch and power; see `ddsp_ref.analysis.segmentation`."""
    return remove_short(
        strided_freq_change(controls) & power_pooled_outliers(controls), min_samples=10
    )
