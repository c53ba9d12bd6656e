"""Whole folders in one call: names, bad files, pictures."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
import soundfile

from ddsp_ref.app import batch
from ddsp_ref.app.cli import main
from ddsp_ref.io.audio import read_audio, write_audio

from ..transfer.tiny import melody
from .running import run

plays = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole recordings in plain Python take minutes"
)


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


@pytest.fixture
def music(folder):
    """A folder of recordings, some with the same name, some that cannot be played."""
    for name in ("a.wav", "a.flac", "a-2.wav", "sub/a.wav", "sub/b.ogg", ".hidden/c.wav"):
        Path("music", name).parent.mkdir(parents=True, exist_ok=True)
        write_audio(Path("music", name), melody(0.5), 16000)
    Path("music/notes.txt").write_text("not audio, and not said to be")
    return folder


def spoil():
    Path("music/broken.wav").write_text("no audio at all")
    soundfile.write("music/sub/silent.wav", np.zeros(8000), 16000)


@plays
def test_a_folder_is_played_file_by_file(music, capfd):
    assert run("transfer", "music", "out") == 0
    assert names("out") == ["a-2.wav", "a-3.wav", "a.wav", "sub/a.wav", "sub/b.wav"]
    for name in names("out"):
        assert len(read_audio(f"out/{name}")[0]) == 8000
    out, err = capfd.readouterr()
    assert out == "5 of 5 recordings played by tiny, written to out\n"
    assert "0/5" in err
    alone = Path("alone.wav")
    assert run("transfer", "music/a.flac", str(alone), "--quiet") == 0
    assert alone.read_bytes() == Path("out/a.wav").read_bytes()


@plays
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_bad_files_are_listed_at_the_end_and_the_others_played(music, capfd, jobs):
    spoil()
    assert run("transfer", "music", "out", "--jobs", jobs, "--format", "flac") == 1
    assert len(names("out")) == 5
    out, err = capfd.readouterr()
    assert "5 of 7 recordings" in out
    complaints = [line for line in err.splitlines() if line.startswith("ddsp-ref: ")]
    assert len(complaints) == 2
    assert complaints[0].startswith("ddsp-ref: music/broken.wav is not an audio file")
    assert complaints[1].startswith("ddsp-ref: music/sub/silent.wav: the recording is silent")
    assert "Traceback" not in err


@plays
def test_several_sources_told_in_json(music, capfd):
    spoil()
    words = ["music/a.wav", "music/broken.wav", "music/sub", "out", "--json", "--quiet"]
    assert run("transfer", *words, "--curves", "curves") == 1
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert told["failed"] == 2
    assert [Path(f["input"]).name for f in told["files"]] == [
        "a.wav", "broken.wav", "a.wav", "b.ogg", "silent.wav"
    ]  # fmt: skip
    assert [f["output"] for f in told["files"] if "output" in f] == [
        os.path.join("out", name) for name in ("a.wav", "a-2.wav", "b.wav")
    ]
    assert "silent" in told["files"][4]["error"]
    assert err.count("\n") == 2
    assert names("curves") == ["a-2.csv", "a.csv", "b.csv"]


@plays
def test_pictures_lie_in_folders_as_the_sounds_do(folder):
    os.makedirs("music/sub")
    write_audio("music/sub/a.wav", melody(0.5), 16000)
    words = ("music", "out", "--quiet", "--plot", "plots", "--figures", "out/figures")
    assert run("transfer", *words) == 0
    assert names("plots") == ["sub/a.png"]
    steps = ("1-input", "2-features", "3-adjustment", "4-spectrograms")
    assert names("out") == [*(f"figures/sub/a/{step}.png" for step in steps), "sub/a.wav"]


@plays
def test_the_second_call_does_not_play_what_the_first_wrote(music):
    assert run("transfer", "music", "music/out", "--quiet") == 0
    assert run("transfer", "music", "music/out", "--quiet") == 0
    assert len(names("music/out")) == 5


def test_a_fault_of_ours_ends_one_file_not_all(music, capfd, monkeypatch):
    def fault(task, *_):
        if task.source.name == "b.ogg":
            raise ZeroDivisionError("of ours")
        return {"input": str(task.source), "output": str(task.target)}

    monkeypatch.setattr(batch, "_run_one", fault)
    assert run("transfer", "music", "out") == 1
    out, err = capfd.readouterr()
    assert "4 of 5 recordings" in out
    assert "ddsp-ref: music/sub/b.ogg: ZeroDivisionError: of ours" in err


def test_ctrl_c_ends_a_batch(music, capfd, monkeypatch):
    begun = []

    def stop(task, *_):
        begun.append(task)
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "_run_one", stop)
    assert run("transfer", "music", "out", "--jobs", "1") == 130
    assert "stopped" in capfd.readouterr().err
    assert names("out") == []
    assert threading.active_count() < 20


def test_inputs_are_never_written_over(music, capfd):
    assert run("transfer", "music", "music") == 2
    assert "would be written over" in capfd.readouterr().err
    assert main(["transfer", "music/a.wav", "music/a.flac", "music", "--instrument", "tiny"]) == 2
    assert "would be written over" in capfd.readouterr().err


def test_names_that_differ_in_case_only_are_kept_apart():
    found = [(Path(n), Path(n).with_suffix("")) for n in ("A.wav", "a.wav", "a-2.wav", "a.mp3")]
    targets = [t.target.name for t in batch.name_outputs(found, Path("out"), ".wav")]
    assert targets == ["A.wav", "a-3.wav", "a-2.wav", "a-4.wav"]
