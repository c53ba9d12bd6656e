"""Fitting pitch and loudness of a recording to what an instrument knows."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from ddsp_ref.analysis.detection import detect_notes
from ddsp_ref.analysis.tuning import SCALES, auto_tune, get_tuning_factor, infer_scale
from ddsp_ref.errors import NoPitchError, require
from ddsp_ref.io.notes import note_name
from ddsp_ref.models.features import LEVELS
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.ops.scaling.midi import hz_to_midi, midi_to_hz
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.curves import Curves
from ddsp_ref.transfer.features import Heard
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.loudness import fit_loudness, quieten
from ddsp_ref.transfer.notes import fill_pitch, find_notes
from ddsp_ref.transfer.octaves import choose_octave, fold_octaves, pitch_range, quantile

LOWEST_HZ = 20.0
# No pitch above this share of the sample rate: an octave of partials has to fit below Nyquist.
HIGHEST = 0.22
MUCH = 0.1  # so large a share of the notes out of the instrument's range is worth a word
_LOUDER_DB = 3.0  # beyond the loudest that the instrument knows
_HUM_DB = 45.0  # so far below the loudest notes is what hums in pauses: the fit leaves it out


@dataclass(frozen=True, eq=False)
class Adjusted(Curves):
    """What the instrument is told to play, and how it differs from what was heard.

    Attributes
    ----------
    f0_hz, loudness_db, frame_rate
        See `Curves`.
    notes : ndarray, shape (n_frames,), bool
        The frames that belong to a note.
    likelihood : ndarray, shape (n_frames,), float32
        How likely that is, 0 or more: a note is what reaches the threshold.
    threshold : float
        Of the controls.
    octaves : int
        Octaves by which the melody was moved to fit the instrument, without those asked for.
    loudness_db_change : float
        Change of the median loudness of the notes, in dB, all included.
    adjusted : bool
        Whether the automatic adjustment was made.
    tuning_cents : float or None
        By how much the recording is sharp of A4 = 440 Hz; None unless autotune was asked for.
    key : str or None
        The key that the pitch was drawn to, for example "D major"; None if to none.
    remarks : tuple of str
        What a user should know, a sentence each: why the adjustment was skipped, notes that are
        out of the instrument's range.
    """

    notes: np.ndarray
    likelihood: np.ndarray
    threshold: float
    octaves: int = 0
    loudness_db_change: float = 0.0
    adjusted: bool = False
    tuning_cents: float | None = None
    key: str | None = None
    remarks: tuple[str, ...] = ()


def adjust(
    heard: Heard,
    instrument: str | os.PathLike[str] | Instrument,
    controls: Controls | None = None,
) -> Adjusted:
    """Turn what was heard into what an instrument is to play.

    Parameters
    ----------
    heard : Heard
        Of `listen`, at the rates of the instrument. Can be used again with other controls.
    instrument : str, PathLike or Instrument
        Who plays; see `find_instrument`.
    controls : Controls, optional
        All at their defaults if not given.

    Returns
    -------
    Adjusted
        Pitch and loudness of every frame.

    Raises
    ------
    NoPitchError
        If there is nothing with a pitch that lasts at least 40 ms.
    ParameterError
        If the features were taken at other rates than the instrument's.

    Notes
    -----
    Without statistics of the instrument, and where no note reaches the threshold, the automatic
    adjustment is skipped; `Adjusted.remarks` says so. Shifts are made in any case.
    """
    player, controls = find_instrument(instrument), controls or Controls()
    check_rates(heard, player)
    sounding = find_notes(heard.voiced, heard.f0_confidence, heard.loudness_db, heard.frame_rate)
    known = sounding & heard.voiced
    if not known.any():
        raise NoPitchError("no pitch was found: there is no note of at least 40 ms")
    made = _as_heard(heard, controls.threshold)
    reason = _reason_to_skip(made, known, player, controls)
    if reason:
        made = replace(made, remarks=(f"the automatic adjustment was skipped: {reason}",))
    elif controls.adjust:
        made = _fit(made, heard, known, player, controls)
    on = made.notes if made.notes.any() else known
    made = _shift(made, on & known if (on & known).any() else known, player, controls)
    change = np.median(made.loudness_db[on]) - np.median(heard.loudness_db[on])
    return replace(made, loudness_db_change=float(change))


def check_rates(heard: Heard, player: Instrument) -> None:
    """Raise `ParameterError` unless features have the rates that an instrument was trained at."""
    own = player.config.sample_rate, player.config.frame_rate
    require(
        heard.level == player.config.level,
        f"adjust: the features have the level as {heard.level}, the instrument {player.name} was "
        f"trained on {player.config.level}; listen for this instrument",
    )
    require(
        (heard.sample_rate, heard.frame_rate) == own,
        f"adjust: the features are of {heard.sample_rate} Hz and {heard.frame_rate} frames/s, "
        f"the instrument {player.name} plays at {own[0]} Hz and {own[1]} frames/s; "
        "listen for this instrument",
    )


def _as_heard(heard: Heard, threshold: float) -> Adjusted:
    notes, likelihood = detect_notes(
        heard.loudness_db,
        heard.certainty,
        note_threshold=threshold,
        min_db=-LEVELS[heard.level][1],
        centered=True,
    )
    return Adjusted(heard.f0_hz, heard.loudness_db, heard.frame_rate, notes, likelihood, threshold)


def _reason_to_skip(
    made: Adjusted, known: np.ndarray, player: Instrument, controls: Controls
) -> str:
    if not controls.adjust:
        return ""
    if not player.statistics:
        return f"{player.name} comes without statistics of what it was trained on"
    if not (made.notes & known).any():
        most = made.likelihood[known].max()
        return f"no note reaches the threshold {controls.threshold:g}, the most is {most:.2f}"
    return ""


def _fit(
    made: Adjusted, heard: Heard, known: np.ndarray, player: Instrument, controls: Controls
) -> Adjusted:
    """Return octave, loudness and tuning that fit the instrument."""
    pitches = player.statistics["f0_midi"]["quantiles"]
    loudness = heard.loudness_db.astype(np.float64)
    midi = fill_pitch(hz_to_midi(heard.f0_hz.astype(np.float64)), known, loudness, heard.frame_rate)
    on = known & made.notes
    octaves = choose_octave(midi[on], pitches)
    midi += 12.0 * octaves
    cents, key = None, None
    if controls.autotune > 0:
        midi, cents, key = tune(midi, heard.certainty, on, controls.autotune, controls.tuning)
    known_db = player.statistics["loudness_db"]["quantiles"]
    played = made.notes & (loudness > np.quantile(loudness[made.notes], 0.98) - _HUM_DB)
    loudness = fit_loudness(loudness, played, known_db, -LEVELS[player.config.level][1])
    loudness = quieten(loudness, made.likelihood, controls.threshold, controls.quiet)
    return replace(
        made,
        f0_hz=midi_to_hz(midi),
        loudness_db=loudness,
        octaves=octaves,
        adjusted=True,
        tuning_cents=cents,
        key=key,
    )


def _shift(made: Adjusted, on: np.ndarray, player: Instrument, controls: Controls) -> Adjusted:
    f0_hz = made.f0_hz.astype(np.float64) * 2.0**controls.pitch_shift
    highest_hz = HIGHEST * player.config.sample_rate
    folded = fold_octaves(f0_hz, LOWEST_HZ, highest_hz)
    floor_db = -LEVELS[player.config.level][1]
    loudness_db = np.maximum(made.loudness_db + controls.loudness_shift, floor_db)
    remarks = made.remarks
    if player.statistics:
        remarks += _out_of_range(hz_to_midi(f0_hz[on]), player, made.adjusted, controls)
        remarks += _too_loud(loudness_db[on], player)
    if (folded != f0_hz).any():
        remarks += (
            f"what would be below {LOWEST_HZ:.0f} or above {highest_hz:.0f} Hz is played in "
            "another octave",
        )
    return replace(
        made,
        f0_hz=folded.astype(np.float32),
        loudness_db=loudness_db.astype(np.float32),
        remarks=remarks,
    )


def _out_of_range(
    midi: np.ndarray, player: Instrument, adjusted: bool, controls: Controls
) -> tuple[str, ...]:
    low, high = pitch_range(player.statistics["f0_midi"]["quantiles"])
    outside = float(np.mean((midi < low - 0.5) | (midi > high + 0.5)))
    if outside < MUCH:
        return ()
    best = ""
    if adjusted and not controls.pitch_shift:
        best = (
            ", in the best octave too; if they were heard an octave off, f0_range_hz helps "
            "(--f0-range LOW HIGH on the command line)"
        )
    return (
        f"{outside:.0%} of the notes are out of the range of {player.name}, "
        f"{note_name(low)} to {note_name(high)}{best}",
    )


def _too_loud(loudness_db: np.ndarray, player: Instrument) -> tuple[str, ...]:
    highest = quantile(player.statistics["loudness_db"]["quantiles"], 0.98)
    beyond = float(np.mean(loudness_db > highest + _LOUDER_DB))
    if beyond < MUCH:
        return ()
    return (
        f"{beyond:.0%} of the notes are asked to be louder than {player.name} was ever heard, "
        f"{highest:.0f} dB: only a part of that is played",
    )


def tune(
    midi: np.ndarray, certainty: np.ndarray, notes: np.ndarray, amount: float, tuning: str
) -> tuple[np.ndarray, float, str | None]:
    """Draw a melody to the notes of a scale that is in tune with itself.

    Parameters
    ----------
    midi : ndarray, shape (n_frames,)
        Pitch as MIDI numbers.
    certainty : ndarray, shape (n_frames,)
        0 to 1.
    notes : ndarray, shape (n_frames,), bool
        The frames that the tuning and the key are found from.
    amount : float
        0 to 1.
    tuning : {"key", "chromatic"}
        Which scale.

    Returns
    -------
    midi : ndarray, shape (n_frames,)
        The tuned pitch.
    cents : float
        By how much the recording is sharp of A4 = 440 Hz.
    key : str or None
        Name of the major scale; None for the chromatic one.

    Notes
    -----
    The original draws to the keys of a piano even where it has found that the recording is tuned
    otherwise, unless the scale is chromatic; here every scale is that of the recording.

    Examples
    --------
    >>> everywhere = np.full(4, True)
    >>> midi, cents, key = tune(60.2 + np.array([0.0, 4.0, 7.1, 11.0]), np.ones(4), everywhere,
    ...                         1.0, "key")
    >>> midi.round(9), round(cents), key
    (array([60.2, 64.2, 67.2, 71.2]), 20, 'C major')
    """
    chromatic = tuning == "chromatic"
    factor = get_tuning_factor(midi, certainty, notes)
    tuned = auto_tune(midi, factor, notes, amount=amount, chromatic=chromatic, tuned_scale=True)
    key = None if chromatic else f"{SCALES[infer_scale(midi[notes] - factor)]} major"
    return tuned, float(round(100.0 * factor)), key
