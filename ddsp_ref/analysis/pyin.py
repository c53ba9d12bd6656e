"""pYIN: the fundamental frequency of a recording of one voice or instrument."""

from __future__ import annotations

import math
import numbers
from fractions import Fraction

import numpy as np
import scipy.special

from ddsp_ref.analysis.frames import centred_frames, frame_positions, frame_times, hop_size
from ddsp_ref.analysis.pitch import Pitch, fill_unvoiced, move_estimates
from ddsp_ref.analysis.refinement import refine_f0
from ddsp_ref.analysis.runs import runs
from ddsp_ref.analysis.viterbi import Observations, viterbi
from ddsp_ref.analysis.yin import TINY, autocorrelation, fft_length, find_candidates
from ddsp_ref.errors import ParameterError, require
from ddsp_ref.jit import ranges, run_parts

# Of the tracker of Mauch and Dixon, and of librosa.
MAX_TRANSITION_RATE, SWITCH_PROB = 35.92, 0.01
BINS_PER_OCTAVE = 120
_BETA_PARAMETERS, _N_THRESHOLDS = (2.0, 18.0), 100
_BOLTZMANN_PARAMETER, _NO_TROUGH_PROB = 2.0, 0.01

_FRAME_SECONDS = 0.064  # three periods of the lowest default pitch; the window of CREPE
_LONGEST_FRAME = 1 << 20
_PART_SAMPLES = 1 << 16  # work is cut into parts that fit into the cache
_LEAST_PERIODS = 3.0  # of sound within a frame, for it to tell the pitch at an edge of a note
LEAST_CONFIDENCE = 2 * _NO_TROUGH_PROB  # some frame of a voiced stretch has to reach this
_LARGEST_SAMPLE = np.float64(1e100)  # squares of larger ones would not be finite


def _check_audio(audio: np.ndarray) -> None:
    require(
        audio.ndim == 1,
        f"pyin: audio has shape {audio.shape}, must have one axis, (n_samples,); "
        "call it once per channel, or average the channels first",
    )
    require(
        audio.dtype in (np.float32, np.float64),
        f"pyin: audio has dtype {audio.dtype}, must be float32 or float64; "
        "divide whole numbers by the largest one, such as 32768 for int16",
    )
    require(audio.size > 0, "pyin: audio has 0 samples, must have at least 1")
    bad = ~((audio > -_LARGEST_SAMPLE) & (audio < _LARGEST_SAMPLE))
    if bad.any():
        first = int(bad.argmax())
        raise ParameterError(
            f"pyin: audio[{first}] is {audio[first]}, must be finite and below 1e100; {bad.sum()} "
            f"of {bad.size} samples are not; np.nan_to_num turns NaN into 0"
        )


def check_settings(fmin_hz: float, fmax_hz: float, **others: float) -> None:
    named = {**others, "fmin_hz": fmin_hz, "fmax_hz": fmax_hz}
    for name, value in named.items():
        number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
        require(
            number and math.isfinite(value) and value > 0,
            f"pyin: {name} is {value!r}, must be a finite number above 0",
        )
    nyquist_hz = others["sample_rate"] / 2
    require(
        fmax_hz <= nyquist_hz,
        f"pyin: fmax_hz is {fmax_hz}, must be at most half of the sample rate, {nyquist_hz}",
    )
    require(
        fmin_hz < fmax_hz,
        f"pyin: fmin_hz is {fmin_hz}, must be below fmax_hz, {fmax_hz}; an octave below it, "
        f"{fmax_hz / 2}, works",
    )
    require(
        others["frame_rate"] <= others["sample_rate"],
        f"pyin: frame_rate is {others['frame_rate']}, must be at most the sample rate, "
        f"{others['sample_rate']}",
    )
    require(
        others["switch_prob"] < 1,
        f"pyin: switch_prob is {others['switch_prob']}, must be below 1; 0.01 is usual",
    )


def check_frame_length(frame_length: int | None, sample_rate: float, fmin_hz: float) -> int:
    two_periods = math.ceil(2 * sample_rate / fmin_hz)
    require(
        two_periods <= _LONGEST_FRAME,
        f"pyin: fmin_hz is {fmin_hz}, must have two periods within {_LONGEST_FRAME} samples; "
        f"the lowest that works is {2 * sample_rate / _LONGEST_FRAME}",
    )
    if frame_length is None:
        return max(round(_FRAME_SECONDS * sample_rate), two_periods)
    require(
        isinstance(frame_length, numbers.Integral)
        and two_periods <= frame_length <= _LONGEST_FRAME,
        f"pyin: frame_length is {frame_length!r}, must be a whole number from {two_periods} (two "
        f"periods of fmin_hz, {fmin_hz}) to {_LONGEST_FRAME}",
    )
    return int(frame_length)


def count_bins(fmin_hz: float, fmax_hz: float) -> int:
    """Return how many pitch bins there are in a range."""
    return math.floor(BINS_PER_OCTAVE * math.log2(fmax_hz / fmin_hz)) + 1


