"""The checksum of TensorFlow's files: CRC-32C (Castagnoli), and its masked form."""

from __future__ import annotations

from functools import cache

import numpy as np

from ddsp_ref.jit import njit

_POLYNOMIAL = 0x82F63B78  # of RFC 3720, bits reversed
_MASK_DELTA = 0xA282EAD8


@cache
def _tables() -> np.ndarray:
    """Return (8, 256): what a byte does to the checksum 0 to 7 bytes later."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    tables = [table.astype(np.uint32)]
    for _ in range(7):
        tables.append(tables[0][tables[-1] & 255] ^ (tables[-1] >> 8))
    return np.stack(tables)


@njit
def _crc_kernel(data, tables, crc):
    n = data.size // 8 * 8
    for i in range(0, n, 8):
        low = crc ^ (
            np.uint32(data[i])
            | np.uint32(data[i + 1]) << np.uint32(8)
            | np.uint32(data[i + 2]) << np.uint32(16)
            | np.uint32(data[i + 3]) << np.uint32(24)
        )
        crc = (
            tables[7, low & 255]
            ^ tables[6, (low >> np.uint32(8)) & 255]
            ^ tables[5, (low >> np.uint32(16)) & 255]
            ^ tables[4, low >> np.uint32(24)]
            ^ tables[3, data[i + 4]]
            ^ tables[2, data[i + 5]]
            ^ tables[1, data[i + 6]]
            ^ tables[0, data[i + 7]]
        )
    for i in range(n, data.size):
        crc = tables[0, (crc ^ data[i]) & 255] ^ (crc >> np.uint32(8))
    return crc


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the checksum of `data`, going on from that of what stands before it."""
    start = np.uint32(crc ^ 0xFFFFFFFF)
    return int(_crc_kernel(np.frombuffer(data, np.uint8), _tables(), start)) ^ 0xFFFFFFFF


def mask_crc(crc: int) -> int:
    """Return a checksum as it is stored: rotated by 15 bits, a constant added."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF
