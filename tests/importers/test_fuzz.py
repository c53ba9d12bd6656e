"""Mutated files of every format: only the library's own error comes out, soon, in little memory.

Whole files are mutated, and, because checksums catch nearly all of that, the parts behind the
checksums, which are then written anew.
"""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from collections import Counter

import numpy as np
import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers._protobuf import read_fields
from ddsp_ref.importers._table import read_table
from ddsp_ref.importers.archive import open_folder_or_zip
from ddsp_ref.importers.gin_config import read_gin
from ddsp_ref.importers.magenta import import_magenta
from ddsp_ref.importers.simple_yaml import read_simple_yaml
from ddsp_ref.importers.statistics_pickle import read_statistics
from ddsp_ref.importers.tf_checkpoint import (
    find_checkpoint,
    read_tf_bundle,
    read_variable_names,
)
from ddsp_ref.importers.tflite import read_tflite
from ddsp_ref.importers.torch_state import read_torch_state
from ddsp_ref.jit import COMPILED

from .writers import FIXTURES, block, entry, flatbuffer, header, proto, table, texts, tflite_model

MAX_SECONDS = 5.0
MAX_BYTES = 64 << 20  # every file here is smaller than 200 kB
_ODD = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63, 2**64 - 1]


def mutate(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """Flip, set, cut, repeat and splice, one to four times."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        way, at = rng.integers(7), int(rng.integers(len(out) + 1))
        length = int(min(rng.geometric(0.05), 400))
        if way == 0 and at < len(out):
            out[at] ^= 1 << rng.integers(8)
        elif way == 1 and at < len(out):
            out[at] = rng.integers(256)
        elif way == 2:
            width = int(rng.choice([1, 2, 4, 8]))
            value = _ODD[rng.integers(len(_ODD))] % 256**width
            out[at : at + width] = value.to_bytes(width, "little")
        elif way == 3:
            del out[at : at + length]
        elif way == 4:
            out[at:at] = out[at : at + length] * int(rng.integers(1, 4))
        elif way == 5:
            start = int(rng.integers(len(other)))
            out[at : at + length] = other[start : start + length]
        elif rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def attempt(read, path) -> str:
    """Read a file; return "read" or "refused"; fail on any other error, or if it takes long."""
    start = time.process_time()
    try:
        read(path)
        outcome = "read"
    except ImportFormatError as error:
        message = str(error)
        assert message.startswith(str(path.parent)), message
        assert len(message.splitlines()) == 1, message
        assert len(message) < 1000, message
        outcome = "refused"
    assert time.process_time() - start < MAX_SECONDS
    return outcome


class Whole:
    """Mutates one file as it is."""

    def __init__(self, name, read, data, other=None):
        self.name, self.read, self.data = name, read, data
        self.other = data if other is None else other

    def write(self, rng, folder):
        path = folder / self.name
        path.write_bytes(mutate(rng, self.data, self.other))
        return path


class InZip(Whole):
    """Mutates a file in a zip, which is whole around it."""

    def write(self, rng, folder):
        path = folder / "state.pth"
        with zipfile.ZipFile(path, "w") as target, zipfile.ZipFile(FIXTURES / "state.pth") as old:
            for name in old.namelist():
                data = old.read(name)
                changed = name.endswith(self.name)
                target.writestr(name, mutate(rng, data, self.data) if changed else data)
        return path


class Bundle(Whole):
    """Mutates blocks and entries of a checkpoint's index and gives them right checksums."""

    def __init__(self, read):
        words, crc = texts([b"graph", b""])
        values = np.arange(40, dtype="<f4").tobytes()
        self.pairs = {
            b"": header(),
            b"_CHECKPOINTABLE_OBJECT_GRAPH": entry(7, (2,), 480, words, crc=crc),
            b"model/a/.ATTRIBUTES/VARIABLE_VALUE": entry(1, (5, 8), 0, values),
            b"model/b/.ATTRIBUTES/VARIABLE_VALUE": entry(1, (40,), 160, values),
            b"model/c": entry(14, (2, 40), 320, values),
        }
        self.content, self.read = values * 3 + words, read

    def write(self, rng, folder):
        pairs = dict(self.pairs)
        if rng.random() < 0.6:
            key = list(pairs)[rng.integers(len(pairs))]
            pairs[key] = mutate(rng, pairs[key], b"".join(pairs.values()))
        content = block(list(pairs.items()), int(rng.choice([1, 2, 16])))
        if rng.random() < 0.5:
            content = mutate(rng, content, content)
        (folder / "ckpt-1.index").write_bytes(table([content]))
        data = self.content if rng.random() < 0.9 else mutate(rng, self.content, self.content)
        (folder / "ckpt-1.data-00000-of-00001").write_bytes(data)
        return folder / "ckpt-1.index"


class Graph(Whole):
    """Mutates the object graph of the real checkpoint."""

    def __init__(self):
        key = "_CHECKPOINTABLE_OBJECT_GRAPH"
        nodes = read_fields(read_tf_bundle(FIXTURES / "vst_small", [key])[key].item())
        self.graph = proto(*[node for _, node in zip(range(25), nodes)])
        self.read = read_variable_names

    def write(self, rng, folder):
        words, crc = texts([mutate(rng, self.graph, self.graph)])
        made = {b"": header(), b"_CHECKPOINTABLE_OBJECT_GRAPH": entry(7, (), 0, words, crc=crc)}
        (folder / "ckpt-1.index").write_bytes(table([block(list(made.items()))]))
        (folder / "ckpt-1.data-00000-of-00001").write_bytes(words)
        return folder / "ckpt-1.index"


class Training(Whole):
    """Mutates a value of the configuration, or any file, of a whole training, and imports it."""

    def __init__(self, name):
        self.name, self.files = name, {f.name: f.read_bytes() for f in (FIXTURES / name).iterdir()}
        self.words = [b"0", b"1", b"-1", b"2", b"3", b"16", b"1.5", b"1e9", b"1048576", b"None"]
        self.words += [b"True", b"'x'", b"()", b"[[]]", b"@core.exp_sigmoid", b"%x", b"{}"]

    def read(self, path):
        import_magenta(path.parent)

    def write(self, rng, folder):
        folder = folder / self.name
        folder.mkdir(exist_ok=True)
        names = sorted(self.files)
        chosen = None if rng.random() < 0.7 else names[rng.integers(len(names))]
        for name, data in self.files.items():
            if name == chosen:
                data = mutate(rng, data, data)
            elif chosen is None and name.endswith(".gin"):
                data = self.with_another_value(rng, data)
            (folder / name).write_bytes(data)
        return folder / "operative_config-0.gin"

    def with_another_value(self, rng, data):
        lines = data.split(b"\n")
        places = [i for i, line in enumerate(lines) if b" = " in line]
        place = places[rng.integers(len(places))]
        kept = lines[place].partition(b" = ")[0]
        lines[place] = kept + b" = " + self.words[rng.integers(len(self.words))]
        return b"\n".join(lines)


def unpack(path):
    with open_folder_or_zip(path):
        pass


def real(name):
    return (FIXTURES / name).read_bytes()


def packed():
    return flatbuffer(tflite_model())


KINDS = {
    "index": lambda: Whole("ckpt-3.index", read_tf_bundle, real("vst_small/ckpt-3.index")),
    "bundle": lambda: Bundle(read_tf_bundle),
    "graph": Graph,
    "solo training": lambda: Training("solo_small"),
    "vst training": lambda: Training("vst_small"),
    "ae training": lambda: Training("ae_small"),
    "conv training": lambda: Training("conv_z_small"),
    "gin": lambda: Whole(
        "a.gin", lambda path: resolve(read_gin(path)), real("vst_small/operative_config-0.gin")
    ),
    "statistics": lambda: Whole(
        "s.pkl", read_statistics, short_pickle(), real("vst_small/dataset_statistics.pkl")
    ),
    "torch": lambda: Whole("state.pth", read_torch_state, real("state.pth")),
    "torch pickle": lambda: InZip("data.pkl", read_torch_state, real("state.pth")),
    "archive": lambda: Whole("a.zip", unpack, real("state.pth")),
    "tflite": lambda: Whole("m.tflite", read_tflite, packed()),
    "yaml": lambda: Whole("c.yaml", read_simple_yaml, real("config.yaml"), b"'\"[]{}&*:-# \n\t"),
}


def short_pickle():
    """The real pickle without the long arrays in it: most places of those change nothing."""
    data = real("vst_small/dataset_statistics.pkl")
    return data[:1600] + data[-1200:]


def resolve(config):
    for name in config.bindings:
        config.resolve(config.bindings[name], name)
        config.get(name.rpartition("/")[2], None)


def fuzz(kind, n_cases, folder, seed):
    rng = np.random.default_rng(seed)
    target = KINDS[kind]()
    return Counter(attempt(target.read, target.write(rng, folder)) for _ in range(n_cases))


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files(tmp_path, kind):
    outcomes = fuzz(kind, 200, tmp_path, seed=1)
    assert outcomes["refused"] > 20, "the mutations do too little"


@pytest.mark.skipif(not COMPILED, reason="checksums in plain Python take minutes")
@pytest.mark.parametrize("kind", KINDS)
def test_memory_stays_small(tmp_path, kind):
    fuzz(kind, 5, tmp_path, seed=3)  # what is compiled or cached at first use
    tracemalloc.start()
    try:
        fuzz(kind, 40, tmp_path, seed=2)
        assert tracemalloc.get_traced_memory()[1] < MAX_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_mutated_files(tmp_path, kind):
    outcomes = fuzz(kind, 3000, tmp_path, seed=4)
    assert outcomes["refused"] > 300


def test_unmutated_files_can_be_read(tmp_path, monkeypatch):
    """Or the mutations would all be refused for the same reason."""
    monkeypatch.setattr(f"{__name__}.mutate", lambda rng, data, other: data)
    others = {"index", "statistics"} | {kind for kind in KINDS if "training" in kind}
    for kind in set(KINDS) - others:
        assert fuzz(kind, 1, tmp_path, seed=0) == {"read": 1}, kind
    assert len(read_table(real("vst_small/ckpt-3.index"))) == 59


@pytest.mark.parametrize(
    ("name", "read", "data"),
    [
        ("a.gin", read_gin, b"A.b = " + b"1" * 200_000 + b"a"),
        ("a.gin", read_gin, b"A.b = " + b"@a/" * 60_000),
        ("a.gin", read_gin, b"A.b = @a" + b" " * 200_000 + b"("),
        ("a.gin", read_gin, b"a." * 100_000),
        ("a.gin", read_gin, b"A.b = '''" + b"\\'''" * 50_000),
        ("a.gin", read_gin, b"A.b = [" * 30_000),
        ("c.yaml", read_simple_yaml, b"a" + b" " * 200_000 + b"b"),
        ("c.yaml", read_simple_yaml, b"a: '" + b"'" * 200_001),
        ("c.yaml", read_simple_yaml, b"a: " + b"1:" * 100_000),
        ("s.pkl", read_statistics, b"\x80\x02" + b"(" * 290_000 + b"."),
        ("s.pkl", read_statistics, b"\x80\x02)" + b"\x85" * 290_000 + b"."),
        ("s.pkl", read_statistics, b"\x80\x02]" + b"]a" * 140_000 + b"."),
    ],
)
def test_long_inputs_do_not_hang(tmp_path, name, read, data):
    """What patterns that go back, or recursion, would take minutes for, or end the process."""
    (tmp_path / name).write_bytes(data)
    outcome = attempt(read, tmp_path / name)
    assert outcome == ("read" if name == "c.yaml" and data[:2] == b"a:" else "refused")


def test_a_state_of_blank_lines(tmp_path):
    (tmp_path / "ckpt-1.index").write_bytes(table([]))
    (tmp_path / "checkpoint").write_bytes(b"\n" * 900_000)
    start = time.process_time()
    assert find_checkpoint(tmp_path).name == "ckpt-1"
    assert time.process_time() - start < MAX_SECONDS
