"""Arithmetic that cannot fail, conversions of units, scalings of network outputs."""

from __future__ import annotations

from ddsp_ref.compat.magenta._function import function
from ddsp_ref.compat.magenta._pieces import replace_nan
from ddsp_ref.compat.magenta._record import apply
from ddsp_ref.errors import require

DB_RANGE = 80.0


@function("x")
def nan_to_num(x, value=0.0):
    """Replace NaN; the one function of the face that takes it."""
    return replace_nan(x, value=value)


@function("numerator", "denominator")
def safe_divide(numerator, denominator, eps=1e-7):
    """Divide, by eps instead of 0; see `safe_divide`."""
    return apply("safe_divide", numerator, denominator, eps=eps)


@function("x")
def safe_log(x, eps=1e-5):
    """Take the logarithm, of eps where x is not positive; see `safe_log`."""
    return apply("safe_log", x, eps=eps)


@function("x")
def logb(x, base=2.0, eps=1e-5):
    """Take the logarithm to a base; see `log_base`."""
    return apply("log_base", x, base=float(base), eps=eps)


@function("x")
def log10(x, eps=1e-5):
    """Take the logarithm to base 10; see `log_base`."""
    return apply("log_base", x, base=10.0, eps=eps)


@function("x")
def log_scale(x, min_x, max_x):
    """Map -1 to 1 to min_x to max_x, exponentially; see `log_scale`."""
    return apply("log_scale", x, min_x=min_x, max_x=max_x)


@function("x")
def soft_limit(x, x_min=0.0, x_max=1.0):
    """Limit softly to a range; see `soft_limit`."""
    return apply("soft_limit", x, x_min=x_min, x_max=x_max)


@function("x")
def gradient_reversal(x):
    """Return x and turn its gradient round; see `gradient_reversal`."""
    return apply("gradient_reversal", x)


@function("amplitude")
def amplitude_to_db(amplitude, ref_db=0.0, range_db=DB_RANGE, use_tf=True):
    """Convert amplitude to dB; see `amplitude_to_db`. `use_tf` changes nothing here."""
    del use_tf
    return apply("amplitude_to_db", amplitude, ref_db=ref_db, range_db=range_db)


@function("power")
def power_to_db(power, ref_db=0.0, range_db=DB_RANGE, use_tf=True):
    """Convert power to dB; see `power_to_db`. `use_tf` changes nothing here."""
    del use_tf
    return apply("power_to_db", power, ref_db=ref_db, range_db=range_db)


@function("db")
def db_to_amplitude(db):
    """Convert dB to amplitude; see `db_to_amplitude`."""
    return apply("db_to_amplitude", db)


@function("db")
def db_to_power(db):
    """Convert dB to power; see `db_to_power`."""
    return apply("db_to_power", db)


@function("notes")
def midi_to_hz(notes, midi_zero_silence=False):
    """Convert MIDI notes to Hz; see `midi_to_hz`."""
    return apply("midi_to_hz", notes, midi_zero_silence=midi_zero_silence)


@function("frequencies")
def hz_to_midi(frequencies):
    """Convert Hz to MIDI notes, 0 Hz to 0; see `hz_to_midi`."""
    return apply("hz_to_midi", frequencies)


@function("unit")
def unit_to_midi(unit, midi_min=20.0, midi_max=90.0, clip=False):
    """Map 0 to 1 to MIDI notes; see `unit_to_midi`."""
    return apply("unit_to_midi", unit, midi_min=midi_min, midi_max=midi_max, clip=clip)


@function("midi")
def midi_to_unit(midi, midi_min=20.0, midi_max=90.0, clip=False):
    """Map MIDI notes to 0 to 1; see `midi_to_unit`."""
    return apply("midi_to_unit", midi, midi_min=midi_min, midi_max=midi_max, clip=clip)


