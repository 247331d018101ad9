# SPDX-License-Identifier: Apache-2.0
"""Softmax and the cross entropy made of it."""

from __future__ import annotations

import math

import numpy as np

from .. import _C
from ..autograd.graph import Node, record, wants_grad
from ..dtype import as_dtype
from ..errors import fail
from ..tensor import Tensor, describe, from_array, method, normal_dim
from .promote import cast, check_tensor, same_float

_C_cross_entropy = _C.cross_entropy
_C_softmax = _C.softmax


class CrossEntropy(Node):
    """mean or sum of cross entropies; keeps their gradient, formed while the logits were at hand."""

    __slots__ = ()
    title = "NllLossBackward0"
    saves = (0,)

    def backward(self, grad):
        slopes = self.arrays()[1]
        if grad.ndim:
            return (_C.scale_rows(grad.reshape(-1), slopes),)
        factor = float(grad)
        return (slopes if factor == 1.0 else _C.mul(slopes, factor),)

    def backward_plain(self, grad):
        logits = self.tensors()[0]
        target, weight, ignore_index, smoothing, mean = self.context
        return (_plain_slopes(logits, target, weight, ignore_index, smoothing, mean, grad),)


class CrossEntropyPlanes(CrossEntropy):
    """of logits with more dimensions than (N, C)"""

    __slots__ = ()
    title = "NllLoss2DBackward0"


class CrossEntropyView(CrossEntropy):
    """unreduced, of logits with one or three dimensions behind (N, C)"""

    __slots__ = ()
    title = "ViewBackward0"


class CrossEntropySmooth(CrossEntropy):
    """with label smoothing"""

    __slots__ = ()
    title = "AddBackward0"


class CrossEntropySoft(CrossEntropy):
    """with class probabilities"""

    __slots__ = ()
    title = "NegBackward0"


class CrossEntropySoftMean(CrossEntropy):
    """with class probabilities, their mean"""

    __slots__ = ()
    title = "DivBackward1"


def _kind(soft: bool, mean: bool, rows: bool, smooth: bool, ndim: int):
    """The node's class: it bears the name of the last of the operations that PyTorch records."""
    if soft:
        return CrossEntropySoftMean if mean else CrossEntropySoft
    if smooth:
        return CrossEntropySmooth
    if ndim <= 2:
        return CrossEntropy
    return CrossEntropyView if rows and ndim != 4 else CrossEntropyPlanes


def _plain_slopes(logits, target, weight, ignore_index, smoothing, mean, grad):
    """d loss / d logits = p * (sum of q) - q, with q the weighted, smoothed target, as Tensor operations."""
    rows, classes = logits._array.shape
    labels = target._array
    kinds = np.ones(classes, logits._array.dtype) if weight is None else weight._array
    if target.dtype.is_floating_point:
        q = (labels * (1 - smoothing) + smoothing / classes) * kinds
        total = rows
    else:
        kept = labels != ignore_index
        own = np.where(kept, labels, 0)
        q = np.zeros((rows, classes), logits._array.dtype)
        q[np.arange(rows), own] = (1 - smoothing) * kinds[own]
        q += smoothing / classes * kinds
        q *= kept[:, None]
        total = float((kinds[own] * kept).sum())
    q = from_array(q.astype(logits._array.dtype))
    scale = grad.reshape(-1, 1) if grad._array.ndim else grad
    if mean:
        scale = scale / total
    return (softmax(logits, 1) * q.sum(1, keepdim=True) - q) * scale


