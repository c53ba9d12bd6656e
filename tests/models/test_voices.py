"""Voices: named, trained side by side, kept and found again."""

from __future__ import annotations

import dataclasses
import json

import numba
import numpy as np
import pytest
import soundfile

from ddsp_ref.errors import InstrumentError, ParameterError
from ddsp_ref.models import voices as vs
from ddsp_ref.models.instrument import Instrument, load_instrument, save_instrument
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.models.optimizer import AdamSettings
from ddsp_ref.models.training import train
from ddsp_ref.transfer.instruments import find_instrument

from .synthetic import RATE, recording, tiny_config, tone
from .test_model import random_batch


def test_names_come_from_file_names():
    recordings = [recording(f"{n}.wav", 200.0, 0.2) for n in ("ann_1", "bob_1", "bob_2")]
    named = vs.name_voices(recordings, "^[a-z]+")
    assert [r.voice for r in named] == ["ann", "bob", "bob"]
    assert [r.voice for r in vs.name_voices(recordings, "_(.)")] == ["1", "1", "2"]
    assert vs.largest_first(named) == ["bob", "ann"]
    assert vs.largest_first(recordings) == []
    with pytest.raises(ParameterError, match=r"finds '' in ann_1\.wav, must find the name"):
        vs.name_voices(recordings, "bob")
    with pytest.raises(ParameterError, match=r"finds 'a/b' in a/b\.wav"):
        vs.name_voices([recording("a/b.wav", 200.0, 0.2)], "a.b")


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="a minute in plain Python")
def test_gradient_of_a_batch_of_voices(rng):
    """Against differences; a matrix hears all examples, a vector those of its voice."""
    model = Model(tiny_config("conv"))
    plain = {k: p.astype(np.float64) for k, p in model.init(rng).items()}
    params = vs.share_out(plain, ["ann", "bob", "cid"])
    params = {k: p + 0.2 * rng.standard_normal(p.shape) for k, p in params.items()}
    for voice in ("ann", "bob", "cid"):
        params[f"voices/{voice}/{IR_KEY}"] *= 0.1
    batch, noise = random_batch(model, rng, n_examples=3)
    batch = dataclasses.replace(batch, voices=("bob", "ann", "bob"))
    loss, gradients = vs.loss_and_gradients(model, params, batch, noise)
    assert set(gradients) == set(params)

    def value(changed):
        rows = [
            model.loss(vs.of_voice(changed, voice), batch.rows([i]), noise[[i]])[0]
            for i, voice in enumerate(batch.voices)
        ]
        return float(np.mean(rows))

    assert abs(loss - value(params)) < 1e-12 * loss
    for name, gradient in gradients.items():
        direction = rng.standard_normal(gradient.shape)
        up, down = (value({**params, name: params[name] + h * direction}) for h in (1e-6, -1e-6))
        slope, got = (up - down) / 2e-6, float(np.sum(gradient * direction))
        assert abs(slope - got) < 2e-4 * (abs(slope) + 1e-2), name  # kinks, as in test_model
        assert name.startswith("voices/cid") == (not gradient.any()), name


def voiced(rng):
    config = tiny_config()
    params = vs.share_out(Model(config).init(rng), ["ann", "bob", "ada"])
    params = {k: p + np.float32(0.1) * rng.standard_normal(p.shape) for k, p in params.items()}
    params = {k: p.astype(np.float32) for k, p in params.items()}
    others = {voice: vs.own_arrays(params)[voice] for voice in ("bob", "ada")}
    return Instrument("duo", config, vs.of_voice(params, "ann"), {}, "", {}, "ann", others), params


