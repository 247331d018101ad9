# SPDX-License-Identifier: Apache-2.0
"""What reaches the kernels: every kind of bad argument is refused before anything is written, and leaks nothing."""

from __future__ import annotations

from array import array as plain_array
from decimal import Decimal

import numpy as np
import pytest

import nabi
from bindings_calls import (
    ARRAYS,
    CALLS,
    F32,
    F64,
    I64,
    MASK,
    OPTIONAL,
    POINTWISE,
    RANDOM,
    REFUSALS,
    WRITTEN,
    Subclass,
    labels,
    many_dimensions,
    misaligned,
    refused,
    replaced,
    values,
)
from nabi import _C

BAD = {
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "misaligned": misaligned,
    "17 dimensions": many_dimensions,
    "float16": lambda a: a.astype(np.float16),
    "complex": lambda a: a.astype(np.complex64),
    "objects": lambda a: a.astype(object),
    "structured": lambda a: np.zeros(a.shape, [("a", "f4"), ("b", "f8")]),
    "bytes": lambda a: np.zeros(a.shape, "S4"),
    "no bytes": lambda a: np.zeros(a.shape, "S0"),
    "void": lambda a: np.zeros(a.shape, "V3"),
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
    "text": lambda a: "array",
    "list": lambda a: a.tolist(),
    "plain array": lambda a: plain_array("f", [1.0] * a.size),
    "memoryview": lambda a: memoryview(a),
    "type": lambda a: np.ndarray,
    "complex number": lambda a: 1j,
    "another float": lambda a: a.astype(F64 if a.dtype == F32 else F32),
}
ELEMENTWISE = {"add", "sub", "mul", "div", "pow", "pow_base_slope", "pow_exponent_slope", "copy"}
ANY_DTYPE = {("take_rows", 0), ("copy", 0), ("dropout_backward", 0), ("random_bernoulli_tensor", 1)}
ANY_DTYPE |= WRITTEN - {("random_permutation", 1)}
ALONE = {
    *POINTWISE,
    "relu",
    "sigmoid",
    "sum",
    "softmax",
    "softmax_across",
    "random_uniform",
    "random_normal",
    "dropout",
}
ALONE |= {"random_exponential"}


FLAT = {"relu", "relu_backward", "sigmoid", "sigmoid_backward", "softmax", "dropout"}
FLAT |= {name for name in CALLS if name.removesuffix("_backward") in POINTWISE}
FLAT |= {"binary_cross_entropy", "binary_cross_entropy_backward", "random_uniform", "random_bernoulli_tensor"}


def test_every_kernel_has_a_call_here():
    assert set(CALLS) == set(_C.kernel_names())
    for name, make in CALLS.items():
        getattr(_C, name)(*make())


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize(("name", "i"), ARRAYS)
def test_bad_arrays_are_refused(name, i, what):
    if CALLS[name]()[i].dtype == np.uint8 and what in ("big-endian", "misaligned"):
        pytest.skip("one byte has no order")
    arguments = replaced(name, i, BAD[what])
    if what == "another float" and ((name, i) in ANY_DTYPE or name in ALONE):
        getattr(_C, name)(*arguments)
    else:
        refused(name, arguments)


@pytest.mark.parametrize(("name", "i"), ARRAYS)
def test_none_is_taken_where_an_array_is_optional(name, i):
    arguments = replaced(name, i, lambda a: None)
    if (name, i) in OPTIONAL:
        getattr(_C, name)(*arguments)
    else:
        refused(name, arguments, TypeError)


@pytest.mark.parametrize(("name", "i"), ARRAYS)
def test_integers_are_refused_where_floats_are_meant(name, i):
    arguments = replaced(name, i, lambda a: a.astype(np.int32))
    if (name, i) in {("take_rows", 0), ("copy", 0)} or name in {
        "random_integers",
        "random_full",
        "random_bernoulli",
    }:
        getattr(_C, name)(*arguments)
    elif (name, i) != ("random_bernoulli_tensor", 2):
        refused(name, arguments)


@pytest.mark.parametrize(("name", "i"), ARRAYS)
def test_read_only_arrays_are_inputs_and_never_outputs(name, i):
    arguments = CALLS[name]()
    arguments[i].flags.writeable = False
    if (name, i) in WRITTEN:
        assert "writable" in refused(name, arguments, RuntimeError)
    else:
        getattr(_C, name)(*arguments)


@pytest.mark.parametrize("name", CALLS)
def test_too_few_and_too_many_arguments(name):
    arguments = CALLS[name]()
    for bad in ([], arguments[:-1], [*arguments, 1.0, None]):
        refused(name, bad, TypeError)
    if name not in ELEMENTWISE:
        refused(name, [*arguments, None], TypeError)
    with pytest.raises(TypeError):
        getattr(_C, name)(*arguments, out=None)


