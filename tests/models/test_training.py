"""Training: learns, resumes exactly, survives a kill, stops on NaN, reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import numba
import numpy as np
import pytest
import soundfile

from ddsp_ref.errors import CheckpointError, ParameterError, TrainingError
from ddsp_ref.models import checkpoint as ck
from ddsp_ref.models import training
from ddsp_ref.models.instrument import load_instrument
from ddsp_ref.models.optimizer import AdamSettings
from ddsp_ref.models.run import Run
from ddsp_ref.models.training import train

from .synthetic import RATE, tiny_config, tone

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="whole trainings in plain Python take minutes"
)

SETTINGS = {
    "batch_size": 2,
    "example_seconds": 0.4,
    "evaluate_every": 5,
    "held_out": ["c.wav"],
    "progress": False,
}


@pytest.fixture(scope="module")
def audio_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    for name, f0_hz in (("a", 200.0), ("b", 300.0), ("c", 250.0)):
        soundfile.write(folder / f"{name}.wav", tone(f0_hz, 1.0), RATE)
    return folder


@pytest.fixture(scope="module")
def finished(audio_dir, tmp_path_factory):
    """A run of 23 steps that nobody interrupted."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    instrument = train(audio_dir, out, tiny_config(), n_steps=23, **SETTINGS)
    return out, instrument


def arrays(out):
    return ck.load_latest(out / "checkpoints").arrays


def assert_same(out, other):
    one, two = arrays(out), arrays(other)
    assert set(one) == set(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    # the curves as well, losses included
    first, second = (ck.load_latest(o / "checkpoints").progress for o in (out, other))
    assert first["training"] == second["training"]


def test_leaves_everything_that_was_promised(finished):
    out, instrument = finished
    names = {p.name for p in out.iterdir()}
    assert names == {
        "checkpoints",
        "features",
        "instrument",
        "loss_curves.png",
        "report.json",
        "report.txt",
        "spectrograms.png",
    }
    report = json.loads((out / "report.json").read_text())
    overall = report["overall"]
    assert [r["name"] for r in report["recordings"]] == ["c.wav"]
    assert overall["spectral_loss"] > 0
    assert overall["loudness_l1_db"] > 0
    assert "c.wav" in (out / "report.txt").read_text()
    assert report["training"]["chosen_step"] in (5, 10, 15, 20, 23)
    loaded = load_instrument(out / "instrument")
    assert loaded.card["held_out"]["overall"] == overall
    np.testing.assert_array_equal(
        loaded.parameters["decoder/controls/kernel"],
        instrument.parameters["decoder/controls/kernel"],
    )


@pytest.mark.parametrize("decoder", ["mlp", "rnn", "conv"])
def test_learns(audio_dir, tmp_path, decoder):
    optimizer = AdamSettings(learning_rate=5e-3)
    settings = {**SETTINGS, "optimizer": optimizer, "evaluate_every": 100}
    train(audio_dir, tmp_path / "out", tiny_config(decoder), n_steps=120, **settings)
    curve = ck.load_latest(tmp_path / "out" / "checkpoints").progress["training"]
    assert curve[-1][1] < 0.75 * curve[0][1]


def test_resumes_exactly(audio_dir, tmp_path, finished):
    for n_steps in (4, 11, 23):
        train(audio_dir, tmp_path / "out", tiny_config(), n_steps=n_steps, **SETTINGS)
    assert_same(tmp_path / "out", finished[0])


def test_stops_when_the_time_is_over(audio_dir, tmp_path, capsys):
    out, settings = tmp_path / "out", {**SETTINGS, "progress": True}
    train(audio_dir, out, tiny_config(), n_steps=10**6, max_seconds=0.0, **settings)
    assert ck.load_latest(out / "checkpoints").step == 1
    told = "0 minutes are over, at step 1 of 1000000; the same command goes on"
    assert told in "".join(capsys.readouterr())


SCRIPT = """
    import sys
    from tests.models.synthetic import tiny_config
    from tests.models.test_training import SETTINGS
    from ddsp_ref.models.training import train
    settings = {**SETTINGS, "checkpoint_seconds": 0.0}
    train(sys.argv[1], sys.argv[2], tiny_config(), n_steps=int(sys.argv[3]), **settings)
"""


def start(audio_dir, out, n_steps):
    script = textwrap.dedent(SCRIPT)
    command = [sys.executable, "-c", script, str(audio_dir), str(out), str(n_steps)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for_step(out, step):
    for _ in range(2400):
        paths = ck.list_checkpoints(out / "checkpoints")
        if paths and paths[-1] >= ck.checkpoint_path(out / "checkpoints", step):
            return
        time.sleep(0.025)
    raise AssertionError(f"no step {step} within a minute")


def test_resumes_exactly_after_a_kill(audio_dir, tmp_path, finished):
    out = tmp_path / "out"
    for step in (3, 9):
        process = start(audio_dir, out, 10**6 if step == 3 else 23)
        wait_for_step(out, step)
        process.kill()
        process.communicate()
        reached = ck.load_latest(out / "checkpoints").step
        if reached >= 23:
            pytest.skip("the machine was faster than the kill")
    train(audio_dir, out, tiny_config(), n_steps=23, **SETTINGS)
    assert_same(out, finished[0])
    assert not list((out / "checkpoints").glob(".*"))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_finishes_the_step_and_keeps_it(audio_dir, tmp_path, finished):
    out = tmp_path / "out"
    process = start(audio_dir, out, 10**6)
    wait_for_step(out, 2)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert "KeyboardInterrupt: stopped at step" in text
    assert ck.load_latest(out / "checkpoints").step >= 2


def test_nan_stops_with_advice(audio_dir, tmp_path, monkeypatch):
    original = Run.advance

    def spoil(run):
        if run.step == 7:
            run.params["decoder/controls/bias"] = np.full(12, np.nan, np.float32)
        return original(run)

    monkeypatch.setattr(Run, "advance", spoil)
    with pytest.raises(TrainingError) as caught:
        train(audio_dir, tmp_path / "out", tiny_config(), n_steps=20, **SETTINGS)
    assert "at step 7" in str(caught.value)
    assert "0.0003 instead of 0.001" in str(caught.value)
    assert ck.load_latest(tmp_path / "out" / "checkpoints").step == 5
    monkeypatch.undo()
    lower = {**SETTINGS, "optimizer": AdamSettings(learning_rate=3e-4)}
    train(audio_dir, tmp_path / "out", tiny_config(), n_steps=8, **lower)
    assert ck.load_latest(tmp_path / "out" / "checkpoints").step == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 3}, "started with batch_size 2, not 3"),
        ({"seed": 1}, "started with seed 0, not 1"),
        ({"config": tiny_config(n_bands=7)}, "started with n_bands 5, not 7"),
        ({"config": tiny_config("rnn")}, "started with decoder 'mlp', not 'rnn'"),
    ],
)
def test_a_run_goes_on_only_with_the_same_settings(audio_dir, finished, change, message):
    settings = {"config": tiny_config(), **SETTINGS, **change}
    with pytest.raises(CheckpointError, match=message):
        train(audio_dir, finished[0], n_steps=23, **settings)


