# SPDX-License-Identifier: Apache-2.0
"""Random fills in place, with PyTorch's draws: uniform_, normal_, bernoulli_, random_, exponential_.

A fill draws in the order of the tensor's memory, so its strides decide which element gets which draw.
"""

from __future__ import annotations

import operator
import warnings

import numpy as np

from .. import _C
from ..autograd.graph import Node, edge_of, mode, record
from ..autograd.views import prepare_inplace, rebase
from ..errors import fail
from ..generator import Generator, default_generator
from ..layout import is_dense
from ..tensor import Tensor, bump, from_array, method

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# A float holds every integer up to here.
_EXACT = {"float32": 2**24, "float64": 2**53}
_LARGEST = {"f": float(np.finfo(np.float32).max), "d": float(np.finfo(np.float64).max)}


# ---- arguments ----


def generator_of(op: str, generator: object) -> Generator:
    """The Generator to draw from: the default one for None."""
    if generator is None:
        return default_generator
    if not isinstance(generator, _C.Generator):
        raise fail(TypeError, op, "generator to be a Generator", type(generator).__name__)
    return generator


def number(op: str, name: str, value: object) -> float:
    """A parameter that takes numbers and what converts to one, not text."""
    if isinstance(value, (str, bytes)) or not hasattr(type(value), "__float__"):
        raise fail(TypeError, op, f"{name} to be a number", type(value).__name__)
    return float(value)


def integer(op: str, name: str, value: object) -> int:
    """A parameter that takes ints and what counts as one, not bools."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(type(value), "__index__"):
        raise fail(TypeError, op, f"{name} to be an int", type(value).__name__)
    value = operator.index(value)
    if not _INT64_MIN <= value <= _INT64_MAX:
        raise fail(ValueError, op, f"{name} within 64 bits", value)
    return value


# ---- checks of the distributions' parameters ----


def _check_floating(op: str, array: np.ndarray) -> None:
    if array.dtype.kind != "f":
        raise fail(NotImplementedError, op, "a float32 or float64 tensor", f"torch.{array.dtype}")


def _check_uniform(op: str, array: np.ndarray, low: float, high: float) -> None:
    _check_floating(op, array)
    limit = _LARGEST[array.dtype.char]
    for name, value in (("from", low), ("to", high)):
        if not -limit <= value <= limit:
            raise fail(RuntimeError, op, f"{name} within the range of torch.{array.dtype}", value)
    if not low <= high:
        raise fail(RuntimeError, op, "from <= to", f"from={low} and to={high}")
    if not high - low <= limit:
        raise fail(RuntimeError, op, f"to - from within the range of torch.{array.dtype}", high - low)


def check_std(op: str, std: float) -> None:
    if not std >= 0:
        raise fail(RuntimeError, op, "std >= 0", std)


def largest_integer(kind: np.dtype) -> int:
    """Up to here a dtype holds every integer."""
    if kind.kind == "f":
        return _EXACT[kind.name]
    return 1 if kind.kind == "b" else int(np.iinfo(kind).max)


def _rounded_bounds(array: np.ndarray, low: int, high: int) -> tuple[int, int]:
    """Where a float type has gaps between integers, from moves right and to moves left to values that it holds."""
    digits = _EXACT[array.dtype.name].bit_length() - 1
    after = int(array.dtype.type(low + 1))
    if after < low:
        low = after + (1 << (abs(low + 1).bit_length() - digits))
    before = int(array.dtype.type(high - 1))
    if before >= high:
        high = before - (1 << (abs(high - 1).bit_length() - digits))
    return low, high


def _integer_bounds(op: str, array: np.ndarray, low: int, high: int) -> tuple[int, int]:
    """Checks low <= draw < high against the dtype; gives the bounds to draw between."""
    if low >= high:
        raise fail(RuntimeError, op, "from < to", f"from={low} and to={high}")
    if array.dtype.kind == "f":
        low, high = _rounded_bounds(array, low, high)
        if low >= high:
            raise fail(RuntimeError, op, f"from < to in torch.{array.dtype}", f"from={low} and to={high}")
        exact = _EXACT[array.dtype.name]
        for name, value in (("from", low), ("to - 1", high - 1)):
            if abs(value) > exact:
                warnings.warn(
                    f"{op}: {name} is {value}, beyond the integers that torch.{array.dtype} holds exactly",
                    stacklevel=4,
                )
    else:
        bits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
        smallest, largest = (bits.min, bits.max) if bits else (0, 1)
        for name, value in (("from", low), ("to - 1", high - 1)):
            if not smallest <= value <= largest:
                raise fail(RuntimeError, op, f"{name} within the range of torch.{array.dtype}", value)
    return low, high


# ---- fills of numpy arrays ----


def _flat(array: np.ndarray) -> np.ndarray:
    """A dense array's memory in one dimension."""
    order = sorted(range(array.ndim), key=lambda d: -array.strides[d])
    return array.transpose(order).reshape(-1)


