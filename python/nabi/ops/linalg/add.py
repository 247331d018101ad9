# SPDX-License-Identifier: Apache-2.0
"""A tensor plus a product, beta input + alpha a b, in one kernel call: the product is added where the tensor stands."""

from __future__ import annotations

import numpy as np

from ... import _C
from ...autograd.graph import Node, record
from ...errors import fail
from ...tensor import describe, from_array, method
from ..elementwise.pointwise import inplace_form
from ..promote import check_tensor
from .product import operands, outer_array, product, products


class Added(Node):
    """beta input + alpha a b; ``context`` is (beta, alpha)"""

    __slots__ = ()
    title = "AddmmBackward0"
    saves = (1, 2)
    broadcasts = True  # input may have been repeated

    def _scaled(self, grad):
        beta = self.context[0]
        return None if self.edges[0] is None else grad if beta == 1 else _C.mul(grad, float(beta))

    def backward(self, grad):
        return self.backward_into(grad, {})

    def backward_plain(self, grad):
        a, b = self.tensors()
        beta, alpha = self.context
        return beta * grad, alpha * (grad @ b.mT), alpha * (a.mT @ grad)


class AddMM(Added):
    """for matrices"""

    __slots__ = ()
    adds_into = (1, 2)

    def backward_into(self, grad, into):
        a, b = self.arrays()
        alpha, edges = float(self.context[1]), self.edges
        return (
            self._scaled(grad),
            None if edges[1] is None else product(grad, b.T, into.get(1), alpha),
            None if edges[2] is None else product(a.T, grad, into.get(2), alpha),
        )


class AddR(AddMM):
    """for a column and a row"""

    __slots__ = ()
    title = "AddrBackward0"


class AddBMM(Added):
    """for batches of matrices"""

    __slots__ = ()
    title = "BaddbmmBackward0"
    adds_into = (1, 2)

    def backward_into(self, grad, into):
        a, b = self.arrays()
        alpha, edges = float(self.context[1]), self.edges
        return (
            self._scaled(grad),
            None if edges[1] is None else products(grad, b.swapaxes(1, 2), into.get(1), alpha),
            None if edges[2] is None else products(a.swapaxes(1, 2), grad, into.get(2), alpha),
        )


class AddMV(Added):
    """for a matrix and a vector"""

    __slots__ = ()
    title = "AddmvBackward0"

    def backward(self, grad):
        a, v = self.arrays()
        alpha, edges = float(self.context[1]), self.edges
        return (
            self._scaled(grad),
            None if edges[1] is None else outer_array(grad, v, alpha),
            None if edges[2] is None else product(a.T, grad[:, None], None, alpha).reshape(-1),
        )

    def backward_plain(self, grad):
        a, v = self.tensors()
        beta, alpha = self.context
        return beta * grad, alpha * (grad.unsqueeze(1) * v), alpha * (a.t() @ grad)


def _start(op: str, input, shape: tuple[int, ...], like, beta) -> np.ndarray | None:
    """beta input in its final shape, a fresh contiguous array; None where beta is 0 and input does not count."""
    if input.dtype is not like.dtype:
        raise fail(RuntimeError, op, "operands of one dtype", f"{input.dtype.name} and {like.dtype.name}")
    try:
        repeated = np.broadcast_to(input._array, shape)
    except ValueError:
        raise fail(RuntimeError, op, f"input that expands to shape {shape}", describe(input)) from None
    if beta == 0:
        return None
    start = _C.contiguous_copy(repeated)
    return start if beta == 1 or not like.dtype.is_floating_point else _C.mul(start, float(beta), start)


def _numbers(op: str, tensor, beta, alpha) -> None:
    for name, value in (("beta", beta), ("alpha", alpha)):
        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise fail(TypeError, op, f"{name} to be a number", type(value).__name__)
        if isinstance(value, (float, np.floating)) and not tensor.dtype.is_floating_point:
            raise fail(
                RuntimeError, op, f"{name} to be an integer for {tensor.dtype.name} tensors", repr(value)
            )


