# SPDX-License-Identifier: Apache-2.0
"""Dropout: which elements are kept is decided by the random stream (reference/random.py)."""

from __future__ import annotations

import numpy as np

from .random import Stream, kept_by_dropout


def mask(seed, shape, p):
    """True where dropout with this seed keeps an element of a contiguous tensor."""
    return np.asarray(kept_by_dropout(Stream(seed), int(np.prod(shape)), p)).reshape(shape).astype(bool)


def dropout(x, p, kept):
    """x / (1 - p) where kept, else x times 0"""
    factor = 0.0 if p == 1 else 1 / (1 - p)
    return x * (kept * factor)
