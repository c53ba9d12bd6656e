"""The mutation score: does the kit notice a mistake in a port, and does it name it?

A mutant is an example port with one mistake, made by a small edit of its text. All are judged by
the kit as any port is: ``python -m tests.conformance.mutants`` writes docs/mutation-score.md.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

from ddsp_ref.conformance.diagnose import diagnose
from ddsp_ref.conformance.runner import run

PORTS = Path(__file__).parent / "ports"
TABLE = Path(__file__).parents[2] / "docs" / "mutation-score.md"
BAD = ("failed", "error")


class Mutant(NamedTuple):
    """One mistake: an edit of the text of a port, the op that is wrong then, and its right name."""

    op: str
    old: str
    new: str
    name: str
    what: str = "value"
    port: str = "torch"


class Outcome(NamedTuple):
    """What the kit said about a mutant."""

    mutant: Mutant
    caught: bool
    said: str
    text: str

    @property
    def verdict(self) -> str:
        """Say whether the name was right: named, among (of several), wrong, none."""
        if not self.said:
            return "none"
        if self.said == self.mutant.name:
            return "named"
        return "among" if self.mutant.name in self.said.split(" or ") else "wrong"


def edited(mutant: Mutant) -> dict[str, Any]:
    """Return the functions of a port with the mistake in it."""
    text = (PORTS / f"port_{mutant.port}.py").read_text()
    start = text.index(f"def {mutant.op}(")
    end = text.find("\n\n\n", start)
    body = text[start:end]
    places = body.count(mutant.old)
    if places == 0:  # the mistake sits in a helper
        body, start, end = text, 0, len(text)
        places = body.count(mutant.old)
    assert places == 1, f"{mutant.op}: {mutant.old!r} stands {places} times in the port"
    text = text[:start] + body.replace(mutant.old, mutant.new) + text[end:]
    module = types.ModuleType(f"mutant_of_{mutant.port}")
    exec(compile(text, module.__name__, "exec"), module.__dict__)
    return module.OPS


def outcome(mutant: Mutant, dtype: str = "float32") -> Outcome:
    """Judge a mutant."""
    report = run(edited(mutant), ops=[mutant.op], dtypes=[dtype], diagnose=diagnose)
    verdicts = {v.what: v for v in report.verdicts}
    found = verdicts[mutant.what]
    diagnosis = found.diagnosis
    caught = found.status in BAD and (
        mutant.what == "value" or verdicts["value"].status == "passed"
    )
    said, text = (diagnosis.name, diagnosis.text) if diagnosis else ("", found.text)
    return Outcome(mutant, caught, said, text)


H, N, B = "harmonic_synthesis", "normalize_harmonics", "oscillator_bank"
LOSS, LOUD, MAG = "spectral_loss", "compute_loudness", "stft_magnitude"
FIR, FILTER = "frequency_impulse_response", "frequency_filter"
CONV, FRAMES = "fft_convolve", "fft_convolve_frames"
F0 = "f0 = resample_linear(f0_hz.double()[..., None], n_samples=n_samples)"
CYCLES = "cycles = torch.cumsum(f0 / sample_rate, dim=-2)"
START = "max((n_taps - 1) // 2 - 1, 0)"
SPECTRA = "torch.fft.rfft(frames, fft_size)"
RETURN = "return torch.where(audible, envelopes * waves, 0.0).sum(-1)"
HELD = "amplitudes[..., None]"
MUTANTS = (
    # Resampling
    Mutant("resample_linear", "place = place.to", "place = (0 * place).to", "method = nearest"),
    Mutant("resample_linear", "if add_endpoint else", "if False else", "add_endpoint = False"),
    Mutant("resample_linear", "place = place.to(x.dtype)[:, None]",
           "place = (0.5 - 0.5 * torch.cos(math.pi * place)).to(x.dtype)[:, None]",
           "method = cosine"),
    Mutant("resample_linear", "place = place.to(x.dtype)[:, None]",
           "place = (2 * place).clamp(max=1).to(x.dtype)[:, None]", "method = half_hop"),
    Mutant("resample_window", "torch.cos(math.pi * place)", "(1 - 2 * place)", "method = linear"),
    Mutant("resample_window", "torch.cos(math.pi * place)", "torch.ones_like(place)",
           "method = nearest"),
    Mutant("resample_nearest", "return x[..., ticks * n_frames // n_samples, :]",
           "return x[..., ((2 * ticks + 1) * n_frames // (2 * n_samples)).clamp(max=n_frames - 1),"
           " :]", "method = nearest_centred"),
    # Scaling
    Mutant("exp_sigmoid", "math.log(exponent)", "math.log10(exponent)", "power = log10"),
    Mutant("exp_sigmoid", "math.log(exponent)", "exponent", "power = exponent"),
    Mutant("exp_sigmoid", "math.log(exponent) *", "", "power = none"),
    Mutant("exp_sigmoid", "max_value * torch.exp(math.log(exponent) * torch.nn.functional."
           "logsigmoid(x))", "torch.exp(math.log(exponent) * torch.nn.functional.logsigmoid(x)"
           ".detach() + 0 * x) * max_value", "x_gradient = missing", "gradient"),
    Mutant("safe_log", "torch.where(x > 0, x, eps)", "x.clamp(min=0) + eps", "floor = added"),
    Mutant("safe_log", "return torch.log(", "return torch.log10(", "to_base = 10"),
    Mutant("hz_to_midi", "torch.log2", "torch.log10", "log = 10"),
    Mutant("hz_to_midi", "+ 69", "+ 57", "reference = 57"),
    Mutant("harmonic_frequencies", "torch.arange(1, n_harmonics + 1", "torch.arange(n_harmonics",
           "partials = from_0"),
    # Nyquist and normalisation
    Mutant("remove_above_nyquist", ">=", ">", "mask = keeps_nyquist"),
    Mutant("remove_above_nyquist", "0.0, amplitudes", "1e-4 * amplitudes, amplitudes",
           "mask = leaky_1e-4"),
    Mutant("remove_above_nyquist", "return torch.where(frequencies_hz >= sample_rate / 2, 0.0, "
           "amplitudes)", "return torch.where(frequencies_hz >= sample_rate / 2, amplitudes - "
           "amplitudes.detach(), amplitudes)", "masked_gradient = passes", "gradient"),
    Mutant(N, "if sample_rate is not None:", "if False:", "mask = missing"),
    Mutant(N, "total = kept.sum", "total = harmonic_distribution.sum", "order = normalise_first"),
    Mutant(N, "kept.sum(-1, keepdim=True)", "kept.amax(-1, keepdim=True)", "total = max"),
    Mutant(N, "kept.sum(-1, keepdim=True)", "kept.mean(-1, keepdim=True)", "total = mean"),
    Mutant(N, "kept.sum(-1, keepdim=True)", "kept.sum(-1, keepdim=True).detach()",
           "total_gradient = detached", "gradient"),
    Mutant(N, "return kept /", "kept = 2 * kept - kept.detach()\n    total = 2 * total - "
           "total.detach()\n    return kept /", "harmonic_distribution_gradient = doubled",
           "gradient"),
    # Oscillators
    Mutant(B, "torch.sin(", "torch.cos(", "wave = cos"),
    Mutant(B, "cycles = torch.cumsum(frequency_envelopes.double() / sample_rate, dim=-2)",
           "cycles = frequency_envelopes.double() / sample_rate\n"
           "    cycles = torch.cumsum(cycles, dim=-2) - cycles", "phase = exclusive"),
    Mutant(B, "waves.sum(-1)", "waves.mean(-1)", "added = mean"),
    Mutant(B, "(cycles - torch.floor(cycles).detach())", "cycles.detach()",
           "frequency_envelopes_gradient = missing", "gradient"),
    Mutant(B, "0.0)\n", "amplitude_envelopes * wave.to(amplitude_envelopes.dtype) - (amplitude_"
           "envelopes * wave.to(amplitude_envelopes.dtype)).detach())\n",
           "masked_gradient = passes", "gradient"),
    Mutant(H, F0, "f0 = resample_nearest(f0_hz.double()[..., None], n_samples=n_samples)",
           "f0_upsample = nearest"),
    Mutant(H, F0, "f0 = resample_linear(f0_hz.double()[..., None], n_samples=n_samples, "
           "add_endpoint=False)", "f0_upsample = endpoint"),
    Mutant(H, F0, "f0 = torch.nn.functional.interpolate(f0_hz.double().reshape(-1, 1, "
           "f0_hz.shape[-1]), n_samples, mode='linear').reshape(*f0_hz.shape[:-1], n_samples, 1)",
           "f0_upsample = half_pixel"),
    Mutant(H, "resample = RESAMPLE[amp_resample_method]", "resample = resample_linear",
           "amp_resample_method = linear"),
    Mutant(H, "resample = RESAMPLE[amp_resample_method]", "resample = resample_nearest",
           "amp_resample_method = nearest"),
    Mutant(H, CYCLES, CYCLES + " - f0 / sample_rate", "phase = exclusive"),
    Mutant(H, CYCLES, CYCLES + " + f0 / sample_rate", "phase = frequency_times_steps"),
    Mutant(H, CYCLES, CYCLES + " - 0.5 * (f0 + f0[..., :1, :]) / sample_rate",
           "phase = midpoint"),
    Mutant(H, CYCLES, "cycles = f0 / sample_rate * torch.arange(1, n_samples + 1)[:, None]",
           "phase = not_summed"),
    Mutant(H, "torch.sin(2 * math.pi * (cycles * k))", "torch.sin(cycles * k)",
           "wave = radians_missing"),
    Mutant(H, "torch.sin(2", "torch.cos(2", "wave = cos"),
    Mutant(H, "k = torch.arange(1, harmonic_distribution.shape[-1] + 1",
           "k = torch.arange(0, harmonic_distribution.shape[-1]", "partials = from_0"),
    Mutant(H, "sample_rate / 2", "1e9", "mask = missing"),
    Mutant(H, "envelopes * waves, 0.0)", "envelopes * waves, 1e-4 * envelopes * waves)",
           "mask = leaky_1e-4"),
    Mutant(H, RETURN, RETURN.replace("sum", "mean"), "added = mean"),
    Mutant(H, CYCLES, CYCLES + ".detach()", "f0_hz_gradient = missing", "gradient"),
    Mutant(H, CYCLES, CYCLES + "\n    cycles = cycles.detach() + f0 / sample_rate - (f0 / "
           "sample_rate).detach()", "phase_gradient = own_sample", "gradient"),
    Mutant(H, CYCLES, CYCLES + "\n    cycles = 2 * cycles.detach() - cycles",
           "f0_hz_gradient = of the wrong sign", "gradient"),
    Mutant(H, CYCLES, CYCLES + "\n    cycles = 2 * cycles - cycles.detach()",
           "f0_hz_gradient = doubled", "gradient"),
    Mutant(H, "envelopes * waves, 0.0)", "envelopes * waves, envelopes * waves - (envelopes * "
           "waves).detach())", "masked_gradient = passes", "gradient"),
    Mutant(H, "amplitudes[..., None] *", "amplitudes[..., None].detach() *",
           "amplitudes_gradient = missing", "gradient"),
    # Filters
    Mutant(FIR, "/ (size - size % 2)", "/ max(size - 1, 1)", "window_kind = symmetric"),
    Mutant(FIR, "torch.roll(response, n_full // 2, -1)", "response",
                         "centre = response_not_rolled"),
    Mutant(FIR, "0 < window_size < n_full", "False", "window_size = 0"),
    Mutant(FIR, "torch.fft.irfft(magnitudes)", "torch.fft.irfft(magnitudes, norm='ortho')",
           "scale = 1/sqrt(N)"),
    Mutant(FIR, "torch.fft.irfft(magnitudes)", "torch.fft.irfft(magnitudes, norm='forward')",
           "scale = 1"),
    Mutant(FIR, "torch.fft.irfft(magnitudes)", "torch.fft.irfft(magnitudes**2)",
           "quantity = power"),
    Mutant(CONV, START, "max((n_taps - 1) // 2, 0)", "delay = one_more"),
    Mutant(CONV, START, "n_taps // 2", "delay = n_taps//2"),
    Mutant(CONV, START, "0", "delay = none"),
    Mutant(CONV, "torch.fft.rfft(impulse_response, size)",
                         "torch.fft.rfft(impulse_response.flip(-1), size)", "taps = reversed"),
    Mutant(FRAMES, "pieces = torch.fft.irfft(spectra, size).flatten(-2)",
                         "pieces = (torch.fft.irfft(spectra, size) * (torch.arange(size) < hop))"
                         ".flatten(-2)", "tails = dropped"),
    Mutant(FRAMES, START, "max((n_taps - 1) // 2 + 1, 0)", "delay = two_more"),
    Mutant(FRAMES, "torch.fft.rfft(impulse_responses, size)",
           "torch.fft.rfft(impulse_responses.detach(), size)",
           "impulse_responses_gradient = missing", "gradient"),
    Mutant(FILTER, START, "n_taps // 2", "delay = n_taps//2"),
    Mutant(FILTER, "responses = frequency_impulse_response(magnitudes, window_size=window_size)",
           "responses = frequency_impulse_response(magnitudes)", "window_size = 0"),
    Mutant(FILTER, "/ (size - size % 2)", "/ max(size - 1, 1)", "window_kind = symmetric"),
    # Spectra
    Mutant(MAG, "hann(size, audio)", "torch.ones(size).to(audio)", "window_kind = none"),
    Mutant(MAG, "/ (size - size % 2)", "/ (size - 1)", "window_kind = symmetric"),
    Mutant(MAG, "fft_size).abs()", "fft_size, norm='ortho').abs()", "scale = sqrt_n"),
    Mutant(MAG, "fft_size).abs()", "fft_size).abs() ** 2", "quantity = power"),
    Mutant(MAG, "fft_size).abs()", "fft_size).real.abs()", "quantity = real"),
    Mutant(LOUD, "10 * torch.log10(", "10 * torch.log(", "log = 10 ln"),
    Mutant(LOUD, "10 * torch.log10(", "20 * torch.log10(", "log = 20 log10"),
    Mutant(LOUD, "weighted = (10 ** (a_weighting_db(bins) / 10)).to(power) * power",
           "weighted = power", "weighting = none"),
    Mutant(LOUD, "a_weighting_db(bins) / 10", "a_weighting_db(bins) / 20", "weighting = half"),
    Mutant(LOUD, "weighted.mean(-1)", "weighted.sum(-1)", "bins = sum"),
    Mutant(LOUD, "weighted = (10 ** (a_weighting_db(bins) / 10)).to(power) * power",
           "weighted = (10 ** (a_weighting_db(bins) / 20)).to(power) * (power + 1e-300).sqrt()",
           "quantity = magnitude"),
    Mutant(LOUD, "torch.clamp(weighted.mean(-1), min=10 ** (-range_db / 10))) - ref_db",
           "torch.clamp(weighted, min=10 ** (-range_db / 10))) - ref_db\n"
           "    level = torch.clamp(level, min=-range_db).mean(-1)", "order = mean_of_db"),
    # Loss
    Mutant(LOSS, "difference.abs() if loss_type == \"L1\" else", "", "loss_type = L2"),
    Mutant(LOSS, ".mean((-2, -1))", ".sum((-2, -1))", "bins = sum"),
    Mutant(LOSS, "    return loss", "    return loss / len(fft_sizes)", "scales = mean"),
    Mutant(LOSS, "stft_magnitude(s, fft_size=size)", "stft_magnitude(s, fft_size=size) / size**0.5",
           "scale = sqrt_n"),
    Mutant(LOSS, "safe_log(mag, eps=log_eps)", "torch.log(mag + 1e-7)", "floor = add_1e-7"),
    Mutant(LOSS, "safe_log(mag, eps=log_eps)", "torch.log(mag.clamp(min=log_eps))",
           "floor = clamp"),
    Mutant(LOSS, "logmag_weight > 0:", "False:", "log_term = missing"),
    Mutant(LOSS, "distance(logarithm(target), logarithm(value))",
           "distance(logarithm(target), logarithm(value)).detach()",
           "log_gradient = missing", "gradient"),
    # Layers
    Mutant("dense", " + bias", "", "offset = missing"),
    Mutant("layer_norm", "variance + epsilon", "variance + 1e-5",
                         "epsilon = 1e-05"),
    Mutant("layer_norm", "(centred**2).mean(-1, keepdim=True)",
           "x.var(-1, keepdim=True) if x.shape[-1] > 1 else 0 * x", "variance = unbiased"),
    Mutant("layer_norm", "(centred**2).mean(-1, keepdim=True)",
           "(centred**2).mean(-1, keepdim=True).detach()",
           "statistics_gradient = variance_detached", "gradient"),
    Mutant("layer_norm", "x.mean(-1, keepdim=True)", "x.mean(-1, keepdim=True).detach()",
           "statistics_gradient = mean_detached", "gradient"),
    Mutant("leaky_relu", "slope * x", "0.01 * x", "slope = 0.01"),
    Mutant("gru", "update * h + (1 - update) * candidate",
                         "(1 - update) * h + update * candidate", "update = replaces"),
    Mutant("gru", "torch.tanh(a_h + reset * c_h)", "torch.tanh(a_h + c_h)", "reset = missing"),
    Mutant("gru", " + recurrent_bias", "", "biases = recurrent_missing"),
    Mutant("gru", "outputs.append(h)", "outputs.append(h)\n        h = h.detach()",
           "state_gradient = truncated", "gradient"),
)  # fmt: skip


def as_table(outcomes: list[Outcome]) -> str:
    """Return the page of the documentation."""
    count = {v: sum(o.verdict == v for o in outcomes) for v in ("named", "among", "wrong", "none")}
    caught, total = sum(o.caught for o in outcomes), len(outcomes)
    lines = [
        "# Mutation score of the conformance kit",
        "",
        "Made by `python -m tests.conformance.mutants`: an example port "
        "(`tests/conformance/ports`) with one mistake at a time, judged in float32.",
        "",
        f"**{total} mutants, {caught} caught.** Named alone: {count['named']}; named together with "
        f"others that the vectors cannot tell apart: {count['among']}; named wrongly: "
        f"{count['wrong']}; no name: {count['none']}.",
        "",
        "| op | what is wrong | mistake | caught | the kit says |",
        "|---|---|---|---|---|",
    ]
    for one in outcomes:
        m = one.mutant
        caught = "yes" if one.caught else "**no**"
        said = {"named": "the same", "none": "-"}.get(one.verdict, f"`{one.said}`")
        lines.append(f"| `{m.op}` ({m.port}) | {m.what} | `{m.name}` | {caught} | {said} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge all mutants and write the table; 0 if the score is as high as it has to be."""
    outcomes = []
    for mutant in MUTANTS:
        found = outcome(mutant)
        outcomes.append(found)
        print(found.verdict, found.caught, mutant.op, mutant.name, "->", found.said, flush=True)
    TABLE.write_text(as_table(outcomes))
    return 0 if good_enough(outcomes) else 1


def good_enough(outcomes: list[Outcome]) -> bool:
    """Tell whether all are caught, nine of ten named, and none named wrongly."""
    named = sum(o.verdict in ("named", "among") for o in outcomes)
    wrong = any(o.verdict == "wrong" for o in outcomes)
    return all(o.caught for o in outcomes) and named >= 0.9 * len(outcomes) and not wrong


if __name__ == "__main__":
    sys.exit(main())
