# SPDX-License-Identifier: Apache-2.0
"""Sums and means."""

from __future__ import annotations

import math

import numpy as np


def _axes(x, dim):
    if dim is None or dim == ():
        return tuple(range(x.ndim))
    return tuple(dim) if isinstance(dim, (tuple, list)) else (dim,) if x.ndim else ()


def sum(x, dim=None, keepdim=False):
    """The sum over the dimensions of dim, or over all."""
    return np.sum(x, axis=_axes(x, dim), keepdims=keepdim)


def count(x, dim=None):
    """How many elements meet in one sum."""
    return math.prod(x.shape[axis] for axis in _axes(x, dim))


def mean(x, dim=None, keepdim=False):
    """The sum divided by the number of its terms; NaN for none."""
    return sum(x, dim, keepdim) / np.float64(count(x, dim))
