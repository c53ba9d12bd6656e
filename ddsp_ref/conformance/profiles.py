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

from ddsp_ref.conformance.chains import CHAINS, judged_ops
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
    """

    name: str
    text: str
    stands_for: dict[str, str] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def changed(self) -> set[str]:
        """Return the names of the ops whose vectors are others."""
        return {*self.stands_for, *self.settings}


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
            "acids-ircam/ddsp_pytorch: steps between frames, log(x + 1e-7), loudness of its own",
            stands_for={"compute_loudness": "compute_loudness_ddsp_pytorch"},
            settings={
                **_played("nearest"),
                "spectral_loss": {"log_floor": "add", "log_eps": 1e-7, "logmag_weight": 1.0},
            },
        ),
        Profile(
            "ddsp-svc",
            "yxlllc/DDSP-SVC: amplitudes on straight lines",
            settings=_played("linear"),
        ),
        Profile(
            "ddsp-vst",
            "magenta/ddsp-vst: the models of the plug-in, amplitudes on straight lines",
            settings=_played("linear"),
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
    made: list[VectorCase] = []
    for case in _distinct(all_cases(op), profile.settings.get(name, {})):
        try:
            made.append(dataclasses.replace(make_case(op, case), op=name))
        except (ParameterError, ConformanceError):  # a case that the other setting does not fit
            continue
    return made


def _distinct(cases: Sequence[Case], settings: dict[str, Any]) -> list[Case]:
    """Return cases with settings made otherwise; those that are one and the same then, once."""
    found: dict[str, Case] = {}
    for case in cases:
        changed = dataclasses.replace(case, settings={**case.settings, **settings}, expected=None)
        key = json.dumps([repr(case.arrays), sorted(changed.settings.items())], default=repr)
        found.setdefault(key, changed)
    return [*found.values()]
