"""Reports say what was found; lists of expected failures, profiles, the command, pytest."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from xml.etree import ElementTree

import numba
import numpy as np
import pytest

from ddsp_ref.app.cli import main
from ddsp_ref.conformance.diagnose import diagnose
from ddsp_ref.conformance.expected import read_expected
from ddsp_ref.conformance.profiles import PROFILES, profile_vectors
from ddsp_ref.conformance.report_html import as_html
from ddsp_ref.conformance.report_json import as_json, as_junit, badge
from ddsp_ref.conformance.report_table import as_table
from ddsp_ref.conformance.runner import run
from ddsp_ref.conformance.verdicts import Report, Verdict
from ddsp_ref.errors import ParameterError
from ddsp_ref.models.pytorch_model import noise_blocks
from ddsp_ref.registry import get_op

OPS = ("angular_cumsum", "exp_sigmoid", "fft_convolve", "safe_log")


def late(*arrays, **settings):
    return np.roll(get_op("fft_convolve")(*arrays, **settings), 1, axis=-1)


def raising(x):
    raise RuntimeError("<b>\x00 & no")


ADAPTER = {"angular_cumsum": get_op("angular_cumsum"), "fft_convolve": late, "safe_log": raising}


@pytest.fixture(scope="module")
def report():
    def diagnose(evidence, what):
        return SimpleNamespace(name="delay = 1", text="matches `delay = 1`", agreement_db=118.0,
                               link="filters")  # fmt: skip

    return run(ADAPTER, ops=OPS, dtypes=["float32"], diagnose=diagnose, port="<mine>")


def test_the_table_says_it_all(report):
    text = as_table(report)
    assert re.search(r"angular_cumsum +ok", text)
    assert re.search(r"fft_convolve +FAIL", text)
    assert "matches `delay = 1`" in text
    assert "RuntimeError" in text
    assert "(1 ops are not implemented)" in text
    assert "exp_sigmoid -" not in text
    assert re.search(r"exp_sigmoid +-", as_table(report, everything=True))


def test_json_says_the_same(report):
    found = json.loads(as_json(report), parse_constant=lambda word: pytest.fail(word))
    assert not found["conforms"]
    one = next(v for v in found["verdicts"] if v["op"] == "fft_convolve")
    assert (one["status"], one["diagnosis"]["name"]) == ("failed", "delay = 1")
    assert one["error_over_tolerance"] > 1
    assert {v["status"] for v in found["verdicts"]} == {
        "passed", "failed", "error", "not implemented"}  # fmt: skip


def test_junit_counts(report):
    suite = ElementTree.fromstring(as_junit(report))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name)) == len(suite.findall(f".//{tag}")) > 0
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == len(report.verdicts)


def test_the_page_stands_alone_and_is_whole(report):
    page = as_html(report)
    assert "<mine>" not in page
    assert "&lt;b&gt;" in page
    assert not re.findall(r"""(?:src|href)=['"](?!#)""", page), "the page needs another file"
    assert page.count("<svg") == 3, "answer, error and its spectrum of the failure"
    for anchor in re.findall(r"href='#([^']+)'", page):
        assert f"id='{anchor}'" in page, f"nothing is at {anchor}"
    for tag in ("section", "table", "details", "svg", "tr", "td"):
        assert len(re.findall(rf"<{tag}\b", page)) == page.count(f"</{tag}>"), tag
    assert "def" not in page.split("<details id='define-angular_cumsum'>")[1][:60]
    assert "cumsum" in page.split("<details id='define-angular_cumsum'>")[1]


def test_the_badge_counts_ops(report):
    assert badge(report) == "ddsp_ref conformance: 1 of 3 ops"


# -- expected failures --------------------------------------------------------------------------


def expected(tmp_path, text):
    (tmp_path / "expected.txt").write_text(text)
    return read_expected(tmp_path / "expected.txt")


def test_expected_failures_do_not_fail_and_passes_among_them_are_reported(tmp_path):
    listed = expected(
        tmp_path, "fft_convolve * float32  # late\nsafe_log\n\n# a remark\nsine value"
    )
    found = run(ADAPTER, ops=OPS, dtypes=["float32"], expected=listed)
    assert {v.status for v in found.verdicts if v.op == "fft_convolve"} <= {
        "expected failure", "not implemented"}  # fmt: skip
    assert found.exit_code == 0
    assert any(":5: nothing is called sine value *" in note for note in found.notes)
    assert "sine" in as_table(found)

    passing = expected(tmp_path, "angular_cumsum value\nfft_convolve\nsafe_log")
    found = run(ADAPTER, ops=OPS, dtypes=["float32"], expected=passing)
    assert found.count("unexpected pass") == 1
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stft values", "expected.txt:1: the second word is 'values'"),
        ("\nstft value float16", "expected.txt:2: the third word is 'float16'"),
        ("stft value float32 because", "4 words"),
    ],
)
def test_lines_that_are_not_understood_are_named(text, message, tmp_path):
    with pytest.raises(ParameterError, match=message):
        expected(tmp_path, text)


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ParameterError, match="cannot read the expected failures"):
        read_expected(tmp_path / "none.txt")


