"""What the page does, without the toolkit that shows it: hear, play, tell, write downloads."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import soundfile

from ddsp_ref.errors import AudioFileError, ParameterError
from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.io.files import atomic_path
from ddsp_ref.models.features import F0_RANGE_HZ
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.plots.spectrograms import plot_spectrograms
from ddsp_ref.plots.transfer import plot_adjustment, plot_features
from ddsp_ref.transfer.adjust import Adjusted, adjust
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.curves import write_curves
from ddsp_ref.transfer.describe import pitch_range
from ddsp_ref.transfer.features import Heard, listen
from ddsp_ref.transfer.instruments import find_instrument, names_to_play
from ddsp_ref.transfer.render import Rendered, render

LONGEST_SECONDS = 600
LONGEST_RECORDED = 20
LARGEST_BYTES = 100 << 20
DEMO = Path(__file__).parent.parent / "data" / "demo.flac"


@dataclass(frozen=True, eq=False)
class Hearing:
    """A recording as it was heard, and how: it is heard anew only if one of these changes."""

    key: tuple
    title: str
    seconds: float
    heard: Heard


@dataclass(frozen=True, eq=False)
class Performance:
    """What was played, and by whom."""

    instrument: str
    controls: Controls
    adjusted: Adjusted
    rendered: Rendered


def instrument_names() -> dict[str, str]:
    """Return the names that people read, and those that are found, of all that ship."""
    names = {}
    for name in names_to_play():
        instrument, _, voice = name.replace("_", " ").partition(":")
        names[f"{instrument.title()} ({voice})" if voice else instrument.title()] = name
    return names


def find_player(instrument: str | os.PathLike[str] | Instrument) -> Instrument:
    """Return an instrument; what was read once is kept, a zip is not unpacked for every slider."""
    if isinstance(instrument, Instrument):
        return instrument
    changed = os.path.getmtime(instrument) if os.path.exists(instrument) else 0.0
    return _read_player(str(instrument), changed)


@lru_cache(maxsize=8)
def _read_player(instrument: str, changed: float) -> Instrument:
    return find_instrument(instrument)


def hear(
    path: str | None,
    instrument: str | os.PathLike[str],
    f0_tracker: str,
    normalize: bool,
    before: Hearing | None = None,
    f0_range_hz: tuple[float | None, float | None] = F0_RANGE_HZ,
) -> Hearing:
    """Follow pitch and loudness of a file, or return what was heard before if nothing changed.

    A bound that is None, an empty field, is where it is by itself.
    """
    if not path:
        raise AudioFileError("there is no recording yet: upload one, record one, or take the demo")
    if not os.path.exists(path):  # what was uploaded is kept for an hour or two
        raise AudioFileError("the recording is no longer there: upload it again")
    player = find_player(instrument)
    rates = player.config.sample_rate, player.config.frame_rate, player.config.level
    lowest, highest = (own or usual for own, usual in zip(f0_range_hz, F0_RANGE_HZ))
    how = {"f0_tracker": f0_tracker, "normalize": normalize, "f0_range_hz": (lowest, highest)}
    key = (str(path), os.path.getmtime(path), *how.values(), *rates)
    if before is not None and before.key == key:
        return before
    check_size(Path(path))
    audio, sample_rate = read_audio(path)
    heard = listen(audio, sample_rate, player, **how)
    return Hearing(key, Path(path).name, len(audio) / sample_rate, heard)


def check_size(path: Path) -> None:
    """Raise before a file is decoded that would take minutes or all memory."""
    n_bytes = path.stat().st_size
    if n_bytes > LARGEST_BYTES:
        raise AudioFileError(
            f"{path.name} has {n_bytes >> 20} MB, must be at most {LARGEST_BYTES >> 20}"
        )
    try:
        seconds = soundfile.info(path).duration
    except (RuntimeError, OSError):
        return  # what is wrong with it is said when it is read
    if seconds > LONGEST_SECONDS:
        raise AudioFileError(
            f"{path.name} is {seconds / 60:.1f} minutes long, must be at most "
            f"{LONGEST_SECONDS // 60}; for longer ones: ddsp-ref transfer"
        )


def check_recorded(path: str | None) -> str | None:
    """Return the path of what the microphone recorded, if it lasts from 1 to 20 seconds."""
    if path:
        seconds = soundfile.info(path).duration
        if not 1 <= seconds <= LONGEST_RECORDED:
            raise AudioFileError(
                f"the recording lasts {seconds:.1f} s, must be 1 to {LONGEST_RECORDED} s; "
                "longer ones can be uploaded as files"
            )
    return path


def perform(hearing: Hearing, instrument: str | Instrument, controls: Controls) -> Performance:
    """Adjust what was heard, and play it."""
    player = find_player(instrument)
    adjusted = adjust(hearing.heard, player, controls)
    n_samples = len(hearing.heard.audio)
    rendered = render(
        adjusted,
        player,
        n_samples=n_samples,
        reverb=controls.reverb,
        seed=controls.seed,
        audio=hearing.heard.audio,
    )
    return Performance(player.name, controls, adjusted, rendered)


def tell_heard(hearing: Hearing) -> str:
    """Return what the page says about a recording, Markdown."""
    heard = hearing.heard
    hop = heard.sample_rate // heard.frame_rate
    share = float(heard.voiced.mean())
    extra = len(heard.f0_hz) * hop - len(heard.audio)
    pitch = f", {pitch_range(heard.f0_hz[heard.voiced])}" if share else ""
    lines = [
        f"**{hearing.title}**, {hearing.seconds:.2f} s. Pitch on {share:.0%} of it{pitch}. "
        f"Listening took {sum(heard.timings.values()):.2f} s.",
        f"{len(heard.audio)} samples at {heard.sample_rate} Hz, {len(heard.f0_hz)} frames of {hop} "
        f"samples ({heard.frame_rate} per second); of the last frame {extra} are left out.",
    ]
    return "\n\n".join(lines + [f"⚠ {remark}" for remark in heard.remarks])


def tell_played(hearing: Hearing, made: Performance) -> str:
    """Return what the page says about a result, Markdown."""
    adjusted, sound = made.adjusted, made.rendered
    speed = sound.seconds / max(sound.taken, 1e-9)
    told = [f"Played in {1000 * sound.taken:.0f} ms, {speed:.0f} times faster than real time."]
    if adjusted.octaves:
        told.append(
            f"Moved by {adjusted.octaves:+d} octave(s) into the range of {made.instrument}."
        )
    if adjusted.adjusted:
        told.append(f"Loudness of the notes changed by {adjusted.loudness_db_change:+.1f} dB.")
    if adjusted.tuning_cents is not None:
        key = f" in {adjusted.key}" if adjusted.key else ""
        told.append(f"Tuned by {adjusted.tuning_cents:+.0f} cents{key}.")
    if sound.gain_db:
        told.append(f"Scaled by {sound.gain_db:.1f} dB so that nothing is clipped.")
    return "\n\n".join([" ".join(told)] + [f"⚠ {remark}" for remark in adjusted.remarks])


def tell_instrument(instrument: str | Instrument) -> str:
    """Return the card of an instrument, Markdown."""
    from ddsp_ref.app.commands.instruments import describe_instrument

    lines = describe_instrument(find_player(instrument)).splitlines()[1:]
    rows = [line.strip().split(maxsplit=1) for line in lines]
    rows = [(row[0], row[1]) for row in rows if len(row) == 2]
    return "\n\n".join(f"*{title}* {text}" for title, text in rows if title != "model")


def figures(hearing: Hearing, made: Performance) -> dict[str, Any]:
    """Return the pictures of the page by name."""
    sounds = {
        "recording": (hearing.heard.audio, hearing.heard.sample_rate),
        made.instrument: (made.rendered.audio, made.rendered.sample_rate),
    }
    return {
        "spectrograms": plot_spectrograms(sounds),
        "adjustment": plot_adjustment(hearing.heard, made.adjusted),
        "features": plot_features(hearing.heard),
    }


def write_sound(folder: Path, hearing: Hearing, made: Performance) -> Path:
    """Write the result as a file that can be played and downloaded."""
    path = folder / f"{Path(hearing.title).stem}-{made.instrument}.wav"
    write_audio(path, made.rendered.audio, made.rendered.sample_rate)
    return path


def write_curves_files(folder: Path, hearing: Hearing, made: Performance) -> list[Path]:
    """Write the control curves, to be edited and rendered again with `ddsp-ref render`."""
    stem = f"{Path(hearing.title).stem}-{made.instrument}"
    paths = [folder / f"{stem}.csv", folder / f"{stem}.json"]
    for path in paths:
        write_curves(path, made.adjusted, hearing.heard)
    return paths


def write_figures(folder: Path, hearing: Hearing, drawn: dict[str, Any]) -> Path:
    """Write all pictures into one zip."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, figure in drawn.items():
            picture = io.BytesIO()
            figure.savefig(picture, format="png")
            archive.writestr(f"{name}.png", picture.getvalue())
    path = folder / f"{Path(hearing.title).stem}-figures.zip"
    with atomic_path(path) as part:
        part.write_bytes(data.getvalue())
    return path


def make_controls(**values: Any) -> Controls:
    """Return controls from sliders; semitones count on top of octaves."""
    semitones = values.pop("semitones", 0.0) or 0.0
    try:
        values["pitch_shift"] += semitones / 12
        return Controls(**values)
    except TypeError as error:  # an empty number field
        raise ParameterError(f"a control has no value: {error}") from None