def test_other_recordings(audio_dir, finished, tmp_path):
    other = tmp_path / "tones"
    other.mkdir()
    for name in ("a", "c"):
        (other / f"{name}.wav").write_bytes((audio_dir / f"{name}.wav").read_bytes())
    with pytest.raises(CheckpointError, match="started with other recordings or features"):
        train(other, finished[0], tiny_config(), n_steps=23, **SETTINGS)


def test_nothing_held_out(audio_dir, tmp_path):
    settings = {**SETTINGS, "held_out": 0}
    instrument = train(audio_dir, tmp_path / "out", tiny_config(), n_steps=2, **settings)
    assert instrument.card["held_out"]["overall"] is None
    assert (tmp_path / "out" / "report.txt").read_text() == "no recordings were held out\n"


def test_without_matplotlib(audio_dir, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    train(audio_dir, tmp_path / "out", tiny_config(), n_steps=1, **SETTINGS)
    assert "no pictures: " in (tmp_path / "out" / "report.txt").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"example_seconds": 0.01}, "example_seconds is 0.01"),
        ({"n_steps": 0}, "n_steps is 0"),
        ({"evaluate_every": 0}, "evaluate_every is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"pitch_copies": (0,)}, "pitch_copies is "),
    ],
)
def test_wrong_arguments(audio_dir, tmp_path, change, message):
    with pytest.raises(ParameterError, match=message):
        train(audio_dir, tmp_path / "out", tiny_config(), **{"n_steps": 1, **SETTINGS, **change})
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made(audio_dir, tmp_path):
    with pytest.raises(TrainingError, match="cannot make the folder"):
        training.train(audio_dir, tmp_path / "no" / "out", tiny_config(), n_steps=1, **SETTINGS)
