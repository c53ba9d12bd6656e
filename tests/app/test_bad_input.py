"""One clear sentence, exit code 2 and no half file for every bad input."""

from __future__ import annotations

import importlib.util
import os
import types
from pathlib import Path

import numba
import numpy as np
import pytest
import soundfile

from ..transfer.tiny import melody
from .running import fails

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)


def write_bad(name: str) -> str:
    """Make the bad file of that name in the current folder, and return its name."""
    whole = Path("in.wav").read_bytes()
    contents = {
        "missing.wav": None,
        "empty.wav": b"",
        "truncated.wav": whole[: len(whole) // 2],
        "header_only.wav": whole[:30],
        "text.wav": b"do re mi fa so la ti do\n" * 100,
        "text.mp3": b"do re mi fa so la ti do\n" * 100,
    }
    sounds = {
        "zero_length.wav": (np.zeros(0), 16000),
        "silent.wav": (np.zeros(16000), 16000),
        "nan.wav": (np.where(np.arange(16000) == 9, np.nan, melody(1.0)), 16000),
        "noise.wav": (np.random.default_rng(0).uniform(-0.3, 0.3, 32000), 16000),
        "short.wav": (melody(0.05), 16000),
        "slow.wav": (melody(), 100),
        "fast.wav": (melody(), 1_000_000),
    }
    if name in sounds:
        soundfile.write(name, *sounds[name], subtype="FLOAT")
    elif contents[name] is not None:
        Path(name).write_bytes(contents[name])
    return name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing.wav", "there is no file missing.wav"),
        ("empty.wav", "empty.wav is empty (0 bytes)"),
        ("truncated.wav", "truncated.wav is truncated"),
        ("header_only.wav", "header_only.wav is truncated"),
        ("text.wav", "text.wav is not an audio file"),
        ("text.mp3", "text.mp3 is not an audio file"),
        ("zero_length.wav", "zero_length.wav holds no samples"),
        ("silent.wav", "every sample is 0, as when opposite channels are averaged"),
        ("noise.wav", "no pitch was found"),
        ("nan.wav", "samples that are not numbers"),
        ("short.wav", "audio lasts 0.050 s, must last at least 0.1 s"),
        ("slow.wav", "says a sample rate of 100 Hz"),
        ("fast.wav", "says a sample rate of 1000000 Hz"),
    ],
)
def test_bad_input_files(folder, capfd, name, sentence):
    write_bad(name)
    words = ("transfer", name, "out.wav", "--instrument", "tiny", "--plot", "out.png")
    assert sentence in fails(capfd, *words)
    if name not in ("silent.wav", "noise.wav"):
        assert sentence in fails(capfd, "features", name, "--out", "f.csv")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("in.wav nowhere/out.wav", "the folder nowhere does not exist"),
        ("in.wav in.wav", "INPUT and OUTPUT are the same file"),
        ("in.wav out.xyz", "the format .xyz is not known; use .wav, .flac"),
        ("in.wav tiny", "it is a folder"),
        ("in.wav out.wav --plot nowhere/a.png", "the folder nowhere does not exist"),
        ("in.wav out.wav --plot a.txt", "a plot is a .png, .svg, .pdf file"),
        ("in.wav out.wav --sample-rate 3", "--sample-rate is 3, must be"),
        ("in.wav out.mp3 --sample-rate 17000", "the nearest that works is 16000"),
        ("in.wav out.wav --pitch-shift 1e9", "--semitones is 1000000000.0 octaves, must be"),
        ("in.wav out.wav --pitch-shift nan", "--pitch-shift plus --semitones is nan"),
        ("in.wav out.wav --loudness-shift 200", "--loudness-shift is 200.0 dB, must be from -120"),
        ("in.wav out.wav --reverb -1", "--reverb is -1.0, must be from 0 to 4"),
        ("in.wav out.wav --seed -1", "--seed is -1, must be a whole number of at least 0"),
        ("in.wav out.wav --threshold 3", "--threshold is 3.0, must be from 0 to 2"),
        ("in.wav out.wav --quiet-db 61", "--quiet-db is 61.0 dB, must be from 0 to 60"),
        ("in.wav out.wav --autotune 2", "--autotune is 2.0, must be from 0 to 1"),
        ("in.wav out.wav --f0-range 500 100", "--f0-range is (500.0, 100.0), must be two pitches"),
        ("in.wav out.wav --f0-range 9000 9900", "the lower first and below 8000, half the sample"),
        ("in.wav in.wav out --f0-range 5 nan", "--f0-range is (5.0, nan), must be two pitches"),
        ("in.wav out.wav --tracker ear", "--tracker is 'ear', must be 'pyin'"),
        ("in.wav out.wav --tracker pesto", "the pitch tracker pesto cannot be used"),
        ("in.wav out.wav --curves a.txt", "curves are written as .csv, .json"),
        ("in.wav out.wav --figures in.wav", "cannot make the folder in.wav: there is a file of"),
        ("in.wav in.wav tiny/weights.safetensors", "cannot make the folder tiny/weights"),
        ("in.wav in.wav out --sample-rate 3", "--sample-rate is 3, must be"),
        ("in.wav in.wav out --curves no/where", "the folder no does not exist"),
        ("in.wav out.wav --figures no/where", "the folder no does not exist"),
        ("out.wav", "there is no INPUT; give a recording, a folder, or --record SECONDS"),
        ("in.wav in.wav out --jobs 0", "--jobs is 0, must be at least 1"),
        ("in.wav out.wav --jobs -3", "--jobs is -3, must be at least 1; without it there are as"),
        ("in.wav --record 2 --jobs 0", "--jobs is 0, must be at least 1"),
        ("in.wav out.wav --format mp3", "leave it out, or write out.mp3"),
        ("in.wav out.x --format mp3", "--format is mp3, but OUTPUT is out.x; --format is for"),
        ("in.wav out.mp3 --bits 16", "--bits is 16, but MP3 has no bits of a sample: leave"),
        ("in.wav in.wav out --format ogg --bits 24", "--bits is 24, but OGG has no bits"),
        ("in.wav in.wav out --tracker ear", "--tracker is 'ear', must be 'pyin'"),
        ("in.wav nowhere.wav out", "there is no file or folder nowhere.wav"),
        ("tiny out.wav", "OUTPUT has to be a folder, not out.wav"),
        ("in.wav in.wav out.mp3", "OUTPUT has to be a folder, not out.mp3"),
        ("tiny out", "tiny holds no audio file"),
        (". .", "INPUT in.wav would be written over; give another OUTPUT folder"),
        ("in.wav a.wav --record 30", "--record is 30, must be from 1 to 20"),
        ("in.wav a.wav b.wav --record 3", "--record keeps one file, there are 2 INPUTs"),
    ],
)
def test_bad_settings(folder, capfd, words, sentence):
    assert sentence in fails(capfd, "transfer", *words.split(), "--instrument", "tiny")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("transfer", "there is no OUTPUT; give a recording and a file to write"),
        ("transfer in.wav out.wav --wild", "unrecognized arguments: --wild"),
        ("instruments tiny --wild", "unrecognized arguments: --wild"),
        ("features in.wav more.wav --out f.csv", "unrecognized arguments: more.wav"),
    ],
)
def test_wrong_words(folder, capfd, words, sentence):
    assert sentence in fails(capfd, *words.split()).replace("error: ", "")


