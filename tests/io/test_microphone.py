"""Recording and playing, with a sound card that is made up, and without one."""

from __future__ import annotations

import importlib
import sys
import types

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.errors import MicrophoneError, MissingExtraError, ParameterError
from ddsp_ref.io.audio import read_audio
from ddsp_ref.io.microphone import play, record


class PortAudioError(Exception):
    pass


class Card(types.SimpleNamespace):
    """What sounddevice offers."""

    PortAudioError = PortAudioError

    def __init__(self, error=None):
        super().__init__(error=error, played=[])

    def rec(self, n_samples, sample_rate, channels, dtype, blocking):
        assert (channels, blocking) == (1, True)
        if self.error:
            raise PortAudioError(self.error)
        time = np.arange(n_samples) / sample_rate
        return (0.3 * np.sin(2 * np.pi * 440 * time))[:, None].astype(dtype)

    def play(self, audio, sample_rate, blocking):
        if self.error:
            raise PortAudioError(self.error)
        self.played.append((len(audio), sample_rate))


@pytest.fixture
def card(monkeypatch):
    card = Card()
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def test_recording(card):
    sound = record(1.5, 16000)
    assert sound.shape == (24000,)
    assert sound.dtype == np.float32
    play(sound, 16000)
    assert card.played == [(24000, 16000)]


@pytest.mark.parametrize("seconds", [0.5, 21, float("nan")])
def test_recordings_are_neither_too_short_nor_too_long(card, seconds):
    with pytest.raises(ParameterError, match=r"seconds is .*, must be from 1 to 20"):
        record(seconds)


def test_no_microphone(card):
    card.error = "Error querying device -1"
    with pytest.raises(MicrophoneError, match="querying device -1; is there a microphone"):
        record(1.0)
    with pytest.raises(MicrophoneError, match="is there a loudspeaker"):
        play(np.zeros(10), 16000)


def test_no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtraError, match=r'pip install "ddsp_ref\[record\]"'):
        record(1.0)


def test_no_library(monkeypatch, tmp_path):
    """The package is there, PortAudio is not: sounddevice raises OSError when it is imported."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    importlib.invalidate_caches()
    with pytest.raises(MissingExtraError, match="apt install libportaudio2"):
        record(1.0)


def test_the_command_without_a_microphone_says_so(card, tmp_path, capsys):
    card.error = "Error querying device -1"
    assert main(["transfer", "--record", "1", str(tmp_path / "out.wav")]) == 2
    assert "nothing can be recorded" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.wav").write_text("precious")
    words = ["transfer", "--record", "1", str(tmp_path / "old.wav"), str(tmp_path / "out.wav")]
    assert main(words) == 2
    assert "old.wav exists; give another name" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_records_plays_and_keeps(card, tmp_path, capsys):
    kept, out = tmp_path / "mine.wav", tmp_path / "out.wav"
    assert main(["transfer", "--record", "1", str(kept), str(out), "--play"]) == 0
    for path in (kept, out):
        audio, rate = read_audio(path)
        assert (len(audio), rate) == (44100, 44100)
    assert card.played == [(44100, 44100)]