def reach_of(max_transition_rate: float, frame_rate: float | Fraction) -> int:
    """Return how many bins the pitch may move from one frame to the next."""
    semitones = max(1, round(12 * max_transition_rate / float(frame_rate)))
    return semitones * (BINS_PER_OCTAVE // 12) // 2


def observe(
    audio: np.ndarray,
    positions: np.ndarray,
    sample_rate: float,
    fmin_hz: float,
    fmax_hz: float,
    frame_length: int,
    n_bins: int,
    lags_per_sample: int,
) -> tuple[Observations, np.ndarray]:
    """Collect the candidates of all frames, and how probable it is that a frame is voiced."""
    max_period = math.ceil(sample_rate / fmin_hz)
    first_lag = math.floor(lags_per_sample * sample_rate / fmax_hz)
    n_candidates = (lags_per_sample * max_period - first_lag) // 2 + 1
    thresholds = np.linspace(0.0, 1.0, _N_THRESHOLDS + 1)
    masses = np.diff(scipy.special.betainc(*_BETA_PARAMETERS, thresholds))
    counts = np.zeros(len(positions), dtype=np.int64)
    confidence = np.zeros(len(positions))
    size = max(1, _PART_SAMPLES // (lags_per_sample * frame_length))
    parts = ranges(len(positions), size)
    found: list = [None] * len(parts)

    def part(index: int, start: int, stop: int) -> None:
        frames = np.zeros((stop - start, fft_length(frame_length, max_period)))
        frames[:, :frame_length] = centred_frames(audio, positions[start:stop], frame_length)
        bins = np.empty((len(frames), n_candidates), dtype=np.int16)
        probabilities = np.zeros((len(frames), n_candidates))
        find_candidates(
            frames, autocorrelation(frames, max_period, lags_per_sample), first_lag,
            lags_per_sample, masses, _BOLTZMANN_PARAMETER, _NO_TROUGH_PROB,
            lags_per_sample * sample_rate / fmin_hz, BINS_PER_OCTAVE, n_bins,
            bins, probabilities, counts[start:stop],
        )  # fmt: skip
        used = np.arange(n_candidates) < counts[start:stop, None]
        confidence[start:stop] = np.sum(probabilities, axis=1, where=used).clip(0.0, 1.0)
        found[index] = bins[used], np.log(probabilities[used]).astype(np.float32)

    run_parts(part, [(index, *span) for index, span in enumerate(parts)])
    bins, log_probabilities = (np.concatenate(arrays) for arrays in zip(*found))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    log_unvoiced = np.log((1.0 - confidence) / n_bins + TINY)
    return Observations(offsets, bins, log_probabilities, log_unvoiced), confidence


def _drop_groundless(voiced: np.ndarray, confidence: np.ndarray) -> None:
    """Call the voiced stretches unvoiced, in place, in which no frame is confident at all.

    In noise, the deepest of the shallow troughs of neighbouring frames often lie close enough
    together for a course through them to be more probable than none.
    """
    for start, stop in runs(voiced):
        if confidence[start:stop].max() < LEAST_CONFIDENCE:
            voiced[start:stop] = False


def _refine(
    audio: np.ndarray,
    positions: np.ndarray,
    sample_rate: float,
    frame_length: int,
    f0_hz: np.ndarray,
    voiced: np.ndarray,
) -> None:
    """Find the pitch of voiced frames more precisely than the bins, in place.

    What a frame tells is the pitch where its energy is, not the pitch in its middle: where the
    level changes fast, the two are tens of milliseconds apart. At the edge of a note, frames that
    hold less than three periods of it have no say.
    """
    centres, refined = positions[voiced], f0_hz[voiced]
    centroids, spreads = np.empty(len(centres)), np.empty(len(centres))

    def part(start: int, stop: int) -> None:
        frames = centred_frames(audio, centres[start:stop], frame_length).astype(np.float64)
        span = slice(start, stop)
        refine_f0(frames, sample_rate, refined[span], centroids[span], spreads[span])

    run_parts(part, ranges(len(centres), max(1, _PART_SAMPLES // frame_length)))
    f0_hz[voiced] = refined
    times, sure = positions.astype(np.float64), voiced.copy()
    times[voiced] += centroids
    # even sound of some length spreads by its length over the root of 12
    sure[voiced] = math.sqrt(12.0) * spreads * refined > _LEAST_PERIODS * sample_rate
    f0_hz[:] = move_estimates(f0_hz, times, positions, voiced, sure)


def pyin(
    audio: np.ndarray,
    sample_rate: float | Fraction,
    *,
    frame_rate: float | Fraction = 250,
    fmin_hz: float = 50.0,
    fmax_hz: float = 2500.0,
    frame_length: int | None = None,
    max_transition_rate: float = MAX_TRANSITION_RATE,
    switch_prob: float = SWITCH_PROB,
    like_librosa: bool = False,
) -> Pitch:
    """Track the pitch of one voice or instrument with probabilistic YIN.

    Each frame is compared with itself shifted. Shifts at which it resembles itself are candidates
    for the period, each with a probability. The most probable course of pitch and voicing through
    the candidates of all frames is the result.

    Parameters
    ----------
    audio : ndarray, shape (n_samples,), float32 or float64
        The sound, at least one sample.
    sample_rate : int, float or Fraction
        Samples per second.
    frame_rate : int, float or Fraction
        Frames per second, at most `sample_rate`. The hop need not be a whole number of samples.
    fmin_hz, fmax_hz : float
        Range of the pitch in Hz, 0 < `fmin_hz` < `fmax_hz` <= `sample_rate` / 2. Nothing is found
        outside of it; a narrow range leaves less room for errors of an octave.
    frame_length : int, optional
        Samples that one frame looks at, at least two periods of `fmin_hz`. Default: 64 ms, or
        the two periods where those are longer.
    max_transition_rate : float
        How fast the pitch may move, in octaves per second, above 0. Rounded to whole semitones
        per frame, at least one; half of it up, half of it down.
    switch_prob : float
        Probability that voicing changes from one frame to the next, above 0 and below 1.
    like_librosa : bool
        Do exactly as librosa, without four improvements: troughs are looked for between the
        samples too (otherwise octaves are mistaken more often where periods are short); the pitch
        is found more precisely than bins of 10 cents; it counts for the time at which the energy
        of its frame lies, and is moved from there to the middle (otherwise fast glides are heard
        too early or too late where the level changes); voiced stretches in which no frame has a
        trough worth the name (confidence below 0.02, as in noise) become unvoiced.

    Returns
    -------
    Pitch
        `f0_hz`, `f0_confidence` (both of the dtype of `audio`), `voiced` and `times_s`, each of
        shape (n_frames,) with n_frames = ceil(n_samples * frame_rate / sample_rate). `f0_hz` is
        filled where there is no pitch, see `fill_unvoiced`; a sound without any, such as
        silence, has the geometric mean of `fmin_hz` and `fmax_hz`.

    Raises
    ------
    ParameterError
        If the audio or a setting is out of its range.

    Notes
    -----
    Frame i is centred on sample i * `sample_rate` / `frame_rate`, with zeros outside of the
    sound; see `ddsp_ref.analysis.frames`. Computed in float64 whatever the dtype of `audio`; the
    result does not depend on the number of threads.

    The confidence of low notes is low because few of their periods fit into a frame: 0.3 for a
    clean tone with 4 periods, 0.5 with 6, 0.7 with 8, 0.9 with 16. For bass instruments take a
    longer frame. Where two notes far apart are tied without a frame of doubt between them, the
    second may be heard an octave off: the pitch cannot leap, it moves fast or is lost for a while.

    Sources: M. Mauch and S. Dixon, "pYIN: a fundamental frequency estimator using probabilistic
    threshold distributions", ICASSP 2014; A. de Cheveigne and H. Kawahara, "YIN, a fundamental
    frequency estimator for speech and music", JASA 111, 2002 (heights of interpolated troughs:
    its step 5). With `like_librosa` the semantics are those of `librosa.pyin` 0.11
    (`librosa/core/pitch.py`) with its default settings. It counts one frame more where the hop
    divides the length, and takes the difference at lag 1 too large by the square of a sample.

    Examples
    --------
    >>> t = np.arange(8000) / 16000
    >>> pitch = pyin(np.sin(2 * np.pi * 440.0 * t), 16000)
    >>> pitch.f0_hz[50:53].round(1), bool(pitch.voiced.all())
    (array([440., 440., 440.]), True)
    """
    audio = np.asarray(audio)
    _check_audio(audio)
    check_settings(
        fmin_hz, fmax_hz, sample_rate=sample_rate, frame_rate=frame_rate,
        max_transition_rate=max_transition_rate, switch_prob=switch_prob,
    )  # fmt: skip
    frame_length = check_frame_length(frame_length, sample_rate, fmin_hz)
    hop = hop_size(sample_rate, frame_rate)
    positions = frame_positions(len(audio), hop)
    times_s = frame_times(len(audio), sample_rate, hop)
    rate, fmin_hz, fmax_hz = float(sample_rate), float(fmin_hz), float(fmax_hz)

    n_bins = count_bins(fmin_hz, fmax_hz)
    observations, confidence = observe(
        audio, positions, rate, fmin_hz, fmax_hz, frame_length, n_bins, 1 if like_librosa else 2
    )
    reach = reach_of(max_transition_rate, frame_rate)
    pitch_bins, voiced = viterbi(observations, n_bins, reach=reach, switch_prob=switch_prob)
    f0_hz = fmin_hz * 2.0 ** (pitch_bins / BINS_PER_OCTAVE)
    if not like_librosa:
        _drop_groundless(voiced, confidence)
        _refine(audio, positions, rate, frame_length, f0_hz, voiced)
        f0_hz = f0_hz.clip(fmin_hz, fmax_hz)
    f0_hz = fill_unvoiced(f0_hz, voiced, math.sqrt(fmin_hz * fmax_hz)).astype(audio.dtype)
    return Pitch(f0_hz, confidence.astype(audio.dtype), voiced, times_s)
