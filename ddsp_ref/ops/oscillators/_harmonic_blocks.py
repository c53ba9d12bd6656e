"""Sums over partials in one block of samples: in groups of 15, around every fifteenth partial.

With theta the phase and q the partial in the middle of a group,

``sum_r a[q + r] sin((q + r) theta) = sin(q theta) C + cos(q theta) D``,
``C = a[q] + sum_{r > 0} (a[q + r] + a[q - r]) cos(r theta)``,
``D = sum_{r > 0} (a[q + r] - a[q - r]) sin(r theta)``, r from 1 to 7.

The waves of r are those of all groups, so that a partial costs one multiply-add, where a recurrence
costs three. From one group to the next is a turn by 15 theta. Phase and the waves of 1, 2, 4, 8 and
15 theta are float64, the rest has the precision of the amplitudes: the wave of a partial is rounded
once per group below it.
"""

from __future__ import annotations

import numpy as np

from ddsp_ref.jit import njit, njit_relaxed
from ddsp_ref.ops._products import aligned
from ddsp_ref.ops.oscillators._amplitude_methods import BLOCK
from ddsp_ref.ops.oscillators._series import COS, SIN

_REACH = 7
_GROUP = 2 * _REACH + 1

# Rows of the two work buffers. Each is one flat array, and loops always run over whole rows: only
# then does the compiler see that rows cannot overlap and make vector code of loops over many.
# In float64: phase in cycles, f0, and what phase has gained since the frame began.
CYCLES, F0, BOTH, RIGHT = range(0, 4 * BLOCK, BLOCK)
# In the precision of the amplitudes: cos(r theta) and sin(r theta) of r = 1 ... 7, ...
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = range(0, 7 * BLOCK, BLOCK)
_S1, _S2, _S3, _S4, _S5, _S6, _S7 = range(7 * BLOCK, 14 * BLOCK, BLOCK)
# ... those of q and of 15 theta, weight of the right frame, gain, sums of both frames, ...
_COS, _SIN, _COS_15, _SIN_15, WEIGHT, GAIN, LOW, HIGH = range(14 * BLOCK, 22 * BLOCK, BLOCK)
# ... their cotangents, and these times the waves of q.
LOW_BAR, HIGH_BAR, _LOW_SIN, _LOW_COS, _HIGH_SIN, _HIGH_COS = range(22 * BLOCK, 28 * BLOCK, BLOCK)
_NOT_NEGATIVE = 2**14 - 1  # by this mask the compiler sees it of an index


@njit_relaxed
def _wave(cycles):
    """Return cosine and sine of 2 pi cycles."""
    part = cycles - np.floor(cycles)  # in [0, 1], however large: cycles + 0.5 might round
    x = part if part < 0.5 else part - 1.0
    z = x * x
    sine, cosine = SIN[7], COS[8]
    for m in range(7):
        sine = sine * z + SIN[6 - m]
    for m in range(8):
        cosine = cosine * z + COS[7 - m]
    sine *= x
    return 1 - 2 * sine * sine, 2 * sine * cosine


@njit_relaxed
def _start(wide, narrow, slopes):
    """Turn phases into the waves of r and those of the first q; clear the sums.

    For slopes the waves of q are a quarter ahead: sines become cosines, cosines negative sines.
    """
    for j in range(BLOCK):
        c1, s1 = _wave(wide[CYCLES + j])
        c2, s2 = 1 - 2 * s1 * s1, 2 * s1 * c1
        c4, s4 = 1 - 2 * s2 * s2, 2 * s2 * c2
        c8, s8 = 1 - 2 * s4 * s4, 2 * s4 * c4
        c16, s16 = 1 - 2 * s8 * s8, 2 * s8 * c8
        narrow[_COS_15 + j], narrow[_SIN_15 + j] = c16 * c1 + s16 * s1, s16 * c1 - c16 * s1
        narrow[_COS + j], narrow[_SIN + j] = (-s8, c8) if slopes else (c8, s8)
        narrow[_C1 + j], narrow[_S1 + j] = c1, s1
        narrow[_C2 + j], narrow[_S2 + j] = c2, s2
        narrow[_C4 + j], narrow[_S4 + j] = c4, s4
    for j in range(BLOCK):
        c1, s1, c2, s2 = narrow[_C1 + j], narrow[_S1 + j], narrow[_C2 + j], narrow[_S2 + j]
        c4, s4 = narrow[_C4 + j], narrow[_S4 + j]
        c3, s3 = c2 * c1 - s2 * s1, s2 * c1 + c2 * s1
        narrow[_C3 + j], narrow[_S3 + j] = c3, s3
        narrow[_C5 + j], narrow[_S5 + j] = c4 * c1 - s4 * s1, s4 * c1 + c4 * s1
        narrow[_C6 + j], narrow[_S6 + j] = c4 * c2 - s4 * s2, s4 * c2 + c4 * s2
        narrow[_C7 + j], narrow[_S7 + j] = c4 * c3 - s4 * s3, s4 * c3 + c4 * s3
    for j in range(BLOCK):
        narrow[LOW + j] = 0
        narrow[HIGH + j] = 0


