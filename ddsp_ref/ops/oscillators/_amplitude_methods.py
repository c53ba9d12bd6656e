"""How amplitudes go from frames to samples: what the synthesis ops share."""

from __future__ import annotations

from ddsp_ref.errors import require
from ddsp_ref.jit import njit
from ddsp_ref.ops.resampling import (
    resample_cubic,
    resample_linear,
    resample_nearest,
    resample_window,
)

BLOCK = 64  # samples per inner loop: the buffers of kernels stay in the fastest cache

# The definitions of the ops resample by these definitions; kernels have weights of their own.
DEFINITIONS = {
    "window": resample_window.define,
    "linear": resample_linear.define,
    "nearest": resample_nearest.define,
    "cubic": resample_cubic.define,
}

# What kernels run for each method, by number. All but "cubic" weigh the two frames that a sample
# lies between. "cubic" has two passes that add up: one over these, one over the frames outside
# of them. (With a for the slope and r for the place between the frames, the outer weights are
# a r (1 - r) times 1 - r and r: those of "linear", times a gain that all partials share.)
PASSES = {"nearest": (0,), "linear": (1,), "window": (2,), "cubic": (3, 4)}


def check_synthesis(n_frames, n_samples, sample_rate, method):
    """Raise unless controls can be brought to sample rate."""
    require(n_samples >= 1, f"n_samples is {n_samples}, must be a whole number of at least 1")
    require(
        1e-30 <= sample_rate <= 1e30,
        f"sample_rate is {sample_rate}, must be positive (from 1e-30 to 1e30), e.g. 16000",
    )
    require(
        method in PASSES,
        f"amp_resample_method is {method!r}, must be 'window', 'linear', 'nearest' or 'cubic'",
    )
    nearest = max(1, round(n_samples / n_frames)) * n_frames
    require(
        method != "window" or n_samples % n_frames == 0,
        f"n_samples is {n_samples}, must be a multiple of n_frames={n_frames} for the method "
        f"'window', e.g. {nearest}; the others take any",
    )


@njit
def weigh_cubic(work, gains, weights, tick, n_frames, n_samples, outer):
    """Fill rows of gains and weights of a cubic pass, for the samples after tick."""
    for j in range(BLOCK):
        r = min(round((tick + j * n_frames) * 1024 / n_samples) / 1024, 1.0)
        q = 1.0 - r
        gain = -0.75 * r * q if outer else 1.0 + 0.75 * r * q
        work[gains + j] = gain
        work[weights + j] = r if outer else (1.0 + q * q * (1.25 * q - 2.25)) / gain


@njit
def add_sides(left_bar, right_bar, reach, partials_bar):
    """Add what the samples of frame i give to the frames on both sides to these cotangents.

    The frame on the left is i - reach, the one on the right i + 1 + reach; beyond the ends
    they are the first and the last.
    """
    n_batch, n_frames, n_partials = partials_bar.shape
    for b in range(n_batch):
        for i in range(n_frames):
            left, right = max(i - reach, 0), min(i + 1 + reach, n_frames - 1)
            for k in range(n_partials):
                partials_bar[b, left, k] += left_bar[b, i, k]
                partials_bar[b, right, k] += right_bar[b, i, k]


@njit
def split_partials(left_bar, right_bar, amplitudes, distribution, amplitudes_bar, distribution_bar):
    """Add what each frame got from both its sides; pull it back through the product."""
    n_batch, n_frames, n_harmonics = distribution.shape
    for b in range(n_batch):
        for i in range(n_frames):
            amplitude = float(amplitudes[b, i])
            total = 0.0
            for k in range(n_harmonics):
                bar = left_bar[b, i, k]
                if i > 0:
                    bar += right_bar[b, i - 1, k]
                if i == n_frames - 1:  # the last frame is held
                    bar += right_bar[b, i, k]
                total += bar * distribution[b, i, k]
                distribution_bar[b, i, k] = bar * amplitude
            amplitudes_bar[b, i] = total
