"""The subset of YAML: a real configuration, and everything that is left out."""

from __future__ import annotations

import math

import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers.simple_yaml import read_simple_yaml

from .writers import FIXTURES


def read(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode())
    return read_simple_yaml(path)


def test_a_configuration_of_ddsp_pytorch():
    config = read_simple_yaml(FIXTURES / "config.yaml")
    assert config == {
        "data": {"data_location": "./data", "extension": "wav"},
        "model": {
            "block_size": 160,
            "hidden_size": 512,
            "n_bands": 65,
            "n_harmonic": 100,
            "sampling_rate": 16000,
        },
        "train": {"batch": 1, "overlap": 0.75, "scales": [4096, 2048], "oneshot": False},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-7", -7), ("0", 0), ("1.5", 1.5), ("-.5", -0.5), ("1e-3", 1e-3), ("3.", 3.0),
        ("true", True), ("No", False), ("~", None), ("", None), ("null", None), (".inf", math.inf),
        ("-.INF", -math.inf), ("word", "word"), ("two words", "two words"), ("a:b", "a:b"),
        ("'it''s # one'  # note", "it's # one"), ('"a\\n\\"b\\""', 'a\n"b"'), ("x # note", "x"),
        ("x#y", "x#y"), ("'12'", "12"), ("./a/b.wav", "./a/b.wav"), ("1.2.3", "1.2.3"),
        ("[1, 2.5, a, 'b']", [1, 2.5, "a", "b"]), ("[]", []), ("2020-01-01", "2020-01-01"),
    ],
)  # fmt: skip
def test_values(tmp_path, text, value):
    got = read(tmp_path, f"---\nkey: {text}\r\n'other key':\n  - {text or '~'}\n")
    if isinstance(value, list):
        assert got["key"] == value
    else:
        assert got == {"key": value, "other key": [value]}
        assert type(got["key"]) is type(value)


test_values = pytest.mark.filterwarnings("error")(test_values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1", r"only single values and lists of them are read: '&x 1' \(line 1\)"),
        ("a: 1\nb: *x", r"\(line 2\)"),
        ("a: !!python/object/apply:os.system ['x']", "only single values"),
        ("a: |\n  text", "only single values|indented"),
        ("a: {b: 1}", "only single values"),
        ("a: [1, [2]]", "not a list of single values"),
        ("a: [1,\n 2]", "does not end on its line"),
        ("a: [1,,2]", "not a list of single values"),
        ("a: 1\na: 2", "'a' stands here twice"),
        ("a: 010", "010 means different numbers"),
        ("a: 0x10", "means different numbers"),
        ("a: 1_000", "means different numbers"),
        ("a: 1:30", "means different numbers"),
        ("a:\t1", "a tab"),
        ("a: 'x", "a text in quotes that is not understood"),
        ("a: 'x' y", "after a text in quotes"),
        ('a: "\\x41"', "a text in quotes that is not understood"),
        ("- 1\n- 2", "a list where names with values should stand"),
        ("a:\n  - b: 1", "lists hold single values only"),
        ("a:\n  - - 1", "lists hold single values only"),
        ("word", "not 'name: value': 'word'"),
        ("  a: 1\nb: 2", "indented as no line before it|not"),
        ("a:\n    b: 1\n  c: 2", "indented as no line before it|not"),
        ("a: 1\n---\nb: 2", "not 'name: value'"),
        ("a: b: c", "only single values"),
        ("".join(" " * i + f"k{i}:\n" for i in range(40)), "nested deeper than 20"),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    with pytest.raises(ImportFormatError, match=message):
        read(tmp_path, text)


def test_empty_missing_and_no_text(tmp_path):
    assert read(tmp_path, "# nothing\n\n") == {}
    (tmp_path / "x.yaml").write_bytes(b"\xff")
    for name, message in (("x.yaml", "is not text in UTF-8"), ("y.yaml", "does not exist")):
        with pytest.raises(ImportFormatError, match=message):
            read_simple_yaml(tmp_path / name)
