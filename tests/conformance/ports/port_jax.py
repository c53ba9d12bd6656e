"""The solo instrument of DDSP in plain JAX: a worked example of a port.

It reads nothing of ddsp_ref. Every function takes arrays by position, settings by keyword, and
leading batch axes; `OPS` at the end names them as the conformance kit does. Phases are summed in
float64, which JAX has only with `jax_enable_x64`.
"""

import math

import jax
import jax.numpy as jnp


def exp_sigmoid(x, *, exponent=10.0, max_value=2.0, threshold=1e-7):
    return max_value * jnp.exp(math.log(exponent) * jax.nn.log_sigmoid(x)) + threshold


def safe_log(x, *, eps=1e-5):
    return jnp.log(jnp.where(x > 0, x, eps))


def hz_to_midi(x):
    safe = jnp.where(x > 0, x, 440.0)
    return jnp.where(x > 0, 12 * jnp.log2(safe / 440) + 69, 0.0)


# Frames to samples


def at(array, index):
    return jnp.take(array, index, axis=-2)


def lines(x, n_samples, steps, length, shape=lambda place: place):
    n_frames, ticks = x.shape[-2], jnp.arange(n_samples) * steps
    left = jnp.minimum(ticks // length, n_frames - 1)
    right = jnp.minimum(left + 1, n_frames - 1)
    place = shape((ticks % length).astype(x.dtype) / length)[:, None]
    return at(x, left) + place * (at(x, right) - at(x, left))


def resample_linear(x, *, n_samples, add_endpoint=True):
    n_frames = x.shape[-2]
    if add_endpoint:
        return lines(x, n_samples, n_frames, n_samples)
    return lines(x, n_samples, n_frames - 1, max(n_samples - 1, 1))


def resample_window(x, *, n_samples, add_endpoint=True):
    intervals = x.shape[-2] if add_endpoint else x.shape[-2] - 1
    return lines(x, n_samples, intervals, n_samples, lambda p: 0.5 - 0.5 * jnp.cos(jnp.pi * p))


def resample_nearest(x, *, n_samples, add_endpoint=True):
    n_frames, ticks = x.shape[-2], jnp.arange(n_samples)
    if add_endpoint:
        return at(x, ticks * n_frames // n_samples)
    length = max(n_samples - 1, 1)
    return at(x, (2 * ticks * (n_frames - 1) + length) // (2 * length))


RESAMPLE = {"linear": resample_linear, "nearest": resample_nearest, "window": resample_window}

# Oscillators


def double(x):
    return x.astype(jnp.float64) if jax.config.jax_enable_x64 else x


def harmonic_frequencies(f0_hz, *, n_harmonics):
    return f0_hz[..., None] * jnp.arange(1, n_harmonics + 1)


def remove_above_nyquist(frequencies_hz, amplitudes, *, sample_rate=16000):
    return jnp.where(frequencies_hz >= sample_rate / 2, 0.0, amplitudes)


def normalize_harmonics(harmonic_distribution, f0_hz, *, sample_rate=None):
    kept = harmonic_distribution
    if sample_rate is not None:
        frequencies = harmonic_frequencies(double(f0_hz), n_harmonics=kept.shape[-1])
        kept = remove_above_nyquist(frequencies, kept, sample_rate=sample_rate)
    total = kept.sum(-1, keepdims=True)
    return kept / jnp.where(total == 0, 1e-7, total)


def harmonic_synthesis(f0_hz, amplitudes, harmonic_distribution, *, n_samples, sample_rate=16000,
                       amp_resample_method="window"):  # fmt: skip
    if amp_resample_method not in RESAMPLE:
        raise NotImplementedError(amp_resample_method)
    partials = amplitudes[..., None] * harmonic_distribution
    envelopes = RESAMPLE[amp_resample_method](partials, n_samples=n_samples)
    f0 = resample_linear(double(f0_hz)[..., None], n_samples=n_samples)
    k = jnp.arange(1, harmonic_distribution.shape[-1] + 1)
    waves = jnp.sin(2 * jnp.pi * (k * jnp.cumsum(f0 / sample_rate, -2))).astype(envelopes.dtype)
    return jnp.where(f0 * k < sample_rate / 2, envelopes * waves, 0.0).sum(-1)


# Filters


def frequency_impulse_response(magnitudes, *, window_size=0):
    response = jnp.fft.irfft(magnitudes)
    n_full = response.shape[-1]
    size = window_size if 0 < window_size < n_full else n_full
    window = hann(size, response)
    if size == n_full:
        return window * jnp.roll(response, n_full // 2, -1)
    half = (size + 1) // 2
    apart = jnp.zeros(n_full - size, response.dtype)
    windowed = response * jnp.concatenate([window[half:], apart, window[:half]])
    return jnp.concatenate([windowed[..., n_full - half + 2 :], windowed[..., : half + 1]], -1)


def pad_end(x, n):
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, n)])


def crop(whole, n_samples, n_taps, padding, delay_compensation):
    start = max((n_taps - 1) // 2 - 1, 0) if delay_compensation < 0 else delay_compensation
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return pad_end(whole, n_out)[..., start : start + n_out]


def fft_convolve(audio, impulse_response, *, padding="same", delay_compensation=-1):
    n_samples, n_taps = audio.shape[-1], impulse_response.shape[-1]
    size = n_samples + n_taps - 1
    spectra = jnp.fft.rfft(audio, size) * jnp.fft.rfft(impulse_response, size)
    return crop(jnp.fft.irfft(spectra, size), n_samples, n_taps, padding, delay_compensation)


def fft_convolve_frames(audio, impulse_responses, *, padding="same", delay_compensation=-1):
    n_samples, (n_frames, n_taps) = audio.shape[-1], impulse_responses.shape[-2:]
    hop = -(-n_samples // n_frames)
    padded = pad_end(audio, n_frames * hop - n_samples)
    frames, size = padded.reshape(*padded.shape[:-1], n_frames, hop), hop + n_taps - 1
    spectra = jnp.fft.rfft(frames, size) * jnp.fft.rfft(impulse_responses, size)
    pieces = jnp.fft.irfft(spectra, size)
    place = hop * jnp.arange(n_frames)[:, None] + jnp.arange(size)
    empty = jnp.zeros((*pieces.shape[:-2], n_frames * hop + n_taps - 1), pieces.dtype)
    whole = empty.at[..., place].add(pieces)[..., : n_samples + n_taps - 1]
    return crop(whole, n_samples, n_taps, padding, delay_compensation)


def frequency_filter(audio, magnitudes, *, window_size=0, padding="same"):
    responses = frequency_impulse_response(magnitudes, window_size=window_size)
    return fft_convolve_frames(audio, responses, padding=padding)


# Features and loss


def hann(size, like):
    angle = 2 * jnp.pi * jnp.arange(size) / (size - size % 2)
    return (0.5 - 0.5 * jnp.cos(angle)).astype(like.dtype)


def cut(signal, size, hop):
    n_frames = 1 + (signal.shape[-1] - size) // hop
    return signal[..., hop * jnp.arange(n_frames)[:, None] + jnp.arange(size)]


def stft_magnitude(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    size = fft_size if frame_size is None else frame_size
    hop = math.floor(size * (1 - overlap) + 1e-6)
    if pad_end:
        width = (-(-audio.shape[-1] // hop) - 1) * hop + size
        audio = jnp.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(0, size)])[..., :width]
    return jnp.abs(jnp.fft.rfft(cut(audio, size, hop) * hann(size, audio), fft_size))


def a_weighting_db(frequencies_hz):
    square = frequencies_hz**2
    a, b, c, d = (p**2 for p in (20.598997, 107.65265, 737.86223, 12194.217))
    root = jnp.sqrt((square + b) * (square + c))
    response = d * square**2 / (square + a) / root / (square + d)
    return jnp.maximum(2 + 20 * jnp.log10(jnp.maximum(response, 1e-30)), -80)


def compute_loudness(audio, *, sample_rate=16000, frame_rate=250, fft_size=512, range_db=80.0,
                     ref_db=0.0, padding="center"):  # fmt: skip
    hop, n_samples = round(sample_rate / frame_rate), audio.shape[-1]
    before = after = fft_size // 2 if padding == "center" else 0
    if padding == "same":
        after = max((-(-n_samples // hop) - 1) * hop + fft_size - n_samples, 0)
    padded = jnp.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(before, after)])
    spectra = jnp.fft.rfft(cut(padded, fft_size, hop) * hann(fft_size, audio))
    bins = jnp.arange(fft_size // 2 + 1) * sample_rate / fft_size
    weights = 10 ** (a_weighting_db(bins) / 10)
    power = (weights * (spectra.real**2 + spectra.imag**2)).mean(-1)
    level = 10 * jnp.log10(jnp.maximum(power, 10 ** (-range_db / 10))) - ref_db
    return jnp.maximum(level, -range_db).astype(audio.dtype)


def spectral_loss(target_audio, audio, *, fft_sizes=(2048, 1024, 512, 256, 128, 64),
                  loss_type="L1", mag_weight=1.0, logmag_weight=0.0, log_floor="replace",
                  log_eps=1e-5, sample_rate=16000, frame_rate=250, **other_weights):  # fmt: skip
    if loss_type not in ("L1", "L2") or any(other_weights.values()):
        raise NotImplementedError(f"loss_type={loss_type!r}, {other_weights}")

    def logarithm(mag):
        return jnp.log(mag + log_eps) if log_floor == "add" else safe_log(mag, eps=log_eps)

    def distance(a, b):
        return (jnp.abs(a - b) if loss_type == "L1" else (a - b) ** 2).mean((-2, -1))

    loss = 0.0
    for size in fft_sizes:
        target, value = (stft_magnitude(s, fft_size=size) for s in (target_audio, audio))
        if mag_weight > 0:
            loss = loss + mag_weight * distance(target, value)
        if logmag_weight > 0:
            loss = loss + logmag_weight * distance(logarithm(target), logarithm(value))
    return loss


# The network


def dense(x, kernel, bias):
    return jnp.matmul(x, kernel, precision="highest") + bias


def layer_norm(x, gamma, beta, *, epsilon=1e-3):
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    return gamma * centred / jnp.sqrt(variance + epsilon) + beta


def leaky_relu(x, *, slope=0.2):
    return jnp.where(x > 0, x, slope * x)


def gru(x, state, kernel, recurrent_kernel, bias, recurrent_bias):
    def step(h, a):
        a_z, a_r, a_h = jnp.split(a, 3, -1)
        c_z, c_r, c_h = jnp.split(dense(h, recurrent_kernel, recurrent_bias), 3, -1)
        update, reset = jax.nn.sigmoid(a_z + c_z), jax.nn.sigmoid(a_r + c_r)
        h = update * h + (1 - update) * jnp.tanh(a_h + reset * c_h)
        return h, h

    inputs = jnp.moveaxis(dense(x, kernel, bias), -2, 0)
    start = jnp.broadcast_to(state, (*inputs.shape[1:-1], state.shape[-1]))
    return jnp.moveaxis(jax.lax.scan(step, start, inputs)[1], 0, -2)


# The instrument


def harmonic(amplitudes, harmonic_distribution, f0_hz, *, n_samples, sample_rate=16000):
    shares = normalize_harmonics(exp_sigmoid(harmonic_distribution), f0_hz, sample_rate=sample_rate)
    level = exp_sigmoid(amplitudes)
    return harmonic_synthesis(f0_hz, level, shares, n_samples=n_samples, sample_rate=sample_rate)


def filtered_noise(magnitudes, noise, *, window_size=257, initial_bias=-5.0):
    return frequency_filter(noise, exp_sigmoid(magnitudes + initial_bias), window_size=window_size)


def reverb(audio, impulse_response):
    masked = impulse_response.at[..., 0].set(0.0)
    return audio + fft_convolve(audio, masked, delay_compensation=0)


def decode(p, f0_hz, loudness_db, n_harmonics):
    def stack(name, x):
        for i in range(sum(k.startswith(f"decoder/{name}/") and k.endswith("gamma") for k in p)):
            parts = (p[f"decoder/{name}/{i}/{k}"] for k in ("kernel", "bias", "gamma", "beta"))
            kernel, bias, *norm = parts
            x = leaky_relu(layer_norm(dense(x, kernel, bias), *norm))
        return x

    loudness = stack("loudness_stack", (loudness_db / 80 + 1)[..., None])
    x = jnp.concatenate([loudness, stack("f0_stack", (hz_to_midi(f0_hz) / 127)[..., None])], -1)
    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    weights = [p[f"decoder/gru/{name}"] for name in names]
    hidden = gru(x, jnp.zeros(weights[1].shape[0], x.dtype), *weights)
    y = stack("out_stack", jnp.concatenate([x, hidden], -1))
    y = dense(y, p["decoder/controls/kernel"], p["decoder/controls/bias"])
    return y[..., 0], y[..., 1 : 1 + n_harmonics], y[..., 1 + n_harmonics :]


def solo_instrument(p, f0_hz, loudness_db, noise, *, n_harmonics, sample_rate=16000):
    amplitudes, distribution, magnitudes = decode(p, f0_hz, loudness_db, n_harmonics)
    settings = {"n_samples": noise.shape[-1], "sample_rate": sample_rate}
    dry = harmonic(amplitudes, distribution, f0_hz, **settings)
    dry = dry + filtered_noise(magnitudes, noise, window_size=0)
    return reverb(dry, p["reverb/impulse_response"])


OPS = {f.__name__: f for f in (
    exp_sigmoid, safe_log, hz_to_midi, resample_linear, resample_nearest, resample_window,
    harmonic_frequencies, remove_above_nyquist, normalize_harmonics,
    harmonic_synthesis, frequency_impulse_response, fft_convolve, fft_convolve_frames,
    frequency_filter, stft_magnitude, compute_loudness, spectral_loss, dense, layer_norm,
    leaky_relu, gru,
)}  # fmt: skip
