"""PyTorch, eager (variant "eager") and compiled (variant "compiled").

Variant "plain" is harmonic synthesis as the original writes it: a frequency, an envelope and a
running sum of phase for every partial and sample. The others sum the fundamental alone.
"""

from __future__ import annotations

import math

import protocol
import torch
from torch.nn import functional

SCALES = (2048, 1024, 512, 256, 128, 64)


def next_frame(x):
    return torch.cat([x[:, 1:], x[:, -1:]], 1)


def upsample(x, n_samples, window=False):
    """Bring frames to samples, along straight lines or with overlapping Hann windows."""
    hop = n_samples // x.shape[1]
    share = torch.arange(hop) / hop
    if window:
        share = torch.sin(math.pi / 2 * share) ** 2
    share = share.reshape(1, 1, hop, *[1] * (x.ndim - 2))
    return torch.lerp(x[:, :, None], next_frame(x)[:, :, None], share).flatten(1, 2)


def harmonic(x, s):
    f0 = upsample(x["f0_hz"], s["n_samples"])
    k = torch.arange(1, x["harmonic_distribution"].shape[-1] + 1)
    cycles = torch.cumsum(f0.double() / s["sample_rate"], 1)
    phase = (2 * math.pi * (cycles - cycles.detach().floor())).float()
    levels = x["amplitudes"][..., None] * x["harmonic_distribution"]
    levels = upsample(levels, s["n_samples"], window=True)
    levels = torch.where(f0[..., None] * k < s["sample_rate"] / 2, levels, 0.0)
    return (levels * torch.sin(phase[..., None] * k)).sum(-1)


def plain_harmonic(x, s):
    k = torch.arange(1, x["harmonic_distribution"].shape[-1] + 1)
    n_samples = s["n_samples"]
    frequencies = upsample(x["f0_hz"][..., None] * k, n_samples)
    levels = x["amplitudes"][..., None] * x["harmonic_distribution"]
    levels = overlap_add(torch.cat([levels, levels[:, -1:]], 1), n_samples)
    levels = torch.where(frequencies >= s["sample_rate"] / 2, 0.0, levels)
    phases = torch.cumsum(2 * math.pi / s["sample_rate"] * frequencies, 1)
    return (levels * torch.sin(phases)).sum(-1)


def overlap_add(x, n_samples):
    """Sum Hann windows of two hops, one for each frame, weighted with it."""
    n_frames = x.shape[1]
    hop = n_samples // (n_frames - 1)
    window = torch.hann_window(2 * hop, periodic=True)
    pieces = (x[:, :, None] * window[:, None]).permute(0, 3, 2, 1)
    pieces = pieces.reshape(-1, 2 * hop, n_frames)
    size = (1, hop * (n_frames + 1))
    y = functional.fold(pieces, size, (1, 2 * hop), stride=(1, hop))[:, 0, 0, hop:-hop]
    return y.reshape(x.shape[0], x.shape[2], -1).mT


def sinusoidal(x, s):
    frequencies = upsample(x["frequencies_hz"], s["n_samples"])
    levels = upsample(x["amplitudes"], s["n_samples"], window=True)
    levels = torch.where(frequencies < s["sample_rate"] / 2, levels, 0.0)
    phase = torch.cumsum(frequencies * (2 * math.pi / s["sample_rate"]), 1)
    return (levels * torch.sin(phase)).sum(-1)


