"""The short-time ops against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.errors import ParameterError
from ddsp_ref.registry import get_op

from ...golden import load
from ...golden.compare import assert_golden

OPS = {
    "spectral_mag": get_op("stft_magnitude"),
    "spectral_mel": get_op("compute_mel"),
    "spectral_logmag": get_op("compute_logmag"),
    "spectral_logmel": get_op("compute_logmel"),
    "spectral_mfcc": get_op("compute_mfcc"),
    "compute_loudness": get_op("compute_loudness"),
    "compute_power": get_op("compute_power"),
    "compute_rms_energy": get_op("compute_rms_energy"),
}
NAMES = {"size": "fft_size", "n_fft": "fft_size", "lo_hz": "low_hz", "hi_hz": "high_hz"}
NAMES |= {"bins": "n_mels", "mel_bins": "n_mels", "mfcc_bins": "n_mfcc"}
RECORDED = [(OPS[name], golden) for name in OPS for golden in load(name)]
LABELS = [f"{op.name}-{golden.label}" for op, golden in RECORDED]


def settings_of(golden):
    """Return the settings in our names."""
    return {NAMES.get(name, name): value for name, value in golden.settings.items()}


@pytest.mark.parametrize(("op", "golden"), RECORDED, ids=LABELS)
def test_value_and_gradient_are_those_of_the_original(op, golden):
    if golden.raises:
        # The original on TensorFlow fails where the size is no power of two. Its NumPy path
        # does not, and nor does this library.
        assert "Incompatible shapes" in golden.raises
        assert golden.settings == {"n_fft": 1000}
        op(golden.inputs["audio"], fft_size=1000)
        return
    gradient = golden.gradients.get("audio")  # None where the original ran on NumPy
    if gradient is not None and not np.isfinite(gradient).all():
        gradient = None  # on silence, see below
    y, y_bar = golden.outputs["y"], golden.cotangents.get("y")
    assert_golden(
        op,
        [golden.inputs["audio"]],
        settings_of(golden),
        y,
        y_bar,
        None if gradient is None else [gradient],
        precision=2e-14,
    )


@pytest.mark.parametrize("name", ["compute_power", "compute_rms_energy"])
def test_gradient_on_silence_is_zero_where_the_original_has_none(name):
    golden = next(golden for golden in load(name) if golden.label == "1d_silence")
    _, pullback = OPS[name].vjp(golden.inputs["audio"].astype(np.float64))
    (audio_bar,) = pullback(golden.cotangents["y"])
    wanted = golden.gradients["audio"]
    known = np.isfinite(wanted)
    assert 0 < known.sum() < known.size
    np.testing.assert_array_equal(audio_bar[~known], 0)
    np.testing.assert_allclose(audio_bar[known], wanted[known], rtol=1e-12)


def cases(name, wanted=lambda golden: True):
    chosen = [golden for golden in load(name) if wanted(golden)]
    assert chosen
    return pytest.mark.parametrize("golden", chosen, ids=[golden.label for golden in chosen])


@cases("stft")
def test_stft(golden):
    """The cotangent is complex; the recorded gradient is that of Re sum(Y conj(G))."""
    audio, y = golden.inputs["audio"], golden.outputs["y"]
    gradients = None
    if "y" in golden.cotangents:  # not where the original ran on NumPy
        gradients = [golden.gradients["audio"].reshape(audio.shape)]
    if audio.ndim == 3:
        audio, gradients = audio[..., 0], [gradients[0][..., 0]]
    bars = golden.cotangents.get("y", np.zeros_like(y))
    assert_golden(
        get_op("stft"),
        [audio],
        golden.settings,
        (y.real, y.imag),
        (bars.real, bars.imag),
        gradients,
        precision=2e-14,
    )


def is_padding(golden):
    return not golden.raises and "frame_size" in golden.settings


@cases("spectral_pad", is_padding)
def test_pad_frames(golden):
    """The original pads axis 1, or the one it is given; here it is the last in every case."""
    names = {"constant_values": "constant_value"}
    settings = {names.get(k, k): v for k, v in golden.settings.items() if k != "axis"}
    if "mode" in settings:
        settings["mode"] = settings["mode"].lower()
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    gradients = [golden.gradients["x"]]
    assert_golden(
        get_op("pad_frames"), [golden.inputs["x"]], settings, y, y_bar, gradients, precision=0
    )


@cases("spectral_pad", lambda golden: golden.raises and "frame_size" in golden.settings)
def test_pad_frames_refuses_what_the_original_does(golden):
    with pytest.raises(ParameterError, match=r"frame size is 8|padding is 'full'"):
        get_op("pad_frames")(golden.inputs["x"], **golden.settings)


@cases("spectral_pad", lambda golden: "expected_len" in golden.settings)
def test_pad_or_trim(golden):
    names = {"expected_len": "n_expected"}
    settings = {names.get(k, k): v for k, v in golden.settings.items()}
    op, inputs = get_op("pad_or_trim"), [golden.inputs["vector"]]
    if golden.raises:
        with pytest.raises(ParameterError, match="n_frames is 50, must be within 20"):
            op(*inputs, **settings)
        return
    y, y_bar = golden.outputs["y"], golden.cotangents["y"]
    assert_golden(op, inputs, settings, y, y_bar, [golden.gradients["vector"]], precision=0)
