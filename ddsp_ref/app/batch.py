"""Many recordings in one call: which they are, what becomes of them, and what went wrong."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddsp_ref.app.options import check_listening, check_sound_format, controls_of, name_options
from ddsp_ref.app.playing import Outputs, play_sound, same_file
from ddsp_ref.errors import AudioFileError, DdspRefError

if TYPE_CHECKING:
    from ddsp_ref.models.instrument import Instrument

SOME_FAILED = 1
_FOLDERS = ("plot", "figures", "curves")
_SUFFIXES = {"plot": ".png", "figures": "", "curves": ".csv"}


@dataclass(frozen=True)
class Task:
    """A recording and where its sound goes."""

    source: Path
    target: Path


def find_recordings(sources: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Return the recordings of files and folders, and their names below an output folder.

    Parameters
    ----------
    sources : sequence of Path
        Files, taken as they are, and folders, searched for audio with all that is in them; hidden
        files and what lies in `out` are left out.
    out : Path
        The output folder.

    Returns
    -------
    list of (Path, Path)
        Recordings in a fixed order; relative paths without a suffix.
    """
    from ddsp_ref.io.formats import FORMATS

    found = []
    for source in sources:
        if not source.is_dir():
            found.append((source, Path(source.stem)))
            continue
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            hidden = any(part.startswith(".") for part in inside.parts)
            own = out.resolve() in path.resolve().parents and not same_file(out, source)
            if path.suffix.lower() in FORMATS and path.is_file() and not hidden and not own:
                found.append((path, inside.with_suffix("")))
    return found


def name_outputs(found: Sequence[tuple[Path, Path]], out: Path, suffix: str) -> list[Task]:
    """Give every recording an output of its own.

    Parameters
    ----------
    found : sequence of (Path, Path)
        Of `find_recordings`.
    out : Path
        The output folder.
    suffix : str
        Of the outputs.

    Returns
    -------
    list of Task
        Two recordings of one name (a.wav and a.mp3, or of two folders) get names that end in -2,
        -3 and so on; also where letters differ only in case, for disks that do not see that.

    Examples
    --------
    >>> found = [(Path("a.mp3"), Path("a")), (Path("a.wav"), Path("a")), (Path("b.wav"), Path("b"))]
    >>> [task.target.name for task in name_outputs(found, Path("out"), ".wav")]
    ['a.wav', 'a-2.wav', 'b.wav']
    """
    wanted = {str(name).casefold() for _, name in found}
    used: set[str] = set()
    tasks = []
    for source, name in found:
        own, n = name, 1
        while str(own).casefold() in used or (n > 1 and str(own).casefold() in wanted):
            n += 1
            own = name.with_name(f"{name.name}-{n}")
        used.add(str(own).casefold())
        tasks.append(Task(source, out / own.with_name(own.name + suffix)))
    return tasks


