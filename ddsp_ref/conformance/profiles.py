"""Profiles: the same questions, answered under the conventions of another library.

A port of magenta before 2.0, of ddsp_pytorch, DDSP-SVC or ddsp-vst means other things by the same
names. A profile says which: by settings that ops have, by an op that stands for another, and by a
variant of a definition.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddsp_ref.conformance.chains import CHAINS, judged_ops
from ddsp_ref.conformance.variants import Variant, gradients_of, value_of, variants_of
from ddsp_ref.conformance.vectors import VectorCase, load_vectors
from ddsp_ref.conformance.writing import all_cases, make_case
from ddsp_ref.errors import ConformanceError, ParameterError, require
from ddsp_ref.op import Case


@dataclass(frozen=True)
class Profile:
    """How one library differs from magenta/ddsp 3.7.0.

    Attributes
    ----------
    name, text : str
        What it is called, and what it is, in a line.
    stands_for : dict
        Op by whose definition another is meant.
    settings : dict
        Settings that are made otherwise, by name of op.
    variants : dict
        What no setting can say: names of variants of the definition, by name of op.
    """

    name: str
    text: str
    stands_for: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    variants: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def changed(self) -> set[str]:
        """Return the names of the ops whose vectors are others."""
        return {*self.stands_for, *self.settings, *self.variants}


def _played(method: str) -> dict[str, dict[str, Any]]:
    """Return how amplitudes come to the sample rate, for all that have frames of amplitudes."""
    names = ("harmonic_synthesis", "sinusoidal_synthesis", "wavetable_synthesis")
    return {name: {"amp_resample_method": method} for name in names}


PROFILES = {
    one.name: one
    for one in (
        Profile("magenta-3.7.0", "magenta/ddsp 3.7.0: what the ops mean without any setting"),
        Profile(
            "magenta-1",
            "magenta/ddsp before 2.0: loudness is a mean of dB per bin",
            stands_for={"compute_loudness": "compute_loudness_magenta_v1"},
        ),
        Profile(
            "ddsp_pytorch",
            "acids-ircam/ddsp_pytorch: steps between frames, partials above Nyquist at 1e-4 and "
            "not masked again, no delay compensated, layers of PyTorch, loudness of its own, loss "
            "of scaled transforms with log(x + 1e-7), noise filtered block by block",
            stands_for={"compute_loudness": "compute_loudness_ddsp_pytorch"},
            settings={
                **_played("nearest"),
                "spectral_loss": {"log_floor": "add", "log_eps": 1e-7, "logmag_weight": 1.0},
                "frequency_filter": {"window_size": 0, "padding": "same"},
                "layer_norm": {"epsilon": 1e-5},
                "leaky_relu": {"slope": 0.01},
            },
            variants={
                "harmonic_synthesis": ("f0_upsample = nearest", "mask = missing"),
                "normalize_harmonics": ("mask = plus_1e-4",),
                "remove_above_nyquist": ("mask = plus_1e-4",),
                "fft_convolve": ("delay = none",),
                "frequency_filter": ("tails = rolled_back", "delay = none"),
                "safe_log": ("floor = added_1e-7",),
                "spectral_loss": ("scale = sqrt_n", "ends = reflect"),
            },
        ),
        Profile(
            "ddsp-svc",
            "yxlllc/DDSP-SVC: amplitudes on straight lines, exponentials for amplitudes, responses "
            "centred at n_taps // 2, loss of scaled transforms",
            settings=_played("linear"),
            variants={
                "exp_sigmoid": ("law = exp",),
                "remove_above_nyquist": ("mask = plus_1e-7",),
                "fft_convolve": ("delay = n_taps//2",),
                "spectral_loss": ("scale = sqrt_n",),
            },
        ),
        Profile(
            "ddsp-vst",
            "magenta/ddsp-vst: the models of the plug-in, amplitudes on straight lines, pitch on "
            "lines for half a hop and then constant, noise in blocks that wrap",
            settings=_played("linear"),
            variants={
                "harmonic_synthesis": ("f0_upsample = half_hop",),
                "frequency_filter": ("tails = circular",),
                "fft_convolve_frames": ("tails = circular",),
            },
        ),
    )
}


def get_profile(name: str) -> Profile:
    """Return a profile by its name.

    Raises
    ------
    ParameterError
        If there is none of that name.

    Examples
    --------
    >>> sorted(get_profile("magenta-1").changed)
    ['compute_loudness']
    """
    require(name in PROFILES, f"profile is {name!r}, must be one of {', '.join(PROFILES)}")
    return PROFILES[name]


def profile_vectors(name: str, *, ops: Iterable[str] | None = None) -> list[VectorCase]:
    """Return the vectors of a profile: those that ship, and what differs computed again.

    Chains are left out where a part of them differs.

    Parameters
    ----------
    name : str
        Of the profile.
    ops : iterable of str, optional
        Names of the ops wanted; all if not given.

    Returns
    -------
    list of VectorCase
        In the order of ops.

    Raises
    ------
    ParameterError
        If there is no such profile.
    MissingExtraError
        If autograd is not installed, which differentiates the definitions.

    Examples
    --------
    >>> case = profile_vectors("magenta-1", ops=["compute_loudness"])[0]
    >>> case.op, case.settings["range_db"]
    ('compute_loudness', 70.0)
    """
    profile = get_profile(name)
    cases: list[VectorCase] = []
    shipped = load_vectors(ops=ops)
    for op in dict.fromkeys(case.op for case in shipped):
        if op in profile.changed:
            cases += _cases_of(profile, op)
        elif not (op in CHAINS and profile.changed):
            cases += [case for case in shipped if case.op == op]
    return cases


def _cases_of(profile: Profile, name: str) -> list[VectorCase]:
    op = judged_ops()[profile.stands_for.get(name, name)]
    wanted = profile.variants.get(name, ())
    chosen = [v for v in variants_of(name) if v.name in wanted]
    made: list[VectorCase] = []
    for case in _distinct(all_cases(op), profile.settings.get(name, {})):
        try:
            vector = dataclasses.replace(make_case(op, case), op=name)
            made.append(_varied(vector, chosen) if chosen and not vector.must_refuse else vector)
        # a case that the other setting does not fit, or views of a loss that have no variants
        except (ParameterError, ConformanceError, NotImplementedError):
            continue
    return made


def _varied(case: VectorCase, chosen: Sequence[Variant]) -> VectorCase:
    """Return a case with the results of a variant; tolerances stay those of the definition."""
    arrays = [array.astype(float) for array in case.arrays]
    outputs = value_of(case.op, arrays, case.settings, chosen)
    if [y.shape for y in outputs] != [y.shape for y in case.outputs]:
        raise ConformanceError(f"{case.op}, {case.label}: the variant has other shapes")
    peak = max(np.abs(y).max(initial=0.0) for y in outputs)
    if 0.0 < peak < 1e-12 * max(np.abs(x).max(initial=0.0) for x in arrays):
        raise ConformanceError(f"{case.op}, {case.label}: all cancels, rounding alone is left")
    pullbacks = ()
    if case.pullbacks:
        pullbacks = gradients_of(case.op, arrays, case.settings, case.cotangents, chosen)
    return dataclasses.replace(case, outputs=outputs, pullbacks=pullbacks)


def _distinct(cases: Sequence[Case], settings: dict[str, Any]) -> list[Case]:
    """Return cases with settings made otherwise; those that are one and the same then, once."""
    found: dict[str, Case] = {}
    for case in cases:
        changed = dataclasses.replace(case, settings={**case.settings, **settings}, expected=None)
        key = json.dumps([repr(case.arrays), sorted(changed.settings.items())], default=repr)
        found.setdefault(key, changed)
    return [*found.values()]
