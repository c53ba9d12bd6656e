"""What the recorded calls do not show: the form of calls, errors, weights, random numbers."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref.compat.magenta as ddsp
from ddsp_ref.errors import ParameterError

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arguments_by_position_and_by_name(dtype):
    a, b = np.array([1, 2], dtype), np.array([4, 0], dtype)
    wanted = ddsp.core.safe_divide(a, b)
    assert wanted.dtype == dtype
    np.testing.assert_array_equal(ddsp.core.safe_divide(denominator=b, numerator=a), wanted)
    y, pullback = ddsp.core.safe_divide.vjp(a, denominator=b)
    np.testing.assert_array_equal(y, wanted)
    bars = pullback(np.ones(2, dtype))
    assert sorted(bars) == ["denominator", "numerator"]
    np.testing.assert_allclose(bars["numerator"], [1 / 4, 1e7])


def test_lists_are_arrays_and_whole_numbers_have_no_cotangent():
    assert ddsp.core.midi_to_hz(69) == 440.0
    np.testing.assert_array_equal(ddsp.core.hz_to_midi([440.0, 0.0]), [69, 0])
    _, pullback = ddsp.core.safe_divide.vjp([1.0, 2.0], np.array([1, 2]))
    assert list(pullback(np.ones(2))) == ["numerator"]
    _, pullback = ddsp.core.normalize_harmonics.vjp(np.ones((1, 2, 3)))
    assert list(pullback(np.ones((1, 2, 3)))) == ["harmonic_distribution"]


def test_a_pullback_can_be_called_twice_and_checks_its_argument():
    y, pullback = ddsp.core.resample.vjp(normal(2, 5, 3), 10)
    y_bar = normal(*y.shape)
    once, twice = pullback(y_bar)["inputs"], pullback(y_bar)["inputs"]
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_allclose(pullback(3 * y_bar)["inputs"], 3 * once)
    with pytest.raises(ParameterError, match=r"y_bar has shape \(2,\), must be that of the value"):
        pullback(np.ones(2))


def test_cotangents_that_are_left_out_are_zero():
    inputs = normal(1, 4, 1), normal(1, 4, 3), np.full((1, 4, 1), 100.0)
    _, pullback = ddsp.synths.Harmonic(n_samples=64).get_controls_vjp(*inputs)
    bars = pullback({"amplitudes": np.ones((1, 4, 1))})
    assert np.all(bars["amplitudes"] > 0)
    assert not np.any(bars["harmonic_distribution"])
    with pytest.raises(ParameterError, match=r"no output .*'amps'"):
        pullback({"amps": np.ones((1, 4, 1))})


def test_errors_name_the_function_of_the_face():
    with pytest.raises(ParameterError, match=r"^core\.resample: method is 'spline', must be one"):
        ddsp.core.resample(np.ones(4), 8, method="spline")
    with pytest.raises(ParameterError, match=r"^core\.normalize_harmonics: f0_hz has shape"):
        ddsp.synths.Harmonic(64)(np.ones((1, 4, 1)), np.ones((1, 4, 2)), np.ones((1, 4)))
    with pytest.raises(ParameterError, match=r"^Reverb: \"ir\" is missing, must be given"):
        ddsp.effects.Reverb()(np.ones((1, 10)))
    with pytest.raises(TypeError, match="missing a required argument: 'db'"):
        ddsp.core.db_to_power(x=1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_is_drawn_of_the_right_kind_and_repeats_with_a_generator(dtype):
    magnitudes = np.zeros((2, 5, 9), dtype)
    draws = [
        ddsp.synths.FilteredNoise(50, rng=np.random.default_rng(seed))(magnitudes)
        for seed in (1, 1, 2)
    ]
    assert draws[0].dtype == dtype
    assert draws[0].shape == (2, 50)
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.any(draws[0] != draws[2])
    with pytest.raises(ParameterError, match=r"noise has shape \(2, 49\), must be \(2, 50\)"):
        ddsp.synths.FilteredNoise(50)(magnitudes, noise=np.ones((2, 49)))


def test_trainable_effects_draw_their_variables():
    audio = normal(2, 100).astype(np.float32)
    reverb = ddsp.effects.Reverb(trainable=True, reverb_length=30, rng=np.random.default_rng(0))
    assert reverb(audio, training=True).shape == (2, 100)
    (ir,) = reverb.weights
    assert ir.shape == (30,)
    assert 0 < np.abs(ir).max() < 1e-5
    _, pullback = reverb.vjp(audio)
    (ir_bar,) = pullback(np.ones((2, 100)))["weights"]
    assert ir_bar.shape == (30,)
    assert ir_bar[0] == 0
    assert np.any(ir_bar[1:])
    decay = ddsp.effects.ExpDecayReverb(trainable=True, reverb_length=30)
    assert decay(audio).shape == (2, 100)
    np.testing.assert_array_equal(np.ravel(decay.weights), [2, 4])


def test_layers_draw_their_weights_once_and_keep_them():
    x = normal(2, 7, 3)
    layers = [ddsp.training.nn.RnnSandwich(4, 1, 5, rng=np.random.default_rng(3)) for _ in "ab"]
    assert layers[0].weights == []
    first = layers[0](x)
    np.testing.assert_array_equal(layers[0](x), first)
    np.testing.assert_array_equal(layers[1](x), first)
    shapes = [w.shape for w in layers[0].weights]
    assert shapes[4:7] == [(4, 15), (5, 15), (2, 15)]
    assert len(shapes) == 11
    layers[1].weights = [2 * w for w in layers[0].weights]
    assert np.any(layers[1](x) != first)
    with pytest.raises(ParameterError, match="weights has 3 arrays, must have 11"):
        layers[1].weights = layers[0].weights[:3]


def test_gradients_of_drawn_weights_are_those_of_differences():
    x, step = normal(2, 6, 3), 1e-6
    layer = ddsp.training.nn.DilatedConvStack(4, 2, 1, norm_type="layer")
    layer(x)
    layer.weights = [w.astype(np.float64) for w in layer.weights]
    y, pullback = layer.vjp(x)
    y_bar, weights = normal(*y.shape), layer.weights
    bars = pullback(y_bar)["weights"]
    ways = [normal(*w.shape) for w in weights]
    values = []
    for sign in (1, -1):
        layer.weights = [w + sign * step * way for w, way in zip(weights, ways)]
        values.append(np.sum(y_bar * layer(x)))
    slope = sum(np.sum(bar * way) for bar, way in zip(bars, ways))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope, rel=1e-5)


def test_embedded_numbers_have_a_gradient_for_the_table():
    encoder = ddsp.training.encoders.OneHotEncoder(vocab_size=5, n_dims=2)
    inputs = {"instrument": np.array([[1], [3]]), "f0_scaled": normal(2, 4, 1)}
    y, pullback = encoder.vjp(inputs)
    (table_bar,) = pullback({"z": np.ones_like(y["z"])})["weights"]
    np.testing.assert_array_equal(table_bar[:, 0], [0, 1, 0, 1, 0])
    with pytest.raises(ParameterError, match="numbers from 3 to 5, must be from 0 to 4"):
        encoder({**inputs, "instrument": np.array([[5], [3]])})


def test_dictionary_layers_take_arrays_keywords_and_nested_dictionaries():
    layer = ddsp.training.preprocessing.F0LoudnessPreprocessor(20, compute_loudness=False)
    f0_hz, loudness_db = np.full((1, 10), 220.0), np.full((1, 10), -40.0)
    wanted = layer(loudness_db, f0_hz)
    assert list(wanted) == ["f0_hz", "loudness_db", "f0_scaled", "ld_scaled"]
    for made in (
        layer({"f0_hz": f0_hz, "loudness_db": loudness_db, "more": 1}),
        layer(f0_hz=f0_hz, loudness_db=loudness_db, training=True),
    ):
        for name, value in wanted.items():
            np.testing.assert_array_equal(made[name], value)
    with pytest.raises(ParameterError, match="inputs lack loudness_db, must have"):
        layer({"f0_hz": f0_hz})


def test_groups_find_noise_by_name_and_losses_come_out_of_groups():
    group = ddsp.processors.ProcessorGroup(
        dag=[
            ("noise", ["inputs/magnitudes"]),
            (ddsp.processors.Crop(10), ["noise/signal"]),
        ],
        noise=ddsp.synths.FilteredNoise(50),
    )
    inputs, noise = {"magnitudes": normal(1, 5, 9)}, RNG.uniform(-1, 1, (1, 50))
    outputs = group(inputs, return_outputs_dict=True, noise={"noise": noise})
    assert outputs["signal"].shape == (1, 40)
    wanted = ddsp.synths.FilteredNoise(50)(inputs["magnitudes"], noise=noise)
    np.testing.assert_array_equal(outputs["controls"]["noise"]["signal"], wanted)
    losses = ddsp.losses.LossGroup(
        [(ddsp.losses.ParamLoss(2.0, name="param"), ["a", "b"])], name="losses"
    )
    assert losses({"a": np.ones(3), "b": np.zeros(3)}) == {"param": 2.0}


def test_every_layer_of_the_original_can_be_run():
    """Those without a recorded call, with networks of the caller's where they need one."""
    nn, decoders, encoders = ddsp.training.nn, ddsp.training.decoders, ddsp.training.encoders
    x, audio = normal(1, 8, 1), normal(1, 2048)
    features = dict.fromkeys(("f0_midi", "loudness", "amps", "hd", "noise", "f0_scaled"), x)
    features |= {"ld_scaled": x, "audio": audio, "sin_freqs": 100 + x**2, "sin_amps": x**2}
    built = [
        encoders.MfccRnnEncoder(4, z_dims=2, mean_aggregate=True),
        encoders.MfccEncoder(time_steps=6),
        encoders.AggregateFeaturesEncoder(3),
        encoders.ExpressionEncoder(nn.FcStack(4, 1), 3),
        encoders.ExpressionEncoder(nn.FcStack(4, 1), 3, ("f0_scaled", "ld_scaled", "audio")),
        encoders.MidiEncoder(nn.FcStack(4, 1)),
        encoders.HarmonicToMidiEncoder(nn.FcStack(4, 1)),
        encoders.SinusoidalToHarmonicEncoder(nn.FcStack(4, 1), 5),
    ]
    for layer in built:
        y, pullback = layer.vjp(features)
        bars = pullback({name: np.ones_like(value) for name, value in y.items()})
        assert all(np.all(np.isfinite(bar)) for bar in bars["weights"])
        assert all(value.ndim == 3 and np.all(np.isfinite(value)) for value in y.values())
    midi = decoders.MidiDecoder(nn.FcStack(4, 1))(z_pitch=x)
    assert midi["f0_midi"].shape == midi["loudness"].shape == (1, 8, 1)
    harmonic = decoders.MidiToHarmonicDecoder(nn.FcStack(4, 1))(z_pitch=60 + x)
    assert harmonic["magnitudes"].shape == (1, 8, 65)
    assert np.all(harmonic["f0_hz"] > 0)
    spectrogram = normal(1, 3, 40, 1)
    assert nn.ResNet("small")(spectrogram).shape == (1, 3, 2, 1024)
    assert nn.PolyphaseResample(2)(normal(1, 6, 2)).shape == (1, 3, 4)
    z = normal(1, 4, 1, 2)
    stack = nn.ResidualStack([2], [2], [1], "layer", conditional=True)
    assert stack([normal(1, 4, 5, 3), z]).shape == (1, 4, 5, 8)


