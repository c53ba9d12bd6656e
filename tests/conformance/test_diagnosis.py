"""Variants are the definitions but for one choice, and a diagnosis finds the choice again."""

from __future__ import annotations

import numpy as np
import pytest

import ddsp_ref
from ddsp_ref.conformance.diagnose import diagnose
from ddsp_ref.conformance.judging import Evidence
from ddsp_ref.conformance.metrics import agreement_db
from ddsp_ref.conformance.runner import run
from ddsp_ref.conformance.variants import (
    gradients_of,
    ops_with_variants,
    value_of,
    variants_of,
)
from ddsp_ref.conformance.vectors import load_vectors
from ddsp_ref.registry import get_op

QUICK = ("dense", "layer_norm", "leaky_relu", "remove_above_nyquist", "resample_window", "stft")
# A clamp at -120 dB shows nowhere but where others do. Phase in float32 is within the tolerance of
# float32, on purpose: a plain port has no other; with float64 it is named.
UNSEEN = {
    *(
        (op, "mask = plus_1e-7")
        for op in ("harmonic_synthesis", "oscillator_bank", "remove_above_nyquist")
    ),  # -140 dB
    ("resample_window", "method = cosine"),  # the same but for rounding: no mistake
    ("compute_loudness", "floor = added"),
    ("harmonic_synthesis", "phase_precision = float32"),
    ("oscillator_bank", "phase_precision = float32"),
}


def cases_of(op):
    cases = [c for c in load_vectors(ops=[op]) if not c.must_refuse]
    views = ("delta_time", "delta_freq", "cumsum_freq", "loudness")
    if op == "spectral_loss":  # the views that have variants
        cases = [
            c for c in cases
            if c.settings["loss_type"] != "COSINE"
            and not any(c.settings[f"{view}_weight"] for view in views)
        ]  # fmt: skip
    return cases


@pytest.mark.parametrize("op", ops_with_variants())
def test_a_wide_definition_is_the_definition(op):
    for case in cases_of(op):
        for got, want in zip(value_of(op, case.arrays, case.settings), case.outputs, strict=True):
            assert got.shape == want.shape
            scale = np.abs(want).max(initial=1e-300)
            assert np.abs(got - want).max(initial=0.0) <= 1e-11 * scale, case.label


@pytest.mark.parametrize("op", QUICK)
def test_its_gradient_is_that_of_the_definition(op):
    for case in cases_of(op):
        if case.pullbacks:
            found = gradients_of(op, case.arrays, case.settings, case.cotangents)
            for got, want in zip(found, case.pullbacks, strict=True):
                scale = np.abs(want).max(initial=1e-300)
                assert np.abs(got - want).max(initial=0.0) <= 1e-9 * scale, case.label


def answers_of(variant):
    """Answer as a port in float32 would that makes this mistake."""
    answers = []
    for case in cases_of(variant.op):
        try:
            value = value_of(variant.op, case.arrays, case.settings, [variant])
        except (ValueError, ZeroDivisionError):  # a port would raise as well
            continue
        slopes = None
        if case.pullbacks and variant.of_gradient:
            slopes = gradients_of(
                variant.op, case.arrays, case.settings, case.cotangents, [variant]
            )
            slopes = tuple(np.float32(s) for s in slopes)
        answers.append(Evidence(case, tuple(np.float32(v) for v in value), slopes))
    return answers


def is_named(variant):
    found = diagnose(answers_of(variant), "gradient" if variant.of_gradient else "value")
    return found is not None and variant.name in found.name.split(" or ")


@pytest.mark.parametrize("op", QUICK)
def test_a_mistake_is_named(op):
    variants = [
        v for v in variants_of(op)
        if v.name != "ends = none" and (op, v.name) not in UNSEEN  # no frame, no answer
    ]  # fmt: skip
    assert [v.name for v in variants if not is_named(v)] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nearly_every_mistake_is_named():
    missed = []
    variants = [v for op in ops_with_variants() for v in variants_of(op)]
    for variant in variants:
        if (variant.op, variant.name) in UNSEEN:
            continue
        if not is_named(variant):
            missed.append((variant.op, variant.name))
    assert len(missed) <= 6, missed


