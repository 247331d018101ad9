# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, and activations."""

from __future__ import annotations

import numpy as np


def add(a, b, alpha=1):
    """a + alpha b"""
    return a + alpha * b


def sub(a, b, alpha=1):
    """a - alpha b"""
    return a - alpha * b


def rsub(a, number):
    """number - a"""
    return number - a


def mul(a, b):
    """a b"""
    return a * b


def div(a, b):
    """a / b"""
    return a / b


def neg(a):
    """-a"""
    return -1 * a


def relu(x):
    """x where x > 0, NaN where x is NaN, else 0"""
    return np.where(np.isnan(x) | (x > 0), x, 0.0)


def relu_slope(x):
    """1 where x > 0, else 0: at the kink PyTorch's choice"""
    return (x > 0).astype(np.float64)


def sigmoid(x):
    """1 / (1 + e^-x), written with e^-|x|, which is never too large"""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)