def test_drawing_with_a_straight_gradient():
    logits, noise = normal(4, 3), RNG.random(4)
    (sample, probs), pullback = ddsp.training.nn.straight_through_softmax.vjp(logits, noise)
    np.testing.assert_array_equal(sample.sum(axis=-1), 1)
    np.testing.assert_allclose(probs.sum(axis=-1), 1)
    assert pullback((normal(4, 3), None))["logits"].shape == (4, 3)
    chosen = ddsp.training.nn.straight_through_choice(logits, np.arange(12.0).reshape(4, 3))
    assert chosen.shape == (4, 1)


def test_vectors_come_back_from_their_codes():
    books = [np.array([1.0, 2.0, 0.0]), normal(3, 2)]
    layer = ddsp.training.nn.VectorQuantization(3, num_heads=2, weights=books)
    z, codes = layer(normal(2, 5, 4))
    assert codes.shape == (2, 5, 2)
    assert codes.dtype == np.int64
    np.testing.assert_array_equal(layer.unquantize(codes), z)
    assert layer.get_losses_dict(z, z) == {"vector_quantization_commitment_loss": 0.0}
    with pytest.raises(ParameterError, match="training is True, must be False"):
        layer(normal(2, 5, 4), training=True)


def test_metrics_gather_and_start_again():
    audio = normal(2, 4000)
    loudness = ddsp.training.metrics.LoudnessMetrics(16000, 250)
    loudness.update_state({"audio": audio}, 2 * audio)
    assert loudness.flush(0)["loudness_db"] == pytest.approx(20 * np.log10(2))
    assert loudness.flush(0) == {"loudness_db": 0.0}
    f0_hz = np.full((1, 10, 1), 440.0)
    pitch = ddsp.training.metrics.F0Metrics(16000, 250)
    pitch.update_state({"f0_hz": f0_hz, "f0_confidence": np.ones((1, 10, 1))}, 2 * f0_hz)
    assert pitch.flush() == {
        "f0_dist": pytest.approx(12.0), "raw_pitch_accuracy": 0.0, "raw_chroma_accuracy": 1.0
    }  # fmt: skip
    roll = np.zeros((1, 100, 128))
    roll[0, 10:60, 69] = 1
    midi = ddsp.training.metrics.MidiMetrics(50, "test", align_midi_with_f0=False)
    midi.update_state({"note_active_velocities": roll, "f0_hz": np.full((1, 100), 440.0)}, roll)
    assert midi.flush(0)["full_note"] == {"f1": 1.0, "precision": 1.0, "recall": 1.0}


def test_a_cut_without_delay_keeps_all_samples():
    """Recorded call crop_and_compensate_delay/c2, of which the original returns nothing."""
    audio = normal(2, 64)
    cut = ddsp.core.crop_and_compensate_delay(audio, 60, 5, "valid", 0)
    np.testing.assert_array_equal(cut, audio)


def test_modules_are_found_by_their_short_names():
    import ddsp_ref.compat.magenta.nn as nn
    from ddsp_ref.compat.magenta.colab_utils import auto_tune

    assert nn is ddsp.training.nn is ddsp.nn
    assert auto_tune is ddsp.colab.colab_utils.auto_tune
    assert {"preprocessing", "postprocessing"} <= set(ddsp.__all__)