def _integers(input, shape, a, b, beta, alpha):
    alpha, beta = (
        np.asarray(int(each), np.int64).astype(a._array.dtype) for each in (alpha, beta)
    )  # they wrap
    with np.errstate(all="ignore"):
        found = np.matmul(a._array, b._array) * alpha
        if beta != 0:
            found = found + np.broadcast_to(input._array, shape) * beta
    return from_array(np.asarray(found))


def _added(op: str, kind, ranks, expected: str, multiply, input, first, second, beta, alpha):
    check_tensor(input, op)
    a, b = operands(op, first, second, ranks, expected)
    _numbers(op, a, beta, alpha)
    shape = (*a._array.shape[:-1], *b._array.shape[ranks[0] - 1 :])
    start = _start(op, input, shape, a, beta)
    if not a.dtype.is_floating_point:
        return _integers(input, shape, a, b, beta, alpha)
    if start is None:
        start = multiply(a._array, b._array, None, float(alpha))
    else:
        multiply(a._array, b._array, start, float(alpha))
    return record(kind, start, a.dtype, (input, a, b), (beta, alpha))


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta input + alpha mat1 mat2.

    Args:
        input: what broadcasts to (n, m); not read where beta is 0.
        mat1: (n, k).
        mat2: (k, m).
        beta, alpha: numbers; integers for tensors of integers.

    Raises:
        RuntimeError: shapes or dtypes that don't fit.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmm.html

    Example:
        >>> import nabi
        >>> nabi.addmm(nabi.ones(2), nabi.eye(2), nabi.eye(2), alpha=3)
        tensor([[4., 1.],
                [1., 4.]])
    """
    expected = "matrices of shapes (n, k) and (k, m)"
    return _added("addmm", AddMM, (2, 2), expected, product, input, mat1, mat2, beta, alpha)


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha batch1 batch2, for (b, n, k) and (b, k, m); input broadcasts to (b, n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.baddbmm.html
    """
    expected = "shapes (b, n, k) and (b, k, m)"
    return _added("baddbmm", AddBMM, (3, 3), expected, products, input, batch1, batch2, beta, alpha)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta input + alpha mat vec, for (n, k) and (k); input broadcasts to (n).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addmv.html
    """

    def multiply(a, v, into, scale):
        found = product(a, v[:, None], None if into is None else into[:, None], scale)
        return None if found is None else found.reshape(-1)

    expected = "a matrix (n, k) and a vector (k)"
    return _added("addmv", AddMV, (2, 1), expected, multiply, input, mat, vec, beta, alpha)


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (sum over b of batch1[b] batch2[b]), for (b, n, k) and (b, k, m); input broadcasts to (n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addbmm.html
    """
    a, b = operands("addbmm", batch1, batch2, (3, 3), "shapes (b, n, k) and (b, k, m)")
    check_tensor(input, "addbmm")
    # The batch is part of the sum: one product with b k terms.
    count, n, k = a._array.shape
    left = a.transpose(0, 1).reshape(n, count * k)
    return addmm(input, left, b.reshape(count * k, b._array.shape[2]), beta=beta, alpha=alpha)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta input + alpha (vec1 vec2^T), for (n) and (m); input broadcasts to (n, m).

    Source: https://docs.pytorch.org/docs/stable/generated/torch.addr.html
    """
    check_tensor(input, "addr")
    a, b = check_tensor(vec1, "addr", "vec1"), check_tensor(vec2, "addr", "vec2")
    if a._array.ndim != 1 or b._array.ndim != 1:
        raise fail(RuntimeError, "addr", "two vectors", f"{describe(a)} and {describe(b)}")
    expected = "vectors of one dtype"
    columns, rows = a.unsqueeze(1), b.unsqueeze(0)
    return _added("addr", AddR, (2, 2), expected, product, input, columns, rows, beta, alpha)


for _function in (addmm, addmv, addr, addbmm, baddbmm):
    method(_function.__name__)(_function)
addmm_, addmv_, addr_ = (inplace_form(f.__name__, f) for f in (addmm, addmv, addr))
addbmm_, baddbmm_ = (inplace_form(f.__name__, f) for f in (addbmm, baddbmm))