# -- profiles -----------------------------------------------------------------------------------


def test_profiles_are_told_apart():
    """What conforms to one profile fails another: a port cannot follow two."""
    old = get_op("compute_loudness_magenta_v1")
    cases = {name: profile_vectors(name, ops=["compute_loudness"]) for name in PROFILES}
    found = {
        name: run({"compute_loudness": old}, cases[name], dtypes=["float64"]).ok for name in cases
    }
    assert found == {name: name == "magenta-1" for name in PROFILES}


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="minutes without compilation")
def test_every_change_of_a_profile_changes_vectors():
    for profile in PROFILES.values():
        for op in profile.changed - {"spectral_loss"}:  # which takes seconds
            new = profile_vectors(profile.name, ops=[op])
            assert len(new) > 5
            for name, value in profile.settings.get(op, {}).items():
                assert {case.settings[name] for case in new} == {value}
    with pytest.raises(ParameterError, match="must be one of magenta-3"):
        profile_vectors("magenta-2")


def pytorch_normalize_harmonics(distribution, f0_hz, *, sample_rate):
    """As in ddsp_pytorch, written from its text: what is above Nyquist keeps 1e-4."""
    k = np.arange(1, distribution.shape[-1] + 1)
    aa = 1.0 if sample_rate is None else (f0_hz[..., None] * k < sample_rate / 2) + 1e-4
    kept = distribution * aa
    total = kept.sum(-1, keepdims=True)
    return kept / np.where(total == 0, 1e-7, total)


def pytorch_fft_convolve(audio, response, *, padding, delay_compensation):
    """As in ddsp_pytorch: from the first sample on, unless another is asked for."""
    start = max(delay_compensation, 0)
    n_out = audio.shape[-1] + (response.shape[-1] - 1 if padding == "valid" else 0)
    n_whole = start + n_out + response.shape[-1]
    both = np.fft.rfft(audio, 2 * n_whole) * np.fft.rfft(response, 2 * n_whole)
    return np.fft.irfft(both)[..., start : start + n_out]


def test_noise_blocks_of_ddsp_pytorch_conform_to_its_profile_alone():
    def frequency_filter(audio, magnitudes, **_):
        shape = audio.shape[:-1] + magnitudes.shape[-2:]
        return noise_blocks(np.broadcast_to(magnitudes, shape), audio)

    port = {"frequency_filter": frequency_filter}
    own = [c for c in profile_vectors("ddsp_pytorch", ops=port) if not c.must_refuse]
    assert len(own) >= 3
    assert run(port, own, dtypes=["float64"]).ok
    assert not run(port, ops=port, dtypes=["float64"]).ok


