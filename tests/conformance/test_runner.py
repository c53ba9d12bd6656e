"""The kit judges: this library passes, ports that misbehave are named and end nothing."""

from __future__ import annotations

import json
import time
import zipfile

import numpy as np
import pytest

from ddsp_ref.conformance.chains import CHAINS, judged_ops
from ddsp_ref.conformance.runner import run
from ddsp_ref.conformance.vectors import MANIFEST, SMALL_SET, digest, load_vectors
from ddsp_ref.conformance.writing import make_case, pack, write_zip
from ddsp_ref.errors import ConformanceError, ParameterError
from ddsp_ref.registry import all_ops, get_op

FEW = ("exp_sigmoid", "remove_above_nyquist", "resample_linear", "angular_cumsum", "fft_convolve")


def verdict(report, op, what="value", dtype="float32"):
    return next(v for v in report.verdicts if v.key == (op, what, dtype))


def test_a_few_ops_of_this_library_pass():
    report = run(all_ops(), ops=FEW, refusals=True)
    assert report.exit_code == 0
    assert {v.status for v in report.verdicts} == {"passed"}
    assert {v.what for v in report.verdicts} == {"value", "gradient", "refusal"}


@pytest.mark.slow
def test_every_op_of_this_library_passes():
    report = run(judged_ops(), refusals=True)
    assert {v.op for v in report.verdicts} == set(all_ops()) | set(CHAINS)
    assert [v for v in report.verdicts if v.status != "passed"] == []


def raising(x, **settings):
    raise ZeroDivisionError("no")


def leaving(x, **settings):
    raise SystemExit(3)


def hanging(x, **settings):
    time.sleep(5)


def mutating(x, **settings):
    y = get_op("exp_sigmoid")(x, **settings)
    x += 1
    return y


BAD = {
    "raised ZeroDivisionError: no": raising,
    "raised SystemExit": leaving,
    "time limit": hanging,
    "shape is": lambda x, **s: get_op("exp_sigmoid")(x, **s)[None],
    "dtype is float64, must be float32": lambda x, **s: np.float64(get_op("exp_sigmoid")(x, **s)),
    "values are no number": lambda x, **s: get_op("exp_sigmoid")(x, **s) * np.nan,
    "mutated its input x": mutating,
    "arrays came back": lambda x, **s: (x, x),
    "dtype is <U4": lambda x, **s: np.full(x.shape, "text"),
    "dtype is object": lambda x, **s: None,
}


@pytest.mark.parametrize("text", BAD)
def test_ports_that_misbehave_are_named_and_other_ops_still_judged(text):
    adapter = {"exp_sigmoid": BAD[text], "angular_cumsum": get_op("angular_cumsum")}
    cases = load_vectors(ops=("exp_sigmoid", "angular_cumsum"))
    if text == "time limit":  # a limit for each case
        cases = [case for case in cases if case.label == "by hand"]
    report = run(adapter, cases, dtypes=["float32"], time_limit=0.2 if text == "time limit" else 60)
    found = verdict(report, "exp_sigmoid")
    assert found.status == "error"
    assert text in found.text or (text == "dtype is object" and "shape is" in found.text)
    assert verdict(report, "angular_cumsum").status == "passed"
    assert verdict(report, "angular_cumsum", "gradient").status == "passed"
    assert report.exit_code == 1


def test_what_is_not_there_is_not_implemented_and_never_passed():
    report = run({"exp_sigmoid": lambda x: 1 / 0}, ops=FEW[:2])
    assert verdict(report, "remove_above_nyquist").status == "not implemented"
    partly = run({"exp_sigmoid": partial_sigmoid}, ops=FEW[:1], dtypes=["float64"])
    found = verdict(partly, "exp_sigmoid", dtype="float64")
    assert found.status == "passed"
    assert found.n_missing == 2  # the cases with settings of their own
    assert verdict(partly, "exp_sigmoid", "gradient", "float64").status == "not implemented"

    def nothing(x, **settings):
        raise NotImplementedError

    empty = run({"exp_sigmoid": nothing}, ops=FEW[:1])
    assert {v.status for v in empty.verdicts} == {"not implemented"}
    assert empty.exit_code == 1, "a port without anything does not conform"


def partial_sigmoid(x):
    return 2.0 / (1 + np.exp(-x)) ** np.log(10.0) + 1e-7


def test_an_op_is_blocked_by_its_parts():
    def off(*arrays, **settings):
        return get_op("resample_linear")(*arrays, **settings) * np.float32(1.01)

    def whole(*arrays, **settings):
        return get_op("harmonic_synthesis")(*arrays, **settings) * np.float32(1.01)

    adapter = {"resample_linear": off, "harmonic_synthesis": whole}
    report = run(adapter, ops=tuple(adapter), dtypes=["float32"])
    assert verdict(report, "resample_linear").status == "failed"
    assert verdict(report, "harmonic_synthesis").status == "blocked"
    assert verdict(report, "harmonic_synthesis").blocked_by == ("resample_linear",)


