"""Audio files: what is written is read again, and what cannot be read is named."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
import soundfile

from ddsp_ref.errors import AudioFileError, ParameterError
from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.io.formats import check_audio_output
from ddsp_ref.io.resampling import resample

SUFFIXES = ["wav", "flac", "ogg", "mp3", "aiff"]


def tone(seconds=0.5, sample_rate=16000, f_hz=440.0, level=0.5):
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * f_hz * time)).astype(np.float32)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_there_and_back(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    audio = tone()
    write_audio(path, audio, 16000)
    again, rate = read_audio(path)
    assert (rate, again.dtype, again.shape) == (16000, np.float32, audio.shape)
    bound = 0.05 if suffix in ("ogg", "mp3") else 1 / 32767
    assert np.abs(again - audio)[800:-800].max() <= bound


@pytest.mark.parametrize(("bits", "step"), [(16, 1 / 32767), (24, 1 / 8388607), (32, 0)])
def test_the_bits_are_those_asked_for(tmp_path, bits, step):
    audio = np.array([1.0, -1.0, 0.3, 0.0], np.float32)
    write_audio(tmp_path / "a.wav", audio, 48000, bits=bits)
    assert np.abs(read_audio(tmp_path / "a.wav")[0] - audio).max() <= 1.001 * step


def test_channels_are_averaged_or_kept(tmp_path):
    both = np.stack([tone(), -0.5 * tone()])
    write_audio(tmp_path / "a.wav", both, 16000, bits=32)
    assert np.array_equal(read_audio(tmp_path / "a.wav", mono=False)[0], both)
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], both.mean(axis=0), atol=1e-7)


@pytest.mark.parametrize(
    ("old", "new"), [(44100, 16000), (8000, 16000), (16000, 44100), (384000, 4000)]
)
def test_resampling_keeps_pitch_level_and_length(tmp_path, old, new):
    write_audio(tmp_path / "a.wav", tone(1.0, old), old, bits=32)
    audio, rate = read_audio(tmp_path / "a.wav", sample_rate=new)
    assert (rate, len(audio)) == (new, new)
    inner = slice(new // 10, -new // 10)
    assert np.abs(audio - tone(1.0, new))[inner].max() < 1e-3


@pytest.mark.parametrize("n_samples", [1, 2, 441, 65535, 65536, 65537])
def test_resampled_length_is_rounded(n_samples):
    assert len(resample(np.zeros(n_samples), 44100, 16000)) == max(1, round(n_samples / 2.75625))


def test_block_borders_cannot_be_heard(rng):
    """Reading resamples in blocks; the result is that of one go."""
    import soxr

    audio = rng.uniform(-1, 1, 200_000).astype(np.float32)
    np.testing.assert_allclose(
        resample(audio, 44100, 16000), soxr.resample(audio, 44100, 16000), atol=1e-6
    )


def test_long_vorbis_files_do_not_overflow_the_encoder(tmp_path):
    write_audio(tmp_path / "a.ogg", tone(90.0), 16000)
    assert len(read_audio(tmp_path / "a.ogg")[0]) == 90 * 16000


def test_missing_folder_and_empty_files(tmp_path):
    with pytest.raises(AudioFileError, match=r"there is no file .*no\.wav"):
        read_audio(tmp_path / "no.wav")
    with pytest.raises(AudioFileError, match="is a folder, not an audio file"):
        read_audio(tmp_path)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioFileError, match=r"empty\.wav is empty"):
        read_audio(tmp_path / "empty.wav")


@pytest.mark.parametrize("suffix", [*SUFFIXES, "raw", "txt", ""])
def test_not_audio(tmp_path, suffix, capfd):
    path = tmp_path / f"notes.{suffix}"
    path.write_text("do re mi fa so la ti do\n" * 300)
    with pytest.raises(AudioFileError, match=r"is not an audio file|without a header"):
        read_audio(path)
    assert capfd.readouterr() == ("", "")  # no complaints from inside the decoders either


@pytest.mark.skipif(os.name != "posix", reason="other systems know no such names")
def test_a_name_in_another_encoding(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.flac")
    try:
        path.touch()
    except OSError:
        pytest.skip("this disk has names in UTF-8 only")
    write_audio(path, np.full(100, 0.5), 8000)
    assert len(read_audio(path)[0]) == 100
    path.write_bytes(b"no audio at all")
    with pytest.raises(AudioFileError, match="not an audio file"):
        read_audio(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated(tmp_path, suffix, share, capfd):
    path = tmp_path / f"a.{suffix}"
    write_audio(path, tone(2.0), 16000)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(AudioFileError, match="truncated"):
        read_audio(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", ["flac", "ogg"])
def test_a_file_with_the_wrong_suffix_is_read(tmp_path, suffix):
    write_audio(tmp_path / f"a.{suffix}", tone(), 16000)
    (tmp_path / f"a.{suffix}").rename(tmp_path / "a.mp3")
    assert len(read_audio(tmp_path / "a.mp3")[0]) == 8000


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_file_of_unknown_length_is_read(tmp_path, length):
    """Such headers are left by ffmpeg and sox when they write into a pipe."""
    write_audio(tmp_path / "a.wav", tone(), 16000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", length)
    (tmp_path / "a.wav").write_bytes(data)
    if length == 0:
        with pytest.raises(AudioFileError, match="holds no samples"):
            read_audio(tmp_path / "a.wav")
    else:
        assert len(read_audio(tmp_path / "a.wav")[0]) == 8000


@pytest.mark.parametrize("suffix", ["wav", "aiff"])
def test_no_samples(tmp_path, suffix):
    soundfile.write(tmp_path / f"a.{suffix}", np.zeros(0), 16000)
    with pytest.raises(AudioFileError, match="holds no samples"):
        read_audio(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_numbers(tmp_path, value):
    audio = tone(10.0)
    audio[120_000] = value
    soundfile.write(tmp_path / "a.wav", audio, 16000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"not numbers \(NaN or infinity\).* at 7\.500 s"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [1, 3999, 384_001, 2_000_000])
def test_absurd_rates_in_a_file(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), rate)
    with pytest.raises(AudioFileError, match=f"says a sample rate of {rate} Hz"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [0, -1, 3999, 384_001, 16000.5, None, True])
def test_absurd_rates_asked_for(tmp_path, rate):
    with pytest.raises(ParameterError, match=r"sample_rate is .*, must be a whole number"):
        write_audio(tmp_path / "a.wav", tone(), rate)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.xyz", r"the format \.xyz is not known; use \.wav, .* or \.aiff"),
        ("a", r"the name has no suffix; use \.wav"),
        ("nowhere/a.wav", "the folder .*nowhere does not exist"),
        ("a.mp3", "MP3 has no 17000 Hz; the nearest that works is 16000"),
        ("", "is a folder"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, message):
    with pytest.raises(AudioFileError, match=message):
        write_audio(tmp_path / name, tone(), 17000)
    assert os.listdir(tmp_path) == []


def test_rates_that_end_the_vorbis_encoder_are_refused(tmp_path):
    with pytest.raises(AudioFileError, match="the nearest that works is 192000"):
        check_audio_output(tmp_path / "a.ogg", 384_000)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.array([0.0, np.nan]), "holds NaN"),
        (np.array([0.0, 1.5]), r"reaches 1\.5 and would be clipped"),
        (np.zeros(0), r"has shape \(0,\)"),
        (np.zeros((1, 1, 4)), r"has shape \(1, 1, 4\)"),
        (np.zeros(4, np.int16), "dtype int16"),
    ],
)
def test_sounds_that_cannot_be_written(tmp_path, audio, message):
    with pytest.raises(ParameterError, match=message):
        write_audio(tmp_path / "a.wav", audio, 16000)
    assert os.listdir(tmp_path) == []


def test_float_files_hold_more_than_full_scale(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([1.5, -2.0]), 16000, bits=32)
    assert read_audio(tmp_path / "a.wav")[0].tolist() == [1.5, -2.0]
