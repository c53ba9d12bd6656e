"""`ddsp-ref live`: sing or play into the microphone, and hear another instrument at once."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ddsp_ref.app.options import (
    add_manual_arguments,
    add_player_arguments,
    add_range_argument,
    add_report_arguments,
    controls_of,
)

if TYPE_CHECKING:
    import numpy as np

    from ddsp_ref.transfer.live import LiveTransfer

HELP = "play an instrument from the microphone, as you sing or play"
DESCRIPTION = """Sing or play into the microphone and hear another instrument at once. Wear
headphones: the microphone should not hear the loudspeaker. Ctrl-C stops. --rehearse does the same
with a file instead of a microphone, block by block, and needs no sound card. Octaves are not chosen
for you: for an instrument that is higher than your voice, take --pitch-shift 1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add = parser.add_argument
    add(
        "--rehearse",
        nargs=2,
        metavar=("INPUT", "OUTPUT"),
        help="play a file to a file, as if it came from the microphone",
    )
    add("--seconds", type=float, metavar="S", help="stop after that long (default: at Ctrl-C)")
    add_report_arguments(parser)
    add = parser.add_argument_group("how it sounds").add_argument
    add_player_arguments(add)
    add_manual_arguments(add, "the nearest note, A4 = 440 Hz")
    add(
        "--no-adjust",
        action="store_true",
        help="do not fit the loudness to the instrument's, nor turn down what is no note",
    )
    _add_devices(parser.add_argument_group("delay and sound card").add_argument)
    # keys, and what is likely to be a note, are known at the end of a recording only
    parser.set_defaults(tuning="chromatic", threshold=1.0)


def _add_devices(add) -> None:
    add_range_argument(add, "to look for; a high LOW shortens the delay, a narrow range")
    add(
        "--lag-ms",
        type=float,
        default=20.0,
        metavar="MS",
        help="wait so long before the pitch is decided, 0 to 1000 (default: 20)",
    )
    add(
        "--block-ms",
        type=float,
        default=16.0,
        metavar="MS",
        help="sound that is worked on at a time, 1 to 500 (default: 16)",
    )
    add("--input-device", metavar="NAME", help="microphone: number or part of the name")
    add("--output-device", metavar="NAME", help="loudspeaker: number or part of the name")
    add("--devices", action="store_true", help="list the devices that there are, and end")


def run(arguments: argparse.Namespace) -> None:
    """Do it."""
    from ddsp_ref.errors import require

    if arguments.devices:
        from ddsp_ref.io.microphone import list_devices

        print(list_devices())
        return
    from ddsp_ref.transfer.trackers import check_f0_range

    require(
        1 <= arguments.block_ms <= 500,
        f"--block-ms is {arguments.block_ms:g}, must be from 1 to 500, e.g. 16",
    )
    require(
        0 <= arguments.lag_ms <= 1000,
        f"--lag-ms is {arguments.lag_ms:g}, must be from 0 to 1000, e.g. 20",
    )
    check_f0_range("--f0-range", arguments.f0_range)
    require(
        arguments.seconds is None or arguments.seconds >= 0.1,
        f"--seconds is {arguments.seconds}, must be at least 0.1, e.g. 10",
    )
    controls_of(arguments)  # checks them
    if arguments.rehearse:
        require(
            arguments.input_device is None and arguments.output_device is None,
            "--input-device and --output-device have no effect with --rehearse; leave them out",
        )
        _rehearse(arguments)
    else:
        _play(arguments)


def _start(arguments: argparse.Namespace, sample_rate: int, n_block: int) -> _Timed:
    """Return the transfer; everything that it needs is compiled, and in memory."""
    import numpy as np

    from ddsp_ref.app.progress import Stages
    from ddsp_ref.transfer.live import LiveTransfer

    controls = controls_of(arguments)

    def make() -> LiveTransfer:
        return LiveTransfer(
            arguments.instrument,
            sample_rate,
            controls,
            f0_range_hz=tuple(arguments.f0_range),
            lag_seconds=arguments.lag_ms / 1000,
        )

    with Stages("render", quiet=arguments.quiet) as stage:
        stage("render")
        warm, tone = make(), np.sin(np.arange(sample_rate) * 2764 / sample_rate)
        for i in range(0, len(tone), n_block):
            warm.push(tone[i : i + n_block])
    return _Timed(make())