def test_an_instrument_keeps_its_voices(tmp_path, rng):
    instrument, params = voiced(rng)
    save_instrument(tmp_path / "duo", instrument)
    loaded = load_instrument(tmp_path / "duo")
    assert (loaded.voice, list(loaded.voices)) == ("ann", ["bob", "ada"])
    for voice in ("ann", "bob", "ada"):
        chosen = find_instrument(f"{tmp_path / 'duo'}:{voice}")
        assert (chosen.name, chosen.voice) == ("duo" if voice == "ann" else f"duo-{voice}", voice)
        wanted = vs.of_voice(params, voice)
        assert set(chosen.parameters) == set(wanted)
        for name, array in wanted.items():
            np.testing.assert_array_equal(chosen.parameters[name], array)
    back = loaded.with_voice("bob").with_voice("ann")
    for name, array in loaded.parameters.items():
        np.testing.assert_array_equal(back.parameters[name], array)
    save_instrument(tmp_path / "other", loaded.with_voice("bob"))  # as the one that plays
    assert load_instrument(tmp_path / "other").voice == "bob"
    with pytest.raises(InstrumentError, match="duo has no voice 'cid'; there are: ann, bob, ada"):
        find_instrument(f"{tmp_path / 'duo'}:cid")
    with pytest.raises(InstrumentError, match="flute has no voice 'nobody'"):
        find_instrument("flute:nobody")
    with pytest.raises(InstrumentError, match="there is no instrument 'kazoo:ann'"):
        find_instrument("kazoo:ann")


def test_damaged_voices_are_refused(tmp_path, rng):
    instrument, _ = voiced(rng)
    short = {**instrument.voices["bob"], IR_KEY: np.zeros(3, np.float32)}
    bad = dataclasses.replace(instrument, voices={"bob": short, "ada": short})
    with pytest.raises(InstrumentError, match=rf"{IR_KEY} has shape \(3,\), must be"):
        save_instrument(tmp_path / "duo", bad)
    save_instrument(tmp_path / "duo", instrument)
    header = tmp_path / "duo" / "instrument.json"
    values = json.loads(header.read_text())
    for names in ([], ["ann"], ["ann", "bob", "cid"], ["ann", "bob", "bob"], ["ann", "bob", 3]):
        header.write_text(json.dumps({**values, "voices": names}))
        with pytest.raises(InstrumentError, match="is damaged: its voices are"):
            load_instrument(tmp_path / "duo")


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="takes minutes in plain Python")
def test_training_tells_players_apart(tmp_path):
    """What pitch and loudness do not say: Bob's recordings lack what is low."""
    folder = tmp_path / "audio"
    folder.mkdir()
    for name in ("ann_1", "ann_2", "bob_1", "bob_2"):
        sound = tone(200.0, 1.0)
        if name.startswith("bob"):
            sound = np.diff(sound, 2, prepend=[0, 0])
        soundfile.write(folder / f"{name}.wav", sound, RATE, subtype="FLOAT")
    settings = {
        "n_steps": 150, "batch_size": 4, "example_seconds": 0.4, "evaluate_every": 50,
        "held_out": ["*_2.wav"], "optimizer": AdamSettings(learning_rate=5e-3), "progress": False,
    }  # fmt: skip
    apart = train(folder, tmp_path / "apart", tiny_config(), voices="^[a-z]+", **settings)
    assert (apart.voice, list(apart.voices)) == ("ann", ["bob"])
    assert apart.card["training"]["voices"] == "^[a-z]+"
    joint = train(folder, tmp_path / "joint", tiny_config(), **settings)
    one, other = (i.card["held_out"]["overall"]["spectral_loss"] for i in (apart, joint))
    assert one < 0.9 * other
    loaded = load_instrument(tmp_path / "apart" / "instrument")
    assert loaded.with_voice("bob").parameters[IR_KEY].shape == apart.parameters[IR_KEY].shape
    with pytest.raises(ParameterError, match="every recording of the voice bob is held out"):
        train(folder, tmp_path / "x", tiny_config(), voices="^[a-z]+",
              **{**settings, "held_out": ["bob*"]})  # fmt: skip
    with pytest.raises(ParameterError, match=r"voices is '\(', must be a regular expression"):
        train(folder, tmp_path / "x", tiny_config(), voices="(", **settings)
