# SPDX-License-Identifier: Apache-2.0
"""Comparisons and positions of extremes, element by element."""

from __future__ import annotations

import math

import numpy as np


def _pairs(a, b, test):
    out = np.empty(np.broadcast_shapes(a.shape, np.shape(b)), bool)
    a, b = np.broadcast_to(a, out.shape), np.broadcast_to(b, out.shape)
    for index in np.ndindex(out.shape):
        out[index] = test(float(a[index]), float(b[index]))
    return out


def eq(a, b):
    """a == b"""
    return _pairs(a, b, lambda x, y: x == y)


def ne(a, b):
    """a != b"""
    return _pairs(a, b, lambda x, y: x != y)


def lt(a, b):
    """a < b"""
    return _pairs(a, b, lambda x, y: x < y)


def le(a, b):
    """a <= b"""
    return _pairs(a, b, lambda x, y: x <= y)


def gt(a, b):
    """a > b"""
    return _pairs(a, b, lambda x, y: x > y)


def ge(a, b):
    """a >= b"""
    return _pairs(a, b, lambda x, y: x >= y)


def _position(values, better):
    best = 0
    for i, value in enumerate(values):
        if math.isnan(value):
            return i
        if better(value, values[best]):
            best = i
    return best


def argmax(x, dim=None):
    """The first position of the largest; a NaN is larger than all."""
    return _along(x, dim, lambda values: _position(values, lambda a, b: a > b))


def argmin(x, dim=None):
    """The first position of the smallest; a NaN is smaller than all."""
    return _along(x, dim, lambda values: _position(values, lambda a, b: a < b))


def _along(x, dim, function):
    if dim is None:
        return np.asarray(function(x.ravel().tolist()))
    rows = np.moveaxis(x, dim, -1)
    out = np.empty(rows.shape[:-1], np.int64)
    for index in np.ndindex(out.shape):
        out[index] = function(rows[index].tolist())
    return out


def isnan(x):
    """x is not a number"""
    return np.vectorize(math.isnan, otypes=[bool])(x)
