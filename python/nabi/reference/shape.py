# SPDX-License-Identifier: Apache-2.0
"""Shapes, indexing and copies: which element goes where."""

from __future__ import annotations

import numpy as np


def reshape(x, shape):
    """The same elements in the order of their indices."""
    return np.array(x.ravel(order="C")).reshape(shape)


def permute(x, dims):
    """out[i_dims[0], i_dims[1], ...] = x[i_0, i_1, ...]"""
    out = np.empty([x.shape[d] for d in dims], x.dtype)
    for index in np.ndindex(x.shape):
        out[tuple(index[d] for d in dims)] = x[index]
    return out


def transpose(x, a, b):
    """Two dimensions exchanged."""
    dims = list(range(x.ndim))
    if x.ndim:
        dims[a], dims[b] = dims[b], dims[a]
    return permute(x, dims)


def expand(x, sizes):
    """Repeats along dimensions of size 1; -1 keeps a size."""
    extra = len(sizes) - x.ndim
    shape = [x.shape[d - extra] if size == -1 else size for d, size in enumerate(sizes)]
    return x + np.zeros(shape, x.dtype)


def squeeze(x, dim=None):
    """Without dimensions of size 1: all, or those of dim."""
    dims = range(x.ndim) if dim is None else dim if isinstance(dim, tuple) else (dim,)
    dims = {d % max(x.ndim, 1) for d in dims}
    return x.reshape([size for d, size in enumerate(x.shape) if size != 1 or d not in dims])


def unsqueeze(x, dim):
    """A dimension of size 1 at dim."""
    at = dim % (x.ndim + 1)
    return x.reshape((*x.shape[:at], 1, *x.shape[at:]))


def two_steps(index, ndim):
    """An index as a basic one and one of arrays: ints, slices, None and ... look at the tensor first, then the arrays
    gather. numpy counts ints among the arrays, which puts dimensions elsewhere."""
    taken = [each.ndim if isinstance(each, np.ndarray) and each.dtype == bool else 1 for each in index]
    used = sum(n for each, n in zip(index, taken) if each is not None and each is not Ellipsis)
    basic, arrays = [], []
    for each, n in zip(index, taken):
        if isinstance(each, np.ndarray):
            basic += [slice(None)] * n
            arrays.append(each)
            continue
        parts = [slice(None)] * (ndim - used) if each is Ellipsis else [each]
        basic += parts
        arrays += [slice(None)] * sum(not isinstance(part, int) for part in parts)
    return tuple(basic), tuple(arrays)


def getitem(x, index):
    """x[index], as a copy"""
    basic, arrays = two_steps(index, x.ndim)
    return np.array(x[basic][arrays])


def setitem(x, index, value):
    """x after x[index] = value"""
    out = x.copy()
    basic, arrays = two_steps(index, x.ndim)
    out[(*basic, ...)][arrays] = value
    return out


def cat(tensors, dim=0):
    """Behind each other along dim."""
    return np.concatenate([x for x in tensors if x.shape != (0,)] or tensors[:1], axis=dim)


def stack(tensors, dim=0):
    """As slices of a new dimension."""
    return np.stack(tensors, axis=dim)


def copy(x):
    """The same elements."""
    return x.copy()


def copy_(x, source):
    """x after source was written over it, broadcast"""
    out = x.copy()
    out[...] = source
    return out


def diagonal(x, offset=0, dim1=0, dim2=1):
    """the elements whose places in dim1 and dim2 differ by offset, in a last dimension of their own"""
    return np.diagonal(x, offset, dim1, dim2)