class _Timed:
    """A transfer whose blocks are timed."""

    def __init__(self, live: LiveTransfer) -> None:
        self.live = live
        self.times: list[float] = []

    def push(self, block: np.ndarray) -> np.ndarray:
        import time

        start = time.perf_counter()
        played = self.live.push(block)
        self.times.append(time.perf_counter() - start)
        return played


def _play(arguments: argparse.Namespace) -> None:
    import sys

    from ddsp_ref.io import microphone
    from ddsp_ref.transfer.instruments import find_instrument

    devices = _device(arguments.input_device), _device(arguments.output_device)
    config = find_instrument(arguments.instrument).config
    rate = microphone.choose_rate(config.sample_rate, devices)
    n_block = max(1, round(arguments.block_ms / 1000 * rate))
    timed = _start(arguments, rate, n_block)
    if not arguments.quiet:
        print(f"{timed.live.name}: play; Ctrl-C stops", file=sys.stderr)
    n_late, delay = microphone.play_through(
        timed.push, rate, n_block, devices=devices, seconds=arguments.seconds
    )
    _tell(timed, n_block, arguments, {"blocks_late": n_late, "device_latency_s": round(delay, 4)})


def _device(text: str | None) -> int | str | None:
    return int(text) if text and text.isdigit() else text


def _rehearse(arguments: argparse.Namespace) -> None:
    from pathlib import Path

    import numpy as np
    from tqdm import tqdm

    from ddsp_ref.app.playing import same_file
    from ddsp_ref.errors import require
    from ddsp_ref.io.formats import check_audio_input, check_audio_output

    source, target = (Path(path) for path in arguments.rehearse)
    check_audio_input(source)
    check_audio_output(target, None)
    require(
        not same_file(source, target),
        f"--rehearse: INPUT and OUTPUT are the same file, {target}; name another for OUTPUT",
    )

    from ddsp_ref.io.audio import read_audio, write_audio

    audio, rate = read_audio(source)
    check_audio_output(target, rate)
    audio = np.atleast_2d(audio).mean(axis=0).astype(np.float32)
    if arguments.seconds:
        audio = audio[: round(arguments.seconds * rate)]
    n_block = max(1, round(arguments.block_ms / 1000 * rate))
    timed = _start(arguments, rate, n_block)
    # what is played comes later than what was heard; the file begins where the input does
    late = timed.live.latency
    audio = np.append(audio, np.zeros(late, np.float32))
    starts = tqdm(range(0, len(audio), n_block), "play", disable=arguments.quiet, leave=False)
    blocks = [timed.push(audio[i : i + n_block]) for i in starts]
    write_audio(target, np.concatenate(blocks)[late:], rate)
    _tell(timed, n_block, arguments, {"output": str(target)})


def _tell(timed: _Timed, n_block: int, arguments: argparse.Namespace, more: dict) -> None:
    """Say how late the sound is, and how long the work takes."""
    import numpy as np

    live, lasts = timed.live, n_block / timed.live.sample_rate
    times = np.array(timed.times or [0.0])
    report = {
        "instrument": live.name,
        "sample_rate": live.sample_rate,
        "latency_s": round(live.latency / live.sample_rate, 4),
        "block_s": round(lasts, 4),
        "work_median_s": round(float(np.median(times)), 5),
        "work_99_s": round(float(np.quantile(times, 0.99)), 5),
        "work_most_s": round(float(times.max()), 5),
        "remarks": list(live.remarks),
        **more,
    }
    if arguments.json:
        import json

        print(json.dumps(report, indent=1))
        return
    if arguments.quiet:
        return
    delay = f"{1000 * report['latency_s']:.0f} ms, and {1000 * lasts:.0f} for a block"
    if "device_latency_s" in more:
        delay += f", and {1000 * more['device_latency_s']:.0f} of the sound card"
    middle, nearly, most = (f"{1000 * report[f'work_{n}_s']:.1f}" for n in ("median", "99", "most"))
    lines = [
        ("instrument", live.name),
        ("delay", delay),
        ("work", f"{middle} ms for a block of {1000 * lasts:.0f}; 99 % in {nearly}, all in {most}"),
    ]
    lines += [("remark", remark) for remark in live.remarks]
    if more.get("blocks_late"):
        lines.append(
            ("remark", f"{more['blocks_late']} blocks were late: longer ones may help (--block-ms)")
        )
    if "output" in more:
        lines.append(("output", more["output"]))
    print("\n".join(f"{name:<11}{text}" for name, text in lines))