def _fill(op: str, array: np.ndarray, draw) -> None:
    """Calls draw on the array, or on a dense one with the same order of memory that is then copied into it."""
    if array.flags.forc or array.size == 0 or is_dense(array):
        draw(array)
    else:
        dense = np.empty_like(array)
        draw(dense)
        array[...] = dense


def fill_uniform(op: str, array: np.ndarray, low: float, high: float, generator: Generator) -> None:
    """U(low, high)."""
    _check_uniform(op, array, low, high)
    _fill(op, array, lambda dense: _C.random_uniform(generator, dense, low, high))


def fill_normal(op: str, array: np.ndarray, mean: float, std: float, generator: Generator) -> None:
    """N(mean, std^2)."""
    check_std(op, std)
    _check_floating(op, array)
    # PyTorch draws in blocks only into what is contiguous, else one by one; so does the kernel for fewer than 16 elements.
    blocks = array.flags.c_contiguous or array.size < 16

    def draw(dense):
        if blocks:
            _C.random_normal(generator, dense, mean, std)
            return
        flat = _flat(dense)
        for i in range(0, flat.size, 15):
            _C.random_normal(generator, flat[i : i + 15], mean, std)

    _fill(op, array, draw)


def fill_integers(op: str, array: np.ndarray, low: int, high: int, generator: Generator) -> None:
    """Integers with low <= draw < high."""
    low, high = _integer_bounds(op, array, low, high)
    if high > _INT64_MAX:
        high -= 2**64  # the kernel takes 2**63 wrapped around
    _fill(op, array, lambda dense: _C.random_integers(generator, dense, low, high))


def fill_permutation(array: np.ndarray, generator: Generator) -> None:
    """0 ... n-1 in random order, into a contiguous int64 array."""
    _C.random_permutation(generator, array)


def fill_exponential(op: str, array: np.ndarray, lambd: float, generator: Generator) -> None:
    """Density lambd exp(-lambd x)."""
    if array.dtype.kind != "f":
        raise fail(RuntimeError, op, "a float32 or float64 tensor", f"torch.{array.dtype}")
    if not lambd > 0:
        raise fail(RuntimeError, op, "lambd > 0", lambd)
    _fill(op, array, lambda dense: _C.random_exponential(generator, dense, lambd))