def test_names_that_are_empty(folder, capfd):
    """As of a variable of the shell that is not set; taken for the folder one is in before."""
    for words in (("", "out"), ("in.wav", "")):
        assert "the name of an INPUT or of OUTPUT is empty" in fails(capfd, "transfer", *words)


def test_a_curve_that_cannot_be_read(folder, capfd):
    Path("c.csv").write_text("time_s,f0_hz,loudness_db\n0,440,-20\n1,high,-20\n")
    words = ("render", "c.csv", "out.wav", "--instrument", "tiny")
    assert "c.csv: f0_hz is 'high' in row 2" in fails(capfd, *words)
    assert "nothing.wav" in fails(capfd, *words, "--recording", "nothing.wav")
    same = ("--recording", "in.wav")
    assert "are the same file, in.wav" in fails(capfd, "render", "c.csv", "in.wav", *same)
    assert "--bits is 24, but OGG" in fails(capfd, "render", "c.csv", "o.ogg", "--bits", "24")
    words = ("render", "nowhere.csv", "out.wav", "--instrument", "tiny")
    assert "there is no file nowhere.csv" in fails(capfd, *words)
    assert "--reverb is 9.0" in fails(capfd, *words, "--reverb", "9")


def test_ports_that_cannot_be(folder, capfd, monkeypatch):
    for port in ("0", "-5", "65536"):
        assert f"--port is {port}, must be from 1 to" in fails(capfd, "app", "--port", port)

    def in_use(*_, **__):
        raise OSError("Cannot find empty port; set GRADIO_SERVER_PORT or pass `server_port`")

    layout = types.SimpleNamespace(build=lambda room: None, launch=in_use)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: layout)
    monkeypatch.setattr("ddsp_ref.app.page.layout", layout, raising=False)
    assert "--port is 80, which is in use or not allowed" in fails(capfd, "app", "--port", "80")
    assert "all ports from 7860 on are in use" in fails(capfd, "app")


def test_an_unknown_instrument_names_the_known(folder, capfd, monkeypatch):
    from ddsp_ref.transfer import instruments

    monkeypatch.setattr(instruments, "SHIPPED", folder)
    words = ("transfer", "in.wav", "out.wav", "--instrument", "kazoo")
    assert "there is no instrument 'kazoo'; there are tiny" in fails(capfd, *words)
    assert "there is no instrument 'kazoo'" in fails(capfd, "instruments", "kazoo")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("instrument.json", None),
        ("instrument.json", b"{"),
        ("instrument.json", b"[]"),
        ("weights.safetensors", None),
        ("weights.safetensors", b""),
        ("weights.safetensors", b"not weights at all, not at all"),
    ],
)
def test_a_damaged_instrument(folder, capfd, file, content):
    path = folder / "tiny" / file
    path.unlink() if content is None else path.write_bytes(content)
    sentence = fails(capfd, "transfer", "in.wav", "out.wav", "--instrument", "tiny")
    assert "tiny" in sentence
    assert "damaged" in sentence or "not a complete instrument" in sentence


