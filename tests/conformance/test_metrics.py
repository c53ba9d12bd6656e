"""Comparisons see what they must see; a comparator that does not is found out here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddsp_ref.conformance import metrics
from ddsp_ref.conformance.metrics import Comparison, compare

WANT = np.sin(np.arange(200) * 0.3)
ALLOWED = {
    "array": {"peak": 1e-3},
    "waveform": {"peak": 1e-3, "rms": 1e-3},
    "phase": {"cycles": 1e-3},
    "cycles": {"cycles": 1e-3},
    "spectrum": {"peak": 1e-3, "db": 1e-2},
    "gradient": {"norm": 1e-3, "angle": 1e-3, "peak": 1e-3},
    "exact": {"wrong": 0.0},
}


def one_off(want):
    got = want.copy()
    got[100] += 0.01
    return got


def with_nan(want):
    got = want.copy()
    got[7] = np.nan
    return got


# Answers that every comparator has to refuse.
WRONG = {
    "one sample": one_off,
    "a little louder": lambda w: 1.01 * w,
    "delayed": lambda w: np.roll(w, 1),
    "wrong sign": np.negative,
    "silent": np.zeros_like,
    "NaN": with_nan,
    "infinite": lambda w: w + np.inf,
    "shorter": lambda w: w[:-1],
    "broadcastable": lambda w: w[:1],
    "with an axis": lambda w: w[:, None],
    "complex": lambda w: w + 0j,
}


def faults_of(comparator):
    """Return what a comparator gets wrong, the test that it is put to."""
    faults = []
    for kind, allowed in ALLOWED.items():
        want = np.abs(WANT) + 0.1 if kind == "spectrum" else WANT
        if not comparator(kind, want, want, allowed).passed:
            faults.append(f"{kind}: refuses the truth")
        if kind != "exact" and not comparator(kind, want * (1 + 1e-6), want, allowed).passed:
            faults.append(f"{kind}: refuses what is within the tolerance")
        for name, change in WRONG.items():
            if comparator(kind, change(want), want, allowed).passed:
                faults.append(f"{kind}: passes {name}")
    return faults


def test_comparisons_refuse_what_is_wrong():
    assert not faults_of(compare)


def mean_error(kind, got, want, tolerance):
    """A comparator as one finds it: the mean of the error, with its sign, and NaN passes."""
    error = abs(np.real(np.mean(got) - np.mean(want)))
    return Comparison(1e9 if error > 1e-3 else 0.5, 0.0)


def correlation(kind, got, want, tolerance):
    if np.shape(got) != np.shape(want):
        return Comparison(math.inf, 0.0)
    close = np.corrcoef(np.ravel(got).real, np.ravel(want))[0, 1] > 0.999
    return Comparison(0.0 if close else math.inf, 0.0)


def without_shapes(kind, got, want, tolerance):
    got, want = np.broadcast_arrays(np.ravel(got)[: want.size], want[: np.size(got)])
    return compare(kind, got, want, tolerance)


def never(kind, got, want, tolerance):
    return Comparison(math.inf, 0.0)


def blind_to_nan(kind, got, want, tolerance):
    got = np.asarray(got)
    return (
        compare(kind, np.where(np.isnan(got), want[: len(got)], got), want, tolerance)
        if (got.shape == want.shape)
        else compare(kind, got, want, tolerance)
    )


@pytest.mark.parametrize("broken", [mean_error, without_shapes, never, correlation, blind_to_nan])
@pytest.mark.filterwarnings("ignore")
def test_a_broken_comparator_is_found_out(broken):
    assert faults_of(broken)


@pytest.mark.parametrize("kind", [k for k in ALLOWED if k != "exact"])
def test_a_broken_measure_is_found_out(kind, monkeypatch):
    """Each measure is needed: where it says nothing is off, the test above fails."""
    blind = dict.fromkeys(ALLOWED[kind], 0.0)
    monkeypatch.setitem(metrics.KINDS, kind, lambda got, want: dict(blind))
    assert any(fault.startswith(f"{kind}: passes") for fault in faults_of(compare))


def test_the_ratio_is_the_worst_measure_over_its_tolerance():
    got = WANT + 2e-3
    found = compare("waveform", got, WANT, {"peak": 1e-3, "rms": 1e-2})
    assert found.ratio == pytest.approx(2e-3 / np.abs(WANT).max() / 1e-3)
    assert found.snr_db == pytest.approx(-20 * np.log10(2e-3 / np.sqrt(np.mean(WANT**2))))
    assert found.numbers["bad_share"] == 1.0


def test_phase_forgets_whole_turns_and_grants_more_to_long_signals():
    phase = np.linspace(0, 50, 2001)
    turned = phase + 2 * np.pi * np.arange(2001)
    assert compare("phase", turned, phase, {"cycles": 1e-9}).passed
    late, early = phase.copy(), phase.copy()
    late[2000] += 2 * np.pi * 2.9e-3
    early[0] += 2 * np.pi * 2.9e-3
    assert compare("phase", late, phase, {"cycles": 1e-3}).passed
    assert not compare("phase", early, phase, {"cycles": 1e-3}).passed


def test_spectra_are_judged_in_db_above_the_floor_only():
    want = np.array([1.0, 1e-2, 1e-7])
    assert compare("spectrum", want * [1, 1, 3], want, {"peak": 1e-6, "db": 1e-3}).passed
    quiet = compare("spectrum", want * [1, 1.01, 1], want, {"peak": 1.0, "db": 1e-3})
    assert quiet.numbers["db"] == pytest.approx(20 * np.log10(1.01))
    assert not quiet.passed


def test_the_angle_keeps_its_digits():
    want = np.array([1.0, 0.0])
    numbers = metrics.measure("gradient", np.array([1.0, 1e-12]), want)
    assert numbers["angle"] == pytest.approx(1e-12)
    assert metrics.measure("gradient", -want, want)["angle"] == pytest.approx(np.pi)


def test_silence_is_judged_by_absolute_error():
    assert compare("array", np.full(4, 1e-9), np.zeros(4), {"peak": 1e-8}).passed
    assert not compare("array", np.full(4, 1e-7), np.zeros(4), {"peak": 1e-8}).passed


def test_infinite_truth_wants_infinite_answers():
    want = np.array([np.inf, 1.0])
    assert compare("array", want, want, {"peak": 0.0}).passed
    assert not compare("array", np.array([-np.inf, 1.0]), want, {"peak": 1.0}).passed
    assert not compare("array", np.array([1e30, 1.0]), want, {"peak": 1.0}).passed
