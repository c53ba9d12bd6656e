"""CREPE's activations: frequencies, and the path through them."""

from __future__ import annotations

import numpy as np
import pytest

from ddsp_ref.analysis.crepe import decode_activations, viterbi_centers
from ddsp_ref.analysis.viterbi import define_viterbi
from ddsp_ref.errors import ParameterError
from ddsp_ref.ops.spectral.activations_to_f0 import activations_to_f0

from ..golden import load
from ..golden.compare import assert_golden

GOLDEN = {golden.label: golden for golden in load("crepe_decoding")}
# The recorded path; the golden files here keep floating-point results only.
PATH = [150, 153, 156, 159, 162, 165, 168, 171, 174, 177, 180, 183, 186, 190, 192, 195, 198, 200,
        200, 201]  # fmt: skip


def define_centers(activations, reach=11, self_emission=0.1, min_transition=1e-5):
    """Decode with a full table of moves and the emissions of the original's model."""
    n_bins = activations.shape[1]
    i = np.arange(n_bins)
    weights = np.maximum(reach + 1.0 - np.abs(i[:, None] - i), min_transition)
    with np.errstate(divide="ignore"):
        log_moves = np.log(weights / weights.sum(axis=1, keepdims=True))
    emission = np.eye(n_bins) * self_emission + (1 - self_emission) / n_bins
    return define_viterbi(activations @ np.log(emission).T, log_moves)


def test_frequency_and_its_gradient_are_those_of_the_original():
    golden = GOLDEN["activations"]
    activations = golden.inputs["activations"]
    centers = activations.argmax(axis=1)
    bars = golden.cotangents["0"], golden.cotangents["1"][:, 0]
    wanted = golden.outputs["0"], golden.outputs["1"][:, 0]
    gradient = golden.gradients["activations"]
    assert_golden(activations_to_f0, [activations, centers], {}, wanted, bars, [gradient, None])
    got = decode_activations(activations.astype(np.float64))
    for one, other in zip(got, wanted):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_path_is_that_of_the_original():
    activations = GOLDEN["viterbi"].inputs["acts"]
    np.testing.assert_array_equal(viterbi_centers(activations), [PATH])
    assert (activations.argmax(axis=-1) != PATH).sum() == 6  # the path does something
    f0_hz, confidence = decode_activations(activations, viterbi=True)
    np.testing.assert_array_equal(f0_hz, activations_to_f0(activations, np.float32([PATH]))[0])
    np.testing.assert_array_equal(confidence, activations.max(axis=-1))


@pytest.mark.parametrize("n_bins", [1, 2, 7, 12, 40, 360])
@pytest.mark.parametrize("settings", [{}, {"reach": 0}, {"reach": 3, "self_emission": 0.9}])
def test_path_is_that_of_the_full_table(n_bins, settings, rng):
    noise = rng.random((60, n_bins)) ** 8
    jumps = 0.05 * rng.random((60, n_bins))
    jumps[np.arange(60), (np.arange(60) // 15 * 97) % n_bins] += 1.0
    for activations in (noise, jumps, noise[:1], 40 * jumps):
        wanted = define_centers(activations, **settings)
        np.testing.assert_array_equal(viterbi_centers(activations, **settings), wanted)


def test_of_equal_paths_the_lowest_is_taken():
    silent = np.zeros((5, 30))
    np.testing.assert_array_equal(viterbi_centers(silent), define_centers(silent))
    twins = np.zeros((6, 30))
    twins[:, [4, 25]] = 1.0
    np.testing.assert_array_equal(viterbi_centers(twins, reach=2), np.full(6, 4))
    twins[3:] = twins[3:, ::-1] * 0  # nothing heard: the pitch stays
    np.testing.assert_array_equal(viterbi_centers(twins, reach=2), np.full(6, 4))


def test_long_moves_can_be_forbidden():
    jump = np.zeros((8, 200))
    jump[:4, 10] = jump[4:, 150] = 3.0
    np.testing.assert_array_equal(viterbi_centers(jump), [10] * 4 + [150] * 4)
    held = viterbi_centers(jump, min_transition=0.0)
    assert np.abs(np.diff(held)).max() <= 11
    np.testing.assert_array_equal(held, define_centers(jump, min_transition=0.0))


def test_recordings_of_a_batch_are_decoded_apart(rng):
    activations = rng.random((2, 3, 20, 50)).astype(np.float32)
    paths = viterbi_centers(activations)
    assert paths.shape == (2, 3, 20)
    for i in np.ndindex(2, 3):
        np.testing.assert_array_equal(paths[i], viterbi_centers(activations[i][:, ::1]))
    f0_hz, confidence = decode_activations(activations, viterbi=True)
    assert f0_hz.shape == confidence.shape == (2, 3, 20)
    assert f0_hz.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viterbi_centers(np.zeros(360)), r"activations has shape \(360,\), must be \(...,"),
        (lambda: viterbi_centers(np.zeros((0, 360))), "must hold at least one value"),
        (lambda: viterbi_centers(np.full((2, 9), np.nan)), r"activations is nan at index \(0, 0\)"),
        (lambda: viterbi_centers(np.zeros((2, 9)), reach=-1), "reach is -1, must be a whole"),
        (lambda: viterbi_centers(np.zeros((2, 9)), reach=127), "reach is 127, must be at most 126"),
        (lambda: viterbi_centers(np.zeros((2, 9)), self_emission=1.0), "self_emission is 1.0, mu"),
        (lambda: viterbi_centers(np.zeros((2, 9)), min_transition=-1), "min_transition is -1"),
        (lambda: decode_activations(np.zeros(())), r"activations has shape \(\)"),
        (lambda: decode_activations(np.zeros((2, 9)), edges="no"), "edges is 'no', must be"),
    ],
)
def test_wrong_uses(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
