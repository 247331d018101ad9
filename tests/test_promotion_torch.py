# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: B023  (every lambda runs before the loop goes on)
"""Result types and in-place casting rules of all dtypes, numbers and 0-d tensors against PyTorch, exhaustively."""

from __future__ import annotations

import itertools
import warnings

import pytest

import nabi
from twins import attempt, compare

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
NUMBERS = [True, 2, 1.5, -1]


def numbers(name: str) -> list:
    """PyTorch refuses to subtract a bool."""
    return NUMBERS[1:] if "sub" in name else NUMBERS


SHAPES = [(2,), ()]
OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
IN_PLACE = {
    "add_": lambda a, b: a.add_(b),
    "sub_": lambda a, b: a.sub_(b),
    "mul_": lambda a, b: a.mul_(b),
    "div_": lambda a, b: a.div_(b),
    "iadd": lambda a, b: a.__iadd__(b),
    "imul": lambda a, b: a.__imul__(b),
}


def operand(T, dtype, shape):
    values = [1, 0] if dtype == "bool" else [3, 2]
    return T.tensor(values if shape else values[0]).to(getattr(T, dtype))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_two_tensors(name, dtype):
    def scenario(T):
        return {
            f"{shape} {other} {other_shape}": attempt(
                lambda: OPERATIONS[name](operand(T, dtype, shape), operand(T, other, other_shape))
            )
            for shape, other, other_shape in itertools.product(SHAPES, DTYPES, SHAPES)
        }

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_tensor_and_number(name, dtype):
    def scenario(T):
        found = {}
        for shape, number in itertools.product(SHAPES, numbers(name)):
            found[f"{shape} {number}"] = attempt(lambda: OPERATIONS[name](operand(T, dtype, shape), number))
            found[f"{number} {shape}"] = attempt(lambda: OPERATIONS[name](number, operand(T, dtype, shape)))
        return found

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place(name, dtype):
    def scenario(T):
        found = {}
        for shape, other, other_shape in itertools.product(SHAPES, DTYPES, SHAPES):
            target = operand(T, dtype, shape)
            result = attempt(lambda: IN_PLACE[name](target, operand(T, other, other_shape)))
            found[f"{shape} {other} {other_shape}"] = (result, target, target._version)
        for shape, number in itertools.product(SHAPES, numbers(name)):
            target = operand(T, dtype, shape)
            found[f"{shape} {number}"] = (
                attempt(lambda: IN_PLACE[name](target, number)),
                target,
                target._version,
            )
        return found

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("dtype", DTYPES)
def test_result_type(dtype):
    def scenario(T):
        found = {}
        for shape, other, other_shape in itertools.product(SHAPES, DTYPES, SHAPES):
            key = f"{shape} {other} {other_shape}"
            found[key] = str(T.result_type(operand(T, dtype, shape), operand(T, other, other_shape)))
        for shape, number in itertools.product(SHAPES, NUMBERS):
            found[f"{shape} {number}"] = str(T.result_type(operand(T, dtype, shape), number))
            found[f"{number} {shape}"] = str(T.result_type(number, operand(T, dtype, shape)))
        return found

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_default_dtype_decides_for_numbers(default):
    def scenario(T):
        before = T.get_default_dtype()
        T.set_default_dtype(getattr(T, default))
        try:
            return [
                T.tensor([1]) + 1.5,
                T.tensor([1]) / 2,
                T.tensor(1.5),
                T.tensor([True]) * 0.5,
                T.ones(2),
                T.sigmoid(T.tensor([1])),
            ]
        finally:
            T.set_default_dtype(before)

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("to", DTYPES)
def test_conversions_and_copies(dtype, to):
    def scenario(T):
        target = operand(T, to, (2,))
        copied = target.copy_(operand(T, dtype, (2,)))
        target[0] = operand(T, dtype, ())
        return [operand(T, dtype, (2,)).to(getattr(T, to)), copied, target, target._version]

    compare(torch, nabi, scenario)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_comparisons_and_cat(dtype):
    def scenario(T):
        a = operand(T, dtype, (2,))
        return [
            a.sum(),
            attempt(lambda: a.mean()),
            [a == operand(T, other, (2,)) for other in DTYPES],
            [a < operand(T, other, ()) for other in DTYPES],
            [T.cat([a, operand(T, other, (2,))]) for other in DTYPES],
            [
                attempt(lambda: -a),
                attempt(lambda: ~a) if not a.is_floating_point() else None,
                attempt(lambda: a.relu()),
                a.sigmoid(),
            ],
        ]

    compare(torch, nabi, scenario)


def test_gradients_pass_through_promotion():
    def scenario(T):
        x = T.tensor([1.0, 2.0], dtype=T.float32, requires_grad=True)
        y = T.tensor([3.0, 4.0], dtype=T.float64, requires_grad=True)
        s = T.tensor(2.0, dtype=T.float64, requires_grad=True)
        (x * y + x * s + x.to(T.float64) * T.tensor([1, 2])).sum().backward()
        z = x * 1
        z += y * 2
        z.sum().backward()
        return [x.grad, y.grad, s.grad, z]

    compare(torch, nabi, scenario)


def test_promote_types_agrees():
    from nabi.dtype import promote_types

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for a, b in itertools.product(DTYPES, DTYPES):
            expected = torch.promote_types(getattr(torch, a), getattr(torch, b))
            assert str(promote_types(getattr(nabi, a), getattr(nabi, b))) == str(expected)