@njit_relaxed
def _turn(narrow):
    """Turn the waves of q from one group to the next."""
    for j in range(BLOCK):
        c, s, c15, s15 = (
            narrow[_COS + j],
            narrow[_SIN + j],
            narrow[_COS_15 + j],
            narrow[_SIN_15 + j],
        )
        narrow[_COS + j], narrow[_SIN + j] = c * c15 - s * s15, s * c15 + c * s15


# The room of a thread is handed on array by array: taken out of a tuple, each would be counted by
# a locked instruction, and a block of samples takes less than a hundred of these.


@njit
def make_room(n_harmonics, dtype):
    """Return both work buffers, room for two folded frames, their numbers, and cotangents."""
    n_groups = (n_harmonics + _GROUP - 1) // _GROUP
    wide, narrow = aligned(4 * BLOCK, np.float64), aligned(28 * BLOCK, dtype)
    folded, frames = np.empty((2, 2, n_groups, 8), dtype), np.full((2, 2), -1)
    return wide, narrow, folded, frames, np.empty((3, n_groups * _GROUP), dtype)


@njit
def _find_or_fold(folded, frames, values, partials, b, frame, n, slopes, other):
    """Return the slot of a frame's sums and differences; the other frame's slot is left alone.

    For slopes each partial counts times its number. The frame on the right of one block is on the
    left of a later one: it is still there.
    """
    for slot in range(2):
        if frames[slot, 0] == frame and frames[slot, 1] == n:
            return slot
    slot = 1 if frames[0, 0] == other and frames[0, 1] == n else 0
    frames[slot, 0], frames[slot, 1] = frame, n
    n_groups = (n + _GROUP - 1) // _GROUP
    for k in range(n):
        values[0, k] = (k + 1) * partials[b, frame, k] if slopes else partials[b, frame, k]
    for k in range(n, n_groups * _GROUP):
        values[0, k] = 0
    for g in range(n_groups):
        q = g * _GROUP + _REACH
        folded[slot, 0, g, 0] = values[0, q]
        for r in range(1, 8):
            folded[slot, 0, g, r] = values[0, q + r] + values[0, q - r]
            folded[slot, 1, g, r] = values[0, q + r] - values[0, q - r]
    return slot


@njit
def _eight(folded, slot, kind, g):
    """Return the sums (kind 0) or differences (1) of group g."""
    i, j = slot, kind
    return (
        folded[i, j, g, 0], folded[i, j, g, 1], folded[i, j, g, 2], folded[i, j, g, 3],
        folded[i, j, g, 4], folded[i, j, g, 5], folded[i, j, g, 6], folded[i, j, g, 7],
    )  # fmt: skip


@njit_relaxed
def _group(narrow, j, a, b):
    """Return sin(q theta) C + cos(q theta) D, with sums a and differences b."""
    c = a[0] + a[1] * narrow[_C1 + j] + a[2] * narrow[_C2 + j] + a[3] * narrow[_C3 + j]
    c += a[4] * narrow[_C4 + j] + a[5] * narrow[_C5 + j]
    c += a[6] * narrow[_C6 + j] + a[7] * narrow[_C7 + j]
    d = b[1] * narrow[_S1 + j] + b[2] * narrow[_S2 + j] + b[3] * narrow[_S3 + j]
    d += b[4] * narrow[_S4 + j] + b[5] * narrow[_S5 + j]
    d += b[6] * narrow[_S6 + j] + b[7] * narrow[_S7 + j]
    return narrow[_SIN + j] * c + narrow[_COS + j] * d


@njit_relaxed
def _add_group(narrow, folded, left, right, g):
    """Add the partials of one group, for the frames on both sides, in these slots."""
    a, b = _eight(folded, left, 0, g), _eight(folded, left, 1, g)
    for j in range(BLOCK):
        narrow[LOW + j] += _group(narrow, j, a, b)
    a, b = _eight(folded, right, 0, g), _eight(folded, right, 1, g)
    for j in range(BLOCK):
        narrow[HIGH + j] += _group(narrow, j, a, b)


