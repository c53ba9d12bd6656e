# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # DDSP by hand
#
# What a differentiable synthesizer is (Engel et al., DDSP, ICLR 2020), from a sine to an instrument
# that learns, with every gradient derived and checked. Half a minute on a laptop; nothing but NumPy
# and this library. Read the source of any function beside it: its definition is a formula.
#
# Installation: `pip install "ddsp_ref[plot]"`. This file is the text form of the notebook;
# `jupytext --to notebook ddsp_by_hand.py` makes the other.

# %%
import matplotlib.pyplot as plt
import numpy as np

import ddsp_ref
from ddsp_ref.app.commands.demo import CLIP
from ddsp_ref.models.optimizer import Adam, AdamSettings
from ddsp_ref.models.sampler import Batch
from ddsp_ref.plots.spectrograms import plot_spectrograms

RATE, FRAMES = 16000, 250  # samples and frames per second
HOP = RATE // FRAMES
rng = np.random.default_rng(0)

# %% [markdown]
# ## 1 A harmonic sound
#
# A string or a pipe that is played sounds at a fundamental frequency $f_0$ and at its multiples:
#
# $$y[t] = \sum_k A_k[t] \sin(2 \pi k \varphi[t]), \qquad
# \varphi[t] = \sum_{s \le t} f_0[s] / \mathrm{rate}$$
#
# Phase is the sum of frequency: a glide is a sum of tiny steps. In NumPy, with a value of every
# control for every sample:

# %%
n, n_harmonics = 4000, 5
f0_hz = np.linspace(200.0, 300.0, n)
amplitudes = 0.2 + 0.1 * np.sin(np.arange(n)[:, None] / 500 + np.arange(n_harmonics))
k = np.arange(1, n_harmonics + 1)

phase = np.cumsum(f0_hz / RATE)
waves = np.sin(2 * np.pi * k * phase[:, None])
y = np.sum(amplitudes * waves, axis=1)

# the same by the library: overall amplitude times the share of each partial
overall = amplitudes.sum(axis=1)
shares = amplitudes / overall[:, None]
settings = {"n_samples": n, "sample_rate": RATE, "amp_resample_method": "linear"}
fast, pullback = ddsp_ref.harmonic_synthesis.vjp(f0_hz, overall, shares, **settings)
print(f"largest difference: {np.abs(fast - y).max():.1e}")
assert np.abs(fast - y).max() < 1e-9

# %% [markdown]
# ## 2 Its gradient
#
# Let $L$ be any loss that is computed from the sound, and $\bar y[t] = \partial L / \partial y[t]$
# what it asks of every sample. The chain rule gives what it asks of the controls. An amplitude
# scales its wave, so
#
# $$\bar A_k[t] = \bar y[t] \, \sin(2 \pi k \varphi[t]).$$
#
# The phase turns every wave, faster the higher its number, and each frequency is part of *all*
# phases after it, so the sum of the phase becomes a sum over the future:
#
# $$\bar \varphi[t] = \bar y[t] \sum_k 2 \pi k A_k[t] \cos(2 \pi k \varphi[t]), \qquad
# \bar f_0[s] = \frac{1}{\mathrm{rate}} \sum_{t \ge s} \bar \varphi[t].$$
#
# That is all there is to differentiating a synthesizer: as many lines again as it has itself.

# %%
y_bar = rng.standard_normal(n)
amplitudes_bar = y_bar[:, None] * waves
turns = 2 * np.pi * k * np.cos(2 * np.pi * k * phase[:, None])
phase_bar = y_bar * np.sum(amplitudes * turns, axis=1)
f0_bar = np.cumsum(phase_bar[::-1])[::-1] / RATE

fast_f0_bar, overall_bar, shares_bar = pullback(y_bar)
print(f"f0:         largest difference {np.abs(fast_f0_bar - f0_bar).max():.1e}")
by_hand = amplitudes_bar * overall[:, None]  # A_k is the overall amplitude times a share
print(f"amplitudes: largest difference {np.abs(shares_bar - by_hand).max():.1e}")
assert np.allclose(fast_f0_bar, f0_bar, rtol=1e-6, atol=1e-7)
assert np.allclose(shares_bar, by_hand)

# %% [markdown]
# A gradient that one derived is to be doubted. The test that needs no derivation: move all of f0 a
# little, and see by how much the loss (here the sum of `y_bar * y`) moves.

# %%
direction, step = rng.standard_normal(n), 1e-5


def loss(f0):
    return y_bar @ ddsp_ref.harmonic_synthesis(f0, overall, shares, **settings)