def test_a_wrong_gradient_fails_where_the_value_passes():
    op = get_op("angular_cumsum")

    class Doubled:
        def __call__(self, *arrays, **settings):
            return op(*arrays, **settings)

        def vjp(self, *arrays, **settings):
            y, pullback = op.vjp(*arrays, **settings)
            return y, lambda bar: tuple(2 * x for x in pullback(bar))

    report = run({"angular_cumsum": Doubled()}, ops=["angular_cumsum"])
    assert verdict(report, "angular_cumsum").status == "passed"
    assert verdict(report, "angular_cumsum", "gradient").status == "failed"
    seen = []
    run({"angular_cumsum": Doubled()}, ops=["angular_cumsum"], dtypes=["float32"],
        diagnose=lambda *given: seen.append(given))  # fmt: skip
    ((evidence, what),) = seen
    assert what == "gradient"
    assert any(one.failed for one in evidence)
    for case, values, slopes, _ in evidence:
        if not case.pullbacks:
            continue
        np.testing.assert_allclose(slopes[0], 2 * case.pullbacks[0], rtol=1e-4)
        np.testing.assert_allclose(values[0], case.outputs[0], rtol=1e-4, atol=1e-6)


def test_wrong_options_are_named():
    for options, text in [
        ({"dtypes": ["float16"]}, "dtype is 'float16'"),
        ({"backend": "matlab"}, "backend is 'matlab'"),
        ({"time_limit": 0}, "time_limit is 0"),
        ({"device": "cuda"}, "device is 'cuda'"),
    ]:
        with pytest.raises(ParameterError, match=text):
            run(all_ops(), ops=["sinc"], **options)
    with pytest.raises(ParameterError, match="has none of the"):
        run({"sine": np.sin}, ops=["sinc"])
    with pytest.raises(ParameterError, match="sinc of the adapter is a int"):
        run({"sinc": 1}, ops=["sinc"])


# -- vectors ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few_cases():
    return [make_case(get_op(op), get_op(op).cases()[0]) for op in FEW[:3]]


def test_vectors_come_back_as_they_were_written(few_cases, tmp_path):
    write_zip(pack(few_cases), tmp_path / "few.zip")
    for case, back in zip(few_cases, load_vectors(tmp_path / "few.zip"), strict=True):
        for role in ("arrays", "outputs", "cotangents", "pullbacks"):
            for one, two in zip(getattr(case, role), getattr(back, role), strict=True):
                assert one.dtype == two.dtype
                np.testing.assert_array_equal(one, two)
        assert (case.label, case.settings, case.kinds, case.labels) == (
            back.label, back.settings, back.kinds, back.labels)  # fmt: skip
    assert pack(few_cases) == pack(few_cases)


def test_vectors_that_ship_are_those_of_the_definitions():
    """If this fails, a definition changed: `python -m ddsp_ref.conformance.writing`."""
    shipped = {(case.op, case.label): case for case in load_vectors()}
    assert SMALL_SET.stat().st_size < 5e6
    missing = {
        (op.name, case.label)
        for op in all_ops().values()
        for case in op.cases()
        if case.error is None and (op.name, case.label) not in shipped
    }
    assert not missing
    for op in all_ops().values():
        for case in op.cases():
            if case.error is None:
                own = shipped[op.name, case.label]
                for a, b in zip(own.arrays, case.arrays, strict=True):
                    np.testing.assert_array_equal(a, np.asarray(b).astype(np.float32))
                for i, want in enumerate(own.outputs if case.expected is not None else ()):
                    hand = case.expected if isinstance(case.expected, tuple) else (case.expected,)
                    np.testing.assert_allclose(want, hand[i], rtol=1e-5, atol=1e-4)


def damage(files, what):
    files = dict(files)
    array = next(name for name in files if name.endswith("output_0.npy"))
    if what == "missing":
        del files[array]
    elif what == "altered":
        files[array] = files[array][:-1] + b"\x01"
    elif what == "version":
        files[MANIFEST] = files[MANIFEST].replace(b"ddsp-conformance-1", b"ddsp-conformance-9")
    elif what == "cut":
        files[MANIFEST] = files[MANIFEST][:200]
    elif what == "outside":
        manifest = json.loads(files[MANIFEST])
        manifest["cases"][0]["arrays"][0]["file"] = "../outside.npy"
        manifest["cases_sha256"] = digest(manifest["cases"])
        files[MANIFEST] = json.dumps(manifest).encode()
    return files


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("missing", "output_0.npy is missing"),
        ("altered", "was altered"),
        ("version", "is of the format 'ddsp-conformance-9'"),
        ("cut", "manifest.json is missing or damaged"),
        ("outside", "outside the folder"),
    ],
)
def test_a_damaged_set_is_named(what, text, few_cases, tmp_path):
    for name, content in damage(pack(few_cases), what).items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    with pytest.raises(ConformanceError, match=text):
        load_vectors(tmp_path / "set")


def test_what_is_no_set_is_named(tmp_path):
    with pytest.raises(ConformanceError, match="neither a folder nor a zip"):
        load_vectors(tmp_path / "nothing.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(ConformanceError, match=r"manifest\.json is missing"):
        load_vectors(tmp_path / "other.zip")
    with pytest.raises(ConformanceError, match="no vectors of sine"):
        load_vectors(ops=["sine"])
