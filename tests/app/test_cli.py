"""The command line: what it does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import soundfile

import ddsp_ref
from ddsp_ref.app.cli import main
from ddsp_ref.app.commands.demo import CLIP
from ddsp_ref.app.compiling import NOTICE
from ddsp_ref.io.audio import read_audio, write_audio

from ..transfer.tiny import melody
from .running import run

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)


def test_transfer(folder, capsys):
    assert run("transfer", "in.wav", "out.wav") == 0
    audio, rate = read_audio("out.wav")
    assert (rate, len(audio)) == (16000, len(melody()))
    out = capsys.readouterr().out
    for part in ("instrument tiny", "duration   1.50 s", "of real time", "written    out.wav"):
        assert part in out
    assert set(os.listdir()) == {"in.wav", "out.wav", "tiny"}


def test_a_summary_in_json(folder, capsys):
    words = ("in.wav", "out.wav", "--json", "--semitones", "12", "--autotune", "1")
    assert run("transfer", *words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["input"], told["output"], told["instrument"]) == ("in.wav", "out.wav", "tiny")
    assert told["seconds"] == 1.5
    assert told["adjusted"] is True
    assert told["controls"]["pitch_shift"] == 1.0
    assert told["key"].endswith("major")
    assert told["pitch_hz"]["played"]["median"] == pytest.approx(
        2 * told["pitch_hz"]["heard"]["median"], rel=0.03
    )
    assert told["remarks"] == []
    assert list(told["timings_s"]) == ["resample", "pitch", "loudness", "adjust", "render"]
    assert told["real_time_factor"] > 0


def test_curves_are_edited_and_rendered_again(folder, capsys):
    assert run("transfer", "in.wav", "out.wav", "--curves", "c.csv", "--bits", "32", "--quiet") == 0
    assert run("render", "c.csv", "again.wav", "--bits", "32", "--quiet") == 0
    first, second = (read_audio(name)[0] for name in ("out.wav", "again.wav"))
    np.testing.assert_allclose(second, first, atol=2e-3)
    assert run("render", "c.csv", "up.flac", "--json", "--sample-rate", "8000") == 0
    assert json.loads(capsys.readouterr().out)["sample_rate"] == 8000
    assert main(["features", "in.wav", "--out", "f.csv", "--quiet"]) == 0
    assert run("render", "f.csv", "plain.wav", "--quiet") == 0
    assert capsys.readouterr().out == ""


def test_rendering_is_told_as_a_transfer_is(folder, capsys):
    assert run("transfer", "in.wav", "out.wav", "--curves", "c.csv") == 0
    transfer = capsys.readouterr().out.splitlines()
    assert run("render", "c.csv", "again.wav") == 0
    *told, time, written = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["instrument", "duration"]
    assert [line for line in transfer if line in told] == told
    assert re.fullmatch(r"time       render \d\.\d\d s, \d\.\d{3} of real time", time)
    assert written == "written    again.wav"
    assert run("transfer", "in.wav", "out.wav", "--json") == 0
    transfer = json.loads(capsys.readouterr().out)
    assert run("render", "c.csv", "again.wav", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [key for key in transfer if key in told]
    assert list(told["timings_s"]) == ["render"]


@pytest.mark.parametrize(
    "words", ["--quiet in.wav out.wav", "in.wav --quiet out.wav", "in.wav out.wav --quiet"]
)
def test_options_may_stand_anywhere(folder, words):
    assert run("transfer", *words.split()) == 0
    assert Path("out.wav").exists()


def test_paths_among_options_are_all_inputs_but_the_last(folder):
    words = "in.wav --bits 24 tiny --seed 3 in.wav --quiet out"
    assert run("transfer", *words.split()) == 0
    assert sorted(os.listdir("out")) == ["in-2.wav", "in.wav"]


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff"])
def test_transfer_to_other_formats(folder, suffix):
    assert run("transfer", "in.wav", f"out.{suffix}", "--quiet") == 0
    assert len(read_audio(f"out.{suffix}")[0]) == len(melody())


def test_figures_need_their_own_folder_only(folder):
    os.mkdir("any.png")
    assert run("transfer", "in.wav", "out.wav", "--figures", "figures", "--quiet") == 0
    assert len(os.listdir("figures")) == 4


def test_a_format_that_the_name_says_too_is_no_contradiction(folder):
    assert run("transfer", "in.wav", "out.AIF", "--format", "aiff", "--jobs", "4", "--quiet") == 0
    with soundfile.SoundFile("out.AIF") as file:
        assert (file.format, file.subtype) == ("AIFF", "PCM_16")


def test_transfer_with_every_option(folder, capfd):
    stereo = np.stack([melody(1.5, 44100)] * 2)
    write_audio("in.flac", stereo, 44100)
    words = "--pitch-shift -1 --semitones 7 --loudness-shift 3 --no-adjust --sample-rate 22050"
    more = "--reverb 0.5 --bits 24 --seed 5 --plot out.png --quiet --normalize --tuning chromatic"
    more += " --threshold 0.5 --quiet-db 30 --autotune 0.5 --curves c.json --figures figures"
    assert run("transfer", "in.flac", "out.wav", *words.split(), *more.split()) == 0
    with soundfile.SoundFile("out.wav") as file:
        assert (file.samplerate, file.frames, file.channels) == (22050, 33075, 1)
        assert file.subtype == "PCM_24"
    figures = [Path("out.png"), *sorted(Path("figures").iterdir())]
    assert len(figures) == 5
    for figure in figures:
        assert figure.read_bytes()[1:4] == b"PNG"
    assert json.loads(Path("c.json").read_text())["frame_rate"] == 250
    assert capfd.readouterr() == ("", "")


def test_mp3_gets_a_rate_that_it_knows(folder):
    write_audio("in.flac", melody(0.5, 96000), 96000)
    assert run("transfer", "in.flac", "out.mp3", "--quiet") == 0
    assert read_audio("out.mp3")[1] == 48000


def test_a_bar_with_stages_is_shown(folder, capfd):
    assert run("transfer", "in.wav", "out.wav") == 0
    err = capfd.readouterr().err
    for stage in ("read", "pitch", "loudness", "adjust", "render", "write"):
        assert stage in err


def test_demo(folder, capsys):
    assert run("demo", "--out", "demo.wav") == 0
    assert len(read_audio("demo.wav")[0]) == len(read_audio(CLIP)[0])
    assert "demo.flac" in capsys.readouterr().out


def test_the_clip_of_the_demo_is_what_its_script_makes():
    import runpy

    made = runpy.run_path(str(CLIP.with_name("make_demo.py")))["make_demo"]()
    stored, rate = read_audio(CLIP)
    assert rate == 16000
    assert CLIP.stat().st_size < 200_000
    np.testing.assert_allclose(stored, made, atol=2 / 32768)


def test_instruments(folder, capsys):
    assert main(["instruments", "tiny"]) == 0
    out = capsys.readouterr().out
    for part in ("tiny", "Random weights", "G#3 to B6", "spectral loss 5.50", "CC0 1.0"):
        assert part in out
    assert main(["instruments"]) == 0


def test_info_and_version(capsys):
    assert main(["info"]) == 0
    assert f"ddsp_ref     {ddsp_ref.__version__}" in capsys.readouterr().out
    assert main(["--version"]) == 0


def test_info_about_an_instrument(folder, capsys):
    assert main(["info", "tiny"]) == 0
    out = capsys.readouterr().out
    wanted = (
        "features: magenta-3.7-loudness/pyin-1",
        '"n_harmonics": 20',
        '"quantiles": [\n      55.0,',
        '"licence": "CC0 1.0"',
        "decoder/controls/kernel          (8, 38)",
    )
    for part in wanted:
        assert part in out
    assert main(["info", "kazoo"]) == 2


def test_features_in_three_formats(folder, capsys):
    for suffix in ("csv", "json", "npz"):
        assert main(["features", "in.wav", "--out", f"f.{suffix}"]) == 0
    assert "375 frames" in capsys.readouterr().out
    names = ["time_s", "f0_hz", "f0_confidence", "voiced", "loudness_db"]
    table = np.genfromtxt("f.csv", delimiter=",", names=True)
    lists = json.loads(Path("f.json").read_text())
    arrays = np.load("f.npz")
    assert list(table.dtype.names) == names
    for name in names:
        assert len(arrays[name]) == 375
        np.testing.assert_allclose(table[name], arrays[name], atol=1e-3)
        np.testing.assert_allclose(lists[name], arrays[name], atol=1e-5)
    assert lists["frame_rate"] == arrays["frame_rate"] == 250
    assert np.median(table["f0_hz"][50:150]) == pytest.approx(330, rel=0.02)


def command(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ddsp_ref", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(ddsp_ref.__file__).parents[1]), **environment},
    )


def test_help_loads_nothing_heavy():
    done = command("--help")
    assert done.returncode == 0
    assert "transfer" in done.stdout
    code = (
        "import sys; from ddsp_ref.app.cli import main; main(['transfer', '--help']);"
        "print([m for m in ('numpy', 'numba', 'scipy', 'tqdm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_process_ends_with_the_code(folder):
    done = command("transfer", "missing.wav", "out.wav")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ddsp-ref: there is no file missing.wav\n"
    assert command().returncode == 2
    assert command("sing").returncode == 2


def test_compilation_is_told_and_only_once(folder):
    """In a process of its own whose cache is empty at first."""
    code = (
        "from ddsp_ref.jit import njit\n"
        "from ddsp_ref.app.compiling import compile_notice\n"
        "@njit\n"
        "def double(x): return 2 * x\n"
        "@njit\n"
        "def triple(x): return 3 * x\n"
        "with compile_notice(print): double(1.0), double(1), triple(1.0)\n"
    )
    Path("kernels.py").write_text(code)
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": str(Path(ddsp_ref.__file__).parents[1]),
    }
    environment.pop("NUMBA_DISABLE_JIT", None)
    said = [
        subprocess.run(
            [sys.executable, "kernels.py"],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout
        for _ in range(2)
    ]
    assert said == [f"{NOTICE}\n", ""]


def test_training_makes_an_instrument_that_plays(folder, capsys):
    os.mkdir("recordings")
    for i in range(3):
        write_audio(f"recordings/{i}.flac", melody(1.0, f_hz=300.0 + 40 * i), 16000)
    words = "train recordings --out run --steps 2 --batch-size 2 --seconds 0.5 --channels 8"
    more = "--layers 1 --harmonics 8 --bands 9 --reverb-seconds 0 --held-out 2.flac --name own"
    card = ["--licence", "CC0", "--source", "computed"]
    assert main([*words.split(), *more.split(), *card]) == 0
    assert "--instrument run" in capsys.readouterr().out
    assert main(["transfer", "in.wav", "out.wav", "--instrument", "run/instrument"]) == 0
    assert main(["instruments", "run/instrument"]) == 0
    out = capsys.readouterr().out
    for part in ("own", "CC0", "spectral loss"):
        assert part in out
    assert {"loss_curves.png", "spectrograms.png", "report.txt"} <= set(os.listdir("run"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["transfer", "{clip}", "a.flac", "--bits", "32"], "--bits is 32, FLAC has at most 24"),
        (["train", "{clips}", "--out", "q", "--minutes", "nan"], "--minutes is nan"),
        (["train", "{clips}", "--out", "q", "--minutes", "-5"], "--minutes is -5.0"),
    ],
)
def test_options_that_cannot_work_are_refused_first(tmp_path, monkeypatch, words, message):
    clips = Path(ddsp_ref.__file__).parent / "app" / "data"
    monkeypatch.chdir(tmp_path)
    done = command(*[w.format(clip=clips / "demo.flac", clips=clips) for w in words])
    assert done.returncode == 2
    assert done.stderr.startswith(f"ddsp-ref: {message}")
    assert not list(tmp_path.iterdir())