def test_bad_training_folders(folder, capfd):
    assert "does not exist" in fails(capfd, "train", "nowhere", "--out", "run")
    assert "in.wav is not a folder" in fails(capfd, "train", "in.wav", "--out", "run")
    os.mkdir("none")
    assert "holds no audio file" in fails(capfd, "train", "none", "--out", "run")
    os.mkdir("silent")
    soundfile.write("silent/a.wav", np.zeros(16000), 16000)
    assert "no pitch found" in fails(capfd, "train", "silent", "--out", "run")
    os.mkdir("short")
    soundfile.write("short/a.wav", np.sin(np.arange(16000) / 9), 16000)
    words = ("train", "short", "--out", "run", "--held-out", "0")
    assert "there are 1.0 s to learn from, must be at least one ex" in fails(capfd, *words)
    assert not os.path.exists("run")
    words = ("train", ".", "--out", "run", "--hidden", "4")
    assert "--hidden 4 is for --decoder rnn and conv only" in fails(capfd, *words)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--steps 0", "--steps is 0, must be at least 1"),
        ("--seconds 0", "--seconds is 0.0, must be from 0.1 to 60"),
        ("--silence -1", "--silence is -1.0, must be from 0 to 60"),
        ("--vary-level -1", "--vary-level is -1.0, must be from 0 to 40"),
        ("--pitch-copies 99", "--pitch-copies is (99.0,), must be semitones from -12 to 12"),
        ("--halve-every 0", "--halve-every is 0, must be above 0"),
        ("--f0-range 500 100", "--f0-range is 500.0, 100.0, must be two rising"),
        ("--held-out 2", "--held-out is 2.0, must be from 0 to 0.5"),
        ("--held-out b*", "--held-out is 'b*', must fit the name of a recording, such as 'in.wav'"),
        ("--voices (", "--voices is '(', must be a regular expression"),
        ("--layers 0", "--layers is 0, must be a whole number"),
        ("--frame-rate 7", "--frame-rate is 7, must divide the sample rate 16000"),
    ],
)
def test_bad_settings_of_training(folder, capfd, words, sentence):
    assert f"ddsp-ref: {sentence}" in fails(capfd, "train", ".", "--out", "run", *words.split())


def test_bad_settings_of_features(folder, capfd):
    words = ("features", "in.wav", "--out", "f.csv")
    assert ": --tracker is 'ear', must" in fails(capfd, *words, "--tracker", "ear")
    assert ": --f0-range is (5.0, 2.0), must" in fails(capfd, *words, "--f0-range", "5", "2")
    assert ": --frame-rate is 0, must" in fails(capfd, *words, "--frame-rate", "0")


@pytest.mark.parametrize("name", ["out", "seed", "seed.wav"])
def test_files_that_are_called_like_options_stay_files(folder, capfd, name):
    os.mkdir(name)
    sentence = fails(capfd, "features", name, "--out", "f.csv")
    assert sentence == f"ddsp-ref: {name} is a folder, not an audio file"


def test_folders_without_permission(folder, capfd, monkeypatch):
    os.mkdir("closed")
    monkeypatch.setattr(os, "access", lambda path, how: str(path) != "closed")
    read, write = (f"no permission to {what} the folder closed" for what in ("read", "write into"))
    assert read in fails(capfd, "transfer", "closed", "out")
    assert read in fails(capfd, "train", "closed", "--out", "run")
    assert write in fails(capfd, "transfer", "in.wav", "in.wav", "closed")
    assert write in fails(capfd, "transfer", "in.wav", "out.wav", "--figures", "closed")


def test_an_old_output_stays_when_something_goes_wrong(folder, capfd):
    Path("out.wav").write_text("precious")
    write_bad("silent.wav")
    fails(capfd, "transfer", "silent.wav", "out.wav", "--instrument", "tiny")
    assert Path("out.wav").read_text() == "precious"


def test_ctrl_c(folder, capfd, monkeypatch):
    from ddsp_ref.transfer import pipeline

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "render", stop)
    words = ("transfer", "in.wav", "out.wav", "--instrument", "tiny")
    assert "stopped" in fails(capfd, *words, code=130)


def test_a_full_disk(folder, capfd, monkeypatch):
    import errno

    from ddsp_ref.io import files as io_files

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(io_files.os, "fsync", full)
    sentence = fails(capfd, "transfer", "in.wav", "out.wav", "--instrument", "tiny")
    assert "No space left" in sentence
