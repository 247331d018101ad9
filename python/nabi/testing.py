# SPDX-License-Identifier: Apache-2.0
"""`assert_close`: whether two tensors, numbers or nested containers of them agree, and if not, where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .dtype import get_default_dtype, promote_types
from .errors import fail
from .tensor import Tensor

# (rtol, atol); what is not here is compared for equality
_TOLERANCES = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7), float: (1e-7, 1e-7), complex: (1e-7, 1e-7)}
_NUMBERS = (int, float, complex)


def assert_close(
    actual,
    expected,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg=None,
) -> None:
    """Raise unless |actual - expected| <= atol + rtol * |expected| in every element.

    Infinities agree with themselves only. Sequences and mappings are compared item by item, whatever
    their types.

    Args:
        actual, expected: two Tensors, numpy arrays, numbers, bools, None, or containers of them.
        allow_subclasses: False asks for the same type, so that a Parameter no longer agrees with a Tensor.
        rtol, atol: both or neither. By default 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64 and
            Python floats, 0 and 0 for the rest; for two types the larger of each.
        equal_nan: True lets NaN agree with NaN.
        check_device, check_layout: hold for all of nabi's tensors, which are dense and on the CPU.
        check_dtype: False compares after promotion to a common type.
        check_stride: True asks for equal strides too.
        msg: a message that replaces the generated one, or a function from the generated one to the message.

    Raises:
        AssertionError: where they differ, with the place and the size of the greatest differences.
        TypeError: for inputs that cannot be compared.
        ValueError: for one tolerance without the other.
        RuntimeError: for a negative tolerance.

    Source: https://docs.pytorch.org/docs/stable/testing.html

    >>> import nabi
    >>> assert_close(nabi.tensor([1.0, 2.0]), nabi.tensor([1.0, 2.000001]))
    >>> assert_close({"loss": 0.5}, {"loss": 0.25})
    Traceback (most recent call last):
    ...
    AssertionError: Scalars are not close!
    <BLANKLINE>
    Expected 0.25 but got 0.5.
    Absolute difference: 0.25 (up to 1e-07 allowed)
    Relative difference: 1.0 (up to 1e-07 allowed)
    <BLANKLINE>
    The failure occurred for item ['loss']
    """
    __tracebackhide__ = True
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise fail(ValueError, "assert_close", "both rtol and atol or neither", f"no {missing}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not tolerance >= 0:
            raise fail(RuntimeError, "assert_close", f"{name} >= 0", tolerance)

    # the whole structure is taken apart first: what cannot be compared comes before what differs
    for path, compare, left, right in list(_pairs(actual, expected, allow_subclasses, ())):
        problem = compare(
            left,
            right,
            rtol=rtol,
            atol=atol,
            equal_nan=equal_nan,
            check_dtype=check_dtype,
            check_stride=check_stride,
        )
        if problem is not None:
            if not isinstance(msg, str):
                problem = _located(problem, path)
            raise AssertionError(msg if isinstance(msg, str) else msg(problem) if callable(msg) else problem)


def _pairs(actual, expected, allow_subclasses, path):
    """Take two structures apart into (path, compare, actual, expected)."""
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            sizes = f"{len(actual)} != {len(expected)}"
            raise AssertionError(_located(f"The length of the sequences mismatch: {sizes}", path))
        for index in range(len(actual)):
            yield from _pairs(actual[index], expected[index], allow_subclasses, (*path, index))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        missing, additional = set(expected) - set(actual), set(actual) - set(expected)
        if missing or additional:
            problem = (
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {_ordered(missing)}\n"
                f"Additional keys in the actual mapping: {_ordered(additional)}"
            )
            raise AssertionError(_located(problem, path))
        for key in _ordered(actual):
            yield from _pairs(actual[key], expected[key], allow_subclasses, (*path, key))
    else:
        yield (path, *_leaf(actual, expected, allow_subclasses, path))


def _leaf(actual, expected, allow_subclasses, path):
    """How two things that are not containers are compared."""
    if actual is None or expected is None:
        return _compare_none, actual, expected
    if all(isinstance(value, (bool, np.bool_)) for value in (actual, expected)):
        return _compare_bools, bool(actual), bool(expected)
    left, right = _number(actual), _number(expected)
    if left is not None and right is not None:
        return _compare_numbers, left, right

    related = type(actual) is type(expected)
    if allow_subclasses:
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if related:
        left, right = _tensor(actual), _tensor(expected)
        if left is not None and right is not None:
            return _compare_tensors, left, right
    place = f" at item {_subscripts(path)}" if path else ""
    got = f"{type(actual)} and {type(expected)}{place}"
    raise fail(TypeError, "assert_close", "two tensors, arrays, numbers or containers of one kind", got)


def _is_sequence(value) -> bool:
    # a str is made of strs and would be taken apart for ever
    return isinstance(value, Sequence) and not isinstance(value, str)


def _ordered(keys) -> list:
    try:
        return sorted(keys)
    except TypeError:
        return sorted(keys, key=repr)


def _number(value):
    """A Python number for a Python or numpy number, None for everything else."""
    if isinstance(value, np.number):
        value = value.item()
    return value if isinstance(value, _NUMBERS) and not isinstance(value, bool) else None


def _tensor(value):
    if isinstance(value, Tensor):
        return value
    import nabi

    try:
        return nabi.as_tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _compare_none(actual, expected, **_):
    return None if actual is expected else f"None mismatch: {actual} is not {expected}"


def _compare_bools(actual, expected, **_):
    return None if actual is expected else f"Booleans mismatch: {actual} is not {expected}"


def _compare_numbers(actual, expected, *, rtol, atol, equal_nan, check_dtype, **_):
    if check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    if actual == expected or (equal_nan and actual != actual and expected != expected):
        return None
    rtol, atol = _tolerances(rtol, atol, type(actual), type(expected))
    # a factor 0 is left out: it would turn an integer beyond the range of a float into an error
    allowed = atol + rtol * abs(expected) if rtol else atol
    difference = abs(actual - expected)
    if difference <= allowed and difference != float("inf"):
        return None
    return _scalar_report(actual, expected, rtol, atol)


def _compare_tensors(actual, expected, *, rtol, atol, equal_nan, check_dtype, check_stride):
    checks = [("shape", actual.shape, expected.shape)]
    if check_stride:
        checks.append(("stride()", actual.stride(), expected.stride()))
    if check_dtype:
        checks.append(("dtype", actual.dtype, expected.dtype))
    for name, left, right in checks:
        if left != right:
            return f"The values for attribute '{name}' do not match: {left} != {right}."

    rtol, atol = _tolerances(rtol, atol, actual.dtype.name, expected.dtype.name)
    common = promote_types(actual.dtype, expected.dtype).numpy
    left, right = (tensor._array.astype(common, copy=False) for tensor in (actual, expected))
    with np.errstate(all="ignore"):
        matches = _close(left, right, float(rtol), float(atol), equal_nan)
        if matches.all():
            return None
        if left.ndim == 0:
            return _scalar_report(left.item(), right.item(), rtol, atol)
        return _tensor_report(left, right, matches, rtol, atol)


def _tolerances(rtol, atol, *types):
    if rtol is not None:
        return rtol, atol
    rtols, atols = zip(*(_TOLERANCES.get(kind, (0.0, 0.0)) for kind in types), strict=True)
    return max(rtols), max(atols)


def _close(actual, expected, rtol, atol, equal_nan):
    """Which elements agree, in the arithmetic of the type itself as PyTorch's isclose."""
    matches = np.asarray(actual == expected)
    if equal_nan and actual.dtype.kind == "f":
        matches |= np.isnan(actual) & np.isnan(expected)
    if rtol == 0 and atol == 0:
        return matches
    if actual.dtype.kind != "f":
        working = get_default_dtype().numpy
        actual, expected = actual.astype(working), expected.astype(working)
    difference = np.abs(actual - expected)
    return matches | (np.isfinite(difference) & (difference <= atol + np.abs(rtol * expected)))


