# SPDX-License-Identifier: Apache-2.0
"""Tensors from nothing and from numpy's arrays."""

from __future__ import annotations

import numpy as np

from nabi.reference import creation as reference

from ..case import Bad, Case, Sample

_OPTIONS = {"exact": ("random",), "plain": False, "splits": False, "layouts": False, "special": False}


def _listed(*arguments):
    def samples(draw):
        for each in arguments:
            yield Sample(*each)

    return samples


def _double(function):
    """In float64, where the definition does not round."""
    return lambda m: lambda *args: getattr(m, function)(*args, dtype=m.float64)


BIG = np.arange(3.0, dtype=">f4")
MISALIGNED = np.zeros(13, np.uint8)[1:].view(np.float32)
BACKWARDS = np.arange(3.0, dtype=np.float32)[::-1]


CASES = [
    Case(
        "full", _double("full"), reference.full, _listed(((2, 3), 1.5), ((), -2.0), ((0, 2), 1.0)), **_OPTIONS
    ),
    Case(
        "arange",
        _double("arange"),
        reference.arange,
        _listed((0, 5, 1), (1.5, 4.0, 0.25), (5, 0, -2), (0, 0, 1)),
        **_OPTIONS,
    ),
    Case(
        "linspace",
        _double("linspace"),
        reference.linspace,
        _listed((0.0, 1.0, 5), (-2.0, 2.0, 2), (1.0, 3.0, 1), (0.0, 1.0, 0)),
        **{**_OPTIONS, "exact": (), "terms": lambda s: 2, "magnitude": lambda s: np.full(s.args[2], 4.0)},
    ),
    Case("eye", _double("eye"), reference.eye, _listed((3, 3), (2, 4), (0, 0)), **_OPTIONS),
]
CASES[0].bad = [
    Bad("a negative size", lambda m, t: m.zeros(2, -1), RuntimeError, "zeros: expected sizes"),
    Bad("a size that is no int", lambda m, t: m.zeros(1.5), TypeError, "zeros: expected sizes"),
    Bad("more than memory", lambda m, t: m.ones(2**40, 2**30), RuntimeError, "ones: expected a size"),
    Bad(
        "out=",
        lambda m, t: m.zeros(2, out=t(2)),
        NotImplementedError,
        "zeros: out= is not supported",
        torch=False,
    ),
    Bad("ragged", lambda m, t: m.tensor([[1.0], [1.0, 2.0]]), ValueError, "tensor: expected"),
    Bad("strings", lambda m, t: m.tensor(["a"]), (TypeError), "tensor: expected", torch=False),
    Bad("complex", lambda m, t: m.tensor([1j]), TypeError, "tensor: expected real", torch=False),
    Bad(
        "big-endian",
        lambda m, t: m.from_numpy(BIG),
        ValueError,
        "from_numpy: expected native byte order",
        torch=False,
    ),
    Bad(
        "misaligned",
        lambda m, t: m.from_numpy(MISALIGNED),
        ValueError,
        "from_numpy: expected an aligned array",
        torch=False,
    ),
    Bad("negative strides", lambda m, t: m.from_numpy(BACKWARDS), ValueError, "from_numpy: expected strides"),
    Bad("no array", lambda m, t: m.from_numpy([1.0]), TypeError, "from_numpy: expected a numpy array"),
    Bad(
        "a dtype nabi lacks",
        lambda m, t: m.from_numpy(np.zeros(2, np.complex64)),
        TypeError,
        "dtype: expected",
        torch=False,
    ),
    Bad("a step of zero", lambda m, t: m.arange(0, 3, 0), RuntimeError, "arange: expected step"),
    Bad("away from the end", lambda m, t: m.arange(3, 0), RuntimeError, "arange: expected bounds"),
    Bad("another device", lambda m, t: m.zeros(2, device="tpu"), RuntimeError, "device: expected cpu"),
]

KERNELS: dict = {}