def test_two_mistakes_are_named_as_a_pair():
    chosen = [
        v for v in variants_of("layer_norm") if v.name in ("centre = none", "scale = missing")
    ]
    answers = [
        Evidence(c, tuple(map(np.float32, value_of(c.op, c.arrays, c.settings, chosen))), None)
        for c in cases_of("layer_norm")
    ]
    found = diagnose(answers)
    assert "centre = none and scale = missing" in found.name.split(" or ")


def test_what_is_like_nothing_gets_no_name():
    rng = np.random.default_rng(0)
    answers = [
        Evidence(c, tuple(rng.standard_normal(y.shape).astype(np.float32) for y in c.outputs), None)
        for c in cases_of("exp_sigmoid")
    ]
    assert diagnose(answers) is None


def _like_magenta(sum_of):
    """Answer as magenta/ddsp does, with a sum of its own over steps that are rounded otherwise."""
    answers = []
    for case in cases_of("harmonic_synthesis"):
        value = case.outputs[0]
        if case.label.endswith("long, 8000 samples"):
            f0, amplitudes, shares = case.arrays
            n, rate = case.settings["n_samples"], case.settings["sample_rate"]
            k = np.arange(1, shares.shape[-1] + 1)
            hz = ddsp_ref.resample_linear(f0.reshape(-1, 1), n_samples=n) * k
            frames = (amplitudes[..., None] * shares).reshape(-1, len(k))
            envelopes = ddsp_ref.resample_window(frames, n_samples=n)
            phase = sum_of(np.float32(2 * np.pi / rate) * np.float32(hz)).astype(np.float64)
            value = np.sum(np.where(hz < rate / 2, envelopes * np.sin(phase), 0.0), axis=1)
            value = value.reshape(case.outputs[0].shape)
        failed = agreement_db([value], case.outputs) < 60
        answers.append(Evidence(case, (np.float32(value),), None, failed))
    assert sum(one.failed for one in answers) == 1
    return answers


def test_float32_phase_with_other_last_digits_is_named():
    def in_sequence(steps):
        return np.cumsum(steps, axis=0, dtype=np.float32)

    def too_fine(steps):
        return np.cumsum(steps, axis=0, dtype=np.float64) + 1e-2

    wanted = "phase_precision = float32_each"
    assert diagnose(_like_magenta(in_sequence)).name == wanted
    assert diagnose(_like_magenta(too_fine)) is None


def test_gradients_that_are_no_number_are_named():
    answers = []
    for case in cases_of("compute_power"):
        slopes = tuple(np.where(p == 0, np.nan, p).astype(np.float32) for p in case.pullbacks)
        answers.append(Evidence(case, tuple(map(np.float32, case.outputs)), slopes))
    assert diagnose(answers, "gradient").name == "audio_gradient = no_number"
    assert diagnose(answers, "value") is None


class Port:
    """A NumPy port whose slopes, or values, are off by a factor."""

    def __init__(self, value=1.0, slope=1.0):
        self.value, self.slope = value, slope

    def __call__(self, *arrays, **settings):
        return self.vjp(*arrays, **settings)[0]

    def vjp(self, *arrays, **settings):
        y, pullback = get_op("leaky_relu").vjp(*arrays, **settings)
        return np.float32(self.value) * y, lambda bar: tuple(
            np.float32(self.slope) * x_bar for x_bar in pullback(bar)
        )


@pytest.mark.parametrize(
    ("port", "what", "name"),
    [
        (Port(slope=2.0), "gradient", "x_gradient = doubled"),
        (Port(slope=-1.0), "gradient", "x_gradient = of the wrong sign"),
        (Port(slope=0.0), "gradient", "x_gradient = missing"),
        (Port(value=0.5, slope=0.5), "value", "output halved"),
    ],
)
def test_a_diagnosis_proposes_and_passes_nothing(port, what, name):
    adapter, settings = {"leaky_relu": port}, {"ops": ["leaky_relu"], "dtypes": ["float32"]}
    plain = run(adapter, **settings)
    report = run(adapter, diagnose=diagnose, **settings)
    found = next(v for v in report.verdicts if v.what == what)
    assert (found.status, found.diagnosis.name) == ("failed", name)
    assert [v.status for v in report.verdicts] == [v.status for v in plain.verdicts]
    assert report.exit_code == 1
