"""Voices: the players and rooms that a set of recordings comes from.

What a room adds, and how bright a player sounds, is not said by pitch and loudness: one set of
parameters can only learn the mean of all. So each voice has vectors of its own, that is the room,
the biases, and the scales and shifts of normalisation; matrices are shared. A voice by itself is an
ordinary set of parameters, and costs nothing more when it plays.

Source of scales and shifts that depend on a condition: Perez et al. 2018, FiLM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.models.model import Model
from ddsp_ref.models.parameters import Parameters
from ddsp_ref.models.recordings import Recording
from ddsp_ref.models.sampler import Batch

PREFIX = "voices/"


def name_voices(recordings: Sequence[Recording], pattern: str) -> list[Recording]:
    """Return recordings that say whose they are.

    Parameters
    ----------
    recordings : sequence of Recording
        Left untouched.
    pattern : str
        A regular expression; what it finds in a name, or its first group if it has one, is the
        name of the voice.

    Returns
    -------
    list of Recording
        With `voice`.

    Raises
    ------
    ParameterError
        If nothing is found in a name, or a slash.
    """
    named = []
    for recording in recordings:
        found = re.search(pattern, recording.name)
        voice = (found.group(1 if found.re.groups else 0) or "") if found else ""
        require(
            voice and "/" not in voice,
            f"voices is {pattern!r}, finds {voice!r} in {recording.name}, must find the name of a "
            "voice in every recording, such as '^[a-z]+'",
        )
        named.append(replace(recording, voice=voice))
    return named


def largest_first(recordings: Sequence[Recording]) -> list[str]:
    """Return the names of voices, that of which there is most first; none if they have no names."""
    lengths: dict[str, int] = {}
    for recording in recordings:
        if recording.voice:
            lengths[recording.voice] = lengths.get(recording.voice, 0) + recording.n_frames
    return sorted(lengths, key=lambda voice: (-lengths[voice], voice))


def share_out(params: Mapping[str, np.ndarray], voices: Sequence[str]) -> Parameters:
    """Give every voice a copy of all vectors, named ``voices/VOICE/...``.

    Examples
    --------
    >>> sorted(share_out({"kernel": np.ones((2, 2)), "bias": np.ones(2)}, ["ann", "bob"]))
    ['kernel', 'voices/ann/bias', 'voices/bob/bias']
    >>> sorted(share_out({"kernel": np.ones((2, 2)), "bias": np.ones(2)}, []))
    ['bias', 'kernel']
    """
    if not voices:
        return dict(params)
    shared = {k: p for k, p in params.items() if p.ndim != 1}
    own = {k: p for k, p in params.items() if p.ndim == 1}
    return shared | {f"{PREFIX}{v}/{k}": p.copy() for v in voices for k, p in own.items()}


def of_voice(params: Mapping[str, np.ndarray], voice: str) -> Parameters:
    """Return the parameters of one voice: what is shared, or has no voice, where it has no own.

    Examples
    --------
    >>> of_voice({"kernel": 1, "voices/ann/bias": 2, "voices/bob/bias": 3}, "bob")
    {'kernel': 1, 'bias': 3}
    """
    own = f"{PREFIX}{voice}/"
    shared = {k: p for k, p in params.items() if not k.startswith(PREFIX)}
    return shared | {k[len(own) :]: p for k, p in params.items() if k.startswith(own)}


def own_arrays(params: Mapping[str, np.ndarray]) -> dict[str, Parameters]:
    """Return what belongs to each voice alone.

    Examples
    --------
    >>> own_arrays({"kernel": 1, "bias": 4, "voices/ann/bias": 2, "voices/bob/bias": 3})
    {'ann': {'bias': 2}, 'bob': {'bias': 3}}
    """
    found: dict[str, Parameters] = {}
    for key, p in params.items():
        if key.startswith(PREFIX):
            voice, _, name = key[len(PREFIX) :].partition("/")
            found.setdefault(voice, {})[name] = p
    return found


def join(params: Mapping[str, np.ndarray], voices: Mapping[str, Parameters]) -> Parameters:
    """Return one set of arrays: the inverse of `own_arrays`.

    Examples
    --------
    >>> join({"kernel": 1, "bias": 4}, {"ann": {"bias": 2}})
    {'kernel': 1, 'bias': 4, 'voices/ann/bias': 2}
    """
    own = {f"{PREFIX}{v}/{k}": p for v, arrays in voices.items() for k, p in arrays.items()}
    return {**params, **own}


def loss_and_gradients(
    model: Model, params: Mapping[str, np.ndarray], batch: Batch, noise: np.ndarray
) -> tuple[float, Parameters]:
    """Return the mean loss of a batch of several voices and its gradient.

    Parameters
    ----------
    model : Model
        The model.
    params : mapping of str to ndarray
        As from `share_out`.
    batch : Batch
        Excerpts of recordings.
    noise : ndarray, shape (n_examples, n_samples)
        Uniform in [-1, 1).

    Returns
    -------
    float, dict of str to ndarray
        As `Model.loss_and_gradients`; zeros for voices that are not in the batch.
    """
    if not any(batch.voices):
        return model.loss_and_gradients(params, batch, noise)
    total, gradients = 0.0, {k: np.zeros_like(p) for k, p in params.items()}
    for voice in sorted(set(batch.voices)):
        rows = [i for i, other in enumerate(batch.voices) if other == voice]
        share = len(rows) / len(batch.voices)
        loss, bars = model.loss_and_gradients(
            of_voice(params, voice), batch.rows(rows), noise[rows]
        )
        total += share * loss
        for k, bar in bars.items():
            gradients[k if k in gradients else f"{PREFIX}{voice}/{k}"] += share * bar
    return total, gradients
