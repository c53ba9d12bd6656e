"""The errors that ddsp_ref raises on purpose; anything else is a bug."""

from __future__ import annotations


class DdspRefError(Exception):
    """Base of every error that this library raises on purpose."""


class ParameterError(DdspRefError, ValueError):
    """An argument has a value, shape or type that cannot work."""


class AudioFileError(DdspRefError, ValueError):
    """An audio file is missing, empty, damaged or not audio."""


class MicrophoneError(DdspRefError, OSError):
    """Nothing can be recorded or played: there is no such device, or it does not answer."""


class NoPitchError(DdspRefError, ValueError):
    """The recording holds nothing that can be followed: silence, or no pitch."""


class InstrumentError(DdspRefError, ValueError):
    """An instrument is unknown, or its folder is damaged."""


class CheckpointError(DdspRefError, ValueError):
    """A training checkpoint is damaged or belongs to another configuration."""


class ImportFormatError(DdspRefError, ValueError):
    """A file of another library is damaged, unsafe, or of a kind that is not understood."""


class ConformanceError(DdspRefError, ValueError):
    """Conformance vectors, or answers to them, are incomplete, altered or of another version."""


class TrainingError(DdspRefError, RuntimeError):
    """Training cannot go on: no data, or the loss is no longer a number."""


class DerivativeError(DdspRefError, NotImplementedError):
    """A derivative that ops do not have: a second one, or one in forward mode."""


class MissingExtraError(DdspRefError, ImportError):
    """An optional package is needed for this call and is not installed."""


def require(condition: object, message: str) -> None:
    """Raise `ParameterError(message)` unless `condition` holds.

    The message says the offending value, the rule, and the nearest value that works.
    """
    if not condition:
        raise ParameterError(message)
