# SPDX-License-Identifier: Apache-2.0
"""Products of matrices, by their sums."""

from __future__ import annotations


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
