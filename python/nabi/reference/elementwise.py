# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, activations, functions of one element, extremes."""

from __future__ import annotations

import math

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


def exp(x):
    """e^x"""
    return np.exp(x)


def log(x):
    """The natural logarithm: NaN below 0, -inf at 0"""
    return np.log(x)


def expm1(x):
    """e^x - 1, which does not cancel near 0"""
    return np.expm1(x)


def log1p(x):
    """log(1 + x), which does not forget a small x"""
    return np.log1p(x)


def sqrt(x):
    """The square root: NaN below 0"""
    return np.sqrt(x)


def tanh(x):
    """1 - 2 / (e^2|x| + 1) with the sign of x; where x is small numpy's, which does not cancel"""
    far = np.copysign(1 - 2 / (np.exp(2 * np.abs(x)) + 1), x)
    return np.where(np.abs(x) < 0.5, np.tanh(x), far)


def erf(x):
    """2 / sqrt(pi) times the integral of e^-t^2 from 0 to x, by the C library"""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def sin(x):
    """The sine of an angle in radians"""
    return np.sin(x)


def cos(x):
    """The cosine of an angle in radians"""
    return np.cos(x)


def abs(x):
    """-x where x < 0, else x, and 0 without a sign"""
    return np.where(x < 0, -x, x + 0.0)


def square(x):
    """x x"""
    return x * x


def pow(a, b):
    """a^b"""
    return np.power(a, b)


def clamp(x, min=None, max=None):
    """min where x < min, then max where that > max, else x: NaN too"""
    above = x if min is None else np.where(x < min, min, x)
    return above if max is None else np.where(above > max, max, above)


def maximum(a, b):
    """The larger; NaN where either is"""
    return np.where(np.isnan(a) | np.isnan(b), np.nan, np.where(a > b, a, b))


def minimum(a, b):
    """The smaller; NaN where either is"""
    return -maximum(-a, -b)


def floor_divide(a, b):
    """a / b, rounded down"""
    return np.floor(a / b)


def trunc_divide(a, b):
    """a / b, rounded toward zero"""
    return np.trunc(a / b)


def remainder(a, b):
    """a - floor(a / b) b; a zero has the sign of a"""
    left = a - np.floor(a / b) * b
    return np.where(left == 0, np.copysign(0.0, a), left)


def max(x, dim=None, keepdim=False):
    """The largest element, of all or along dim; NaN where there is one"""
    return np.max(x, axis=dim if x.ndim else None, keepdims=keepdim)


def min(x, dim=None, keepdim=False):
    """The smallest element, of all or along dim; NaN where there is one"""
    return -max(-x, dim, keepdim)
