# SPDX-License-Identifier: Apache-2.0
"""Differences between arrays, in a sentence; None where there is none worth naming."""

from __future__ import annotations

import numpy as np


def difference(got, expected: np.ndarray, allowed=0.0, signs: bool = False) -> str | None:
    """How ``got`` is not ``expected`` (float64). NaN and inf must stand where they are expected; everything else lies
    within ``allowed``; with ``allowed`` 0 it is the expected value rounded to ``got``'s dtype, with ==."""
    if not isinstance(got, np.ndarray):
        return f"expected an array, got {type(got).__name__}"
    if got.shape != expected.shape:
        return f"expected shape {expected.shape}, got {got.shape}"
    if got.dtype.kind != "f":
        bad = got != expected
        return _first(bad, got, expected, 0.0)
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
        same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        if signs:
            same &= (np.signbit(got) == np.signbit(rounded)) | np.isnan(got)
        if not np.isscalar(allowed) or allowed > 0:
            close = np.abs(got.astype(np.float64) - expected) <= allowed
            same |= close & np.isfinite(got) & np.isfinite(rounded)
    return _first(~same, got, expected, allowed)


def same_bits(got: np.ndarray, expected: np.ndarray) -> str | None:
    """How two arrays of one dtype differ in their bits (any NaN is like any other)."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return f"expected {expected.shape} {expected.dtype}, got {got.shape} {got.dtype}"
    if got.dtype.kind != "f":
        return _first(got != expected, got, expected, 0.0)
    words = np.dtype(f"u{got.itemsize}")
    bits = [np.ascontiguousarray(each).reshape(each.shape).view(words) for each in (got, expected)]
    bad = (bits[0] != bits[1]) & ~(np.isnan(got) & np.isnan(expected))
    return _first(bad, got, expected, 0.0)


def _first(bad: np.ndarray, got, expected, allowed) -> str | None:
    if not bad.any():
        return None
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    room = np.broadcast_to(allowed, expected.shape)[index]
    limit = f" within {room:.3g}" if room else ""
    count = int(bad.sum())
    others = f" ({count} of {bad.size} elements differ)" if count > 1 else ""
    return f"element {index}: expected {expected[index]!r}{limit}, got {got[index]!r}{others}"