moved = (loss(f0_hz + step * direction) - loss(f0_hz - step * direction)) / (2 * step)
print(f"by differences {moved:.6f}, by the gradient {f0_bar @ direction:.6f}")
assert abs(moved / (f0_bar @ direction) - 1) < 1e-5

# %% [markdown]
# ## 3 Why nobody learns the pitch
#
# The gradient of f0 is right, and of little use. Compare a tone of 440 Hz with tones beside it.
# Sample by sample, the distance has a minimum as narrow as one wave more or less in the whole
# sound, 5 Hz here, and is flat beyond. A distance of spectra is wider, but it has
# hills on the way as well. So DDSP hears the pitch with a tracker, and learns all the rest.

# %%
SHORT = FRAMES // 5  # a fifth of a second
tone_shares = np.tile(1.0 / k, (SHORT, 1))
tone_shares /= tone_shares.sum(axis=1, keepdims=True)


hiss = 1e-3 * rng.standard_normal(SHORT * HOP)  # as in any room; no tone is alone


def tone(hz):
    frames = np.full(SHORT, float(hz)), np.full(SHORT, 0.5), tone_shares
    return ddsp_ref.harmonic_synthesis(*frames, n_samples=SHORT * HOP) + hiss


candidates = np.linspace(400, 480, 321)
sounds = np.stack([tone(hz) for hz in candidates])
target = tone(440)
by_sample = np.mean((sounds - target) ** 2, axis=1)
targets = np.broadcast_to(target, sounds.shape)
by_spectrum = ddsp_ref.spectral_loss(targets, sounds, logmag_weight=1.0)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3))
for axes, values, title in ((left, by_sample, "sample by sample"), (right, by_spectrum, "spectra")):
    axes.plot(candidates, values)
    axes.set(title=title, xlabel="frequency of the other tone (Hz)", ylabel="distance to 440 Hz")
figure.tight_layout()

# %% [markdown]
# ## 4 Noise
#
# Breath and bow are noise: white noise through a filter that changes from frame to frame. The
# filter is given by its magnitudes; the transform of these is its impulse response. Both steps are
# linear, and the gradient of a linear step is its transpose.

# %%
bands = np.exp(-0.5 * ((np.arange(65) - 20) / 5.0) ** 2)[None]  # a hump at 2.5 kHz
noise = ddsp_ref.uniform_noise(RATE, rng, float)
breath = ddsp_ref.frequency_filter(noise, bands)
spectrum = np.abs(np.fft.rfft(breath.reshape(-1, 1000), axis=1)).mean(axis=0)
peak_hz = np.fft.rfftfreq(1000, 1 / RATE)[spectrum.argmax()]
print(f"loudest at {peak_hz:.0f} Hz")
assert abs(peak_hz - 2500) < 500

# x_bar of a convolution is the correlation: <A x, u> = <x, A^T u>
u = rng.standard_normal(RATE)
value, pull = ddsp_ref.frequency_filter.vjp(noise, bands)
noise_bar, bands_bar = pull(u)
assert np.isclose(value @ u, noise @ noise_bar)
assert np.isclose(value @ u, np.sum(bands * bands_bar))

# %% [markdown]
# ## 5 A loss that hears
#
# The ear does not mind where a wave begins. The multi-scale spectral loss compares magnitudes of
# short spectra of six sizes, and their logarithms: large windows tell pitches apart, small ones
# attacks, and logarithms care for what is soft. A sound that comes 1 ms later is another one sample
# by sample, and nearly the same to this loss; one with other partials is not.

# %%
now, later = target[:-16], target[16:]
duller_shares = tone_shares * 0.5 ** np.arange(n_harmonics)
frames = np.full(SHORT, 440.0), np.full(SHORT, 0.5), duller_shares
duller = (ddsp_ref.harmonic_synthesis(*frames, n_samples=SHORT * HOP) + hiss)[:-16]
for name, other in (("1 ms later", later), ("duller", duller)):
    spectra = float(ddsp_ref.spectral_loss(now, other, logmag_weight=1.0))
    print(f"{name:<12} by sample {np.mean((now - other) ** 2):.4f}   by spectra {spectra:.2f}")

# %% [markdown]
# ## 6 Learning one sound
#
# Two seconds of a trumpet; so that no file is needed, of the trumpet that ships with the package,
# playing the melody that comes along. The pitch is known; amplitude, shares of 60 partials and
# magnitudes of 65 bands of noise, of every frame, are free. They are the output of nothing yet:
# numbers that Adam moves along the gradient. `exp_sigmoid` inside of the synthesizers makes them
# positive. All begins as a dull buzz in noise.