@function("unit")
def unit_to_hz(unit, hz_min, hz_max, clip=False):
    """Map 0 to 1 to Hz, equal steps being equal intervals; see `unit_to_hz`."""
    return apply("unit_to_hz", unit, hz_min=hz_min, hz_max=hz_max, clip=clip)


@function("hz")
def hz_to_unit(hz, hz_min, hz_max, clip=False):
    """Map Hz to 0 to 1, equal intervals being equal steps; see `hz_to_unit`."""
    return apply("hz_to_unit", hz, hz_min=hz_min, hz_max=hz_max, clip=clip)


@function("hz")
def hz_to_bark(hz):
    """Convert Hz to Bark; see `hz_to_bark`."""
    return apply("hz_to_bark", hz)


@function("bark")
def bark_to_hz(bark):
    """Convert Bark to Hz; see `bark_to_hz`."""
    return apply("bark_to_hz", bark)


@function("hz")
def hz_to_mel(hz):
    """Convert Hz to mel; see `hz_to_mel`."""
    return apply("hz_to_mel", hz)


@function("mel")
def mel_to_hz(mel):
    """Convert mel to Hz; see `mel_to_hz`."""
    return apply("mel_to_hz", mel)


@function("hz")
def hz_to_erb(hz):
    """Return the equivalent rectangular bandwidth at a frequency; see `hz_to_erb`."""
    return apply("hz_to_erb", hz)


@function("x")
def exp_sigmoid(x, exponent=10.0, max_value=2.0, threshold=1e-7):
    """Map network outputs to amplitudes; see `exp_sigmoid`."""
    return apply("exp_sigmoid", x, exponent=exponent, max_value=max_value, threshold=threshold)


@function("x")
def sym_exp_sigmoid(x, width=8.0):
    """Map network outputs to amplitudes, 0 to the smallest; see `sym_exp_sigmoid`."""
    return apply("sym_exp_sigmoid", x, width=width)


def _with_depth(freqs, depth):
    """Give the components of a sinusoid an axis of their own: (batch, time, n, depth)."""
    require(
        freqs.ndim in (3, 4),
        f"freqs has shape {freqs.shape}, must be (batch, time, n_sinusoids * depth) "
        "or (batch, time, n_sinusoids, depth)",
    )
    if freqs.ndim == 4:
        return freqs
    require(
        depth >= 1 and freqs.shape[-1] % depth == 0,
        f"depth is {depth}, must divide the {freqs.shape[-1]} channels of freqs",
    )
    return freqs.reshape(*freqs.shape[:2], freqs.shape[-1] // depth, depth)


@function("freqs")
def frequencies_softmax(freqs, depth=1, hz_min=20.0, hz_max=8000.0):
    """Map network outputs to Hz by a softmax over components; see `frequencies_softmax`."""
    freqs = _with_depth(freqs, depth)
    return apply("frequencies_softmax", freqs, hz_min=hz_min, hz_max=hz_max)


@function("freqs")
def frequencies_sigmoid(freqs, depth=1, hz_min=0.0, hz_max=8000.0):
    """Map network outputs to Hz by a sum of sigmoids; see `frequencies_sigmoid`."""
    freqs = _with_depth(freqs, depth)
    return apply("frequencies_sigmoid", freqs, hz_min=hz_min, hz_max=hz_max)


@function("freqs")
def frequencies_critical_bands(
    freqs, depth=1, depth_scale=10.0, bandwidth_scale=1.0, hz_min=20.0, hz_max=8000.0, scale="bark"
):
    """Map network outputs to Hz around critical bands; see `frequencies_critical_bands`.

    Any scale but "bark" is taken for mel in the original; here it has to be "bark" or "mel".
    """
    return apply(
        "frequencies_critical_bands",
        _with_depth(freqs, depth),
        depth_scale=depth_scale,
        bandwidth_scale=bandwidth_scale,
        hz_min=hz_min,
        hz_max=hz_max,
        scale=scale,
    )