def fir(x, s):
    audio, taps = x["audio"], x["impulse_responses"]
    (batch, n_samples), (_, n_frames, n_taps) = audio.shape, taps.shape
    hop = n_samples // n_frames
    n_blocks = -(-(hop + n_taps - 1) // hop)
    size = 2 ** math.ceil(math.log2(hop * n_blocks))
    frames = torch.fft.rfft(audio.reshape(batch, n_frames, hop), size)
    pieces = torch.fft.irfft(frames * torch.fft.rfft(taps, size), size)[..., : hop * n_blocks]
    total = hop * (n_frames + n_blocks - 1)
    y = functional.fold(pieces.mT, (1, total), (1, hop * n_blocks), stride=(1, hop))
    start = max((n_taps - 1) // 2 - 1, 0)
    return y[:, 0, 0, start : start + n_samples]


def filtered_noise(x, s):
    size = 2 * (x["magnitudes"].shape[-1] - 1)
    taps = torch.fft.fftshift(torch.fft.irfft(x["magnitudes"], size), -1)
    return fir({"audio": x["audio"], "impulse_responses": taps * torch.hann_window(size)}, s)


def reverb(x, s):
    n_samples, n_taps = x["audio"].shape[-1], x["impulse_response"].shape[-1]
    size = 2 ** math.ceil(math.log2(n_samples + n_taps - 1))
    spectrum = torch.fft.rfft(x["audio"], size) * torch.fft.rfft(x["impulse_response"], size)
    return torch.fft.irfft(spectrum, size)[..., :n_samples]


def magnitudes(audio, size):
    hop = size // 4
    missing = (-(-audio.shape[-1] // hop) - 1) * hop + size - audio.shape[-1]
    padded = functional.pad(audio, (0, missing))
    window = torch.hann_window(size)
    return torch.stft(padded, size, hop, window=window, center=False, return_complex=True).abs()


def safe_log(x):
    return torch.log(torch.where(x <= 0, 1e-5, x))


def spectral_loss(x, s):
    loss = 0.0
    for size in SCALES:
        target, value = magnitudes(x["target_audio"], size), magnitudes(x["audio"], size)
        loss = loss + (target - value).abs().mean((1, 2))
        loss = loss + (safe_log(target) - safe_log(value)).abs().mean((1, 2))
    return loss


def stft(x, s):
    return magnitudes(x["audio"], 2048).mT


def a_weighting(frequencies):
    square = frequencies**2
    squares = [12194.217**2, 20.598997**2, 107.65265**2, 737.86223**2]
    weight = 2.0 + 20 * (
        math.log10(squares[0]) + 2 * torch.log10(square) - torch.log10(square + squares[0])
        - torch.log10(square + squares[1]) - 0.5 * torch.log10(square + squares[2])
        - 0.5 * torch.log10(square + squares[3])
    )  # fmt: skip
    return weight.clamp(min=-80.0)


def loudness(x, s, size=512, hop=64, rate=16000):
    padded = functional.pad(x["audio"], (size // 2, size // 2))
    window = torch.hann_window(size)
    spectrum = torch.stft(padded, size, hop, window=window, center=False, return_complex=True)
    weights = 10 ** (a_weighting(torch.fft.rfftfreq(size, 1 / rate, dtype=torch.float64)) / 10)
    power = (spectrum.real**2 + spectrum.imag**2).mT @ weights.float() / (size // 2 + 1)
    return (10 * torch.log10(power.clamp(min=1e-8))).clamp(min=-80.0)


def stack(p, name, x):
    for i in range(protocol.n_layers(p, name)):
        layer = f"{name}/{i}"
        x = x @ p[f"{layer}/kernel"] + p[f"{layer}/bias"]
        shape = (x.shape[-1],)
        x = functional.layer_norm(x, shape, p[f"{layer}/gamma"], p[f"{layer}/beta"], 1e-3)
        x = functional.leaky_relu(x, 0.2)
    return x


def gru(p, x):
    """Apply the recurrent layer; PyTorch has the gates in another order, and transposed."""

    def own(value):
        update, reset, new = value.chunk(3, -1)
        return torch.cat([reset, update, new], -1).mT if value.ndim == 2 else torch.cat(
            [reset, update, new]
        )  # fmt: skip

    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    weights = [own(p[f"decoder/gru/{name}"]) for name in names]
    start = x.new_zeros(1, x.shape[0], weights[1].shape[1])
    return torch.gru(x, start, weights, True, 1, 0.0, False, False, True)[0]


def decode(p, x):
    loud = stack(p, "decoder/loudness_stack", x["loudness_scaled"][..., None])
    inputs = torch.cat([loud, stack(p, "decoder/f0_stack", x["f0_scaled"][..., None])], -1)
    if "decoder/gru/kernel" in p:
        inputs = torch.cat([inputs, gru(p, inputs)], -1)
    y = stack(p, "decoder/out_stack", inputs)
    return y @ p["decoder/controls/kernel"] + p["decoder/controls/bias"]


def exp_sigmoid(x):
    return 2 * torch.sigmoid(x) ** math.log(10) + 1e-7


def render(p, x, s):
    config = s["config"]
    y = decode(p, x)
    n_harmonics, n_samples = config["n_harmonics"], x["noise"].shape[-1]
    shares = exp_sigmoid(y[..., 1 : 1 + n_harmonics])
    k = torch.arange(1, n_harmonics + 1)
    shares = torch.where(x["f0_hz"][..., None] * k < s["sample_rate"] / 2, shares, 0.0)
    total = shares.sum(-1, keepdim=True)
    controls = {
        "f0_hz": x["f0_hz"],
        "amplitudes": exp_sigmoid(y[..., 0]),
        "harmonic_distribution": shares / torch.where(total == 0, 1e-7, total),
    }
    tone = harmonic(controls, {"n_samples": n_samples, "sample_rate": s["sample_rate"]})
    bands = exp_sigmoid(y[..., 1 + n_harmonics :] - 5.0)
    dry = tone + filtered_noise({"audio": x["noise"], "magnitudes": bands}, s)
    taps = p["reverb/impulse_response"] * x["envelope"]
    taps = torch.cat([torch.zeros(1), taps[1:]])
    return dry + reverb({"audio": dry, "impulse_response": taps[None]}, s)


def loss_of(p, x, s):
    audio = render(p, x, s)
    return spectral_loss({"target_audio": x["audio"], "audio": audio}, s).mean()


FUNCTIONS = {
    "harmonic": harmonic, "sinusoidal": sinusoidal, "filtered_noise": filtered_noise,
    "reverb": reverb, "fir": fir, "spectral_loss": spectral_loss, "stft": stft,
    "loudness": loudness,
}  # fmt: skip
PLAIN = {"harmonic": plain_harmonic}
RENDERS = ("render_shipped", "render_original")
STEPS = ("train_shipped", "train_original")


def prepare_step(loss, p, x, s):
    p = {name: torch.nn.Parameter(value) for name, value in p.items()}
    adam = torch.optim.Adam(p.values(), lr=1e-3, eps=1e-7)

    def step():
        adam.zero_grad()
        value = loss(p, x, s)
        value.backward()
        torch.nn.utils.clip_grad_norm_(p.values(), 3.0)
        adam.step()
        return value.detach()

    return None, step


def prepare(job, inputs):
    p, x = protocol.split_parameters({k: torch.from_numpy(v) for k, v in inputs.items()})
    s, line = job["settings"], job["line"]
    wrap = torch.compile if job["variant"] == "compiled" else lambda function: function
    if line in STEPS:
        return prepare_step(wrap(loss_of), p, x, s)
    if line in RENDERS:
        function, x = wrap(lambda x, s: render(p, x, s)), x
    else:
        function = wrap(PLAIN[line] if job["variant"] == "plain" else FUNCTIONS[line])

    def forward():
        with torch.no_grad():
            return function(x, s)

    leaves = {name: x[name].requires_grad_() for name in job["wrt"]}
    y_bar = torch.ones_like(forward())

    def both():
        gradients = torch.autograd.grad(function(x, s), list(leaves.values()), y_bar)
        return dict(zip(leaves, gradients))

    return forward, both if leaves else None


def known(variant):
    return PLAIN if variant == "plain" else {*FUNCTIONS, *RENDERS, *STEPS}


protocol.run(torch.__version__, known, prepare)
