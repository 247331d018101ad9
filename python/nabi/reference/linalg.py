# SPDX-License-Identifier: Apache-2.0
"""Products of matrices, by their sums."""

from __future__ import annotations

import numpy as np


def linear(x, weight, bias=None):
    """y[..., o] = sum over i of x[..., i] weight[o, i] + bias[o]; a weight without o gives y without o"""
    y = (x * weight).sum(-1) if weight.ndim == 1 else (x[..., None, :] * weight).sum(-1)
    return y if bias is None else y + bias


def linear_backward(grad, x, weight):
    """d_x[..., i] = sum over o of grad[..., o] weight[o, i]; d_weight, d_bias: sums over everything but o and i"""
    rows, features = grad.reshape(-1, grad.shape[-1]), x.reshape(-1, x.shape[-1])
    d_weight = (rows[:, :, None] * features[:, None, :]).sum(0)
    return (grad[..., :, None] * weight).sum(-2), d_weight, rows.sum(0)


def mm(a, b):
    """c[n, m] = sum over k of a[n, k] b[k, m]"""
    return (a[:, :, None] * b[None, :, :]).sum(1)


def bmm(a, b):
    """mm for every pair of matrices"""
    return (a[:, :, :, None] * b[:, None, :, :]).sum(2)


def matmul(a, b):
    """Matrices in the last two dimensions; a vector is a row on the left, a column on the right; the rest broadcasts."""
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    c = (left[..., :, :, None] * right[..., None, :, :]).sum(-2)
    if a.ndim == 1:
        c = c[..., 0, :]
    return c[..., 0] if b.ndim == 1 else c


def _plus(x, product, beta, alpha):
    """beta x + alpha product; x does not count where beta is 0"""
    return alpha * product + (0 if beta == 0 else beta * x)


def addmm(x, a, b, *, beta=1, alpha=1):
    """beta x + alpha (a b) for matrices"""
    return _plus(x, mm(a, b), beta, alpha)


def baddbmm(x, a, b, *, beta=1, alpha=1):
    """the same for batches of matrices"""
    return _plus(x, bmm(a, b), beta, alpha)


def addbmm(x, a, b, *, beta=1, alpha=1):
    """beta x + alpha (sum over the batch of its products)"""
    return _plus(x, bmm(a, b).sum(0), beta, alpha)


def addmv(x, a, v, *, beta=1, alpha=1):
    """beta x + alpha (a v)"""
    return _plus(x, (a * v).sum(1), beta, alpha)


def addr(x, a, b, *, beta=1, alpha=1):
    """beta x + alpha a b^T"""
    return _plus(x, outer(a, b), beta, alpha)


def outer(a, b):
    """c[i, j] = a[i] b[j]"""
    return a[:, None] * b


def inner(a, b):
    """c[..., ...] = sum over k of a[..., k] b[..., k]"""
    return np.inner(a, b)


def tensordot(a, b, dims=2):
    """the sum of products over the dimensions that dims pairs"""
    return np.tensordot(a, b, dims)


def einsum(equation, *operands):
    """numpy's own, which sums in no particular hurry"""
    return np.einsum(equation, *operands, optimize=False)