def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index: int = -100,
    reduce=None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
):
    """-sum over classes of target * log softmax(input), per row; from raw logits.

    Args:
        input: logits (N, C), (C) or (N, C, d1, ...).
        target: class indices int64 (N), () or (N, d1, ...), or probabilities of ``input``'s shape.
        weight: (C), a factor per class.
        ignore_index: targets with this index count neither in the sum nor in the mean.
        reduction: "mean" (divided by the summed weights of the targets), "sum" or "none".
        label_smoothing: from 0 to 1; the share of the target spread over all classes.

    Raises:
        IndexError: a target outside [0, C).
        RuntimeError, ValueError: shapes or dtypes that don't fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html

    Example:
        >>> import nabi
        >>> import nabi.nn.functional as F
        >>> F.cross_entropy(nabi.zeros(1, 2), nabi.tensor([1]))
        tensor(0.6931)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    if reduction not in ("mean", "sum", "none"):
        raise fail(ValueError, "cross_entropy", "reduction 'mean', 'sum' or 'none'", repr(reduction))
    check_tensor(input, "cross_entropy")
    check_tensor(target, "cross_entropy", "target")
    logits = input
    shape = input._array.shape
    result_shape = None
    if len(shape) != 2:
        logits, target, result_shape = _as_rows(input, target)
    if not 0.0 <= label_smoothing <= 1.0:
        raise fail(RuntimeError, "cross_entropy", "label_smoothing from 0 to 1", label_smoothing)
    if weight is not None:
        check_tensor(weight, "cross_entropy", "weight")
        if weight._array.shape != logits._array.shape[1:]:
            raise fail(
                RuntimeError,
                "cross_entropy",
                f"weight with {logits._array.shape[1]} entries, one a class",
                describe(weight),
            )
    soft = target.dtype.is_floating_point
    _check_target(logits, target, soft)
    same_float("cross_entropy", ("input", logits), ("weight", weight))
    weights = None if weight is None else weight._array
    rows, recorded = reduction == "none", wants_grad(logits)
    mean = reduction == "mean"
    if soft:
        same_float("cross_entropy", ("input", logits), ("target", target))
        if wants_grad(target):
            return _soft_from_parts(logits, target, weight, label_smoothing, reduction, result_shape)
        losses, loss, slopes = _C.cross_entropy_soft(
            logits._array, target._array, weights, label_smoothing, mean, rows, not rows, recorded
        )
    else:
        losses, loss, slopes = _C_cross_entropy(
            logits._array,
            target._array,
            weights,
            ignore_index,
            label_smoothing,
            mean,
            rows,
            not rows,
            recorded,
        )
    found = losses if rows else loss
    return record(
        CrossEntropy
        if len(shape) == 2 and not soft and not label_smoothing
        else _kind(soft, mean, rows, label_smoothing > 0, len(shape)),
        found if result_shape is None or not rows else found.reshape(result_shape),
        logits.dtype,
        (logits,),
        (target, weight, ignore_index, label_smoothing, mean),
        (slopes,),
    )


def _check_target(logits: Tensor, target: Tensor, soft: bool) -> None:
    n, c = logits._array.shape
    if soft:
        if target._array.shape != (n, c):
            raise fail(
                RuntimeError,
                "cross_entropy",
                f"class probabilities of shape {(n, c)} like the logits",
                describe(target),
            )
        return
    if target.dtype.name != "int64":
        if target.dtype.name == "uint8":
            raise fail(RuntimeError, "cross_entropy", "target of dtype int64", target.dtype.name)
        raise fail(RuntimeError, "cross_entropy", "target of dtype int64 (class indices)", target.dtype.name)
    if target._array.shape != (n,):
        raise fail(
            ValueError, "cross_entropy", f"target of shape ({n},), one class index a row", describe(target)
        )


def _as_rows(input: Tensor, target: Tensor):
    """(C) and (N, C, d...) brought to (N, C); also the shape of unreduced losses."""
    shape = input._array.shape
    soft = target.dtype.is_floating_point
    if len(shape) == 0:
        raise fail(ValueError, "cross_entropy", "logits with a class dimension", describe(input))
    if len(shape) == 1:
        wanted = shape if soft else ()
        if target._array.shape != wanted:
            raise fail(RuntimeError, "cross_entropy", f"target of shape {wanted}", describe(target))
        return input.unsqueeze(0), target.unsqueeze(0), ()
    rest = (shape[0], *shape[2:])
    wanted = shape if soft else rest
    if target._array.shape[:1] != shape[:1]:
        raise fail(ValueError, "cross_entropy", f"target with {shape[0]} rows", describe(target))
    if target._array.shape != wanted:
        raise fail(RuntimeError, "cross_entropy", f"target of shape {wanted}", describe(target))
    classes = shape[1]
    count = input._array.size // classes if classes else 0
    logits = input.movedim(1, -1).reshape(count, classes)
    target = target.movedim(1, -1).reshape(count, classes) if soft else target.reshape(count)
    return logits, target, rest


def _soft_from_parts(logits, target, weight, smoothing: float, reduction: str, shape):
    """Probabilities that want a gradient themselves: the formula in operations."""
    classes = logits._array.shape[1]
    q = target * (1 - smoothing) + smoothing / classes if smoothing else target
    if weight is not None:
        q = q * weight
    losses = (log_softmax(logits, 1) * q).sum(1)
    if reduction == "none":
        return -(losses if shape is None else losses.reshape(shape))
    total = -losses.sum()
    return total / logits._array.shape[0] if reduction == "mean" else total


def legacy_reduction(size_average, reduce) -> str:
    """The reduction that PyTorch's old arguments mean, with its warning."""
    import warnings

    average = True if size_average is None else size_average
    found = "none" if reduce is False else "mean" if average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
        UserWarning,
        stacklevel=3,
    )
    return found


