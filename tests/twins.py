# SPDX-License-Identifier: Apache-2.0
"""One scenario run with PyTorch and with nabi: values, dtypes, shapes, strides, exception types and warnings compared."""

from __future__ import annotations

import warnings

import numpy as np

SAME_ERROR = (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError, AttributeError)


def attempt(function):
    """What the function returns, or the type of the exception it raises."""
    try:
        return function()
    except SAME_ERROR as error:
        return kind(error)


def kind(error: Exception) -> str:
    """The exception's type; PyTorch's own subclasses count as what they are derived from."""
    for each in (NotImplementedError, *SAME_ERROR):
        if isinstance(error, each):
            return f"raises {each.__name__}"
    return f"raises {type(error).__name__}"


def plain(value):
    """A result of either library as comparable data."""
    if hasattr(value, "requires_grad"):
        bare = value.detach()
        return (
            "tensor",
            str(value.dtype),
            tuple(value.shape),
            _strides(value),
            bool(value.requires_grad),
            np.asarray(bare.tolist(), dtype=object),
        )
    if isinstance(value, (tuple, list)):
        return type(value).__name__ if not value else [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if value is None or isinstance(value, (bool, int, float, str, np.ndarray)):
        return value
    return str(value)


def _strides(tensor):
    """Strides that mean something: not those of dimensions of size 1, nor of an empty tensor."""
    if tensor.numel() == 0:
        return None
    return tuple(step if size > 1 else None for size, step in zip(tensor.shape, tensor.stride(), strict=True))


def run(library, scenario):
    """The scenario's result, or its exception's type; and the categories of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = attempt(lambda: plain(scenario(library)))
    return found, sorted({each.category.__name__ for each in caught})


def same(one, other, path="result", tolerance=1e-6):
    """AssertionError that names the place where the two differ."""
    assert type(one) is type(other), f"{path}: {one!r} and {other!r}"
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other), f"{path}: {one!r} and {other!r}"
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{path}[{i}]", tolerance)
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            same(one[key], other[key], f"{path}[{key!r}]", tolerance)
    elif isinstance(one, np.ndarray):
        np.testing.assert_allclose(
            one.astype(np.float64), other.astype(np.float64), rtol=tolerance, atol=tolerance, err_msg=path
        )
    elif isinstance(one, float):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=path)
    else:
        assert one == other, f"{path}: PyTorch {one!r}, nabi {other!r}"


def compare(torch, nabi, scenario, tolerance=1e-6):
    """Runs the scenario with both and compares."""
    expected, warned = run(torch, scenario)
    found, notes = run(nabi, scenario)
    same(expected, found, tolerance=tolerance)
    assert warned == notes, f"warnings: PyTorch {warned}, nabi {notes}"
