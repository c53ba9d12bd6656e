"""The spectra and features of the original's ddsp/spectral_ops.py."""

from __future__ import annotations

from ddsp_ref.compat.magenta import core
from ddsp_ref.compat.magenta._crepe import PretrainedCREPE as PretrainedCREPE
from ddsp_ref.compat.magenta._crepe import compute_f0 as compute_f0
from ddsp_ref.compat.magenta._crepe import reset_crepe as reset_crepe
from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._pieces import complex_of, moveaxis
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.compat.magenta.core._oscillators import without_channel
from ddsp_ref.errors import require

CREPE_SAMPLE_RATE = 16000
CREPE_FRAME_SIZE = 1024
F0_RANGE = 127.0
DB_RANGE = core.DB_RANGE

safe_log = core.safe_log


def _mono(audio):
    """Drop a channel axis of length 1."""
    return without_channel("audio", audio) if audio.ndim == 3 else audio


def _frames(size, overlap, pad_end):
    """Return the settings of the transforms: the next power of two takes in a frame."""
    size = int(size)
    enclosing = 1 << max(size - 1, 1).bit_length()
    return {"fft_size": enclosing, "frame_size": size, "overlap": overlap, "pad_end": pad_end}


@function("audio")
def stft(audio, frame_size=2048, overlap=0.75, pad_end=True):
    """Return complex spectra; see `stft`, whose hop is not rounded twice.

    A cotangent G of the spectra Y stands for Re(sum(Y * conj(G))).
    """
    return complex_of(*apply("stft", _mono(audio), **_frames(frame_size, overlap, pad_end)))


@function("audio")
def stft_np(audio, frame_size=2048, overlap=0.75, pad_end=True):
    """Return complex spectra without zeros after a frame; see `stft`.

    It has a pullback here. Any even frame is taken.
    """
    settings = {"frame_size": int(frame_size), "fft_size": int(frame_size), "overlap": overlap}
    return complex_of(*apply("stft", audio, **settings, pad_end=pad_end))


@function("audio")
def compute_mag(audio, size=2048, overlap=0.75, pad_end=True):
    """Return magnitudes of spectra; see `stft_magnitude`."""
    return apply("stft_magnitude", _mono(audio), **_frames(size, overlap, pad_end))


@function("audio")
def compute_mel(
    audio,
    lo_hz=0.0,
    hi_hz=8000.0,
    bins=64,
    fft_size=2048,
    overlap=0.75,
    pad_end=True,
    sample_rate=16000,
):
    """Return mel spectra; see `compute_mel`."""
    bands = {"low_hz": lo_hz, "high_hz": hi_hz, "n_mels": bins, "sample_rate": sample_rate}
    return apply("compute_mel", _mono(audio), **bands, **_frames(fft_size, overlap, pad_end))


@function("audio")
def compute_logmag(audio, size=2048, overlap=0.75, pad_end=True):
    """Return logarithms of magnitudes; see `compute_logmag`."""
    return apply("compute_logmag", _mono(audio), **_frames(size, overlap, pad_end))


@function("audio")
def compute_logmel(
    audio,
    lo_hz=80.0,
    hi_hz=7600.0,
    bins=64,
    fft_size=2048,
    overlap=0.75,
    pad_end=True,
    sample_rate=16000,
):
    """Return logarithms of mel spectra; see `compute_logmel`."""
    bands = {"low_hz": lo_hz, "high_hz": hi_hz, "n_mels": bins, "sample_rate": sample_rate}
    return apply("compute_logmel", _mono(audio), **bands, **_frames(fft_size, overlap, pad_end))