@pytest.mark.parametrize(("name", "i"), ARRAYS)
@pytest.mark.parametrize("cut", ["last", "first", "extra"])
def test_shapes_that_do_not_fit(name, i, cut):
    a = CALLS[name]()[i]
    changed = (
        a[..., :-1] if cut == "last" else a[:-1] if cut == "first" else np.zeros((2, 1, *a.shape), a.dtype)
    )
    arguments = replaced(name, i, lambda a: changed)
    try:
        results = getattr(_C, name)(*arguments)
    except REFUSALS:
        refused(name, arguments)
    else:
        # What fits after all (leading dimensions, broadcasting, flat arrays) has a result of its own.
        assert results is None or results is not changed


@pytest.mark.parametrize(("name", "i"), sorted(set(ARRAYS) - WRITTEN - {MASK}))
@pytest.mark.parametrize(
    "kind", ["fortran", "backwards", "steps", "repeats", "subclass", "column of records"]
)
def test_any_layout_gives_the_same_bits(name, i, kind):
    a = CALLS[name]()[i]
    if kind == "fortran":
        other = np.asfortranarray(a)
    elif kind == "backwards":
        other = np.flip(np.flip(a).copy())
    elif kind == "steps":
        other = np.repeat(a, 2, axis=-1)[..., ::2]
    elif kind == "repeats":
        a = np.broadcast_to(a[..., :1], a.shape).copy()
        other = np.broadcast_to(a[..., :1], a.shape)
    elif kind == "subclass":
        other = a.view(Subclass)
    else:
        records = np.zeros(a.shape, [("first", a.dtype), ("second", a.dtype)])
        records["second"] = a
        other = records["second"]
    if name in RANDOM and kind == "fortran":
        return  # strides decide which element gets which draw
    expected, got = (getattr(_C, name)(*replaced(name, i, lambda _, each=each: each)) for each in (a, other))
    for one, two in zip(*(r if isinstance(r, tuple) else (r,) for r in (expected, got)), strict=True):
        if isinstance(one, np.ndarray):
            assert type(two) is np.ndarray
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", [n for n, make in CALLS.items() if n in ELEMENTWISE | FLAT])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (0, 0), (1, 1, 1), (1,) * 16])
def test_empty_and_single_elements(name, shape):
    if name == "softmax" and shape == ():
        refused(name, [np.zeros(shape, F32), False])
        return
    arguments = [np.full(shape, 0.5, F32) if isinstance(a, np.ndarray) else a for a in CALLS[name]()]
    result = getattr(_C, name)(*arguments)
    if result is not None:
        assert (result[0] if isinstance(result, tuple) else result).shape == shape


def test_a_mask_has_one_bit_an_element():
    for bad in (
        np.zeros(1, np.uint8),
        np.zeros(3, np.uint8),
        np.zeros((2, 1), np.uint8),
        np.zeros(4, np.uint8)[::2],
    ):
        refused("dropout_backward", replaced("dropout_backward", 1, bad), RuntimeError)


def test_no_elements_inside_a_product():
    assert _C.linear(np.zeros((0, 3), F32), np.zeros((2, 3), F32), None).shape == (0, 2)
    np.testing.assert_array_equal(
        _C.linear(np.zeros((2, 0), F32), np.zeros((3, 0), F32), values(3)), [values(3)] * 2
    )
    np.testing.assert_array_equal(
        _C.matmul(np.zeros((2, 0), F64), np.zeros((0, 3), F64), 1.0), np.zeros((2, 3))
    )
    d_input, d_weight, d_bias = _C.linear_backward(
        np.zeros((0, 2), F32), np.zeros((0, 3), F32), values(2, 3), True, True, True
    )
    assert d_input.shape == (0, 3) and not d_weight.any() and not d_bias.any()
    assert _C.batched_matmul(np.zeros((0, 2, 3), F32), np.zeros((0, 3, 4), F32), 1.0).shape == (0, 2, 4)


