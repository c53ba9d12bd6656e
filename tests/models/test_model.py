"""The whole model: its gradient against differences, its sound, wrong inputs."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.model import IR_KEY, Model
from ddsp_ref.models.sampler import Batch

from .synthetic import tiny_config


def random_batch(model, rng, *, n_examples=2, n_frames=12, dtype=np.float64):
    shape = (n_examples, n_frames)
    n_samples = n_frames * model.config.hop_size
    return Batch(
        rng.uniform(-0.5, 0.5, (n_examples, n_samples)).astype(dtype),
        rng.uniform(150.0, 400.0, shape).astype(dtype),
        rng.uniform(-50.0, -10.0, shape).astype(dtype),
    ), rng.uniform(-1.0, 1.0, (n_examples, n_samples)).astype(dtype)


@pytest.mark.parametrize("decoder", ["mlp", "rnn", "conv"])
def test_gradient_of_the_whole_model(decoder, rng):
    model = Model(tiny_config(decoder))
    params = {k: p.astype(np.float64) for k, p in model.init(rng).items()}
    params = {k: p + 0.2 * rng.standard_normal(p.shape) for k, p in params.items()}
    params[IR_KEY] *= 0.1
    batch, noise = random_batch(model, rng)
    loss, gradients = model.loss_and_gradients(params, batch, noise)
    assert set(gradients) == set(params)
    assert abs(loss - model.loss(params, batch, noise).mean()) < 1e-12 * loss
    for name, gradient in gradients.items():
        direction = rng.standard_normal(gradient.shape)

        def value(step, name=name, direction=direction):
            changed = {**params, name: params[name] + step * direction}
            return float(model.loss(changed, batch, noise).mean())

        slope = (value(1e-6) - value(-1e-6)) / 2e-6
        got = float(np.sum(gradient * direction))
        # the loss has kinks, where a magnitude meets its target; a difference may step over some
        assert abs(slope - got) < 2e-4 * (abs(slope) + 1e-2), name


@pytest.mark.parametrize("decoder", ["mlp", "rnn", "conv"])
def test_float32_is_near_float64(decoder, rng):
    model = Model(tiny_config(decoder))
    params = model.init(rng)
    batch, noise = random_batch(model, rng, dtype=np.float32)
    single = model.render(params, batch.f0_hz, batch.loudness_db, noise)
    assert single.dtype == np.float32
    double = model.render(
        {k: p.astype(np.float64) for k, p in params.items()},
        batch.f0_hz.astype(np.float64),
        batch.loudness_db.astype(np.float64),
        noise.astype(np.float64),
    )
    assert np.abs(single - double).max() < 1e-4 * np.abs(double).max()


def test_render_is_the_value_of_the_vjp(rng):
    model = Model(tiny_config("rnn"))
    params = model.init(rng)
    batch, noise = random_batch(model, rng, dtype=np.float32)
    audio, _ = model.vjp(params, batch.f0_hz, batch.loudness_db, noise)
    alone = model.render(params, batch.f0_hz[0], batch.loudness_db[0], noise[0])
    np.testing.assert_allclose(alone, audio[0], atol=1e-6)


def test_without_reverb(rng):
    model = Model(tiny_config(reverb_seconds=0))
    params = model.init(rng)
    assert IR_KEY not in params
    batch, noise = random_batch(model, rng, dtype=np.float32)
    _, gradients = model.loss_and_gradients(params, batch, noise)
    assert set(gradients) == set(params)


def test_shapes(rng):
    model = Model(tiny_config("rnn"))
    assert model.shapes() == {k: p.shape for k, p in model.init(rng).items()}


def test_wrong_inputs(rng):
    model = Model(tiny_config())
    params = model.init(rng)
    with pytest.raises(ParameterError, match=r"loudness_db has shape \(3,\), must be that of f0"):
        model.render(params, np.ones(4), np.ones(3), np.ones(128))
    with pytest.raises(ParameterError, match=r"noise has shape \(5,\), must be \(128,\)"):
        model.render(params, np.ones(4), np.ones(4), np.ones(5))
