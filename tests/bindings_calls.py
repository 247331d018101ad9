# SPDX-License-Identifier: Apache-2.0
"""A working call of every kernel, and the check that a bad one is refused without a trace."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from nabi import _C

F32, F64, I64 = np.float32, np.float64, np.int64


def values(*shape, dtype=F32):
    return (np.arange(1, 1 + int(np.prod(shape))).reshape(shape) / 64).astype(dtype)


def labels(*items):
    return np.array(items, I64)


def generator():
    return _C.Generator().manual_seed(1)


# Functions of one element; the gradients of exp and log are mul and div.
POINTWISE = ("abs", "cos", "erf", "exp", "expm1", "log", "log1p", "sin", "sqrt", "tanh")

# A call of every kernel that works.
CALLS = {
    "linear": lambda: [values(2, 3, 4), values(5, 4), values(5)],
    "linear_backward": lambda: [values(2, 3, 5), values(2, 3, 4), values(5, 4), True, True, True],
    "matmul": lambda: [values(2, 3), values(3, 4), 1.0],
    "batched_matmul": lambda: [values(2, 3, 4), values(2, 4, 5), 1.0],
    "add": lambda: [values(2, 3), values(2, 3)],
    "sub": lambda: [values(2, 3), values(2, 3)],
    "mul": lambda: [values(2, 3), values(2, 3)],
    "div": lambda: [values(2, 3), values(2, 3)],
    "relu": lambda: [values(2, 3)],
    "relu_backward": lambda: [values(2, 3), values(2, 3)],
    "sigmoid": lambda: [values(2, 3)],
    "sigmoid_backward": lambda: [values(2, 3), values(2, 3)],
    **{name: lambda: [values(2, 3)] for name in POINTWISE},
    **{
        f"{name}_backward": lambda: [values(2, 3), values(2, 3)]
        for name in POINTWISE
        if name not in ("exp", "log")
    },
    **{
        name: lambda: [values(2, 3), values(2, 3)] for name in ("pow", "pow_base_slope", "pow_exponent_slope")
    },
    "sum": lambda: [values(2, 3, 4), (0, 2), True, 1.0],
    "cross_entropy": lambda: [values(3, 4), labels(0, 3, 1), values(4), -100, 0.1, True, True, True, True],
    "cross_entropy_soft": lambda: [values(3, 4), values(3, 4), values(4), 0.1, True, True, True, True],
    "softmax": lambda: [values(2, 3, 4), False],
    "softmax_backward": lambda: [values(2, 3, 4), values(2, 3, 4), True],
    "softmax_across": lambda: [values(2, 3, 4), False],
    "softmax_across_backward": lambda: [values(2, 3, 4), values(2, 3, 4), True],
    "scale_rows": lambda: [values(3), values(3, 4)],
    "binary_cross_entropy": lambda: [values(2, 3), values(2, 3), values(2, 3)],
    "binary_cross_entropy_backward": lambda: [values(2, 3), values(2, 3), values(2, 3), values(2, 3)],
    "copy": lambda: [values(2, 3)],
    "take_rows": lambda: [values(3, 4), labels(2, 0, 2)],
    "dropout": lambda: [generator(), values(3, 5), 0.5],
    "dropout_backward": lambda: [values(3, 5), np.array([255, 127], np.uint8), 0.5],
    "random_uniform": lambda: [generator(), values(3), 0.0, 1.0],
    "random_normal": lambda: [generator(), values(3), 0.0, 1.0],
    "random_integers": lambda: [generator(), values(3), 0, 9],
    "random_full": lambda: [generator(), values(3)],
    "random_permutation": lambda: [generator(), labels(1, 2, 3)],
    "random_bernoulli": lambda: [generator(), values(3), 0.5],
    "random_bernoulli_tensor": lambda: [generator(), values(3), values(3)],
    "random_exponential": lambda: [generator(), values(3), 1.0],
    "sgd_step": lambda: [
        *([values(3), values(2, 2)] for _ in range(3)),
        0.1,
        0.9,
        0.0,
        0.0,
        False,
        False,
        False,
    ],
}
OPTIONAL = {
    ("linear", 2),
    ("cross_entropy", 2),
    ("cross_entropy_soft", 2),
    ("binary_cross_entropy", 2),
    ("binary_cross_entropy_backward", 3),
}
WRITTEN = {(name, 1) for name in CALLS if name.startswith("random_")} | {("random_bernoulli_tensor", 2)}
WRITTEN -= {("random_bernoulli_tensor", 1)}
MASK = ("dropout_backward", 1)
RANDOM = {name for name in CALLS if name.startswith("random_")} | {"dropout"}
ARRAYS = [
    (name, i) for name, make in CALLS.items() for i, a in enumerate(make()) if isinstance(a, np.ndarray)
]


def flattened(arguments):
    return [item for a in arguments for item in (a if isinstance(a, list) else [a])]


def bytes_of(arguments):
    arrays = [item for item in flattened(arguments) if isinstance(item, np.ndarray) and item.dtype != object]
    return [item.tobytes() for item in arrays if item.size < 10**6]


REFUSALS = (TypeError, RuntimeError, ValueError, IndexError, MemoryError, OverflowError)


def state(arguments):
    arrays = [item for item in flattened(arguments) if isinstance(item, (np.ndarray, list))]
    counts = [sys.getrefcount(item) for item in arrays]
    return bytes_of(arguments), counts, _C.memory_stats()["allocated_bytes"]


def refused(name, arguments, kind=REFUSALS):
    """The call raises in nabi's form, writes nothing, and gives back every reference and every byte it took."""
    before = state(arguments)
    message = ""
    for _ in range(3):
        try:
            getattr(_C, name)(*arguments)
        except kind as error:
            message = str(error)
            assert error.nabi_op in (name, "memory")
        else:
            pytest.fail(f"{name} took a bad argument")
    assert state(arguments) == before
    assert re.match(rf"({name}|memory): (expected .*, got .*|this dtype has no kernel)", message), message
    return message


def replaced(name, i, value):
    arguments = CALLS[name]()
    arguments[i] = value(arguments[i]) if callable(value) else value
    return arguments


def misaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    return raw[1:].view(a.dtype).reshape(a.shape)


def many_dimensions(a):
    return a.reshape((1,) * (17 - a.ndim) + a.shape)


class Subclass(np.ndarray):
    pass
