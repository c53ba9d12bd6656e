"""The short-time ops against recorded calls of magenta/ddsp 3.7.0."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.registry import get_op

from ...golden import load
from ...golden.compare import assert_golden

OPS = {
    "spectral_mag": get_op("stft_magnitude"),
    "compute_loudness": get_op("compute_loudness"),
    "compute_power": get_op("compute_power"),
    "compute_rms_energy": get_op("compute_rms_energy"),
}
RECORDED = [(OPS[name], golden) for name in OPS for golden in load(name)]
LABELS = [f"{op.name}-{golden.label}" for op, golden in RECORDED]


def settings_of(golden):
    """Return the settings in our names."""
    names = {"size": "fft_size", "n_fft": "fft_size"}
    return {names.get(name, name): value for name, value in golden.settings.items()}


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
