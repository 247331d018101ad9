# SPDX-License-Identifier: Apache-2.0
"""Tensors from nothing."""

from __future__ import annotations

import math

import numpy as np


def full(shape, value):
    """One value everywhere."""
    out = np.empty(shape)
    for index in np.ndindex(out.shape):
        out[index] = value
    return out


def arange(start, end, step):
    """start, start + step, ... before end"""
    return np.array([start + i * step for i in range(max(math.ceil((end - start) / step), 0))], np.float64)


def linspace(start, end, steps):
    """steps values, evenly apart, both ends included"""
    return np.array([start + (end - start) * i / max(steps - 1, 1) for i in range(steps)], np.float64)


def eye(n, m):
    """1 where both indices are equal"""
    return np.array([[float(i == j) for j in range(m)] for i in range(n)]).reshape(n, m)
