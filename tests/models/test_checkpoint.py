"""Checkpoint files: exact, atomic, and clear about damage."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from ddsp_ref.errors import CheckpointError
from ddsp_ref.models import checkpoint as ck


def make(step, rng):
    rng.random(step)
    return ck.Checkpoint(
        step=step,
        arrays={"parameters/a": rng.random((3, 2), np.float32), "first/a": np.zeros((3, 2))},
        rng_state=rng.bit_generator.state,
        config={"batch_size": 4},
        progress={"training": [[10, 1.5]], "best_loss": 0.1},
    )


def test_round_trip(tmp_path, rng):
    one = make(7, rng)
    ck.write(tmp_path / "a.safetensors", one)
    two = ck.read(tmp_path / "a.safetensors")
    assert (two.step, two.config, two.progress) == (one.step, one.config, one.progress)
    np.testing.assert_array_equal(two.part("parameters")["a"], one.arrays["parameters/a"])
    other = np.random.default_rng()
    other.bit_generator.state = two.rng_state
    assert other.random() == rng.random()


def test_keeps_the_last_two_and_the_best(tmp_path, rng):
    folder = tmp_path / "checkpoints"
    for step in (1, 2, 3, 4):
        ck.save(folder, make(step, rng), best=step == 2)
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["best.safetensors", "step_000000003.safetensors", "step_000000004.safetensors"]
    assert ck.read(folder / ck.BEST).step == 2
    assert ck.load_latest(folder).step == 4
    assert ck.load_latest(tmp_path / "none") is None


def test_missing_and_foreign(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        ck.read(tmp_path / "a.safetensors")
    save_file({"a": np.zeros(3)}, tmp_path / "b.safetensors")
    with pytest.raises(CheckpointError, match="is not a checkpoint of ddsp_ref"):
        ck.read(tmp_path / "b.safetensors")
    (tmp_path / "c.safetensors").write_text("no such thing")
    with pytest.raises(CheckpointError, match="it is damaged"):
        ck.read(tmp_path / "c.safetensors")


def test_any_damage_is_noticed(tmp_path, rng):
    path = tmp_path / "a.safetensors"
    ck.write(path, make(3, rng))
    good = path.read_bytes()
    for size in range(0, len(good), 37):
        path.write_bytes(good[:size])
        with pytest.raises(CheckpointError):
            ck.read(path)
    for place in range(0, len(good), 11):
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        with pytest.raises(CheckpointError):
            ck.read(path)


def test_a_damaged_newest_names_the_one_before(tmp_path, rng):
    ck.save(tmp_path, make(1, rng))
    ck.save(tmp_path, make(2, rng)).write_bytes(b"")
    with pytest.raises(CheckpointError, match="remove it to go on from step_000000001"):
        ck.load_latest(tmp_path)
