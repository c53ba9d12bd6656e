"""Plain JAX, jitted."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import protocol

SCALES = (2048, 1024, 512, 256, 128, 64)

jnp.zeros(1)  # starts the machinery, which belongs to importing it


def hann(size):
    return jnp.asarray(np.sin(np.pi * np.arange(size) / size) ** 2, jnp.float32)


def upsample(x, n_samples, window=False):
    """Bring frames to samples, along straight lines or with overlapping Hann windows."""
    hop = n_samples // x.shape[1]
    share = np.arange(hop) / hop
    if window:
        share = np.sin(np.pi / 2 * share) ** 2
    share = jnp.asarray(share, jnp.float32).reshape(1, 1, hop, *[1] * (x.ndim - 2))
    following = jnp.concatenate([x[:, 1:], x[:, -1:]], 1)
    y = x[:, :, None] * (1 - share) + following[:, :, None] * share
    return y.reshape(x.shape[0], n_samples, *x.shape[2:])


def harmonic(x, s):
    f0 = upsample(x["f0_hz"], s["n_samples"])
    k = jnp.arange(1, x["harmonic_distribution"].shape[-1] + 1, dtype=jnp.float32)
    cycles = jnp.cumsum(f0 / s["sample_rate"], 1)
    phase = 2 * math.pi * (cycles - jax.lax.stop_gradient(jnp.floor(cycles)))
    levels = x["amplitudes"][..., None] * x["harmonic_distribution"]
    levels = upsample(levels, s["n_samples"], window=True)
    levels = jnp.where(f0[..., None] * k < s["sample_rate"] / 2, levels, 0.0)
    return (levels * jnp.sin(phase[..., None] * k)).sum(-1)


def sinusoidal(x, s):
    frequencies = upsample(x["frequencies_hz"], s["n_samples"])
    levels = upsample(x["amplitudes"], s["n_samples"], window=True)
    levels = jnp.where(frequencies < s["sample_rate"] / 2, levels, 0.0)
    phase = jnp.cumsum(frequencies * (2 * math.pi / s["sample_rate"]), 1)
    return (levels * jnp.sin(phase)).sum(-1)


def overlap_add(blocks):
    """Add pieces (batch, frames, blocks, hop), each a hop later than the one before."""
    n_blocks = blocks.shape[2]
    later = [
        jnp.pad(blocks[:, :, i], ((0, 0), (i, n_blocks - 1 - i), (0, 0))) for i in range(n_blocks)
    ]
    return sum(later).reshape(blocks.shape[0], -1)


def fir(x, s):
    audio, taps = x["audio"], x["impulse_responses"]
    (batch, n_samples), (_, n_frames, n_taps) = audio.shape, taps.shape
    hop = n_samples // n_frames
    n_blocks = -(-(hop + n_taps - 1) // hop)
    size = 2 ** math.ceil(math.log2(hop * n_blocks))
    frames = jnp.fft.rfft(audio.reshape(batch, n_frames, hop), size)
    pieces = jnp.fft.irfft(frames * jnp.fft.rfft(taps, size), size)[..., : hop * n_blocks]
    y = overlap_add(pieces.reshape(batch, n_frames, n_blocks, hop))
    start = max((n_taps - 1) // 2 - 1, 0)
    return y[:, start : start + n_samples]


def filtered_noise(x, s):
    size = 2 * (x["magnitudes"].shape[-1] - 1)
    taps = jnp.fft.fftshift(jnp.fft.irfft(x["magnitudes"], size), -1)
    return fir({"audio": x["audio"], "impulse_responses": taps * hann(size)}, s)


def reverb(x, s):
    n_samples, n_taps = x["audio"].shape[-1], x["impulse_response"].shape[-1]
    size = 2 ** math.ceil(math.log2(n_samples + n_taps - 1))
    spectrum = jnp.fft.rfft(x["audio"], size) * jnp.fft.rfft(x["impulse_response"], size)
    return jnp.fft.irfft(spectrum, size)[..., :n_samples]


def spectra(audio, size, hop, n_frames):
    missing = max((n_frames - 1) * hop + size - audio.shape[-1], 0)
    padded = jnp.pad(audio, ((0, 0), (0, missing)))
    place = hop * np.arange(n_frames)[:, None] + np.arange(size)
    return jnp.fft.rfft(padded[:, place] * hann(size))


def magnitudes(audio, size):
    spectrum = spectra(audio, size, size // 4, -(-audio.shape[-1] // (size // 4)))
    power = spectrum.real**2 + spectrum.imag**2
    return jnp.where(power > 0, jnp.sqrt(jnp.where(power > 0, power, 1.0)), 0.0)


def safe_log(x):
    return jnp.log(jnp.where(x <= 0, 1e-5, x))


def spectral_loss(x, s):
    loss = 0.0
    for size in SCALES:
        target, value = magnitudes(x["target_audio"], size), magnitudes(x["audio"], size)
        loss = loss + jnp.abs(target - value).mean((1, 2))
        loss = loss + jnp.abs(safe_log(target) - safe_log(value)).mean((1, 2))
    return loss


def stft(x, s):
    return magnitudes(x["audio"], 2048)


def a_weighting(frequencies):
    square = np.maximum(frequencies, 1e-9) ** 2
    squares = [12194.217**2, 20.598997**2, 107.65265**2, 737.86223**2]
    weight = 2.0 + 20 * (
        np.log10(squares[0]) + 2 * np.log10(square) - np.log10(square + squares[0])
        - np.log10(square + squares[1]) - 0.5 * np.log10(square + squares[2])
        - 0.5 * np.log10(square + squares[3])
    )  # fmt: skip
    return np.maximum(weight, -80.0)


def loudness(x, s, size=512, hop=64, rate=16000):
    audio = jnp.pad(x["audio"], ((0, 0), (size // 2, size // 2)))
    spectrum = spectra(audio, size, hop, 1 + (audio.shape[-1] - size) // hop)
    weights = 10 ** (a_weighting(np.fft.rfftfreq(size, 1 / rate)) / 10) / (size // 2 + 1)
    power = (spectrum.real**2 + spectrum.imag**2) @ jnp.asarray(weights, jnp.float32)
    return jnp.maximum(10 * jnp.log10(jnp.maximum(power, 1e-8)), -80.0)


def all_pole(x, s):
    """Step through time with `lax.scan`: what JAX has for a recursion."""

    def step(past, now):
        audio, coefficients = now
        y = audio - (coefficients * past).sum(-1)
        return jnp.concatenate([y[:, None], past[:, :-1]], 1), y

    audio, coefficients = x["audio"], x["coefficients"]
    start = jnp.zeros((audio.shape[0], coefficients.shape[-1]))
    return jax.lax.scan(step, start, (audio.T, jnp.swapaxes(coefficients, 0, 1)))[1].T


def stack(p, name, x):
    for i in range(protocol.n_layers(p, name)):
        layer = f"{name}/{i}"
        x = x @ p[f"{layer}/kernel"] + p[f"{layer}/bias"]
        x = (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-3)
        x = jax.nn.leaky_relu(x * p[f"{layer}/gamma"] + p[f"{layer}/beta"], 0.2)
    return x


def gru(p, x):
    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    kernel, recurrent, bias, recurrent_bias = (p[f"decoder/gru/{name}"] for name in names)

    def step(h, now):
        z, r, n = jnp.split(now, 3, -1)
        hz, hr, hn = jnp.split(h @ recurrent + recurrent_bias, 3, -1)
        z, r = jax.nn.sigmoid(z + hz), jax.nn.sigmoid(r + hr)
        h = z * h + (1 - z) * jnp.tanh(n + r * hn)
        return h, h

    start = jnp.zeros((x.shape[0], recurrent.shape[0]))
    return jnp.swapaxes(jax.lax.scan(step, start, jnp.swapaxes(x @ kernel + bias, 0, 1))[1], 0, 1)


def decode(p, x):
    loud = stack(p, "decoder/loudness_stack", x["loudness_scaled"][..., None])
    inputs = jnp.concatenate([loud, stack(p, "decoder/f0_stack", x["f0_scaled"][..., None])], -1)
    if "decoder/gru/kernel" in p:
        inputs = jnp.concatenate([inputs, gru(p, inputs)], -1)
    y = stack(p, "decoder/out_stack", inputs)
    return y @ p["decoder/controls/kernel"] + p["decoder/controls/bias"]


def exp_sigmoid(x):
    return 2 * jax.nn.sigmoid(x) ** math.log(10) + 1e-7


def render(p, x, s):
    y = decode(p, x)
    n_harmonics, n_samples = s["config"]["n_harmonics"], x["noise"].shape[-1]
    k = jnp.arange(1, n_harmonics + 1)
    audible = x["f0_hz"][..., None] * k < s["sample_rate"] / 2
    shares = jnp.where(audible, exp_sigmoid(y[..., 1 : 1 + n_harmonics]), 0.0)
    total = shares.sum(-1, keepdims=True)
    controls = {
        "f0_hz": x["f0_hz"],
        "amplitudes": exp_sigmoid(y[..., 0]),
        "harmonic_distribution": shares / jnp.where(total == 0, 1e-7, total),
    }
    tone = harmonic(controls, {"n_samples": n_samples, "sample_rate": s["sample_rate"]})
    bands = exp_sigmoid(y[..., 1 + n_harmonics :] - 5.0)
    dry = tone + filtered_noise({"audio": x["noise"], "magnitudes": bands}, s)
    taps = (p["reverb/impulse_response"] * x["envelope"]).at[0].set(0.0)
    return dry + reverb({"audio": dry, "impulse_response": taps[None]}, s)


def loss_of(p, x, s):
    audio = render(p, x, s)
    return spectral_loss({"target_audio": x["audio"], "audio": audio}, s).mean()


FUNCTIONS = {
    "harmonic": harmonic, "sinusoidal": sinusoidal, "filtered_noise": filtered_noise,
    "reverb": reverb, "fir": fir, "spectral_loss": spectral_loss, "stft": stft,
    "loudness": loudness, "all_pole": all_pole,
}  # fmt: skip
RENDERS = ("render_shipped", "render_original")
STEPS = ("train_shipped", "train_original")


def prepare_step(p, x, s):
    @jax.jit
    def step(p, moments, n):
        loss, g = jax.value_and_grad(loss_of)(p, x, s)
        norm = jnp.sqrt(sum((v**2).sum() for v in g.values()))
        g = {k: v * jnp.minimum(1.0, 3.0 / norm) for k, v in g.items()}
        first = {k: 0.9 * moments[0][k] + 0.1 * v for k, v in g.items()}
        second = {k: 0.999 * moments[1][k] + 0.001 * v**2 for k, v in g.items()}
        rate = 1e-3 / (1 - 0.9**n)
        root = {k: jnp.sqrt(v / (1 - 0.999**n)) + 1e-7 for k, v in second.items()}
        return loss, {k: v - rate * first[k] / root[k] for k, v in p.items()}, (first, second)

    zeros = {k: jnp.zeros_like(v) for k, v in p.items()}
    state = {"p": p, "moments": (zeros, zeros), "n": 0.0}

    def advance():
        state["n"] += 1.0
        results = step(state["p"], state["moments"], state["n"])
        loss, state["p"], state["moments"] = jax.block_until_ready(results)
        return loss

    return None, advance


def prepare(job, inputs):
    p, x = protocol.split_parameters({k: jnp.asarray(v) for k, v in inputs.items()})
    s, line = job["settings"], job["line"]
    if line in STEPS:
        return prepare_step(p, x, s)
    if line in RENDERS:
        compiled = jax.jit(lambda p, x: render(p, x, s))
        return lambda: jax.block_until_ready(compiled(p, x)), None
    function = FUNCTIONS[line]
    forward = jax.jit(lambda x: function(x, s))
    leaves = {name: x[name] for name in job["wrt"]}

    @jax.jit
    def both(leaves, x, y_bar):
        y, pullback = jax.vjp(lambda leaves: function({**x, **leaves}, s), leaves)
        return y, pullback(y_bar)[0]

    y_bar = jnp.ones_like(forward(x))
    return (
        lambda: jax.block_until_ready(forward(x)),
        (lambda: jax.block_until_ready(both(leaves, x, y_bar))[1]) if leaves else None,
    )


protocol.run(jax.__version__, {*FUNCTIONS, *RENDERS, *STEPS}, prepare)
