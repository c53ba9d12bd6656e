"""The solo instrument of DDSP in plain PyTorch: a worked example of a port.

It reads nothing of ddsp_ref. Every function takes tensors by position, settings by keyword, and
leading batch axes; `OPS` at the end names them as the conformance kit does. What a function does
not know raises NotImplementedError. Read from top to bottom, it is the order to port in.
"""

import math

import torch


def exp_sigmoid(x, *, exponent=10.0, max_value=2.0, threshold=1e-7):
    return max_value * torch.exp(math.log(exponent) * torch.nn.functional.logsigmoid(x)) + threshold


def safe_log(x, *, eps=1e-5):
    return torch.log(torch.where(x > 0, x, eps))


def hz_to_midi(x):
    positive = x > 0
    safe = torch.where(positive, x, 440.0)
    return torch.where(positive, 12 * torch.log2(safe / 440) + 69, 0.0)


# Frames to samples


def positions(n_frames, n_samples, steps, length, device=None):
    ticks = torch.arange(n_samples, device=device) * steps
    left = torch.clamp(ticks // length, max=n_frames - 1)
    right = torch.clamp(left + 1, max=n_frames - 1)
    return left, right, (ticks % length).double() / length


def resample_linear(x, *, n_samples, add_endpoint=True):
    n_frames = x.shape[-2]
    steps, length = (n_frames, n_samples) if add_endpoint else (n_frames - 1, max(n_samples - 1, 1))
    left, right, place = positions(n_frames, n_samples, steps, length, x.device)
    place = place.to(x.dtype)[:, None]
    return x[..., left, :] + place * (x[..., right, :] - x[..., left, :])


def resample_nearest(x, *, n_samples, add_endpoint=True):
    n_frames, ticks = x.shape[-2], torch.arange(n_samples, device=x.device)
    if add_endpoint:
        return x[..., ticks * n_frames // n_samples, :]
    if n_samples == 1:
        return x[..., :1, :]
    return x[..., (2 * ticks * (n_frames - 1) + n_samples - 1) // (2 * (n_samples - 1)), :]


def resample_window(x, *, n_samples, add_endpoint=True):
    n_frames = x.shape[-2]
    intervals = n_frames if add_endpoint else n_frames - 1
    left, right, place = positions(n_frames, n_samples, intervals, n_samples, x.device)
    falling = (0.5 + 0.5 * torch.cos(math.pi * place)).to(x.dtype)[:, None]
    return falling * x[..., left, :] + (1 - falling) * x[..., right, :]


RESAMPLE = {"linear": resample_linear, "nearest": resample_nearest, "window": resample_window}

# Oscillators


def harmonic_frequencies(f0_hz, *, n_harmonics):
    return f0_hz[..., None] * torch.arange(1, n_harmonics + 1, device=f0_hz.device)


def remove_above_nyquist(frequencies_hz, amplitudes, *, sample_rate=16000):
    return torch.where(frequencies_hz >= sample_rate / 2, 0.0, amplitudes)


def normalize_harmonics(harmonic_distribution, f0_hz, *, sample_rate=None):
    kept = harmonic_distribution
    if sample_rate is not None:
        frequencies = harmonic_frequencies(f0_hz.double(), n_harmonics=kept.shape[-1])
        kept = remove_above_nyquist(frequencies, kept, sample_rate=sample_rate)
    total = kept.sum(-1, keepdim=True)
    return kept / torch.where(total == 0, 1e-7, total)


def oscillator_bank(frequency_envelopes, amplitude_envelopes, *, sample_rate=16000,
                    sum_sinusoids=True):  # fmt: skip
    cycles = torch.cumsum(frequency_envelopes.double() / sample_rate, dim=-2)
    wave = torch.sin(2 * math.pi * (cycles - torch.floor(cycles).detach()))
    audible = frequency_envelopes < sample_rate / 2
    waves = torch.where(audible, amplitude_envelopes * wave.to(amplitude_envelopes.dtype), 0.0)
    return waves.sum(-1) if sum_sinusoids else waves


def harmonic_synthesis(f0_hz, amplitudes, harmonic_distribution, *, n_samples, sample_rate=16000,
                       amp_resample_method="window"):  # fmt: skip
    if amp_resample_method not in RESAMPLE:
        raise NotImplementedError(amp_resample_method)
    resample = RESAMPLE[amp_resample_method]
    f0 = resample_linear(f0_hz.double()[..., None], n_samples=n_samples)
    envelopes = resample(amplitudes[..., None] * harmonic_distribution, n_samples=n_samples)
    k = torch.arange(1, harmonic_distribution.shape[-1] + 1, device=f0.device)
    audible = f0 * k < sample_rate / 2
    cycles = torch.cumsum(f0 / sample_rate, dim=-2)
    waves = torch.sin(2 * math.pi * (cycles * k)).to(envelopes.dtype)
    return torch.where(audible, envelopes * waves, 0.0).sum(-1)


# Filters


def frequency_impulse_response(magnitudes, *, window_size=0):
    response = torch.fft.irfft(magnitudes)
    n_full = response.shape[-1]
    size = window_size if 0 < window_size < n_full else n_full
    window = hann(size, response)
    if size == n_full:
        return window * torch.roll(response, n_full // 2, -1)
    half = (size + 1) // 2
    windowed = response * torch.cat([window[half:], window.new_zeros(n_full - size), window[:half]])
    return torch.cat([windowed[..., n_full - half + 2 :], windowed[..., : half + 1]], -1)


def crop(whole, n_samples, n_taps, padding, delay_compensation):
    start = max((n_taps - 1) // 2 - 1, 0) if delay_compensation < 0 else delay_compensation
    n_out = n_samples if padding == "same" else n_samples + n_taps - 1
    return torch.nn.functional.pad(whole, (0, n_out))[..., start : start + n_out]


def fft_convolve(audio, impulse_response, *, padding="same", delay_compensation=-1):
    n_samples, n_taps = audio.shape[-1], impulse_response.shape[-1]
    size = n_samples + n_taps - 1
    product = torch.fft.rfft(audio, size) * torch.fft.rfft(impulse_response, size)
    return crop(torch.fft.irfft(product, size), n_samples, n_taps, padding, delay_compensation)


def fft_convolve_frames(audio, impulse_responses, *, padding="same", delay_compensation=-1):
    n_samples, (n_frames, n_taps) = audio.shape[-1], impulse_responses.shape[-2:]
    hop = -(-n_samples // n_frames)
    padded = torch.nn.functional.pad(audio, (0, n_frames * hop - n_samples))
    frames, size = padded.unflatten(-1, (n_frames, hop)), hop + n_taps - 1
    spectra = torch.fft.rfft(frames, size) * torch.fft.rfft(impulse_responses, size)
    pieces = torch.fft.irfft(spectra, size).flatten(-2)
    place = (hop * torch.arange(n_frames)[:, None] + torch.arange(size)).flatten()
    whole = pieces.new_zeros(*pieces.shape[:-1], n_frames * hop + n_taps - 1)
    whole = whole.index_add(-1, place.to(pieces.device), pieces)
    return crop(
        whole[..., : n_samples + n_taps - 1], n_samples, n_taps, padding, delay_compensation
    )


def frequency_filter(audio, magnitudes, *, window_size=0, padding="same"):
    responses = frequency_impulse_response(magnitudes, window_size=window_size)
    return fft_convolve_frames(audio, responses, padding=padding)


# Features and loss


def hann(size, like):
    angle = 2 * math.pi * torch.arange(size, dtype=torch.float64) / (size - size % 2)
    return (0.5 - 0.5 * torch.cos(angle)).to(like)


def stft_magnitude(audio, *, fft_size=2048, overlap=0.75, pad_end=True, frame_size=None):
    size = fft_size if frame_size is None else frame_size
    hop = math.floor(size * (1 - overlap) + 1e-6)
    if pad_end:
        n_frames = -(-audio.shape[-1] // hop)
        audio = torch.nn.functional.pad(audio, (0, size))[..., : (n_frames - 1) * hop + size]
    frames = audio.unfold(-1, size, hop) * hann(size, audio)
    return torch.fft.rfft(frames, fft_size).abs()


def a_weighting_db(frequencies_hz):
    square = frequencies_hz**2
    a, b, c, d = (p**2 for p in (20.598997, 107.65265, 737.86223, 12194.217))
    root = torch.sqrt((square + b) * (square + c))
    response = d * square**2 / (square + a) / root / (square + d)
    return torch.clamp(2 + 20 * torch.log10(torch.clamp(response, min=1e-30)), min=-80)


def compute_loudness(audio, *, sample_rate=16000, frame_rate=250, fft_size=512, range_db=80.0,
                     ref_db=0.0, padding="center"):  # fmt: skip
    hop, n_samples = round(sample_rate / frame_rate), audio.shape[-1]
    before = after = fft_size // 2 if padding == "center" else 0
    if padding == "same":
        after = max((-(-n_samples // hop) - 1) * hop + fft_size - n_samples, 0)
    padded = torch.nn.functional.pad(audio, (before, after))
    spectra = torch.fft.rfft(padded.unfold(-1, fft_size, hop) * hann(fft_size, audio))
    power = spectra.real.double() ** 2 + spectra.imag.double() ** 2
    bins = torch.arange(fft_size // 2 + 1, dtype=torch.float64) * sample_rate / fft_size
    weighted = (10 ** (a_weighting_db(bins) / 10)).to(power) * power
    level = 10 * torch.log10(torch.clamp(weighted.mean(-1), min=10 ** (-range_db / 10))) - ref_db
    return torch.clamp(level, min=-range_db).to(audio.dtype)


def spectral_loss(target_audio, audio, *, fft_sizes=(2048, 1024, 512, 256, 128, 64),
                  loss_type="L1", mag_weight=1.0, logmag_weight=0.0, log_floor="replace",
                  log_eps=1e-5, sample_rate=16000, frame_rate=250, **other_weights):  # fmt: skip
    if loss_type not in ("L1", "L2") or any(other_weights.values()):
        raise NotImplementedError(f"loss_type={loss_type!r}, {other_weights}")

    def logarithm(mag):
        return torch.log(mag + log_eps) if log_floor == "add" else safe_log(mag, eps=log_eps)

    def distance(a, b):
        difference = a - b
        return (difference.abs() if loss_type == "L1" else difference**2).mean((-2, -1))

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
    return x @ kernel + bias


def layer_norm(x, gamma, beta, *, epsilon=1e-3):
    centred = x - x.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return gamma * centred / torch.sqrt(variance + epsilon) + beta


def leaky_relu(x, *, slope=0.2):
    return torch.where(x > 0, x, slope * x)


def gru(x, state, kernel, recurrent_kernel, bias, recurrent_bias):
    inputs, outputs, h = x @ kernel + bias, [], state
    for t in range(x.shape[-2]):
        a_z, a_r, a_h = inputs[..., t, :].chunk(3, -1)
        c_z, c_r, c_h = (h @ recurrent_kernel + recurrent_bias).chunk(3, -1)
        update, reset = torch.sigmoid(a_z + c_z), torch.sigmoid(a_r + c_r)
        candidate = torch.tanh(a_h + reset * c_h)
        h = update * h + (1 - update) * candidate
        outputs.append(h)
    return torch.stack(outputs, -2)


# The instrument


def harmonic(amplitudes, harmonic_distribution, f0_hz, *, n_samples, sample_rate=16000):
    shares = normalize_harmonics(exp_sigmoid(harmonic_distribution), f0_hz, sample_rate=sample_rate)
    positive = exp_sigmoid(amplitudes)
    return harmonic_synthesis(f0_hz, positive, shares, n_samples=n_samples, sample_rate=sample_rate)


def filtered_noise(magnitudes, noise, *, window_size=257, initial_bias=-5.0):
    return frequency_filter(noise, exp_sigmoid(magnitudes + initial_bias), window_size=window_size)


def reverb(audio, impulse_response):
    masked = torch.cat([torch.zeros_like(impulse_response[..., :1]), impulse_response[..., 1:]], -1)
    return audio + fft_convolve(audio, masked, delay_compensation=0)


def decode(p, f0_hz, loudness_db, n_harmonics):
    def stack(name, x):
        for i in range(sum(k.startswith(f"decoder/{name}/") and k.endswith("gamma") for k in p)):
            parts = (p[f"decoder/{name}/{i}/{k}"] for k in ("kernel", "bias", "gamma", "beta"))
            kernel, bias, *norm = parts
            x = leaky_relu(layer_norm(dense(x, kernel, bias), *norm))
        return x

    loudness = stack("loudness_stack", (loudness_db / 80 + 1)[..., None])
    x = torch.cat([loudness, stack("f0_stack", (hz_to_midi(f0_hz) / 127)[..., None])], -1)
    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    weights = [p[f"decoder/gru/{name}"] for name in names]
    state = x.new_zeros(*x.shape[:-2], weights[1].shape[0])
    y = stack("out_stack", torch.cat([x, gru(x, state, *weights)], -1))
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
    harmonic_frequencies, remove_above_nyquist, normalize_harmonics, oscillator_bank,
    harmonic_synthesis, frequency_impulse_response, fft_convolve, fft_convolve_frames,
    frequency_filter, stft_magnitude, compute_loudness, spectral_loss, dense, layer_norm,
    leaky_relu, gru,
)}  # fmt: skip
