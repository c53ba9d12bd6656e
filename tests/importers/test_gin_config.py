"""Gin files: what they bind, and that nothing in them is carried out."""

from __future__ import annotations

import pytest

from ddsp_ref.errors import ImportFormatError
from ddsp_ref.importers.gin_config import Macro, Reference, find_operative_config, read_gin

from .writers import FIXTURES

REAL = FIXTURES / "vst_small"


def read(tmp_path, text):
    path = tmp_path / "config.gin"
    path.write_text(text, encoding="utf-8")
    return read_gin(path)


def test_a_configuration_of_magenta():
    config = read_gin(find_operative_config(REAL))
    assert config.imports == ["import ddsp", "import ddsp.training as ddsp2"]
    assert len(config.bindings) == 77
    assert config.macros["n_samples"] == 64320
    assert config.bindings["Harmonic.n_samples"] == Macro("n_samples")
    assert config.get("Harmonic.n_samples") == 64320
    assert config.get("ddsp.training.decoders.RnnFcDecoder.rnn_channels") == 32
    assert config.get("RnnFcDecoder.input_keys") == ("pw_scaled", "f0_scaled")
    splits = (("amps", 1), ("harmonic_distribution", 30), ("noise_magnitudes", 33))
    assert config.get("RnnFcDecoder.output_splits") == splits
    dag = config.get("ProcessorGroup.dag")
    assert [str(node) for node, _ in dag] == [
        "@synths.Harmonic()",
        "@synths.FilteredNoise()",
        "@processors.Add()",
        "@effects.FilteredNoiseReverb()",
        "@processors.Crop()",
    ]
    assert dag[2][1] == ["filtered_noise/signal", "harmonic/signal"]
    assert config.get("Harmonic.scale_fn") == Reference("core.exp_sigmoid")
    assert config.get("Autoencoder.encoder") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-3", -3), ("+2", 2), ("1_000", 1000), ("2.5", 2.5), ("-.5", -0.5), ("3.", 3.0),
        ("1e-07", 1e-7), ("1.5E3", 1500.0), ("True", True), ("None", None), ("'a'", "a"),
        ('"b\'c"', "b'c"), (r"'\'\n\x41\u00e4\101\q'", "'\nA\u00e4A\\q"), (r"r'\n'", "\\n"),
        ("'''a\nb'''", "a\nb"), ("('a'\n 'b')", "ab"), ("'a' 'b'", "ab"), ("()", ()),
        ("(1)", 1), ("(1,)", (1,)), ("[]", []), ("[1, 2,]", [1, 2]),
        ("[[1], (2, 3)]", [[1], (2, 3)]),
        ("{'a': 1, 2: [None],}", {"a": 1, 2: [None]}), ("{}", {}),
        ("\\\n  [1, # one\n\n   2]", [1, 2]), ("@name", Reference("name")),
        ("@a.b()", Reference("a.b", call=True)), ("@s/t/a.b ()", Reference("a.b", "s/t", True)),
        ("'# no comment'  # but this", "# no comment"),
    ],
)  # fmt: skip
def test_values(tmp_path, text, value):
    config = read(tmp_path, f"A.b = {text}\nA.c = 1\n")
    assert config.bindings["A.b"] == value
    assert type(config.bindings["A.b"]) is type(value)
    assert config.bindings["A.c"] == 1


def test_blocks_macros_and_scopes(tmp_path):
    config = read(
        tmp_path,
        "rate = 16000\nold/macro.value = 5\n"
        "mod.Synth:\n    sample_rate = %rate\n\n  # said again\n"
        "    name = 'one'\nSynth.name = 'two'\n"
        "quiet/Synth.name = 'three'\nquiet/night/Synth.name = ['four', %rate, {'a': %old}]\n",
    )
    assert config.get("Synth.sample_rate") == 16000
    assert config.get("mod.Synth.name") == "two"  # the later one
    assert config.get("other.Synth.name") == "two"
    assert config.get("other.Synth.sample_rate", default=7) == 7
    assert config.get("Synth.name", scope="quiet") == "three"
    assert config.get("Synth.name", scope="quiet/night") == ["four", 16000, {"a": 5}]
    assert config.get("Synth.name", scope="loud/quiet") == "two"
    with pytest.raises(ImportFormatError, match=r"config\.gin: Synth\.gain is not bound"):
        config.get("Synth.gain")


