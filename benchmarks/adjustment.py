"""Compare the adjustment with the original's: `python -m benchmarks.adjustment FILES...`.

For every recording, and in the mean: what the rule of the original (magenta/ddsp 3.7.0,
timbre_transfer.ipynb) would have made of it, and what `ddsp_ref.adjust` makes. The columns:

* notes missed: frames with a clear pitch that are no note, by the confidence of pYIN alone (as the
  original's, made for CREPE, would have it) and here;
* octaves;
* edges: by how many dB more than in the recording the loudness jumps where notes begin and end;
* dynamics: mean difference, in dB, between the loudness of the sound and that of the recording in
  notes, a gain apart;
* off: mean distance, in dB, of quantiles of the played loudness from those of the instrument;
* followed: share of the frames within 50 cents, the octaves apart.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from ddsp_ref.analysis.detection import detect_notes
from ddsp_ref.analysis.quantiles import QuantileTransformer, match_quantiles
from ddsp_ref.io.audio import read_audio
from ddsp_ref.models.features import MIN_DB
from ddsp_ref.models.instrument import Instrument
from ddsp_ref.transfer.adjust import Adjusted, adjust
from ddsp_ref.transfer.controls import Controls
from ddsp_ref.transfer.features import Heard, extract_features, listen
from ddsp_ref.transfer.instruments import find_instrument
from ddsp_ref.transfer.notes import find_notes
from ddsp_ref.transfer.render import render

HEAD = ("file", "adjustment", "notes missed", "octaves", "edges", "dynamics", "off", "followed")


def octaves_of_the_original(heard: Heard, notes: np.ndarray, mean_pitch: float) -> int:
    """Return the octaves by which the original moves: towards the mean pitch, rounded unevenly."""
    midi = 69 + 12 * np.log2(heard.f0_hz[notes & heard.voiced] / 440.0)
    octaves = (mean_pitch - midi.mean()) / 12
    return int(np.floor(octaves) if octaves > 1.5 else np.ceil(octaves))


def as_the_original(heard: Heard, made: Adjusted, player: Instrument) -> Adjusted:
    """Return the curves by the original's rules, with the same notes."""
    quantiles = np.array(player.statistics["loudness_db"]["quantiles"])
    wanted = QuantileTransformer().fit(quantiles[:, None])
    loudness = match_quantiles(heard.loudness_db.astype(np.float64), made.notes, wanted)[1]
    rest = ~made.notes
    loudness[rest] -= Controls().quiet * (1 - made.likelihood[rest])
    octaves = octaves_of_the_original(heard, made.notes, player.statistics["f0_midi"]["mean"])
    f0_hz = made.f0_hz * np.float32(2.0 ** (octaves - made.octaves))
    loudness = np.maximum(loudness, MIN_DB).astype(np.float32)
    return dataclasses.replace(made, f0_hz=f0_hz, loudness_db=loudness, octaves=octaves)


def measure(heard: Heard, played: Adjusted, player: Instrument) -> list[float]:
    """Return edges, dynamics, off and followed."""
    sound = render(played, player, n_samples=len(heard.audio)).audio
    again = extract_features(sound, heard.sample_rate, heard.frame_rate)
    edges = np.flatnonzero(np.diff(played.notes.astype(int)))
    jumps = [np.abs(np.diff(c.loudness_db))[edges] for c in (played, heard)]
    edge = float(np.mean(jumps[0] - jumps[1])) if len(edges) else 0.0
    gain = (again.loudness_db - heard.loudness_db)[played.notes & heard.voiced]
    quantiles = np.array(player.statistics["loudness_db"]["quantiles"])
    own = np.quantile(played.loudness_db[played.notes], np.linspace(0, 1, len(quantiles)))
    both = heard.voiced & again.voiced
    octaves = np.log2(again.f0_hz[both] / heard.f0_hz[both]) - played.octaves
    return [
        edge,
        float(np.abs(gain - np.median(gain)).mean()),
        float(np.abs(own - quantiles).mean()),
        100 * float(np.mean(np.abs(octaves) <= 50 / 1200)),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--instrument", default="violin")
    arguments = parser.parse_args()
    player = find_instrument(arguments.instrument)
    print(f"| {' | '.join(HEAD)} |\n|---|---|{'--:|' * (len(HEAD) - 2)}")
    rows: dict[str, list[list[float]]] = {"original": [], "here": []}
    for path in arguments.files:
        heard = listen(*read_audio(path), player)
        here = adjust(heard, player)
        clear = find_notes(heard.voiced, heard.f0_confidence, heard.loudness_db, heard.frame_rate)
        bare, _ = detect_notes(heard.loudness_db, heard.f0_confidence, centered=True)
        for name, played, notes in (
            ("original", as_the_original(heard, here, player), bare),
            ("here", here, here.notes),
        ):
            missed = 100 * float(np.mean(~notes[clear]))
            values = [missed, played.octaves, *measure(heard, played, player)]
            rows[name].append(values)
            print(row(Path(path).name, name, values), flush=True)
    for name, all_values in rows.items():
        print(row("mean", name, list(np.mean(all_values, axis=0))))


def row(file: str, name: str, values: list[float]) -> str:
    """Return a row of the table."""
    missed, octaves, edges, dynamics, off, followed = values
    return (
        f"| {file} | {name} | {missed:.0f} % | {octaves:+.2g} | {edges:.1f} | {dynamics:.1f} | "
        f"{off:.1f} | {followed:.1f} % |"
    )


if __name__ == "__main__":
    main()