def test_a_port_of_another_library_conforms_to_its_profile_alone():
    port = {
        "normalize_harmonics": pytorch_normalize_harmonics, "fft_convolve": pytorch_fft_convolve,
    }  # fmt: skip
    own = profile_vectors("ddsp_pytorch", ops=port)
    assert run(port, own, dtypes=["float64"]).ok
    report = run(port, ops=port, dtypes=["float64"], diagnose=diagnose)
    failed = {v.op: v.diagnosis.name for v in report.verdicts if v.status == "failed"}
    assert failed == {"normalize_harmonics": "mask = plus_1e-4", "fft_convolve": "delay = none"}


# -- the command --------------------------------------------------------------------------------

PORT = """
import numpy as np
def db_to_amplitude(level_db):
    print("a port may chatter")
    return (10 ** (level_db / 20)).astype(level_db.dtype)
def amplitude_to_db(amplitude):
    return 20 * np.log10(amplitude)
"""


@pytest.fixture
def port(tmp_path, monkeypatch):
    (tmp_path / "port_of_a_test.py").write_text(PORT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_command_judges_and_writes(port, capsys):
    names = ["json", "junit", "html", "badge"]
    files = [word for name in names for word in (f"--{name}", f"report.{name}")]
    code = main(["conform", "port_of_a_test", *files])
    out = capsys.readouterr().out
    assert code == 1
    assert re.search(r"amplitude_to_db +ERROR", out)
    assert re.search(r"db_to_amplitude +ok", out)
    assert "chatter" not in out
    assert (port / "report.badge").read_text() == "ddsp_ref conformance: 1 of 2 ops\n"
    assert {path.name for path in port.glob("report.*")} == {f"report.{name}" for name in names}
    assert main(["conform", "port_of_a_test", "--ops", "db_to_amplitude"]) == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["no_such_port"], "cannot import no_such_port"),
        (["port_of_a_test:other"], "has no 'other'"),
        (["port_of_a_test", "DIR"], "one word too many"),
        (["export"], "name a folder"),
        (["score", "nowhere"], "is no folder"),
        (["port_of_a_test", "--profile", "mine"], "profile is 'mine'"),
        (["port_of_a_test", "--ops", "sine"], "no vectors of sine"),
        (["port_of_a_test", "--backend", "fortran"], "backend is 'fortran'"),
        (["port_of_a_test", "--html", "no/where.html"], "does not exist"),
        (["port_of_a_test", "--vectors", "none.zip"], "neither a folder nor a zip"),
    ],
)
def test_bad_words_are_named(words, text, port, capsys):
    assert main(["conform", *words]) == 2
    assert text in capsys.readouterr().err


def test_the_command_exports_and_lists(port, capsys):
    assert main(["conform", "export", "set", "--ops", "sinc"]) == 0
    assert (port / "set" / "manifest.json").exists()
    assert main(["conform", "export", "other", "--profile", "list"]) == 0
    assert "ddsp_pytorch" in capsys.readouterr().out


def test_pytest_runs_a_test_for_each_verdict(port):
    import subprocess
    import sys

    (port / "pytest.ini").write_text(
        "[pytest]\nddsp_conform = port_of_a_test\nddsp_conform_expected = expected.txt\n"
    )
    (port / "expected.txt").write_text("db_to_amplitude value float64\n")
    command = [sys.executable, "-m", "pytest", "-p", "ddsp_ref.conformance.pytest_plugin", "-rA"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=port)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"PASSED .*db_to_amplitude-value-float32", done.stdout)
    assert re.search(r"FAILED .*db_to_amplitude-value-float64", done.stdout), "it passes"
    assert re.search(r"FAILED .*amplitude_to_db-value-float32", done.stdout)
    assert re.search(r"SKIPPED .*not implemented", done.stdout)


def test_a_report_of_nothing_is_no_success():
    assert Report([]).exit_code == 1
    assert Report([Verdict("stft", "value", "float32", "not implemented")]).exit_code == 1
