"""What is peculiar to single networks: streaming, resampling, code books, starts, wrong uses."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.jit import COMPILED
from ddsp_ref.models.networks.basic import Activation, Dense, Fc, FcStack, PolyphaseResample
from ddsp_ref.models.networks.by_name import split_to_dict
from ddsp_ref.models.networks.conv1d import Conv1d
from ddsp_ref.models.networks.convolutional import DilatedConvStack
from ddsp_ref.models.networks.decoders import DilatedConvDecoder, RnnFcDecoder
from ddsp_ref.models.networks.encoders import MfccRnnEncoder, MfccTimeDistributedRnnEncoder
from ddsp_ref.models.networks.feature_encoders import ExpressionEncoder, OneHotEncoder
from ddsp_ref.models.networks.midi import MidiDecoder
from ddsp_ref.models.networks.normalization import ConditionalNorm, Normalize
from ddsp_ref.models.networks.quantization import VectorQuantization
from ddsp_ref.models.networks.recurrent import Rnn, RnnFc, StatelessRnn
from ddsp_ref.models.networks.residual import ResidualLayer, ResNet
from ddsp_ref.models.networks.sinusoidal import ResnetSinusoidalEncoder

from ...check import assert_close
from ...golden import load


@pytest.mark.parametrize("rnn_type", ["gru", "lstm"])
def test_a_stateless_rnn_in_blocks_is_the_rnn_of_the_whole(rnn_type, rng):
    whole, block = Rnn(5, rnn_type), StatelessRnn(5, rnn_type)
    x, weights = rng.standard_normal((2, 11, 3)), whole.init(3, rng)
    assert block.shapes((3, block.n_carried)) == whole.shapes(3)
    state, pieces = np.zeros((2, block.n_carried)), []
    for start in (0, 1, 4, 10):
        stop = {0: 1, 1: 4, 4: 10, 10: 11}[start]
        y, state = block((x[:, start:stop], state), weights)
        pieces.append(y)
    assert_close(np.concatenate(pieces, axis=1), whole(x, weights), 1e-6, "states")


def test_a_stateless_decoder_frame_by_frame_is_the_decoder_of_the_whole(rng):
    settings = {"rnn_channels": 4, "ch": 5, "layers_per_stack": 1, "input_keys": ("a", "b")}
    whole, frame = RnnFcDecoder(**settings), RnnFcDecoder(**settings, stateless=True)
    x = {"a": rng.standard_normal((2, 6, 1)), "b": rng.standard_normal((2, 6, 2))}
    weights = whole.init({"a": 1, "b": 2}, rng)
    wanted, state = whole(x, weights), np.zeros((2, 4))
    for t in range(6):
        got = frame({k: v[:, t : t + 1] for k, v in x.items()} | {"state": state}, weights)
        state = got["state"]
        for key, part in wanted.items():
            assert_close(got[key][:, 0], part[:, t], 1e-6, key)


def test_inputs_by_name_or_in_order(rng):
    net = RnnFcDecoder(3, "gru", 4, 1, input_keys=("a", "b"))
    a, b = rng.standard_normal((2, 5, 1)), rng.standard_normal((2, 5, 2))
    weights = net.init((1, 2), rng)
    y, pullback = net.vjp((a, b), weights)
    named, named_pullback = net.vjp({"b": b, "a": a, "more": np.ones((2, 1))}, weights)
    for key, part in y.items():
        np.testing.assert_array_equal(part, named[key])
    bars = {"amps": np.ones_like(y["amps"])}  # the other output counts as 0
    (a_bar, b_bar), _ = pullback(bars)
    by_name, _ = named_pullback(bars)
    np.testing.assert_array_equal(by_name["a"], a_bar)
    np.testing.assert_array_equal(by_name["b"], b_bar)
    assert not by_name["more"].any()
    with pytest.raises(ParameterError, match=r"no output is called \['loud'\], only amps"):
        pullback({"loud": np.ones(1)})
    with pytest.raises(ParameterError, match=r"input \['b'\] is missing, got a"):
        net({"a": a}, weights)
    with pytest.raises(ParameterError, match="got 1 inputs, takes 2: a, b"):
        net((a,), weights)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize(("stacks", "per"), [(2, 1), (4, 2), (3, 2)])
def test_resampling_changes_the_number_of_frames(after, stacks, per, rng):
    for kind, factor in (("upsample", 3.0), ("downsample", 1 / 3)):
        net = DilatedConvStack(
            ch=2, layers_per_stack=2, stacks=stacks, stacks_per_resample=per,
            resample_type=kind, resample_stride=3, resample_after_convolve=after,
        )  # fmt: skip
        n = stacks // per if after else -(-stacks // per)
        y = net(rng.standard_normal((54, 2)), net.init(2, rng))
        assert y.shape == (round(54 * factor**n), 2)


def test_stacks_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ParameterError, match="3 resampling layers do not share out 5 layers"):
        DilatedConvStack(
            layers_per_stack=1, stacks=5, stacks_per_resample=2, resample_type="upsample",
            resample_stride=2, resample_after_convolve=False,
        )  # fmt: skip


def test_dilations_of_a_stack():
    for dilation, wanted in (
        (2, [1, 2, 4, 1, 2, 4]),
        (-3, [9, 3, 1, 9, 3, 1]),
        (1.5, [1, 1, 2] * 2),
    ):
        net = DilatedConvStack(ch=1, layers_per_stack=3, stacks=2, dilation=dilation)
        assert [part.parts[1].settings["dilation"] for part in net.parts[1:7]] == wanted


def test_spectral_norm_divides_by_the_largest_singular_value(rng):
    net = DilatedConvStack(ch=3, layers_per_stack=2, stacks=1, spectral_norm=True)
    plain = DilatedConvStack(ch=3, layers_per_stack=2, stacks=1)
    weights = net.init(2, rng)
    assert [name for name, _ in net.shapes(2)[-3:]] == [
        "conv_in/sn_u", "layers/0/sn_u", "layers/1/sn_u",
    ]  # fmt: skip
    x = rng.standard_normal((2, 9, 2))
    np.testing.assert_array_equal(net(x, weights), plain(x, weights[:-3]))
    changed = net.normalized(weights, power_iterations=200)
    for i in (0, 2, 4):
        matrix = changed[i].reshape(-1, 3)
        assert abs(np.linalg.svd(matrix, compute_uv=False)[0] - 1) < 1e-5
        np.testing.assert_array_equal(changed[i + 1], weights[i + 1])
    with pytest.raises(ParameterError, match="spectral_norm is False"):
        plain.normalized(weights[:-3])


def test_a_code_book_agrees_with_the_original():
    golden = next(g for g in load("nn_misc") if g.label == "vq_eval")
    net = VectorQuantization(**golden.settings)
    weights = [golden.inputs[f"w/{i:02}"].astype(np.float64) for i in range(2)]
    (z, codes), pullback = net.vjp(golden.inputs["x"].astype(np.float64), weights)
    assert_close(z, golden.outputs["0"], 1e-12, "vectors")
    z_bar = golden.cotangents["0"].astype(np.float64)
    x_bar, bars = pullback((z_bar, np.zeros_like(codes)))
    assert_close(x_bar, golden.gradients["x"], 1e-12, "gradient")
    assert not any(bar.any() for bar in bars)
    np.testing.assert_allclose(net.unquantize(codes, weights), z, rtol=1e-14)


def test_a_code_book_finds_the_groups_it_is_shown(rng):
    """Three groups of vectors in each of two heads: the running means end on their centres."""
    net = VectorQuantization(6, gamma=0.9, restart_threshold=0.1, num_heads=2)
    centres = rng.permutation(np.arange(6.0).reshape(6, 1) * np.ones((1, 2))) * 10
    weights = net.init(4, rng)
    for _ in range(200):
        picked = centres[rng.integers(6, size=(40, 2))].reshape(40, 4)
        z, codes, weights = net.updated(picked, weights, rng)
    assert codes.shape == (40, 2)
    assert_close(z, picked, 0.02, "vectors")
    loss, z_bar = net.commitment_loss(picked, z + 1)
    assert abs(loss - 0.2 * np.mean((picked - z - 1) ** 2)) < 1e-9
    np.testing.assert_allclose(z_bar, 0.4 * (picked - z - 1) / 160)


def test_resnet_of_a_spectrogram(rng):
    net = ResNet("small")
    x, weights = rng.standard_normal((3, 33, 1)).astype(np.float32), net.init(1, rng)
    y, pullback = net.vjp(x, weights)
    assert y.shape == (3, 2, 1024)
    assert net.n_out(1) == 1024
    x_bar, bars = pullback(np.ones_like(y))
    assert x_bar.shape == x.shape
    assert [bar.shape for bar in bars] == [shape for _, shape in net.shapes(1)]


def test_resnet_encoder_of_audio(rng):
    splits = (("frequencies", 6), ("amplitudes", 3))
    net = ResnetSinusoidalEncoder(splits, logmel_settings={"n_mels": 20, "fft_size": 512})
    audio = rng.standard_normal((1, 400)).astype(np.float32)
    y, pullback = net.vjp({"audio": audio}, net.init({"audio": 1}, rng))
    assert y["frequencies"].shape == (1, 4, 6)
    x_bar, bars = pullback({"amplitudes": np.ones_like(y["amplitudes"])})
    assert np.isfinite(x_bar["audio"]).all()
    assert x_bar["audio"].any()
    assert len(bars) == net.n_weights


def test_an_instrument_by_number(rng):
    x = {"instrument": np.array([[2.0], [0.0]]), "f0_scaled": np.zeros((2, 5, 1))}
    for skip, n_frames in ((True, 1), (False, 5)):
        net = OneHotEncoder(vocab_size=3, n_dims=4, skip_expand=skip)
        weights = net.init({"instrument": 1, "f0_scaled": 1}, rng)
        y, pullback = net.vjp(x, weights)
        np.testing.assert_allclose(y["z"], np.stack([weights[0][[2, 0]]] * n_frames, axis=1))
        _, (bar,) = pullback({"z": np.ones_like(y["z"])})
        np.testing.assert_allclose(bar[:, 0], [n_frames, 0, n_frames], rtol=1e-6)


def test_weights_start_as_keras_draws_them(rng):
    kernel, bias = Conv1d(40, 3).init(20, rng)
    limit = np.sqrt(6 / (3 * 60))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert not bias.any()
    _, recurrent, bias = Rnn(8, "lstm").init(3, rng)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-6)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 8))
    assert Rnn(8, "gru").init(3, rng)[2].shape == (2, 24)
    kernel = DilatedConvStack(ch=4, ortho_init=True).init(2, rng)[2].reshape(-1, 4)
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(4), atol=1e-6)
    scale, shift = Normalize().init(3, rng)
    assert (scale == 1).all()
    assert (shift == 0).all()


def test_splits_must_add_up():
    with pytest.raises(ParameterError, match="y has 5 channels, must have 4"):
        split_to_dict(np.zeros(5), [("a", 1), ("b", 3)])


@pytest.mark.skipif(not COMPILED, reason="a long convolution in plain Python takes minutes")
def test_a_long_convolution_takes_no_memory_for_its_taps(rng):
    net, n_frames = Conv1d(8, 31), 8000  # long beside the work buffers of the products
    x, weights = rng.standard_normal((n_frames, 8)), net.init(8, rng)
    net(x, weights)
    tracemalloc.start()
    net(x, weights)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * x.nbytes, "all taps side by side would take 31 times the input"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "ch is 0, must be at least 1"),
        (lambda: FcStack(4, -1), "layers is -1, must be at least 0"),
        (lambda: Activation("rellu"), "no nonlinearity is called 'rellu'; there are crelu"),
        (lambda: PolyphaseResample(resample_type="sideways"), "must be 'down' or 'up'"),
        (lambda: Rnn(4, "rnn"), "rnn_type is 'rnn', must be 'gru' or 'lstm'"),
        (lambda: Rnn(0, "gru"), "dims is 0, must be at least 1"),
        (lambda: RnnFc(4, 4, n_rnn=2), "n_rnn is 2, must be 1 with bidir=False"),
        (lambda: Normalize("batch"), "norm_type is 'batch', must be 'layer', 'instance'"),
        (lambda: DilatedConvStack(stacks=0), "stacks is 0, must be at least 1"),
        (lambda: DilatedConvStack(dilation=0), "dilation is 0, must be at least 1, or at most -1"),
        (lambda: DilatedConvStack(resample_type="up"), "resample_type is 'up', must be 'upsample'"),
        (
            lambda: DilatedConvDecoder(conditioning_keys=None, precondition_stack=Fc(3)),
            "conditioning_keys is None, must name an input",
        ),
        (lambda: RnnFcDecoder(input_keys=()), "input_keys is empty, must name an input"),
        (lambda: MfccTimeDistributedRnnEncoder(z_time_steps=100), "z_time_steps is 100, must be"),
        (lambda: MfccRnnEncoder(mean_aggregate=False), "mean_aggregate is False, must be True"),
        (lambda: ExpressionEncoder(Fc(3), input_keys=("audio",)), "must name features only"),
        (lambda: ResNet("tiny"), "size is 'tiny', must be one of small, medium, large"),
        (lambda: ResidualLayer(2, 2, False, "layer"), "stride is 2, must be 1 without a shortcut"),
        (lambda: VectorQuantization(4, num_heads=0), "num_heads is 0, must be at least 1"),
        (lambda: VectorQuantization(4, num_heads=3).shapes(4), "must be a multiple of num_heads"),
        (lambda: ResidualLayer(2, 1, False, None).shapes(4), "x has 4 channels, must have 8"),
        (lambda: ConditionalNorm().shapes(4), "inputs have 4 channels, must be two: x and z"),
        (lambda: DilatedConvStack().shapes((1, 2)), r"got inputs of \(1, 2\) channels, takes one"),
        (lambda: StatelessRnn(4, "gru").shapes((3, 5)), "must be two: x, and a state of 4"),
        (lambda: MidiDecoder(Fc(3)).shapes((1, 2)), "got 2 inputs, takes 1: z_pitch"),
        (lambda: Normalize("group")(np.zeros((4, 6)), np.ones((2, 1, 1, 1, 6))), "n_groups is 32"),
        (lambda: Rnn(2, "gru")(np.zeros(3), Rnn(2, "gru").init(3, np.random.default_rng(0))),
         r"x has shape \(3,\), must be \(\.\.\., n_frames, n_in\)"),
    ],
)  # fmt: skip
def test_wrong_uses_say_what_is_wrong(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