@njit
def synthesize(wide, narrow, folded, frames, values, partials, b, left, right, n):
    """Sum up the first n partials for the frames on both sides."""
    one = _find_or_fold(folded, frames, values, partials, b, left, n, False, right)
    other = _find_or_fold(folded, frames, values, partials, b, right, n, False, left)
    _start(wide, narrow, False)
    for g in range((n + _GROUP - 1) // _GROUP):
        if g > 0:
            _turn(narrow)
        _add_group(narrow, folded, one, other, g)


@njit_relaxed
def _pull_two(narrow, r, q, values):
    """Write the cotangents of partials q - r - 1, q - r, q + r and q + r + 1 of both frames."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = narrow.dtype.type(0)
    c = (r - 1) * BLOCK & _NOT_NEGATIVE
    for j in range(BLOCK):
        low_sin, high_sin = narrow[_LOW_SIN + j], narrow[_HIGH_SIN + j]
        a0 += low_sin * narrow[c + _C1 + j]
        a1 += low_sin * narrow[c + _C2 + j]
        a2 += high_sin * narrow[c + _C1 + j]
        a3 += high_sin * narrow[c + _C2 + j]
        low_cos, high_cos = narrow[_LOW_COS + j], narrow[_HIGH_COS + j]
        b0 += low_cos * narrow[c + _S1 + j]
        b1 += low_cos * narrow[c + _S2 + j]
        b2 += high_cos * narrow[c + _S1 + j]
        b3 += high_cos * narrow[c + _S2 + j]
    # those of the sum and of the difference of two partials
    values[1, q - r - 1], values[1, q - r] = a1 - b1, a0 - b0
    values[1, q + r], values[1, q + r + 1] = a0 + b0, a1 + b1
    values[2, q - r - 1], values[2, q - r] = a3 - b3, a2 - b2
    values[2, q + r], values[2, q + r + 1] = a2 + b2, a3 + b3


@njit_relaxed
def _pull_group(narrow, g, values):
    """Write the cotangents of the partials of group g: values[1] of the left, [2] of the right."""
    low = high = narrow.dtype.type(0)
    for j in range(BLOCK):
        sine, cosine = -narrow[_COS + j], narrow[_SIN + j]  # they are a quarter ahead
        low_bar, high_bar = narrow[LOW_BAR + j], narrow[HIGH_BAR + j]
        narrow[_LOW_SIN + j] = low_bar * sine
        narrow[_LOW_COS + j] = low_bar * cosine
        narrow[_HIGH_SIN + j] = high_bar * sine
        narrow[_HIGH_COS + j] = high_bar * cosine
        low += low_bar * sine
        high += high_bar * sine
    q = g * _GROUP + _REACH
    values[1, q], values[2, q] = low, high
    for r in (1, 3, 5, 6):  # an odd number by twos: one of them twice
        _pull_two(narrow, r, q, values)


@njit
def pull(
    wide, narrow, folded, frames, values, partials, b, left, right, n, left_bar, right_bar, i
):  # fmt: skip
    """Add the cotangents of n partials of both frames; sum up k A_k cos(k theta) for both."""
    one = _find_or_fold(folded, frames, values, partials, b, left, n, True, right)
    other = _find_or_fold(folded, frames, values, partials, b, right, n, True, left)
    _start(wide, narrow, True)
    for g in range((n + _GROUP - 1) // _GROUP):
        if g > 0:
            _turn(narrow)
        _add_group(narrow, folded, one, other, g)
        _pull_group(narrow, g, values)
    for k in range(n):
        left_bar[b, i, k] += values[1, k]
        right_bar[b, i, k] += values[2, k]


@njit_relaxed
def add_crossing(wide, narrow, partials, b, left, right, first, last, nyquist):
    """Add partials that are below Nyquist in some samples only, where they are."""
    for k in range(first, last):
        for j in range(BLOCK):
            _, sine = _wave((k + 1) * wide[CYCLES + j])
            sine = sine if (k + 1) * wide[F0 + j] < nyquist else 0.0
            narrow[LOW + j] += partials[b, left, k] * sine
            narrow[HIGH + j] += partials[b, right, k] * sine


@njit_relaxed
def pull_crossing(
    wide, narrow, partials, b, left, right, left_bar, right_bar, i, first, last, nyquist
):
    """Do with these what `pull` does with the others."""
    for k in range(first, last):
        low, high = 0.0, 0.0
        for j in range(BLOCK):
            cosine, sine = _wave((k + 1) * wide[CYCLES + j])
            on = (k + 1) * wide[F0 + j] < nyquist
            sine, cosine = (sine, cosine) if on else (0.0, 0.0)
            low += narrow[LOW_BAR + j] * sine
            high += narrow[HIGH_BAR + j] * sine
            narrow[LOW + j] += (k + 1) * partials[b, left, k] * cosine
            narrow[HIGH + j] += (k + 1) * partials[b, right, k] * cosine
        left_bar[b, i, k] += low
        right_bar[b, i, k] += high
