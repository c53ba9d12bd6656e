"""What the headers of audio files promise, to tell a truncated file from a whole one.

The decoders repair headers quietly: half a WAV file reads like a shorter whole one.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

# Writers that cannot seek back leave a length of 0 (ffmpeg) or of about 2 or 4 GB (sox, others).
_UNKNOWN_FROM = 0x7FFF0000
# An Ogg page is at most this long.
_OGG_PAGE = 27 + 255 + 255 * 255


def is_truncated(path: str | os.PathLike[str]) -> bool:
    """Tell whether a WAV, AIFF, Ogg or MP3 file is shorter than its own headers say.

    Parameters
    ----------
    path : str or PathLike
        An existing file.

    Returns
    -------
    bool
        True if bytes are certainly missing at the end. Other formats give False; so do files
        that do not say how long they are.
    """
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        start = file.read(12)
        if start[:4] in (b"RIFF", b"RIFX") and start[8:] == b"WAVE":
            return _chunk_overruns(file, size, b"data", "<" if start[:4] == b"RIFF" else ">")
        if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
            return _chunk_overruns(file, size, b"SSND", ">")
        if start[:4] == b"OggS":
            return _last_page_overruns(file, size)
        if start[:3] == b"ID3" or _is_mpeg_sync(start):
            return _mpeg_falls_short(file, size)
    return False


def looks_like_audio(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file starts as audio files start: a name, a tag or the sync pattern of MP3.

    Asked of files called .mp3 before the decoder is: it takes the name's word, searches on through
    any file and complains on the terminal.
    """
    with open(path, "rb") as file:
        start = file.read(4096).lstrip(b"\0")
    named = start[:4] in (b"RIFF", b"RIFX", b"FORM", b"fLaC", b"OggS")
    return named or start[:3] == b"ID3" or _is_mpeg_sync(start)


def _is_mpeg_sync(header: bytes) -> bool:
    return len(header) >= 2 and header[0] == 0xFF and header[1] >= 0xE0


def _chunk_overruns(file: BinaryIO, size: int, wanted: bytes, order: str) -> bool:
    """Walk the chunks of an IFF-like file up to the samples; True if they reach past the end."""
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if name == wanted:
            return 0 < length < _UNKNOWN_FROM and place + 8 + length > size
        place += 8 + length + length % 2
    return True  # the file ends before its samples begin


def _last_page_overruns(file: BinaryIO, size: int) -> bool:
    """Find the last page of an Ogg file; True if its header promises more than there is."""
    file.seek(max(0, size - _OGG_PAGE))
    tail = file.read()
    header = tail[tail.rfind(b"OggS") :]
    if len(header) < 27 or len(header) < 27 + header[26]:
        return True
    n_segments = header[26]
    return 27 + n_segments + sum(header[27 : 27 + n_segments]) > len(header)


def _mpeg_falls_short(file: BinaryIO, size: int) -> bool:
    """Compare an MP3 file with the length in its Xing header, if it has one."""
    file.seek(0)
    header = file.read(10)
    start = 0
    if header[:3] == b"ID3" and len(header) == 10:
        a, b, c, d = header[6:10]  # seven bits each
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
    file.seek(start)
    frame = file.read(256)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or len(frame) < place + 16:
        return start >= size
    (flags,) = struct.unpack(">I", frame[place + 4 : place + 8])
    if not flags & 2:  # no count of bytes
        return False
    skip = 12 if flags & 1 else 8  # the count of frames stands before it
    (length,) = struct.unpack(">I", frame[place + skip : place + skip + 4])
    return size - start < 0.99 * length  # some writers count the tags differently
