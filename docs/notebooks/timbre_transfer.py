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
# # Timbre transfer
#
# Play a recording on a violin, a flute, a trumpet or a saxophone that were learned from recordings
# (Engel et al., DDSP, ICLR 2020), on this computer alone. Run the cells from top to bottom; change
# what is in capital letters and run on from there.
#
# Installation: `pip install "ddsp_ref[plot]"`. This file is the text form of the notebook;
# `jupytext --to notebook timbre_transfer.py` makes the other, and Jupyter with the jupytext
# extension opens it as it is.

# %%
import time
from pathlib import Path

import ddsp_ref
from ddsp_ref import Controls, adjust, find_instrument, listen, read_audio, render, write_audio
from ddsp_ref.plots.spectrograms import plot_spectrograms
from ddsp_ref.plots.transfer import plot_adjustment, plot_features

try:
    from IPython.display import Audio, display
except ImportError:  # run as a script
    display = Audio = None


def play(audio, sample_rate):
    """Show a player, where there is somewhere to show it."""
    if Audio is not None:
        display(Audio(audio, rate=sample_rate, normalize=False))


# %% [markdown]
# ## 1 Recording
#
# A file of yours (WAV, MP3, FLAC, OGG), or the melody that comes with the package. One voice at a
# time, please.

# %%
RECORDING = Path(ddsp_ref.__file__).parent / "app/data/demo.flac"
NORMALIZE = False

audio, sample_rate = read_audio(RECORDING)
print(f"{RECORDING.name}: {len(audio) / sample_rate:.2f} s at {sample_rate} Hz")
play(audio, sample_rate)

# %% [markdown]
# Or record from a microphone, 1 to 20 s (`pip install "ddsp_ref[record]"`).

# %%
SECONDS = 0

if SECONDS:
    from ddsp_ref.io.microphone import RATE, record

    audio, sample_rate = record(SECONDS), RATE
    play(audio, sample_rate)

# %%
plot_spectrograms({"recording": (audio, sample_rate)})

# %% [markdown]
# ## 2 Instrument
#
# One of those that ship, or the folder or zip of one that you trained (`ddsp-ref train`).

# %%
INSTRUMENT = "violin"

print("there are", ", ".join(ddsp_ref.transfer.instruments.instrument_folders()))
instrument = find_instrument(INSTRUMENT)
print(instrument, instrument.description, sep="\n")

# %% [markdown]
# ## 3 Features
#
# Loudness in dB, pitch in Hz, and how sure the tracker is of it. Lengths: the recording is brought
# to the sample rate of the instrument and has as many frames as begin in it.

# %%
F0_TRACKER = "pyin"  # or "crepe-tiny"; "crepe" and "pesto" need a package each

since = time.perf_counter()
heard = listen(audio, sample_rate, instrument, f0_tracker=F0_TRACKER, normalize=NORMALIZE)
print(f"listening took {time.perf_counter() - since:.2f} s")
print(f"{len(heard.audio)} samples, {len(heard.f0_hz)} frames, {heard.frame_rate} per second")
print(*heard.remarks, sep="\n")

# %%
plot_features(heard)

# %% [markdown]
# ## 4 Adjustment
#
# Automatic: notes are found (a frame is one if its likelihood reaches THRESHOLD), their loudness is
# fitted to what the instrument knows, what is no note is turned down by up to QUIET dB, and the
# melody moves by octaves into the instrument's range. AUTOTUNE draws the pitch to the scale.
# The shifts come last.

# %%
ADJUST = True
THRESHOLD = 1.0  # 0 to 2
QUIET = 20.0  # dB, 0 to 60
AUTOTUNE = 0.0  # 0 to 1
TUNING = "key"  # or "chromatic"
PITCH_SHIFT = 0.0  # octaves, -2 to 2; 7 / 12 is a fifth
LOUDNESS_SHIFT = 0.0  # dB, -20 to 20

controls = Controls(
    adjust=ADJUST,
    threshold=THRESHOLD,
    quiet=QUIET,
    autotune=AUTOTUNE,
    tuning=TUNING,
    pitch_shift=PITCH_SHIFT,
    loudness_shift=LOUDNESS_SHIFT,
)
adjusted = adjust(heard, instrument, controls)
print(f"moved by {adjusted.octaves} octaves, loudness by {adjusted.loudness_db_change:+.1f} dB")
print(*adjusted.remarks, sep="\n")

# %%
plot_adjustment(heard, adjusted)

# %% [markdown]
# ## 5 Sound
#
# Changing a control above and running on from there takes milliseconds: the features are kept.

# %%
sound = render(adjusted, instrument, n_samples=len(heard.audio), reverb=1.0, seed=0)
print(f"played {sound.seconds:.2f} s in {1000 * sound.taken:.0f} ms")
print("recording")
play(heard.audio, heard.sample_rate)
print(instrument.name)
play(sound.audio, sound.sample_rate)

# %%
plot_spectrograms(
    {
        "recording": (heard.audio, heard.sample_rate),
        instrument.name: (sound.audio, sound.sample_rate),
    }
)

# %% [markdown]
# ## 6 Files
#
# The sound, and the curves that the instrument played: tables that can be edited and rendered again
# with `render(read_curves(...), instrument)` or `ddsp-ref render`.

# %%
OUT = Path("transfer")

OUT.mkdir(exist_ok=True)
write_audio(OUT / "sound.wav", sound.audio, sound.sample_rate)
ddsp_ref.write_curves(OUT / "curves.csv", adjusted, heard)
ddsp_ref.write_curves(OUT / "curves.json", adjusted, heard)
again = render(ddsp_ref.read_curves(OUT / "curves.csv"), instrument)
print(f"rendered again from the table: {again.seconds:.2f} s")
