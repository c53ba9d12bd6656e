"""Adam with bias correction, clipping by the global norm, exponentially decaying step size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.models.parameters import Parameters, global_norm


@dataclass(frozen=True)
class AdamSettings:
    """Settings of the optimizer.

    Attributes
    ----------
    learning_rate : float
        Step size at the start, above 0.
    decay_rate, decay_steps : float, int
        The step size is multiplied by `decay_rate` every `decay_steps` steps, gradually.
    max_norm : float
        Gradients of a larger global norm are scaled down to it.
    beta1, beta2, epsilon : float
        Memory of the first and the second moment, and what keeps the division finite.
    """

    learning_rate: float = 1e-3
    decay_rate: float = 0.98
    decay_steps: int = 10_000
    max_norm: float = 3.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        for name in ("learning_rate", "decay_rate", "decay_steps", "max_norm", "epsilon"):
            value = getattr(self, name)
            require(value > 0, f"AdamSettings: {name} is {value}, must be above 0")
        require(
            self.decay_rate <= 1,
            f"AdamSettings: decay_rate is {self.decay_rate}, must be at most 1, e.g. 0.98",
        )
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            require(
                0 <= value < 1, f"AdamSettings: {name} is {value}, must be at least 0 and below 1"
            )

    def rate_at(self, step: int) -> float:
        """Return the step size of step number `step`, counted from 0."""
        return self.learning_rate * self.decay_rate ** (step / self.decay_steps)


def clip_by_global_norm(
    gradients: Mapping[str, np.ndarray], max_norm: float
) -> tuple[Parameters, float]:
    """Scale gradients down so that their global norm is at most `max_norm`.

    Parameters
    ----------
    gradients : mapping of str to ndarray
        Left untouched.
    max_norm : float
        The largest norm allowed, above 0.

    Returns
    -------
    dict of str to ndarray, float
        The gradients to use (the given arrays, where nothing has to be scaled), and the norm
        that they had.

    Examples
    --------
    >>> clip_by_global_norm({"a": np.array([3.0, 4.0])}, 1.0)
    ({'a': array([0.6, 0.8])}, 5.0)
    """
    norm = global_norm(gradients)
    if not norm > max_norm:
        return dict(gradients), norm
    return {k: g * g.dtype.type(max_norm / norm) for k, g in gradients.items()}, norm


class Adam:
    """The optimizer and its two moments, which belong into a checkpoint.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Whose shapes the moments take.
    settings : AdamSettings
        Step size and so on.

    Notes
    -----
    ``m = b1 m + (1-b1) g``, ``v = b2 v + (1-b2) g^2``,
    ``p -= rate * (m / (1-b1^n)) / (sqrt(v / (1-b2^n)) + epsilon)``, n = 1 at the first step.
    Source: Kingma and Ba 2014, algorithm 1.
    """

    def __init__(
        self, parameters: Mapping[str, np.ndarray], settings: AdamSettings | None = None
    ) -> None:
        self.settings = settings or AdamSettings()
        self.first = {k: np.zeros_like(p) for k, p in parameters.items()}
        self.second = {k: np.zeros_like(p) for k, p in parameters.items()}

    def update(
        self, parameters: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], step: int
    ) -> tuple[Parameters, float]:
        """Take one step.

        Parameters
        ----------
        parameters : mapping of str to ndarray
            Left untouched.
        gradients : mapping of str to ndarray
            One per parameter.
        step : int
            How many steps were taken before.

        Returns
        -------
        dict of str to ndarray, float
            The new parameters, and the gradients' norm before clipping.
        """
        s = self.settings
        clipped, norm = clip_by_global_norm(gradients, s.max_norm)
        rate = s.rate_at(step) / (1.0 - s.beta1 ** (step + 1))
        correction = 1.0 / (1.0 - s.beta2 ** (step + 1))
        new = {}
        for key, parameter in parameters.items():
            new[key] = np.array(parameter)
            _adam(
                new[key].reshape(-1),
                np.ascontiguousarray(clipped[key]).reshape(-1),
                self.first[key].reshape(-1),
                self.second[key].reshape(-1),
                (rate, correction, s.beta1, s.beta2, s.epsilon),
            )
        return new, norm


@njit
def _adam(p, g, m, v, constants):
    rate, correction, beta1, beta2, epsilon = constants
    for i in range(p.size):
        m[i] = beta1 * m[i] + (1.0 - beta1) * g[i]
        v[i] = beta2 * v[i] + (1.0 - beta2) * g[i] * g[i]
        p[i] -= rate * m[i] / (np.sqrt(correction * v[i]) + epsilon)