def fill_bernoulli(op: str, array: np.ndarray, p: object, generator: Generator) -> None:
    """1 with probability p, a number or a Tensor that broadcasts to the array's shape."""
    if not isinstance(p, Tensor):
        p = number(op, "p", p)
        if not 0 <= p <= 1:
            raise fail(RuntimeError, op, "p between 0 and 1", p)
        _fill(op, array, lambda dense: _C.random_bernoulli(generator, dense, p))
        return
    each = p._array
    if each.dtype.kind != "f":
        raise fail(NotImplementedError, op, "probabilities of dtype float32 or float64", p.dtype)
    good = (each >= 0) & (each <= 1)
    if not good.all():
        raise fail(RuntimeError, op, "probabilities between 0 and 1", each[~good].flat[0])
    try:
        each = np.broadcast_to(each, array.shape)
    except ValueError:
        raise fail(RuntimeError, op, f"p to broadcast to shape {array.shape}", each.shape) from None

    def draw(dense):
        same_order = np.empty_like(dense, each.dtype)
        same_order[...] = each
        _C.random_bernoulli_tensor(generator, same_order, dense)

    _fill(op, array, draw)


def without_replacement(weights: np.ndarray, count: int, generator: Generator) -> np.ndarray:
    """Indices of each row, none twice."""
    # The race of exponential clocks: weight / draw is largest for index i with probability weight_i / sum.
    clocks = np.empty_like(weights)
    fill_exponential("multinomial", clocks, 1.0, generator)
    with np.errstate(divide="ignore"):
        np.divide(weights, clocks, out=clocks)
    if count == 1:
        return clocks.argmax(-1, keepdims=True).astype(np.int64, copy=False)
    return np.ascontiguousarray(
        np.argsort(-clocks, -1, kind="stable")[..., :count].astype(np.int64, copy=False)
    )


def with_replacement(weights: np.ndarray, count: int, generator: Generator) -> np.ndarray:
    """Indices of each row, with repeats."""
    rows = weights.reshape(-1, weights.shape[-1])
    draws = np.empty((len(rows), count))
    fill_uniform("multinomial", draws, 0.0, 1.0, generator)
    picked = np.empty(draws.shape, np.int64)
    for row, u, out in zip(rows, draws, picked, strict=True):
        steps = np.cumsum(row, dtype=row.dtype)
        steps /= steps[-1]
        steps[-1] = 1
        out[...] = np.searchsorted(steps.astype(np.float64), u)
    return picked.reshape(*weights.shape[:-1], count)


# ---- Tensor methods ----


class RandomBackward(Node):
    """A fill forgets what it overwrites: the gradient of that is zero."""

    __slots__ = ()
    title = "RandomBackward2"

    def backward(self, grad):
        return (np.zeros_like(grad),)

    def backward_plain(self, grad):
        return (from_array(np.zeros_like(grad._array)),)


class UniformBackward(RandomBackward):
    __slots__ = ()
    title = "UniformBackward0"


class NormalBackward(RandomBackward):
    __slots__ = ()
    title = "NormalBackward0"


class BernoulliBackward(RandomBackward):
    __slots__ = ()
    title = "BernoulliBackward2"


class ExponentialBackward(RandomBackward):
    __slots__ = ()
    title = "ExponentialBackward0"


def _in_place(tensor: Tensor, op: str, kind: type[Node], fill) -> Tensor:
    """Calls fill on the tensor's array as an operation in place."""
    prepare_inplace(tensor, op)
    fill(tensor._array)
    bump(tensor)
    if mode.enabled and tensor.requires_grad:
        rebase(tensor, edge_of(record(kind, tensor._array, tensor.dtype, (tensor,))))
    return tensor


def _from_to(op: str, values: tuple, named: dict, defaults: tuple):
    """The parameters ``from`` and ``to``; the first is a word of Python, so only a dict can name it."""
    if not named and len(values) == 2:
        return values
    if not (named or values):
        return defaults
    if (
        len(values) > 2
        or set(named) - {"from", "to"}
        or len(values) + len(named) > 2
        or (values and "from" in named)
    ):
        got = f"{len(values)} positional and {sorted(named)}"
        raise fail(TypeError, op, "from and to", got)
    found = list(values) + list(defaults[len(values) :])
    for i, name in enumerate(("from", "to")):
        if name in named:
            found[i] = named[name]
    return found