def run_batch(sources: Sequence[Path], out: Path, arguments: argparse.Namespace) -> int:
    """Transfer every recording of files and folders; go on after a bad one.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders.
    out : Path
        The folder to write into, made if it is not there.
    arguments : argparse.Namespace
        Of the command `transfer`.

    Returns
    -------
    int
        0, or 1 if a recording could not be transferred; those are listed on stderr.
    """
    from ddsp_ref.io.formats import FORMATS
    from ddsp_ref.transfer.instruments import find_instrument

    if out.suffix.lower() in FORMATS and not out.is_dir():
        raise AudioFileError(f"there are several recordings, OUTPUT has to be a folder, not {out}")
    for source in sources:
        if not source.exists():
            raise AudioFileError(f"there is no file or folder {source}")
        if source.is_dir() and not os.access(source, os.R_OK | os.X_OK):  # looks empty
            raise AudioFileError(f"no permission to read the folder {source}")
    tasks = name_outputs(find_recordings(sources, out), out, f".{arguments.format or 'wav'}")
    if not tasks:
        raise AudioFileError(f"{', '.join(map(str, sources))} holds no audio file")
    _check(tasks, out, arguments)
    player = find_instrument(arguments.instrument)
    reports = _run_all(tasks, out, player, arguments)
    failed = [report for report in reports if "error" in report]
    if arguments.json:
        print(json.dumps({"files": reports, "failed": len(failed)}, indent=1))
    elif not arguments.quiet:
        print(f"{len(tasks) - len(failed)} of {len(tasks)} recordings played by {player.name}, "
              f"written to {out}")  # fmt: skip
    for report in failed:
        named = report["input"] in report["error"]
        where = "" if named else f"{report['input']}: "
        print(f"ddsp-ref: {where}{report['error']}", file=sys.stderr)
    return SOME_FAILED if failed else 0


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _check(tasks: Sequence[Task], out: Path, arguments: argparse.Namespace) -> None:
    """Tell early what would go wrong with every file, and make the folders."""
    from ddsp_ref.io.files import check_output_folder

    controls_of(arguments)
    check_listening(arguments)
    sources = {_identity(task.source): task.source for task in tasks}
    for task in tasks:
        if task.target.exists() and _identity(task.target) in sources:
            raise AudioFileError(
                f"INPUT {sources[_identity(task.target)]} would be written over; "
                "give another OUTPUT folder"
            )
    folders = [out, *(Path(p) for p in (getattr(arguments, f) for f in _FOLDERS) if p)]
    for folder in folders:
        if out.is_dir() or folder.parent != out:  # OUT/curves, where OUT is yet to be made
            check_output_folder(folder)
    check_sound_format(tasks[0].target, arguments)
    if arguments.plot or arguments.figures:
        from ddsp_ref.plots.figure import new_figure

        new_figure(1, 1)  # or say that there is no matplotlib
    for folder in folders:
        folder.mkdir(exist_ok=True)


def _run_all(
    tasks: Sequence[Task], out: Path, player: Instrument, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """Run all tasks side by side; return a report for each, in order."""
    from tqdm import tqdm

    from ddsp_ref.app.compiling import compile_notice

    n_jobs = min(arguments.jobs or os.cpu_count() or 1, len(tasks))
    bar = tqdm(total=len(tasks), unit="file", disable=arguments.quiet, leave=False, file=sys.stderr)

    def say(text: str) -> None:
        if not arguments.quiet:
            bar.write(text, file=sys.stderr)

    def run(task: Task) -> dict[str, Any]:
        try:
            return _run_one(task, out, player, arguments)
        except DdspRefError as error:
            return {"input": str(task.source), "error": name_options(str(error), arguments)}
        except Exception as error:  # the other files are not to suffer from a fault of ours
            return {"input": str(task.source), "error": f"{type(error).__name__}: {error}"}

    with bar, compile_notice(say), ThreadPoolExecutor(n_jobs) as pool:
        futures: list[Future] = [pool.submit(run, task) for task in tasks]
        try:
            for future in as_completed(futures):
                report = future.result()
                bar.set_postfix_str(Path(report["input"]).name)
                bar.update()
        except BaseException:  # Ctrl-C: what is under way ends, the rest does not begin
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _run_one(
    task: Task, out: Path, player: Instrument, arguments: argparse.Namespace
) -> dict[str, Any]:
    from ddsp_ref.io.audio import read_audio

    audio, sample_rate = read_audio(task.source)
    inside = task.target.relative_to(out).with_suffix("")
    beside = {
        name: Path(folder) / inside.with_name(inside.name + _SUFFIXES[name])
        for name in _FOLDERS
        if (folder := getattr(arguments, name))
    }
    outputs = Outputs(task.target, **beside)
    for path in (outputs.sound, *beside.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
    transfer = play_sound(audio, sample_rate, player, outputs, arguments, lambda stage: None)
    return {"input": str(task.source), "output": str(task.target), **transfer.report()}
