"""What every network has to hold: gradient, batch, start of weights, wrong uses."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.models.networks.basic import (
    Embedding,
    Fc,
    FcStack,
    FcStackOut,
    Identity,
    PolyphaseResample,
)
from ddsp_ref.models.networks.convolutional import DilatedConvStack
from ddsp_ref.models.networks.decoders import DilatedConvDecoder, RnnFcDecoder
from ddsp_ref.models.networks.encoders import (
    MfccEncoder,
    MfccRnnEncoder,
    MfccTimeDistributedRnnEncoder,
)
from ddsp_ref.models.networks.feature_encoders import AggregateFeaturesEncoder, ExpressionEncoder
from ddsp_ref.models.networks.midi import (
    HarmonicToMidiEncoder,
    MidiDecoder,
    MidiEncoder,
    MidiToHarmonicDecoder,
)
from ddsp_ref.models.networks.normalization import (
    ConditionalNorm,
    ConditionalScaleAndShift,
    Normalize,
)
from ddsp_ref.models.networks.recurrent import Rnn, RnnFc, RnnSandwich, SingleGru, StatelessRnn
from ddsp_ref.models.networks.residual import NormReluConv, ResidualLayer, ResidualStack
from ddsp_ref.models.networks.sinusoidal import SinusoidalToHarmonicEncoder

T = 6  # frames
SMOOTH = "tanh"  # differences across a kink say nothing
SPLITS = (("amps", 1), ("harmonic_distribution", 3))
FEATURES = {"f0_scaled": (T, 1), "ld_scaled": (T, 1)}
CONV = {"ch": 3, "layers_per_stack": 2, "stacks": 2}

# A network, and the shape of its input, without batch
NETWORKS = {
    "Identity": (Identity(), (T, 3)),
    "Fc": (Fc(4, SMOOTH), (T, 3)),
    "Fc crelu": (FcStack(4, 2, "crelu"), (T, 3)),
    "FcStack": (FcStack(4, 2), (T, 3)),
    "FcStackOut": (FcStackOut(4, 2, 3), (T, 3)),
    "Polyphase": (PolyphaseResample(2, "up", "trim"), (T, 5)),
    "Normalize": (Normalize("instance"), (T, 3)),
    "Normalize none": (Normalize(None), (T, 3)),
    "Normalize images": (Normalize("layer", 2), (T, 4, 3)),
    "ConditionalScaleAndShift": (ConditionalScaleAndShift(), ((T, 3), (T, 2))),
    "ConditionalNorm one z": (ConditionalNorm("layer", True), ((T, 3), (1, 2))),
    "Rnn": (Rnn(4, "gru"), (T, 3)),
    "Rnn last": (Rnn(4, "lstm", return_sequences=False, bidir=True), (T, 3)),
    "StatelessRnn": (StatelessRnn(4, "gru"), ((T, 3), (4,))),
    "StatelessRnn lstm": (StatelessRnn(4, "lstm"), ((T, 3), (8,))),
    "RnnFc": (RnnFc(4, 3, bidir=True, n_rnn=2), (T, 3)),
    "RnnSandwich": (RnnSandwich(4, 2, 3, "lstm"), (T, 3)),
    "SingleGru": (SingleGru(4), (T, 3)),
    "DilatedConvStack": (DilatedConvStack(**CONV, norm_type="layer"), (T, 2)),
    "DilatedConvStack down": (
        DilatedConvStack(**CONV, resample_type="downsample", resample_stride=2, dilation=-2),
        (T, 2),
    ),
    "DilatedConvStack z": (
        DilatedConvStack(
            **CONV, norm_type="instance", conditional=True, resample_type="upsample",
            resample_stride=2, resample_after_convolve=False, spectral_norm=True,
        ),
        ((T, 2), (1, 2)),
    ),
    "NormReluConv": (NormReluConv(3, 3, 2, "layer"), (4, 5, 2)),
    "ResidualLayer": (ResidualLayer(2, 1, False, "layer"), (4, 5, 8)),
    "ResidualLayer z": (ResidualLayer(2, 2, True, "layer", True), ((4, 5, 3), (4, 1, 2))),
    "ResidualStack z": (
        ResidualStack([1, 2], [2, 1], [1, 2], "layer", True, True), ((3, 4, 2), (1, 1, 2)),
    ),
    "RnnFcDecoder": (
        RnnFcDecoder(3, "lstm", 4, 1, output_splits=SPLITS), FEATURES | {"z": (T, 2)},
    ),
    "RnnFcDecoder stateless": (
        RnnFcDecoder(3, "lstm", 4, 1, True, ("a", "b"), SPLITS),
        {"a": (T, 1), "b": (T, 2), "state": (6,)},
    ),
    "DilatedConvDecoder": (
        DilatedConvDecoder(
            **CONV, output_splits=SPLITS, precondition_stack=Fc(3), resample_stride=2
        ),
        FEATURES | {"z": (1, 2)},
    ),
    "MidiEncoder": (MidiEncoder(Fc(4)), {"f0_midi": (T, 1), "loudness": (T, 1)}),
    "HarmonicToMidiEncoder": (
        HarmonicToMidiEncoder(Fc(4), f0_residual=False),
        {"f0_midi": (T, 1), "amps": (T, 1), "hd": (T, 3), "noise": (T, 2)},
    ),
    "MidiDecoder": (MidiDecoder(Fc(4)), {"z_pitch": (T, 1)}),
    "MidiDecoder z": (
        MidiDecoder(DilatedConvStack(**CONV, conditional=True), norm=False, conditional=True),
        {"z_pitch": (T, 1), "z": (T, 2)},
    ),
    "MidiToHarmonicDecoder": (
        MidiToHarmonicDecoder(Fc(4), output_splits=(("f0_midi", 1), ("amplitudes", 2))),
        {"z_pitch": (T, 1)},
    ),
    "MfccTimeDistributedRnnEncoder": (
        MfccTimeDistributedRnnEncoder(3, "lstm", 2, 63), {"audio": (4000,), "f0_scaled": (T, 1)},
    ),
    "MfccRnnEncoder": (MfccRnnEncoder(3, "gru", 2), {"audio": (1000,), "f0_scaled": (T, 1)}),
    "MfccEncoder": (
        MfccEncoder((512, 1024), (40, 40), (5, 4), time_steps=7),
        {"audio": (1000,), "f0_scaled": (T, 1)},
    ),
    "AggregateFeaturesEncoder": (AggregateFeaturesEncoder(3), FEATURES),
    "ExpressionEncoder": (ExpressionEncoder(Fc(4), 3), FEATURES),
    "SinusoidalToHarmonicEncoder": (
        SinusoidalToHarmonicEncoder(Fc(4), 5, 8), {"sin_freqs": (T, 3), "sin_amps": (T, 3)},
    ),
}  # fmt: skip

each = pytest.mark.parametrize(("net", "shapes"), NETWORKS.values(), ids=NETWORKS)


def over(function, *values):
    """Apply a function to arrays, or to those of tuples and dictionaries."""
    first = values[0]
    if isinstance(first, dict):
        return {k: over(function, *(v[k] for v in values)) for k in first}
    if isinstance(first, tuple) and not all(isinstance(n, int) for n in first):
        return tuple(over(function, *parts) for parts in zip(*values))
    return function(*values)


def dot(one, other):
    parts = over(lambda a, b: float(np.sum(a * b)), one, other)
    if isinstance(parts, dict):
        return sum(parts.values())
    return sum(parts) if isinstance(parts, tuple) else parts


def draw(shapes, rng, batch=(2,), dtype=np.float64):
    return over(lambda shape: rng.standard_normal((*batch, *shape)).astype(dtype), shapes)


def sizes(shapes):
    return over(lambda shape: shape[-1], shapes)


def prepared(net, shapes, rng, dtype=np.float64):
    """Return an input and weights that are no longer where they started."""
    x = draw(shapes, rng, dtype=dtype)
    if isinstance(x, dict) and "sin_freqs" in x:
        x["sin_freqs"] = (500 * np.exp(x["sin_freqs"])).astype(dtype)
    weights = net.init(sizes(shapes), rng)
    return x, [(w + 0.1 * rng.standard_normal(w.shape)).astype(dtype) for w in weights]


@each
def test_pullback_is_the_central_difference(net, shapes, rng):
    x, weights = prepared(net, shapes, rng)
    y, pullback = net.vjp(x, weights)
    y_bar = over(lambda part: rng.standard_normal(part.shape), y)
    x_bar, weight_bars = pullback(y_bar)
    along_x = over(lambda part: rng.standard_normal(part.shape), x)
    if isinstance(x, dict) and "sin_freqs" in x:
        along_x["sin_freqs"] *= 100
    directions = [rng.standard_normal(w.shape) for w in weights]

    def value(h):
        moved = [w + h * d for w, d in zip(weights, directions)]
        return dot(y_bar, net(over(lambda a, d: a + h * d, x, along_x), moved))

    coarse, fine = ((value(h) - value(-h)) / (2 * h) for h in (2e-6, 1e-6))
    products = [bar * d for bar, d in zip(weight_bars, directions)]
    got = dot(x_bar, along_x) + sum(float(p.sum()) for p in products)
    scale = abs(dot(over(np.abs, x_bar), over(np.abs, along_x)))
    scale += sum(np.abs(p).sum() for p in products)
    wanted = (4 * fine - coarse) / 3
    assert abs(got - wanted) <= 1e-6 * scale, f"{got} and {wanted}, of {scale}"


@each
def test_the_value_alone_is_that_of_vjp_and_pullbacks_repeat(net, shapes, rng):
    x, weights = prepared(net, shapes, rng, np.float32)
    y, pullback = net.vjp(x, weights)
    over(np.testing.assert_array_equal, net(x, weights), y)
    y_bar = over(lambda part: rng.standard_normal(part.shape).astype(part.dtype), y)
    over(lambda part: np.testing.assert_equal(part.dtype, np.float32), y)
    first, second = pullback(y_bar), pullback(y_bar)
    over(np.testing.assert_array_equal, first[0], second[0])
    for one, two, weight in zip(first[1], second[1], weights):
        np.testing.assert_array_equal(one, two)
        assert one.shape == weight.shape
        assert one.dtype == np.float32
    over(lambda bar, part: np.testing.assert_equal(bar.shape, part.shape), first[0], x)


@each
def test_batch_is_a_loop(net, shapes, rng):
    x, weights = prepared(net, shapes, rng)
    whole = net(x, weights)
    for b in range(2):
        one = net(over(lambda part, b=b: part[b], x), weights)
        over(
            lambda got, want, b=b: np.testing.assert_allclose(got, want[b], rtol=1e-9, atol=1e-12),
            one, whole,
        )  # fmt: skip


@each
def test_sizes_and_names(net, shapes, rng):
    n_in = sizes(shapes)
    listed = net.shapes(n_in)
    assert net.n_weights == len(listed)
    assert len({name for name, _ in listed}) == len(listed), "names repeat"
    for weight, (name, shape) in zip(net.init(n_in, rng), listed):
        assert weight.shape == shape, name
        assert weight.dtype == np.float32
    x, weights = prepared(net, shapes, rng)
    y = net(x, weights)
    over(lambda part, n: np.testing.assert_equal(part.shape[-1], n), y, net.n_out(n_in))


@each
def test_wrong_weights_are_named(net, shapes, rng):
    x, weights = prepared(net, shapes, rng)
    with pytest.raises(ParameterError, match=rf"got {len(weights) + 1} weights, must be"):
        net(x, [*weights, np.zeros(1)])
    for i, (name, _) in enumerate(net.shapes(sizes(shapes))):
        wrong = list(weights)
        wrong[i] = np.zeros((7, 7, 7))
        text = rf"weight {i} has shape \(7, 7, 7\), must be that of {name}"
        with pytest.raises(ParameterError, match=text):
            net.vjp(x, wrong)


def test_embedding_looks_rows_up(rng):
    net = Embedding(4, 3)
    (table,) = net.init(1, rng)
    y, pullback = net.vjp(np.array([[1.0], [3.0], [1.0]]), [table])
    np.testing.assert_array_equal(y, table[[[1], [3], [1]]])
    x_bar, (table_bar,) = pullback(np.ones_like(y))
    np.testing.assert_array_equal(table_bar[:, 0], [0, 2, 0, 1])
    assert not x_bar.any()
    for wrong in (4.0, -1.0, 0.5):
        with pytest.raises(ParameterError, match=f"x holds {wrong:g}, must hold whole numbers"):
            net(np.array([wrong]), [table])