class Softmax(Node):
    """softmax or, with ``context[1]``, its logarithm, along dimension ``context[0]``"""

    __slots__ = ()
    title = "SoftmaxBackward0"
    saves = (-1,)

    def backward(self, grad):
        dim, logarithm = self.context
        (output,) = self.arrays()
        return (
            _along(
                lambda g, y: _C.softmax_backward(g, y, logarithm),
                lambda g, y: _C.softmax_across_backward(g, y, logarithm),
                dim,
                grad,
                output,
            ),
        )

    def backward_plain(self, grad):
        dim, logarithm = self.context
        (output,) = self.tensors()
        if logarithm:
            return (grad - softmax(output, dim) * grad.sum(dim, keepdim=True),)
        return (output * (grad - (grad * output).sum(dim, keepdim=True)),)


class LogSoftmax(Softmax):
    """log softmax"""

    __slots__ = ()
    title = "LogSoftmaxBackward0"


def _along(last, across, dim: int, *arrays):
    """The kernel for rows that lie along memory, or the one for rows that lie across it; a contiguous result."""
    shape = arrays[0].shape
    if dim == len(shape) - 1:
        return last(*arrays)
    if not shape:
        return _C.reshaped(last(*(_C.reshaped(array, (1,)) for array in arrays)), shape)
    parts = (math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :]))
    kernel = across
    if parts[2] == 1:
        parts, kernel = parts[:2], last
    return _C.reshaped(kernel(*(_C.reshaped(array, parts) for array in arrays)), shape)


def _softmax(input, dim, dtype, logarithm: bool, op: str):
    check_tensor(input, op)
    if dtype is not None:
        input = cast(input, as_dtype(dtype, op))
    if not input.dtype.is_floating_point:
        raise fail(NotImplementedError, op, "input of a floating-point dtype", input.dtype)
    if dim is None:
        import warnings

        warnings.warn(
            f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an argument.",
            UserWarning,
            stacklevel=3,
        )
        dim = 0 if input._array.ndim in (0, 1, 3) else 1
    dim = normal_dim(dim, input._array.ndim, op)
    array = input._array
    if dim == array.ndim - 1:
        found = _C_softmax(array, logarithm)
    else:
        found = _along(
            lambda x: _C_softmax(x, logarithm), lambda x: _C.softmax_across(x, logarithm), dim, array
        )
    return record(LogSoftmax if logarithm else Softmax, found, input.dtype, (input,), (dim, logarithm))


@method("softmax")
def softmax(input, dim=None, _stacklevel: int = 3, dtype=None):
    """exp(input) / sum of exp(input) along ``dim``; contiguous.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.softmax.html

    Example:
        >>> import nabi
        >>> nabi.softmax(nabi.zeros(2), dim=0)
        tensor([0.5000, 0.5000])
    """
    return _softmax(input, dim, dtype, False, "softmax")


@method("log_softmax")
def log_softmax(input, dim=None, _stacklevel: int = 3, dtype=None):
    """The logarithm of softmax along ``dim``, without its loss of accuracy.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.log_softmax.html

    Example:
        >>> import nabi
        >>> nabi.log_softmax(nabi.zeros(2), dim=0)
        tensor([-0.6931, -0.6931])
    """
    return _softmax(input, dim, dtype, True, "log_softmax")
