"""Group normalisation: groups of channels to mean 0 and variance 1 over all their frames."""

from __future__ import annotations

import math

import numpy as np

from ddsp_ref.errors import require
from ddsp_ref.jit import njit_relaxed, run_parts
from ddsp_ref.op import Case, Op


def define(x, gamma, beta, *, n_groups=1, epsilon=1e-5, xp=np):
    """Bring groups of channels to mean 0 and variance 1 over all frames, then scale and shift.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with mean and population variance
    of all frames and of all channels of a group.

    Parameters
    ----------
    x : array, shape (..., n_frames, n_channels)
        Input. Of images, all pixels together are the frames.
    gamma : array, shape (n_channels,)
        Scale per channel; ones for the normalisation alone.
    beta : array, shape (n_channels,)
        Shift per channel; zeros for the normalisation alone.
    n_groups : int
        Number of groups of neighbouring channels, a divisor of n_channels. 1: all channels
        together (layer normalisation); n_channels: each by itself (instance normalisation).
    epsilon : float
        Added to the variance, positive: a group that is constant maps to beta.

    Returns
    -------
    array, shape (..., n_frames, n_channels)
        Normalised input.

    Raises
    ------
    ParameterError
        If n_groups does not divide n_channels, or epsilon is not positive.

    Notes
    -----
    Gradient: with ``u = (x - mean) / sqrt(variance + epsilon)`` and ``g = gamma * y_bar``,
    ``x_bar = (g - mean(g) - u * mean(g * u)) / sqrt(variance + epsilon)``; gamma_bar and beta_bar
    are the sums of ``y_bar * u`` and ``y_bar`` over all frames.
    Precision: two passes (mean, then variance of the centred group) in double precision.
    Source: Wu and He 2018; magenta/ddsp 3.7.0, ddsp/training/nn.py, normalize_op and Normalize,
    whose 'group' has 32 groups.
    Differences: the usual layer normalisation, `layer_norm`, treats every frame by itself.

    Examples
    --------
    >>> import numpy as np, ddsp_ref
    >>> x = np.array([[0.0, 10.0], [2.0, 30.0]])
    >>> ddsp_ref.group_norm(x, np.ones(2), np.zeros(2), n_groups=2).round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    n_frames, n_channels = x.shape
    groups = xp.reshape(x, (n_frames, n_groups, n_channels // n_groups))
    centred = groups - xp.mean(groups, axis=(0, 2), keepdims=True)
    variance = xp.mean(centred**2, axis=(0, 2), keepdims=True)
    return gamma * xp.reshape(centred / xp.sqrt(variance + epsilon), x.shape) + beta


@njit_relaxed
def _share(of_channel, n_groups, n_frames):
    """Replace what each channel has by the mean over the frames and channels of its group."""
    size = of_channel.size // n_groups
    for g in range(n_groups):
        total = 0.0
        for c in range(g * size, (g + 1) * size):
            total += of_channel[c]
        for c in range(g * size, (g + 1) * size):
            of_channel[c] = total / (n_frames * size)


@njit_relaxed
def _kernel(x, gamma, beta, n_groups, epsilon, y, means, scales, start, stop):
    """Normalise the sequences start..stop; means and scales get one value per channel."""
    n_frames, n_channels = x.shape[1:]
    for b in range(start, stop):
        mean, scale = means[b], scales[b]
        for c in range(n_channels):
            mean[c] = scale[c] = 0.0
        for t in range(n_frames):
            x_t = x[b, t]
            for c in range(n_channels):
                mean[c] += x_t[c]
        _share(mean, n_groups, n_frames)
        for t in range(n_frames):
            x_t = x[b, t]
            for c in range(n_channels):
                scale[c] += (np.float64(x_t[c]) - mean[c]) * (np.float64(x_t[c]) - mean[c])
        _share(scale, n_groups, n_frames)
        for c in range(n_channels):
            scale[c] = 1.0 / math.sqrt(scale[c] + epsilon)
        for t in range(n_frames):
            x_t, y_t = x[b, t], y[b, t]
            for c in range(n_channels):
                y_t[c] = gamma[c] * ((np.float64(x_t[c]) - mean[c]) * scale[c]) + beta[c]


@njit_relaxed
def _kernel_vjp(x_bar, sums, y_bar, x, gamma, means, scales, n_groups, start, stop):
    """Write x_bar of the sequences start..stop; sums gets gamma_bar and beta_bar of each."""
    n_frames, n_channels = x.shape[1:]
    total, along = np.empty(n_channels), np.empty(n_channels)
    for b in range(start, stop):
        gamma_bar, beta_bar, mean, scale = sums[b, 0], sums[b, 1], means[b], scales[b]
        for t in range(n_frames):
            x_t, y_bar_t = x[b, t], y_bar[b, t]
            for c in range(n_channels):
                gamma_bar[c] += y_bar_t[c] * ((np.float64(x_t[c]) - mean[c]) * scale[c])
            for c in range(n_channels):
                beta_bar[c] += y_bar_t[c]
        for c in range(n_channels):
            total[c], along[c] = gamma[c] * beta_bar[c], gamma[c] * gamma_bar[c]
        _share(total, n_groups, n_frames)
        _share(along, n_groups, n_frames)
        for t in range(n_frames):
            x_t, y_bar_t, x_bar_t = x[b, t], y_bar[b, t], x_bar[b, t]
            for c in range(n_channels):
                u = (np.float64(x_t[c]) - mean[c]) * scale[c]
                own = np.float64(gamma[c]) * y_bar_t[c] - total[c] - u * along[c]
                x_bar_t[c] = scale[c] * own


def vjp(x, gamma, beta, *, n_groups=1, epsilon=1e-5):
    n_batch, _, n_channels = x.shape
    y = np.empty_like(x)
    means, scales = np.empty((2, n_batch, n_channels))
    parts = [(b, b + 1) for b in range(n_batch)]
    shared = (x, gamma, beta, int(n_groups), float(epsilon), y, means, scales)
    run_parts(_kernel, [(*shared, *part) for part in parts])

    def pullback(y_bar):
        x_bar = np.empty_like(x)
        sums = np.zeros((n_batch, 2, n_channels))
        shared = (x_bar, sums, y_bar, x, gamma, means, scales, int(n_groups))
        run_parts(_kernel_vjp, [(*shared, *part) for part in parts])
        gamma_bar, beta_bar = sums.sum(axis=0).astype(x.dtype)
        return x_bar, gamma_bar, beta_bar

    return y, pullback


def check(dims, *, n_groups=1, epsilon=1e-5):
    n_channels = dims["n_channels"]
    divisors = [n for n in range(1, n_channels + 1) if n_channels % n == 0]
    require(
        n_groups in divisors,
        f"n_groups is {n_groups}, must divide the {n_channels} channels, "
        f"e.g. {min(divisors, key=lambda n: abs(n - n_groups))}",
    )
    require(epsilon > 0, f"epsilon is {epsilon}, must be positive, e.g. 0.00001")


def cases():
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((2, 5, 6))
    gamma, beta = 1 + 0.3 * rng.standard_normal(6), rng.standard_normal(6)
    by_hand = np.array([[0.0, 4.0], [2.0, 2.0]])
    return [
        # all four values: mean 2, variance 2; with epsilon 2 the root is 2
        Case("by hand, one group", [by_hand, [1.0, 3.0], [0.0, 1.0]], {"epsilon": 2.0},
             np.array([[-1.0, 4.0], [0.0, 1.0]])),
        # each channel: means 1 and 3, variances 1; with epsilon 3 the root is 2
        Case("by hand, two groups", [by_hand, [1.0, 3.0], [0.0, 1.0]],
             {"n_groups": 2, "epsilon": 3.0}, np.array([[-0.5, 2.5], [0.5, -0.5]])),
        Case("one group", [frames, gamma, beta]),
        Case("three groups", [frames, gamma, beta], {"n_groups": 3, "epsilon": 1e-3}),
        Case("each channel", [frames, gamma, beta], {"n_groups": 6}),
        Case("one frame", [frames[:, :1], gamma, beta], {"n_groups": 2}),
        # multiples of 1/2, so that float32 holds the input exactly
        Case("large offset", [4096.0 + np.round(2 * frames) / 2, gamma, beta], {"n_groups": 2}),
        Case("constant group", [np.full((1, 3, 6), 3.0), gamma, beta], {"n_groups": 2},
             np.stack([[beta] * 3])),
        Case("four groups", [frames, gamma, beta], {"n_groups": 4},
             error="n_groups is 4, must divide the 6 channels, e.g. 3"),
        Case("no groups", [frames, gamma, beta], {"n_groups": 0}, error="n_groups is 0, must div"),
        Case("epsilon 0", [frames, gamma, beta], {"epsilon": 0.0}, error="epsilon is 0.0, must be"),
        Case("wrong gamma", [frames, np.ones(3), beta], error=r"gamma has shape \(3,\), must be"),
    ]  # fmt: skip


group_norm = Op(
    "group_norm",
    define,
    vjp=vjp,
    check=check,
    cases=cases,
    signature="(n_frames,n_channels),[n_channels],[n_channels]->(n_frames,n_channels)",
    source="Wu and He 2018; magenta/ddsp 3.7.0, ddsp/training/nn.py, normalize_op",
)