# %%
melody, melody_rate = ddsp_ref.read_audio(CLIP)
trumpet = ddsp_ref.timbre_transfer(
    melody, melody_rate, "trumpet", reverb=0, output_sample_rate=RATE
)
N = 2 * FRAMES
piece, f0 = trumpet.audio[: N * HOP], trumpet.adjusted.f0_hz[:N]
graph = ddsp_ref.Graph(
    [
        (ddsp_ref.Harmonic(N * HOP), ["amplitudes", "harmonic_distribution", "f0_hz"]),
        (ddsp_ref.FilteredNoise(window_size=0), ["noise_magnitudes", "noise"]),
        (ddsp_ref.Add(), ["harmonic/signal", "filtered_noise/signal"]),
    ]
)
free = {
    "amplitudes": np.full(N, -2, np.float32),
    "harmonic_distribution": np.zeros((N, 60), np.float32),
    "noise_magnitudes": np.full((N, 65), -2, np.float32),
}
adam = Adam(free, AdamSettings(learning_rate=0.1))
losses = []
for step in range(200):
    white = ddsp_ref.uniform_noise(N * HOP, rng)
    sound, pull_sound = graph.vjp({**free, "f0_hz": f0, "noise": white})
    value, pull_loss = ddsp_ref.spectral_loss.vjp(piece, sound, logmag_weight=1.0)
    _, sound_bar = pull_loss(np.float32(1))
    gradients = pull_sound(sound_bar)
    free, _ = adam.update(free, {name: gradients[name] for name in free}, step)
    losses.append(float(value))
print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f} after {len(losses)} steps")
assert losses[-1] < 0.3 * losses[0]

# %%
plot_spectrograms({"trumpet": (piece, RATE), "what was learned": (sound, RATE)})

# %% [markdown]
# ## 7 Learning an instrument
#
# Controls that were fitted to one sound can play that sound only. A **decoder** computes them from
# pitch and loudness, frame by frame: what it learns is how this instrument sounds at any pitch and
# loudness. Its layers have gradients as well, and `loss_and_gradients` is the chain of all of them:
# loss, synthesizers, decoder. Learned from the first five seconds of the trumpet, judged by the
# last two, which it has not heard. Pitch and loudness are heard, as they would be in a recording.

# %%
settings = ddsp_ref.MlpSettings(n_channels=64, n_layers=2)
model = ddsp_ref.Model(ddsp_ref.ModelConfig(reverb_seconds=0, decoder_settings=settings))
parameters = model.init(rng)
print(f"{sum(p.size for p in parameters.values()):,} parameters")
cut = 5 * FRAMES


heard = ddsp_ref.listen(trumpet.audio, RATE, model.config)


def excerpt(begin, end):
    part = slice(begin, end)
    sound = heard.audio[begin * HOP : end * HOP]
    return Batch(sound[None], heard.f0_hz[None, part], heard.loudness_db[None, part])


learned, held_out = excerpt(0, cut), excerpt(cut, len(heard.audio) // HOP)
adam = Adam(parameters, AdamSettings(learning_rate=0.003))


def judge(batch):
    white = ddsp_ref.uniform_noise(batch.audio.shape, np.random.default_rng(1))
    return float(model.loss(parameters, batch, white).mean())


before = judge(held_out)
for step in range(400):
    begin = int(rng.integers(0, cut - FRAMES))
    batch = excerpt(begin, begin + FRAMES)
    white = ddsp_ref.uniform_noise(batch.audio.shape, rng)
    _, gradients = model.loss_and_gradients(parameters, batch, white)
    parameters, _ = adam.update(parameters, gradients, step)
print(f"learned from {judge(learned):.2f}; held out {before:.2f} -> {judge(held_out):.2f}")
assert judge(held_out) < 0.7 * before

# %% [markdown]
# It can play what it never heard: the end of the melody, a fifth lower.

# %%
white = ddsp_ref.uniform_noise(held_out.audio.shape, rng)
lower = model.render(parameters, held_out.f0_hz / 1.5, held_out.loudness_db, white)[0]
plot_spectrograms({"held out": (held_out.audio[0], RATE), "a fifth lower": (lower, RATE)})

# %% [markdown]
# Look at the top of the right picture. At the pitches that it learned from, only 25 partials are
# below the Nyquist frequency of 8 kHz. The others never had a gradient; lower down they are
# audible, and play what their weights began with. (`ddsp-ref train` lets them be silent.)
#
# `ddsp-ref train` does this with recordings of your own, a trained room (a `Reverb` whose impulse
# response is a parameter), and a report. `docs/instruments.md` tells what limited the instruments
# that ship; `docs/porting-guide.md` how implementations differ; `ddsp_ref.all_ops()` lists all
# pieces, each with its formula, source, and a value worked out by hand.