def _scalar_report(actual, expected, rtol, atol) -> str:
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    equality = rtol == 0 and atol == 0
    return (
        f"Scalars are not {'equal' if equality else 'close'}!\n\n"
        f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {absolute}{_limit(atol, equality)}\n"
        f"Relative difference: {relative}{_limit(rtol, equality)}"
    )


def _tensor_report(actual, expected, matches, rtol, atol) -> str:
    if actual.dtype.kind != "f":
        # the difference of two small integers may not fit their type
        actual, expected = actual.astype(np.int64), expected.astype(np.int64)
    absolute = np.abs(actual - expected)
    absolute[matches] = 0
    divided = absolute.dtype if absolute.dtype.kind == "f" else get_default_dtype().numpy
    relative = absolute.astype(divided) / np.abs(expected).astype(divided)
    relative[matches] = 0

    equality = rtol == 0 and atol == 0
    lines = [f"Tensor-likes are not {'equal' if equality else 'close'}!\n"]
    wrong = matches.size - int(np.count_nonzero(matches))
    lines.append(f"Mismatched elements: {wrong} / {matches.size} ({wrong / matches.size:.1%})")
    for name, differences, tolerance in (("absolute", absolute, atol), ("relative", relative, rtol)):
        index = tuple(map(int, np.unravel_index(np.argmax(differences), differences.shape)))
        greatest = differences[index].item()
        lines.append(f"Greatest {name} difference: {greatest} at index {index}{_limit(tolerance, equality)}")
    return "\n".join(lines)


def _limit(tolerance, equality) -> str:
    return "" if equality else f" (up to {tolerance} allowed)"


def _located(problem, path) -> str:
    return f"{problem}\n\nThe failure occurred for item {_subscripts(path)}" if path else problem


def _subscripts(path) -> str:
    return "".join(f"[{key!r}]" for key in path)