def test_includes(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "base.gin").write_text("A.b = 1\nA.c = 2\ninclude 'models/more.gin'\n")
    (tmp_path / "models" / "more.gin").write_text("m = 3\n")
    config = read(tmp_path, "include 'models/base.gin'\nA.b = 5\n")
    assert config.bindings == {"A.c": 2, "A.b": 5}
    assert config.macros == {"m": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A.b = 1\n\nprint('x')", r"\(line 3\)"),
        ("A.b = open('/etc/passwd')", r"line 1.*|'A\.b': 'open' where a value should stand; calls"),
        ("A.b = foo", "'foo' where a value should stand; calls and names of Python"),
        ("A.b = @f(1)", r"'A\.b': '\(' after the value"),
        ("A.b = 1 + 2", "not understood|after the value"),
        ("A.b = [1 2]", r"'2' where ',' or '\]' should stand"),
        ("A.b = {1}", "a mapping needs"),
        ("A.b = {[]: 1}", "a mapping needs"),
        ("A.b =", r"'A\.b' has no value \(line 1\)"),
        ("A.b = 'x", "not understood"),
        ("A.b = '\\U00110000'", "an escape that is no character"),
        ("A.b = 1__0", "is not a number"),
        ("A.b = 0" + "1" * 500, "more than 400 digits"),
        ("A.b = (1,\n[2", r"'\[' is never closed \(line 2\)"),
        ("A.b = 1)", r"'\)' closes nothing"),
        ("A.b = [1)", r"'\)' closes nothing"),
        ("A.b = " + "[" * 1000, "nested deeper than 30"),
        ("A.b = b'x'", "'b' where a value should stand"),
        ("import os; os.system('x')", "not understood"),
        ("import 'os'", "neither a binding"),
        ("exec('x')", "neither a binding"),
        ("include '../secret.gin'", "outside of its folder"),
        ("include '/etc/passwd'", "outside of its folder"),
        ("include 'nothing.gin'", r"nothing\.gin: does not exist \(line 1\)"),
        ("include 'config.gin'", "which includes it in turn"),
        ("include 3", "neither a binding"),
        ("include 'a\\x00b'", "which is no file name"),
        ("A.b = 1\x00", "not understood"),
        ("A.b.c: 1", "neither a binding"),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    with pytest.raises(ImportFormatError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_links_do_not_lead_out(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.gin").write_text("A.b = 1\n")
    (tmp_path / "inside" / "link.gin").symlink_to(tmp_path / "outside.gin")
    with pytest.raises(ImportFormatError, match="outside of its folder"):
        read(tmp_path / "inside", "include 'link.gin'\n")


def test_macros_that_stand_for_too_much(tmp_path):
    lines = [f"m{i} = [%m{i + 1}, %m{i + 1}]\n" for i in range(60)]
    config = read(tmp_path, "".join(lines) + "m60 = 1\nA.b = %m0\nA.c = %c\nc = [%c]\nA.d = %d\n")
    lines = [f"n{i} = [%n{i + 1}]\n" for i in range(300)]
    deep = read(tmp_path, "".join(lines) + "A.b = %n0\n")
    with pytest.raises(ImportFormatError, match="too many values"):
        deep.get("A.b")
    for name, message in (
        ("b", "too many values"),
        ("c", "refers to itself"),
        ("d", "not defined"),
    ):
        with pytest.raises(ImportFormatError, match=rf"A\.{name}.*{message}"):
            config.get(f"A.{name}")


def test_the_newest_configuration(tmp_path):
    with pytest.raises(ImportFormatError, match=r"no operative_config-N\.gin"):
        find_operative_config(tmp_path)
    for name in ("operative_config-9.gin", "operative_config-10.gin", "operative_config-x.gin"):
        (tmp_path / name).write_text("")
    assert find_operative_config(tmp_path).name == "operative_config-10.gin"
    (tmp_path / "operative_config-10.gin").write_bytes(b"\xff\xfe")
    with pytest.raises(ImportFormatError, match="is not text in UTF-8"):
        read_gin(tmp_path / "operative_config-10.gin")