@method("uniform_")
def _uniform_(self, *bounds, generator=None, **named):
    """Fill with draws from U(from, to).

    Args:
        from, to: bounds, 0 and 1.
        generator: a Generator, or None for the default one.

    Raises:
        RuntimeError: from > to, or a bound that the dtype does not hold.
        NotImplementedError: the tensor is not floating-point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.uniform_.html

    Example:
        >>> import nabi
        >>> bool((nabi.empty(3).uniform_(2, 3) >= 2).all())
        True
    """
    low, high = _from_to("uniform_", bounds, named, (0.0, 1.0))
    low, high = number("uniform_", "from", low), number("uniform_", "to", high)
    generator = generator_of("uniform_", generator)
    return _in_place(
        self, "uniform_", UniformBackward, lambda array: fill_uniform("uniform_", array, low, high, generator)
    )


@method("normal_")
def _normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Fill with draws from N(mean, std^2).

    Args:
        mean, std: numbers, std >= 0.
        generator: a Generator, or None for the default one.

    Raises:
        RuntimeError: std < 0.
        NotImplementedError: the tensor is not floating-point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.normal_.html
    """
    mean, std = number("normal_", "mean", mean), number("normal_", "std", std)
    generator = generator_of("normal_", generator)
    return _in_place(
        self, "normal_", NormalBackward, lambda array: fill_normal("normal_", array, mean, std, generator)
    )


@method("bernoulli_")
def _bernoulli_(self, p=0.5, *, generator=None):
    """Fill with 1 with probability p, else 0.

    Args:
        p: a number, or a floating-point tensor that broadcasts to this one's shape.
        generator: a Generator, or None for the default one.

    Raises:
        RuntimeError: p is not between 0 and 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.bernoulli_.html
    """
    generator = generator_of("bernoulli_", generator)
    return _in_place(
        self, "bernoulli_", BernoulliBackward, lambda array: fill_bernoulli("bernoulli_", array, p, generator)
    )


@method("random_")
def _random_(self, *bounds, generator=None, **named):
    """Fill with integers from ``from`` up to, without, ``to``; without bounds up to the dtype's largest value (2^24 for float32,
    2^53 for float64).

    Args:
        from, to: ints. One alone is ``to``; ``to=None`` is past the largest value.
        generator: a Generator, or None for the default one.

    Raises:
        RuntimeError: from >= to, or a bound that the dtype does not hold.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.random_.html
    """
    generator = generator_of("random_", generator)
    if not bounds and not named:
        return _in_place(
            self,
            "random_",
            RandomBackward,
            lambda array: _fill("random_", array, lambda dense: _C.random_full(generator, dense)),
        )
    if len(bounds) == 1 and not named:
        bounds, named = (), {"to": bounds[0]}
        integer("random_", "to", named["to"])
    low, high = _from_to("random_", bounds, named, (0, None))
    low = integer("random_", "from", low)
    if high is not None:
        high = integer("random_", "to", high)
    else:
        high = largest_integer(self._array.dtype) + 1
        if self._array.dtype.kind == "f" and low >= high - 1:
            raise fail(RuntimeError, "random_", f"from < {high - 1} for {self.dtype}", low)
    return _in_place(
        self, "random_", RandomBackward, lambda array: fill_integers("random_", array, low, high, generator)
    )


@method("exponential_")
def _exponential_(self, lambd=1.0, *, generator=None):
    """Fill with draws from the exponential distribution, density lambd exp(-lambd x).

    Args:
        lambd: a number > 0.
        generator: a Generator, or None for the default one.

    Raises:
        RuntimeError: lambd <= 0, or the tensor is not floating-point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.exponential_.html
    """
    lambd = number("exponential_", "lambd", lambd)
    generator = generator_of("exponential_", generator)
    return _in_place(
        self,
        "exponential_",
        ExponentialBackward,
        lambda array: fill_exponential("exponential_", array, lambd, generator),
    )
