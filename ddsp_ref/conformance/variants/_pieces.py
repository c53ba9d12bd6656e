"""What several wide definitions are made of: windows, frames, resampling, stopped gradients."""

from __future__ import annotations

import numpy as np


def stop(x):
    """Return the value of x as a constant, out of reach of autograd."""
    while hasattr(x, "_value"):
        x = x._value
    return x


def let_gradient_through(value, path):
    """Return a value whose gradient is that of path: a straight-through estimate."""
    return stop(value) + (path - stop(path))


def window(kind, size):
    """Return a window by the name of its kind."""
    n = np.arange(size)
    if kind == "symmetric":
        return 0.5 - 0.5 * np.cos(2 * np.pi * n / max(size - 1, 1))
    period = max(size - size % 2, 1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / period)
    kinds = {
        "none": np.ones(size),
        "hamming": 0.54 - 0.46 * np.cos(2 * np.pi * n / period),
        "sqrt_hann": np.sqrt(np.maximum(hann, 0.0)),
    }
    return kinds.get(kind, hann)


WINDOWS = {
    "symmetric": "a window that ends as it begins (NumPy's np.hanning, torchaudio) instead of a "
    "periodic one",
    "none": "no window",
    "hamming": "a Hamming window instead of a Hann window",
    "sqrt_hann": "the square root of the Hann window",
}


def spectrum(frames, fft_size, xp):
    """Return real and imaginary parts of the transforms of frames, by their definition."""
    size = frames.shape[-1]
    angle = np.outer(np.arange(size), np.arange(fft_size // 2 + 1)) % fft_size
    angle = 2 * np.pi * angle / fft_size
    return xp.dot(frames, np.cos(angle)), -xp.dot(frames, np.sin(angle))


def root(power, xp):
    """Return the square root, with a gradient of 0 at 0."""
    return xp.where(power > 0, xp.sqrt(xp.where(power > 0, power, 1.0)), 0.0)


def mirrored(n_samples, before, after):
    """Return the places that a signal is read at when it is mirrored at its ends."""
    place = np.arange(-before, n_samples + after)
    period = max(2 * (n_samples - 1), 1)
    place = np.abs(place) % period
    return np.where(place >= n_samples, period - place, place)


def padded(audio, size, hop, padding, xp):
    """Return the signal with what stands before and after it, ready to be cut into frames."""
    n_samples = audio.shape[-1]
    if padding == "none":
        return audio
    if padding == "center":
        return xp.concatenate([np.zeros(size // 2), audio, np.zeros(size // 2)])
    if padding == "reflect":
        return audio[mirrored(n_samples, size // 2, size // 2)]
    n_frames = -(-n_samples // hop)
    wanted = (n_frames - 1) * hop + size
    return xp.concatenate([audio, np.zeros(max(wanted - n_samples, 0))])[:wanted]


def cut(signal, size, hop):
    """Return the frames that lie within a signal."""
    n_frames = max(1 + (signal.shape[-1] - size) // hop, 0)
    return signal[hop * np.arange(n_frames)[:, None] + np.arange(size)]


SCALES = {
    "sqrt_n": "transforms divided by the square root of their size (normalized=True in PyTorch; "
    "ddsp_pytorch, DDSP-SVC)",
    "n": "transforms divided by their size",
    "window_sum": "transforms divided by the sum of the window (scipy.signal.stft)",
}


def scale_factor(scale, fft_size, weights):
    """Return what a transform is multiplied with."""
    return {
        "sqrt_n": fft_size**-0.5,
        "n": 1.0 / fft_size,
        "window_sum": 1.0 / max(weights.sum(), 1e-9),
    }.get(scale, 1.0)


def place(n_frames, n_samples, method, add_endpoint=True, length=None):
    """Return the place of each sample between frames, as a real number of frames."""
    t = np.arange(n_samples)
    if length is not None:
        return t * (n_frames - 1) / length
    if method == "half_pixel":
        return np.clip((t + 0.5) * n_frames / n_samples - 0.5, 0, n_frames - 1)
    if method == "endpoint" or not add_endpoint:
        return t * (n_frames - 1) / max(n_samples - 1, 1)
    return t * n_frames / n_samples


def upsample(x, n_samples, method, xp, add_endpoint=True, length=None):
    """Bring frames, the first axis of x, to samples by the named method."""
    n_frames = x.shape[0]
    if method == "nearest_centred":
        where = place(n_frames, n_samples, "half_pixel")
        return x[np.minimum(np.floor(where + 0.5).astype(int), n_frames - 1)]
    where = place(n_frames, n_samples, method, add_endpoint, length)
    left = np.minimum(np.floor(where + 1e-9).astype(int), n_frames - 1)
    if method == "nearest":
        return x[left]
    right = np.minimum(left + 1, n_frames - 1)
    fraction = np.clip(where - left, 0.0, 1.0)
    if method == "cosine":
        fraction = 0.5 - 0.5 * np.cos(np.pi * fraction)
    if method == "half_hop":
        fraction = np.minimum(2 * fraction, 1.0)
    fraction = fraction.reshape((-1,) + (1,) * (x.ndim - 1))
    if method == "zero_end":
        x = xp.concatenate([x, 0 * x[-1:]])
        right = left + 1
    if method == "logarithmic":
        x = xp.log(xp.maximum(x, 1e-9))
        return xp.exp(x[left] + fraction * (x[right] - x[left]))
    return x[left] + fraction * (x[right] - x[left])


UPSAMPLE = {
    "nearest": "frames held from their own sample (ddsp_pytorch)",
    "nearest_centred": "the nearest frame, with frames in the middle of their hop "
    "(interpolate, mode='nearest', with half-pixel centres)",
    "half_pixel": "frames in the middle of their hop (align_corners=False)",
    "endpoint": "first and last frame at the first and last sample (align_corners=True)",
    "half_hop": "a straight line over half a hop, then held (ddsp-vst)",
    "zero_end": "the last frame falls to zero instead of being held",
}