def test_losses_without_rows_and_without_classes():
    for rows, classes in ((0, 3), (0, 0)):
        losses, loss, d = _C.cross_entropy(
            np.zeros((rows, classes), F32), np.zeros(rows, I64), None, -100, 0.1, True, True, True, True
        )
        assert losses.shape == (0,) and np.isnan(loss) and d.shape == (rows, classes)
        assert (
            _C.cross_entropy(
                np.zeros((rows, classes), F32),
                np.zeros(rows, I64),
                None,
                -100,
                0.0,
                False,
                False,
                True,
                False,
            )[1]
            == 0
        )
    losses, loss, d = _C.cross_entropy_soft(
        np.zeros((2, 0), F32), np.zeros((2, 0), F32), None, 0.1, True, True, True, True
    )
    assert losses.tolist() == [0, 0] and np.isnan(loss) and d.shape == (2, 0)
    refused(
        "cross_entropy",
        [np.zeros((2, 0), F32), labels(0, 0), None, -100, 0.0, True, True, True, True],
        IndexError,
    )
    ignored = _C.cross_entropy(
        np.zeros((2, 0), F32), labels(-100, -100), None, -100, 0.0, True, True, True, True
    )
    assert ignored[0].tolist() == [0, 0] and np.isnan(ignored[1])
    assert _C.softmax(np.zeros((2, 0), F32), False).shape == (2, 0)


def test_no_memory_is_an_error_for_both_kinds_of_programs():
    """PyTorch raises a RuntimeError, Python a MemoryError."""
    with pytest.raises(
        nabi.OutOfMemoryError, match=r"memory: expected room for shape \(1099511627776, 1099511627776\)"
    ):
        nabi.zeros(2**40, 0) @ nabi.zeros(0, 2**40)
    assert issubclass(nabi.OutOfMemoryError, RuntimeError) and issubclass(nabi.OutOfMemoryError, MemoryError)


def test_sizes_that_no_memory_holds():
    row = np.broadcast_to(F32(1), (1, 2**33))
    refused("add", [row, row.T], MemoryError)
    near = np.broadcast_to(F32(1), (1, 2**20))
    refused("mul", [np.broadcast_to(F32(1), (2**30, 1)), near], MemoryError)
    # No elements in, more than int64 counts out.
    refused("matmul", [np.zeros((2**40, 0), F32), np.zeros((0, 2**40), F32), 1.0], MemoryError)
    refused("linear", [np.zeros((2**40, 0), F32), np.zeros((2**40, 0), F32), None], MemoryError)
    refused(
        "batched_matmul",
        [np.zeros((2**20, 2**20, 0), F32), np.zeros((2**20, 0, 2**20), F32), 1.0],
        MemoryError,
    )


@pytest.mark.parametrize("label", [-1, 3, 2**40, -(2**63), 2**63 - 1])
def test_indices_out_of_range_name_the_first(label):
    target = labels(0, 2, label, 1, label)
    message = refused(
        "cross_entropy", [values(5, 3), target, None, -100, 0.0, True, True, True, True], IndexError
    )
    assert message.endswith(f"got {label} at position 2")
    _C.set_grain_override(1)
    message = refused("take_rows", [values(3, 2), target], IndexError)
    _C.set_grain_override(0)
    assert message.endswith(f"got {label} at position 2")


def test_probabilities_out_of_range():
    for bad in (-0.25, 1.5, np.nan, np.inf):
        x = np.array([0.5, bad, 1.0], F32)
        message = refused("binary_cross_entropy", [x, x, None], RuntimeError)
        assert "position 1" in message


@pytest.mark.parametrize("name", CALLS)
def test_values_of_the_wrong_kind(name):
    for i, a in enumerate(CALLS[name]()):
        if isinstance(a, bool):
            continue
        if isinstance(a, (int, float)):
            bad = [None, "one", 1j, [1], values(2), object()]
            bad += [2**70, Decimal("NaN"), 1.5] if isinstance(a, int) else [10**400]
            for value in bad:
                refused(name, replaced(name, i, lambda _, value=value: value))
        elif isinstance(a, _C.Generator):
            for value in (None, 1, _C.Generator):
                with pytest.raises(TypeError, match="expected a Generator"):
                    getattr(_C, name)(*replaced(name, i, lambda _, value=value: value))


def test_truth_that_raises():
    class Torn:
        def __bool__(self):
            raise ValueError("torn")

    refused("softmax", [values(2, 3), Torn()], ValueError)
    refused("linear_backward", [values(2, 5), values(2, 4), values(5, 4), True, True, Torn()], ValueError)


def test_elementwise_numbers():
    x = values(3)
    for number in (2, 2.0, F32(2), F64(2), np.int8(2), True + 1, Decimal(2)):
        np.testing.assert_array_equal(_C.mul(x, number), x * F32(2))
        np.testing.assert_array_equal(_C.sub(number, x), F32(2) - x)
    assert np.isinf(_C.mul(x, 1e300)).all()
    refused("add", [x, 10**400], RuntimeError)
    for bad in (None, "2", 1j, [2.0], object()):
        refused("add", [x, bad], TypeError)
        refused("add", [bad, x], TypeError)
    refused("add", [1.0, 2.0], TypeError)
    refused("copy", [1.0], TypeError)
