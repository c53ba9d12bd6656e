"""Recording and playing, with a sound card that is made up, and without one."""

from __future__ import annotations

import importlib
import sys
import types

import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.errors import MicrophoneError, MissingExtraError, ParameterError
from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.io.microphone import (
    check_device,
    choose_rate,
    list_devices,
    play,
    play_through,
    record,
)


class PortAudioError(Exception):
    pass


class Card(types.SimpleNamespace):
    """What sounddevice offers."""

    PortAudioError = PortAudioError
    missing = ()

    def __init__(self, error=None):
        super().__init__(error=error, played=[], recorded=0)

    def rec(self, n_samples, sample_rate, channels, dtype, blocking):
        assert (channels, blocking) == (1, True)
        if self.error:
            raise PortAudioError(self.error)
        self.recorded += 1
        time = np.arange(n_samples) / sample_rate
        return (0.3 * np.sin(2 * np.pi * 440 * time))[:, None].astype(dtype)

    def query_devices(self, kind):
        assert kind in ("input", "output")
        if self.error or kind in self.missing:
            raise PortAudioError(self.error or "Error querying device -1")

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
    with pytest.raises(MicrophoneError, match="is there a microphone"):
        check_device("input")


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
    words = ["transfer", "--record", "1", *[str(tmp_path / "out.wav")] * 2]
    assert main(words) == 2
    assert "INPUT and OUTPUT are the same file" in capsys.readouterr().err
    words = ["transfer", "--record", "1", str(tmp_path / "kept.xyz"), str(tmp_path / "out.wav")]
    assert main(words) == 2
    assert "the format .xyz is not known" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["transfer", "in.wav"], ["transfer", "--record", "1"], ["demo", "--out"], ["render", "c.csv"]],
)
def test_the_commands_without_a_loudspeaker_say_so_before_the_work(
    card, tmp_path, monkeypatch, capsys, words
):
    monkeypatch.chdir(tmp_path)
    write_audio("in.wav", np.zeros(16000), 16000)
    (tmp_path / "c.csv").write_text("neither read nor played")
    card.missing = ("output",)
    before = set(tmp_path.iterdir())
    assert main([*words, "out.wav", "--play"]) == 2
    assert "nothing can be played: Error querying device -1" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main([*words, "out.wav", "--play"]) == 2
    assert "need sounddevice, which is not installed" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before
    assert card.recorded == 0


@pytest.mark.slow
def test_the_command_records_plays_and_keeps(card, tmp_path, capsys):
    kept, out = tmp_path / "mine.wav", tmp_path / "out.wav"
    assert main(["transfer", "--record", "1", str(kept), str(out), "--play"]) == 0
    for path in (kept, out):
        audio, rate = read_audio(path)
        assert (len(audio), rate) == (44100, 44100)
    assert card.played == [(44100, 44100)]


class Duplex(Card):
    """A card whose microphone hears a ramp, block by block, and which keeps what is played."""

    def __init__(self, error=None, rates=(48000,), n_blocks=3):
        super().__init__(error)
        self.rates, self.n_blocks, self.opened = rates, n_blocks, {}
        self.loudspeaker_rates, self.dies = (), False
        self.heard_all = []

    def query_devices(self, device=None, kind=None):
        if self.error or device == "nowhere":
            raise ValueError(self.error or "No input device matching 'nowhere'")
        return {"default_samplerate": 48000.0} if kind else "  0 hw:0, ALSA (2 in, 2 out)"

    def check_input_settings(self, device, channels, dtype, samplerate):
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def check_output_settings(self, device, channels, dtype, samplerate):
        if samplerate not in (self.loudspeaker_rates or self.rates):
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def Stream(self, callback, blocksize, **settings):
        self.opened = {"blocksize": blocksize, **settings}
        card = self

        class Running:
            latency = 0.01, 0.02

            def __enter__(self):
                if card.error:
                    raise PortAudioError(card.error)
                for i in range(card.n_blocks):
                    heard = np.full((blocksize, 1), i + 1, np.float32)
                    played = np.full((blocksize, 1), np.nan, np.float32)
                    flags = types.SimpleNamespace(input_overflow=False, output_underflow=i == 1)
                    callback(heard, played, blocksize, None, flags)
                    card.heard_all.append(played[:, 0])
                if card.dies:
                    settings["finished_callback"]()
                return self

            def __exit__(self, *failure):
                pass

        return Running()


@pytest.fixture
def duplex(monkeypatch):
    card = Duplex()
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def test_the_rate_is_the_wanted_one_if_the_devices_have_it(duplex):
    assert choose_rate(16000) == 48000
    duplex.rates = (16000, 48000)
    assert choose_rate(16000) == 16000
    with pytest.raises(MicrophoneError, match="matching 'nowhere'; is there a microphone"):
        choose_rate(16000, ("nowhere", None))
    assert "hw:0" in list_devices()


def test_playing_through(duplex):
    n_late, delay = play_through(lambda x: -x, 48000, 4, devices=(1, "USB"), seconds=0.01)
    assert (n_late, delay) == (1, pytest.approx(0.03))
    assert np.concatenate(duplex.heard_all).tolist() == [-1] * 4 + [-2] * 4 + [-3] * 4
    assert duplex.opened["device"] == (1, "USB")


def test_an_error_in_a_block_ends_playing_and_is_told(duplex):
    def fail(block):
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        play_through(fail, 48000, 4)
    assert (np.concatenate(duplex.heard_all) == 0).all()
    duplex.error = "Device unavailable"
    with pytest.raises(MicrophoneError, match="Device unavailable; are there a microphone and a"):
        play_through(fail, 48000, 4)


def test_a_rate_that_both_devices_have(duplex):
    duplex.rates, duplex.loudspeaker_rates = (44100, 48000, 96000), (48000, 96000)
    assert choose_rate(16000) == 48000
    duplex.loudspeaker_rates = (96000,)
    with pytest.raises(MicrophoneError, match="no sample rate in common"):
        choose_rate(16000)


def test_a_card_that_stops_is_told(duplex):
    duplex.dies = True
    with pytest.raises(MicrophoneError, match="the sound card has stopped"):
        play_through(lambda x: x, 48000, 4)
