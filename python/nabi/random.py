# SPDX-License-Identifier: Apache-2.0
"""Random tensors with PyTorch's draws. The stream itself is nabi/generator.py's, fills in place are nabi/ops/random.py's."""

from __future__ import annotations

import numpy as np

from .dtype import as_dtype, bool_, get_default_dtype, int64
from .errors import fail, note, unsupported
from .generator import (
    Generator,
    check_device,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .ops import random as fills
from .tensor import Tensor, from_array, method

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]


def _tensor(op: str, value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise fail(TypeError, op, "input to be a Tensor", type(value).__name__)
    return value


def _shape(op: str, sizes: tuple, size: object = None) -> tuple:
    if size is not None:
        sizes = (*sizes, size)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    elif not sizes:
        raise fail(TypeError, op, "a size", "none")
    if not all(type(each) is int for each in sizes):
        sizes = [fills.integer(op, "size", each) for each in sizes]
    if sizes and min(sizes) < 0:
        raise fail(RuntimeError, op, "no negative size", list(sizes))
    return tuple(sizes)


def _options(op: str, out, layout, device, pin_memory=False) -> None:
    if out is not None:
        raise unsupported(
            f"{op}(out=...)", "use the tensor it returns, or a fill in place such as uniform_()"
        )
    if layout is not None and str(layout) != "torch.strided":
        raise unsupported(f"{op}(layout={layout})", "its tensors are strided")
    if pin_memory:
        raise note(
            RuntimeError, op, "expected pin_memory=False, got True without an accelerator to pin memory for"
        )
    check_device(op, device)


def _check_grad(op: str, dtype: np.dtype, requires_grad: bool) -> None:
    if requires_grad and dtype.kind != "f":
        raise fail(RuntimeError, op, "a floating-point dtype with requires_grad=True", f"torch.{dtype}")


def _empty(op: str, shape: tuple, dtype, default=None) -> np.ndarray:
    element = default or get_default_dtype() if dtype is None else as_dtype(dtype, op)
    return np.empty(shape, element.numpy)


def _empty_like(op: str, input: object, dtype, layout, device, memory_format) -> np.ndarray:
    source = _tensor(op, input)._array
    _options(op, None, layout, device)
    wanted = "torch.preserve_format" if memory_format is None else str(memory_format)
    if wanted not in ("torch.preserve_format", "torch.contiguous_format"):
        raise unsupported(f"{op}(memory_format={wanted})", "use nabi.contiguous_format")
    keep = wanted == "torch.preserve_format" and 0 not in source.strides
    element = input.dtype if dtype is None else as_dtype(dtype, op)
    return np.empty_like(source, element.numpy, "K" if keep else "C", subok=False)


def _uniform(op: str, array: np.ndarray, generator, requires_grad: bool) -> Tensor:
    fills.fill_uniform(op, array, 0.0, 1.0, fills.generator_of(op, generator))
    return from_array(array, bool(requires_grad))


def _normal(op: str, array: np.ndarray, mean: float, std: float, generator, requires_grad: bool) -> Tensor:
    fills.fill_normal(op, array, mean, std, fills.generator_of(op, generator))
    return from_array(array, bool(requires_grad))


def rand(
    *sizes,
    size=None,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
) -> Tensor:
    """Uniform draws from [0, 1).

    Args:
        sizes: the shape, as ints or one tuple.
        generator: a Generator, or None for the default one.
        dtype: float32 or float64; the default dtype if None.
        device: "cpu".
        requires_grad: record what is done with the result.

    Returns:
        A tensor of that shape.

    Raises:
        NotImplementedError: a dtype that is not floating-point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.rand.html

    Example:
        >>> import nabi
        >>> nabi.rand(2, 3).shape
        torch.Size([2, 3])
    """
    _options("rand", out, layout, device, pin_memory)
    return _uniform("rand", _empty("rand", _shape("rand", sizes, size), dtype), generator, requires_grad)


def randn(
    *sizes,
    size=None,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
) -> Tensor:
    """Draws from the standard normal distribution N(0, 1). Arguments as in :func:`rand`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randn.html

    Example:
        >>> import nabi
        >>> nabi.randn(2, 3, dtype=nabi.float64).dtype
        torch.float64
    """
    _options("randn", out, layout, device, pin_memory)
    array = _empty("randn", _shape("randn", sizes, size), dtype)
    return _normal("randn", array, 0.0, 1.0, generator, requires_grad)


def rand_like(
    input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None
) -> Tensor:
    """Uniform draws from [0, 1) in the shape, dtype and layout of ``input``. Other arguments as in :func:`rand`."""
    array = _empty_like("rand_like", input, dtype, layout, device, memory_format)
    return _uniform("rand_like", array, generator, requires_grad)


def randn_like(
    input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None
) -> Tensor:
    """Standard normal draws in the shape, dtype and layout of ``input``. Other arguments as in :func:`rand`."""
    array = _empty_like("randn_like", input, dtype, layout, device, memory_format)
    return _normal("randn_like", array, 0.0, 1.0, generator, requires_grad)


def _low_high(op: str, values: tuple, low: object, high: object) -> tuple[int, int]:
    """(high), (low, high), or either by name; low is 0 where only one is given."""
    if len(values) == 2 and low is None and high is None:
        low, high = values
    elif len(values) == 1 and high is None and low is None:
        high = values[0]
    elif len(values) == 1 and high is not None and low is None:
        low = values[0]
    elif values or high is None:
        raise fail(
            TypeError, op, "high, or low and high", f"{len(values)} positional, low={low} and high={high}"
        )
    return fills.integer(op, "low", 0 if low is None else low), fills.integer(op, "high", high)


def randint(
    *bounds_and_size,
    low=None,
    high=None,
    size=None,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
) -> Tensor:
    """Integers from ``low`` up to, without, ``high``, each as likely: ``randint(high, size)`` or ``randint(low, high, size)``.

    Args:
        low: 0 if not given.
        high: an int.
        size: the shape, a tuple.
        dtype: int64 if None; a float type holds whole numbers.
        generator, device, requires_grad: as in :func:`rand`.

    Raises:
        RuntimeError: low >= high, or a bound that the dtype does not hold.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randint.html

    Example:
        >>> import nabi
        >>> bool((nabi.randint(3, 7, (10,)) < 7).all())
        True
    """
    values = bounds_and_size
    if size is None and values:
        values, size = values[:-1], values[-1]
    if not isinstance(size, (tuple, list)):
        raise fail(
            TypeError, "randint", "size to be a tuple", "none" if size is None else type(size).__name__
        )
    low, high = _low_high("randint", values, low, high)
    _options("randint", out, layout, device, pin_memory)
    array = _empty("randint", _shape("randint", (size,)), dtype, int64)
    _check_grad("randint", array.dtype, requires_grad)
    fills.fill_integers("randint", array, low, high, fills.generator_of("randint", generator))
    return from_array(array, bool(requires_grad))


def randint_like(
    input,
    *bounds,
    low=None,
    high=None,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    memory_format=None,
) -> Tensor:
    """Integers as from :func:`randint` in the shape, dtype and layout of ``input``: ``randint_like(input, high)`` or
    ``randint_like(input, low, high)``."""
    low, high = _low_high("randint_like", bounds, low, high)
    array = _empty_like("randint_like", input, dtype, layout, device, memory_format)
    _check_grad("randint_like", array.dtype, requires_grad)
    fills.fill_integers("randint_like", array, low, high, fills.generator_of("randint_like", generator))
    return from_array(array, bool(requires_grad))


def randperm(
    n,
    *,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
) -> Tensor:
    """The numbers 0 ... n-1 in random order.

    Args:
        n: how many.
        dtype: int64 if None; it must hold n - 1.
        generator, device, requires_grad: as in :func:`rand`.

    Returns:
        A tensor of shape (n,).

    Raises:
        RuntimeError: n < 0, or more than the dtype holds.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.randperm.html

    Example:
        >>> import nabi
        >>> sorted(nabi.randperm(5).tolist())
        [0, 1, 2, 3, 4]
    """
    _options("randperm", out, layout, device, pin_memory)
    (n,) = _shape("randperm", (n,))
    element = int64 if dtype is None else as_dtype(dtype, "randperm")
    if element is bool_:
        raise fail(NotImplementedError, "randperm", "a dtype of numbers", element)
    if n - 1 > fills.largest_integer(element.numpy):
        raise fail(RuntimeError, "randperm", f"n - 1 within the range of {element}", n)
    _check_grad("randperm", element.numpy, requires_grad)
    array = np.empty(n, np.int64)
    fills.fill_permutation(array, fills.generator_of("randperm", generator))
    return from_array(array.astype(element.numpy, copy=False), bool(requires_grad))


def normal(
    mean,
    std=None,
    size=None,
    *,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
) -> Tensor:
    """Draws from N(mean, std^2), element by element where a parameter is a tensor.

    Args:
        mean, std: numbers, or tensors that broadcast together; std is 1 if not given beside a tensor mean.
        size: the shape, when both are numbers.
        generator, dtype, device, requires_grad: as in :func:`rand`; dtype only with a size.

    Raises:
        RuntimeError: std < 0, or shapes that don't broadcast.
        NotImplementedError: tensors that are not floating-point.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.normal.html

    Example:
        >>> import nabi
        >>> nabi.normal(nabi.zeros(3), nabi.ones(2, 1)).shape
        torch.Size([2, 3])
    """
    _options("normal", out, layout, device, pin_memory)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        if size is None or std is None:
            raise fail(
                TypeError, "normal", "a tensor as mean or std, or a mean, a std and a size", "numbers alone"
            )
        mean, std = fills.number("normal", "mean", mean), fills.number("normal", "std", std)
        array = _empty("normal", _shape("normal", (size,)), dtype)
        return _normal("normal", array, mean, std, generator, requires_grad)
    if size is not None or dtype is not None:
        raise fail(TypeError, "normal", "size and dtype only with numbers for mean and std", "a tensor")
    return _normal_each(
        mean, 1.0 if std is None else std, fills.generator_of("normal", generator), requires_grad
    )


def _normal_each(mean, std, generator: Generator, requires_grad: bool) -> Tensor:
    like = mean if isinstance(mean, Tensor) else std
    means = mean._array if isinstance(mean, Tensor) else np.asarray(fills.number("normal", "mean", mean))
    stds = std._array if isinstance(std, Tensor) else np.asarray(fills.number("normal", "std", std))
    if not (stds >= 0).all():
        raise fail(RuntimeError, "normal", "std >= 0", stds[~(stds >= 0)].flat[0])
    try:
        shape = np.broadcast_shapes(means.shape, stds.shape)
    except ValueError:
        raise fail(RuntimeError, "normal", f"std to broadcast with shape {means.shape}", stds.shape) from None
    array = np.empty(shape, like._array.dtype)
    # A 0-d operand does not widen the result (dtype.py); numpy's would.
    means, stds = (
        each.astype(array.dtype) if each.ndim == 0 or each.dtype.kind != "f" else each
        for each in (means, stds)
    )
    if isinstance(std, Tensor):
        fills.fill_normal("normal", array, 0.0, 1.0, generator)
        np.multiply(array, stds, out=array, casting="same_kind")
    else:
        fills.fill_normal("normal", array, 0.0, float(std), generator)
    np.add(array, means, out=array, casting="same_kind")
    return from_array(array, bool(requires_grad))


def bernoulli(input, p=None, *, generator=None, out=None) -> Tensor:
    """1 with a probability, else 0: ``input`` holds the probabilities, or only the shape and dtype if ``p`` is given.

    Args:
        input: a floating-point tensor with values between 0 and 1; any tensor beside ``p``.
        p: a number or a tensor of probabilities.
        generator: a Generator, or None for the default one.

    Returns:
        A contiguous tensor of the shape and dtype of ``input``.

    Raises:
        RuntimeError: a probability that is not between 0 and 1.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.bernoulli.html

    Example:
        >>> import nabi
        >>> nabi.bernoulli(nabi.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """
    _options("bernoulli", out, None, None)
    _tensor("bernoulli", input)
    array = np.empty(input._array.shape, input._array.dtype)
    fills.fill_bernoulli(
        "bernoulli", array, input if p is None else p, fills.generator_of("bernoulli", generator)
    )
    return from_array(array)


def multinomial(input, num_samples, replacement=False, *, generator=None, out=None) -> Tensor:
    """Indices drawn with the weights of each row, which need not add up to 1.

    Args:
        input: weights >= 0, shape (n,) or (rows, n), float32 or float64.
        num_samples: how many indices for each row.
        replacement: whether an index may come again.
        generator: a Generator, or None for the default one.

    Returns:
        int64, shape (num_samples,) or (rows, num_samples).

    Raises:
        RuntimeError: weights that are negative, infinite, nan or all zero; more samples than weights without replacement.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html

    Example:
        >>> import nabi
        >>> nabi.multinomial(nabi.tensor([0.0, 1.0, 0.0]), 2, replacement=True)
        tensor([1, 1])
    """
    op = "multinomial"
    _options(op, out, None, None)
    weights = _tensor(op, input)._array
    if weights.dtype.kind != "f":
        raise fail(RuntimeError, op, "floating-point weights", input.dtype)
    if weights.ndim not in (1, 2):
        raise fail(RuntimeError, op, "weights of 1 or 2 dimensions", weights.ndim)
    count = fills.integer(op, "num_samples", num_samples)
    if count <= 0:
        raise fail(RuntimeError, op, "num_samples > 0", count)
    if not replacement and count > weights.shape[-1]:
        raise fail(RuntimeError, op, f"at most {weights.shape[-1]} samples without replacement", count)
    if weights.size == 0:
        return from_array(np.empty((*weights.shape[:-1], count), np.int64))
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise fail(
            RuntimeError,
            op,
            "weights >= 0 and finite",
            weights[~((weights >= 0) & (weights < np.inf))].flat[0],
        )
    if (weights.sum(-1) == 0).any():
        raise fail(RuntimeError, op, "a sum of weights > 0", 0)
    generator = fills.generator_of(op, generator)
    draw = fills.with_replacement if replacement and count > 1 else fills.without_replacement
    return from_array(draw(weights, count, generator))


@method("bernoulli")
def _tensor_bernoulli(self, p=None, *, generator=None):
    """As :func:`nabi.bernoulli`."""
    return bernoulli(self, p, generator=generator)


@method("multinomial")
def _tensor_multinomial(self, num_samples, replacement=False, *, generator=None):
    """As :func:`nabi.multinomial`."""
    return multinomial(self, num_samples, replacement, generator=generator)
