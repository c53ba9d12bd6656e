"""librosa: spectra, pitch and loudness; it has no gradients."""

from __future__ import annotations

import librosa
import numpy as np
import protocol


def stft(x, s):
    audio, hop = x["audio"], 512
    missing = (-(-audio.shape[-1] // hop) - 1) * hop + 2048 - audio.shape[-1]
    padded = np.pad(audio, ((0, 0), (0, max(missing, 0))))
    return np.abs(librosa.stft(padded, n_fft=2048, hop_length=hop, center=False)).swapaxes(1, 2)


def loudness(x, s, rate=16000):
    power = np.abs(librosa.stft(x["audio"], n_fft=512, hop_length=64, pad_mode="constant")) ** 2
    weights = 10 ** (librosa.A_weighting(librosa.fft_frequencies(sr=rate, n_fft=512)) / 10)
    mean = (power * weights[:, None]).mean(axis=-2)
    return librosa.power_to_db(mean, amin=1e-8, top_db=None).astype(np.float32)


def pitch(x, s):
    hop = s["sample_rate"] // s["frame_rate"]
    f0 = librosa.pyin(
        x["audio"], sr=s["sample_rate"], hop_length=hop, frame_length=s["frame_length"],
        fmin=s["fmin_hz"], fmax=s["fmax_hz"], fill_na=None,
    )[0]  # fmt: skip
    return f0[: -(-len(x["audio"]) // hop)]  # it adds a frame that begins after the end


def features(x, s):
    levels = loudness({"audio": x["audio"][None]}, s, s["sample_rate"])[0]
    f0 = pitch(x, s)
    return {"f0_hz": f0, "loudness_db": levels[: len(f0)]}


FUNCTIONS = {"stft": stft, "loudness": loudness, "pitch": pitch, "features": features}


def prepare(job, inputs):
    function = FUNCTIONS[job["line"]]
    return lambda: function(inputs, job["settings"]), None


protocol.run(librosa.__version__, FUNCTIONS, prepare)