@function("audio")
def compute_mfcc(
    audio,
    lo_hz=20.0,
    hi_hz=8000.0,
    fft_size=1024,
    mel_bins=128,
    mfcc_bins=13,
    overlap=0.75,
    pad_end=True,
    sample_rate=16000,
):
    """Return mel cepstra; see `compute_mfcc`."""
    bands = {"low_hz": lo_hz, "high_hz": hi_hz, "n_mels": mel_bins, "n_mfcc": mfcc_bins}
    frames = _frames(fft_size, overlap, pad_end)
    return apply("compute_mfcc", _mono(audio), sample_rate=sample_rate, **bands, **frames)


def get_framed_lengths(input_length, frame_size, hop_size, padding="center"):
    """Return the number of frames, and the length of the signal with its padding.

    Signals shorter than a frame have no frame; the original can count less than none.
    """
    require(
        padding in ("valid", "center", "same"),
        f"spectral_ops.get_framed_lengths: padding is {padding!r}, must be 'valid', 'center' or "
        "'same'",
    )
    if padding == "same":
        n_frames = -(-input_length // hop_size)
        return n_frames, (n_frames - 1) * hop_size + frame_size
    length = input_length + (frame_size if padding == "center" else 0)
    return (length - frame_size) // hop_size + 1, length


@function("x")
def pad(x, frame_size, hop_size, padding="center", axis=1, mode="CONSTANT", constant_values=0):
    """Pad a signal so that frames are centred, or none is lost; see `pad_frames`."""
    if padding == "valid":
        return x
    axis = axis if x.ndim > 1 else 0
    y = apply(
        "pad_frames",
        moveaxis(x, start=axis, stop=-1),
        frame_size=frame_size,
        hop_size=hop_size,
        padding=padding,
        mode=mode.lower(),
        constant_value=float(constant_values),
    )
    return moveaxis(y, start=-1, stop=axis)


def _rates(sample_rate, frame_rate):
    """Return rates whose ratio is whole: the hop is rounded down, as in the original."""
    hop = int(sample_rate // frame_rate)
    require(hop >= 1, f"frame_rate is {frame_rate}, must be at most {sample_rate}")
    return {"sample_rate": sample_rate, "frame_rate": sample_rate / hop}


@function("audio")
def compute_rms_energy(audio, sample_rate=16000, frame_rate=250, frame_size=512, padding="center"):
    """Return root mean squares of frames; see `compute_rms_energy`.

    On silence the gradient is 0, where the original has NaN.
    """
    rates = _rates(sample_rate, frame_rate)
    return apply("compute_rms_energy", audio, frame_size=frame_size, padding=padding, **rates)


@function("audio")
def compute_power(
    audio,
    sample_rate=16000,
    frame_rate=250,
    frame_size=512,
    ref_db=0.0,
    range_db=DB_RANGE,
    padding="center",
):
    """Return the power of frames in dB; see `compute_power`.

    On silence the gradient is 0, where the original has NaN.
    """
    settings = {"frame_size": frame_size, "ref_db": ref_db, "range_db": range_db}
    rates = _rates(sample_rate, frame_rate)
    return apply("compute_power", audio, padding=padding, **settings, **rates)


@function("audio")
def compute_loudness(
    audio,
    sample_rate=16000,
    frame_rate=250,
    n_fft=512,
    range_db=DB_RANGE,
    ref_db=0.0,
    use_tf=True,
    padding="center",
):
    """Return A-weighted power in dB; see `compute_loudness`.

    `use_tf` changes nothing here, and any even n_fft is taken.
    """
    del use_tf
    settings = {"fft_size": n_fft, "ref_db": ref_db, "range_db": range_db}
    rates = _rates(sample_rate, frame_rate)
    return apply("compute_loudness", audio, padding=padding, **settings, **rates)


@function("vector")
def pad_or_trim_to_expected_length(
    vector, expected_len, pad_value=0, len_tolerance=20, use_tf=False
):
    """Cut features to a length, or fill them up a little; see `pad_or_trim`."""
    del use_tf
    settings = {"pad_value": float(pad_value), "tolerance": len_tolerance}
    return apply("pad_or_trim", vector, n_expected=int(expected_len), **settings)
