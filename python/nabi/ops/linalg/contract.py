# SPDX-License-Identifier: Apache-2.0
"""Sums of products over named or numbered dimensions, brought to matrix products."""

from __future__ import annotations

from ...errors import fail
from ...tensor import Tensor, describe, method
from ..promote import check_tensor, result_type
from ..shape import diagonal
from .product import bmm, count_of, dot, mm


def outer(input, vec2):
    """output[i, j] = input[i] vec2[j].

    Args:
        input: (n).
        vec2: (m).

    Raises:
        RuntimeError: operands that are not vectors.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.outer.html

    Example:
        >>> import nabi
        >>> nabi.outer(nabi.tensor([1.0, 2.0]), nabi.tensor([3.0, 4.0]))
        tensor([[3., 4.],
                [6., 8.]])
    """
    a, b = check_tensor(input, "outer"), check_tensor(vec2, "outer", "vec2")
    if a._array.ndim != 1 or b._array.ndim != 1:
        raise fail(RuntimeError, "outer", "two vectors", f"{describe(a)} and {describe(b)}")
    return a.unsqueeze(1) * b


def ger(input, vec2):
    """:func:`outer`, by its older name."""
    return outer(input, vec2)


def vdot(input, other):
    """:func:`dot`: real numbers are their own conjugates."""
    return dot(input, other)


def inner(input, other):
    """The sum of products over the last dimension of both: output[..., ...] = sum over k of input[..., k] other[..., k].

    Args:
        input: (..., k), or a number's tensor.
        other: (..., k), or a number's tensor.

    Raises:
        RuntimeError: last dimensions that differ.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.inner.html

    Example:
        >>> import nabi
        >>> nabi.inner(nabi.tensor([1.0, 2.0]), nabi.tensor([3.0, 4.0]))
        tensor(11.)
    """
    a, b = check_tensor(input, "inner"), check_tensor(other, "inner", "other")
    if a._array.ndim == 0 or b._array.ndim == 0:
        return a * b
    if a._array.shape[-1] != b._array.shape[-1]:
        raise fail(RuntimeError, "inner", "last dimensions of one size", f"{describe(a)} and {describe(b)}")
    return tensordot(a, b, ([-1], [-1]))


method("outer")(outer)
method("ger")(ger)
method("vdot")(vdot)
method("inner")(inner)


def _dims_of(dims, a: Tensor, b: Tensor) -> tuple[list[int], list[int]]:
    m, n = a._array.ndim, b._array.ndim
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int) and not isinstance(dims, bool):
        if dims < 0 or dims > min(m, n):
            raise fail(RuntimeError, "tensordot", f"dims from 0 to {min(m, n)}", dims)
        return list(range(m - dims, m)), list(range(dims))
    try:
        first, second = ([each] if isinstance(each, int) else list(each) for each in dims)
    except (TypeError, ValueError):
        raise fail(
            RuntimeError, "tensordot", "dims to be a number or two lists of numbers", repr(dims)
        ) from None
    if len(first) != len(second):
        raise fail(RuntimeError, "tensordot", "two lists of dims of one length", repr(dims))
    found = []
    for each, rank in ((first, m), (second, n)):
        for dim in each:
            if not isinstance(dim, int):
                raise fail(TypeError, "tensordot", "dims to be integers", type(dim).__name__)
            if not -rank <= dim < rank:
                raise fail(IndexError, "tensordot", f"dims from {-rank} to {rank - 1}", dim)
        positive = [dim % rank for dim in each]
        if len(set(positive)) != len(positive):
            raise fail(RuntimeError, "tensordot", "each dim once", repr(dims))
        found.append(positive)
    return found[0], found[1]


def tensordot(a, b, dims=2):
    """The sum of products over several dimensions of two tensors.

    Args:
        a, b: any shapes.
        dims: how many of a's last and b's first dimensions; or two lists, which of a's belong to which of b's.

    Returns:
        a's other dimensions, then b's.

    Raises:
        RuntimeError: dimensions that belong together and differ, unless one has size 1.
        IndexError: a dimension that a tensor does not have.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.tensordot.html

    Example:
        >>> import nabi
        >>> nabi.tensordot(nabi.ones(2, 3, 4), nabi.ones(3, 4, 5), dims=2).shape
        torch.Size([2, 5])
    """
    check_tensor(a, "tensordot", "a"), check_tensor(b, "tensordot", "b")
    first, second = _dims_of(dims, a, b)
    for i, j in zip(first, second, strict=True):
        m, n = a._array.shape[i], b._array.shape[j]
        if m == n:
            continue
        if m != 1 and n != 1:
            raise fail(
                RuntimeError,
                "tensordot",
                f"dimension {i} of a and {j} of b of one size",
                f"{describe(a)} and {describe(b)}",
            )
        if m == 1:
            b = b.sum(j, keepdim=True, dtype=b.dtype)
        else:
            a = a.sum(i, keepdim=True, dtype=a.dtype)
    rows = [dim for dim in range(a._array.ndim) if dim not in first]
    columns = [dim for dim in range(b._array.ndim) if dim not in second]
    shape = [a._array.shape[dim] for dim in rows] + [b._array.shape[dim] for dim in columns]
    n, m = count_of(a._array.shape[dim] for dim in rows), count_of(b._array.shape[dim] for dim in columns)
    k = count_of(a._array.shape[dim] for dim in first)
    left = a.permute(rows + first).reshape(n, k)
    return mm(left, b.permute(second + columns).reshape(k, m)).reshape(shape)


class _Operand:
    """A tensor and the label of each of its dimensions, no label twice."""

    def __init__(self, tensor: Tensor, labels: list):
        self.tensor, self.labels = tensor, labels

    def diagonals(self) -> None:
        """A label that comes twice means the diagonal."""
        for label in dict.fromkeys(self.labels):
            while self.labels.count(label) > 1:
                i = self.labels.index(label)
                j = self.labels.index(label, i + 1)
                rest = [d for d in range(len(self.labels)) if d not in (i, j)]
                size = self.tensor._array.shape[i]
                if size != self.tensor._array.shape[j]:
                    raise fail(
                        RuntimeError,
                        "einsum",
                        f"dimensions {i} and {j}, which have one label, of one size",
                        describe(self.tensor),
                    )
                self.tensor = diagonal(self.tensor, 0, i, j)
                self.labels = [self.labels[d] for d in rest] + [label]

    def drop(self, labels) -> None:
        """Sums over these labels."""
        dims = [d for d, label in enumerate(self.labels) if label in labels]
        if not dims:
            return
        # One element is no sum, which would make int64 of smaller integers.
        lone = all(self.tensor._array.shape[d] == 1 for d in dims)
        self.tensor = self.tensor.squeeze(tuple(dims)) if lone else self.tensor.sum(dims)
        self.labels = [label for label in self.labels if label not in labels]

    def squeeze(self, sizes: dict) -> None:
        """Leaves out what has size 1 here and more elsewhere: it would only be repeated."""
        shape = self.tensor._array.shape
        lone = [d for d, label in enumerate(self.labels) if shape[d] == 1 and sizes[label] != 1]
        if lone:
            self.tensor = self.tensor.squeeze(tuple(lone))
            self.labels = [label for d, label in enumerate(self.labels) if d not in lone]

    def matrix(self, *groups) -> Tensor:
        """The labels in this order, each group as one dimension."""
        order = [self.labels.index(label) for group in groups for label in group]
        shape = [
            count_of(self.tensor._array.shape[self.labels.index(label)] for label in group)
            for group in groups
        ]
        return self.tensor.permute(order).reshape(shape)

    def sizes(self, labels) -> list[int]:
        return [self.tensor._array.shape[self.labels.index(label)] for label in labels]


def _contract(a: _Operand, b: _Operand, keep: set) -> _Operand:
    """Both as one, summed over what is not kept: labels in both are the batch or the sum, the others rows and columns."""
    a.drop({label for label in a.labels if label not in b.labels and label not in keep})
    b.drop({label for label in b.labels if label not in a.labels and label not in keep})
    batch = [label for label in a.labels if label in b.labels and label in keep]
    inner = [label for label in a.labels if label in b.labels and label not in keep]
    rows = [label for label in a.labels if label not in b.labels]
    columns = [label for label in b.labels if label not in a.labels]
    shape = a.sizes(batch) + a.sizes(rows) + b.sizes(columns)
    if not inner:
        # A product of elements: of any dtypes, as in PyTorch.
        left, right = a.matrix(batch, rows, []), b.matrix(batch, [], columns)
        found = left * right
    elif a.tensor.dtype is not b.tensor.dtype and not a.tensor.dtype.is_floating_point:
        wanted = result_type(a.tensor, b.tensor)  # a sum that came before made int64
        return _contract(
            _Operand(a.tensor.to(wanted), a.labels), _Operand(b.tensor.to(wanted), b.labels), keep
        )
    elif batch:
        found = bmm(a.matrix(batch, rows, inner), b.matrix(batch, inner, columns))
    else:
        found = mm(a.matrix(rows, inner), b.matrix(inner, columns))
    return _Operand(found.reshape(shape), batch + rows + columns)


def einsum(equation, *operands):
    """Products summed over labelled dimensions: ``einsum("bij,bjk->bik", a, b)`` is a batch of matrix products.

    A letter names a dimension. Letters that the output does not name are summed over, a letter twice in one operand takes
    the diagonal, ``...`` stands for dimensions that broadcast. Without ``->`` the output has the letters that come once, in
    alphabetical order. Operands are multiplied from left to right.

    Args:
        equation: as above; or the operands and lists of numbers in turn, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
        operands: tensors of one dtype, or one list of them.

    Raises:
        RuntimeError: an equation that is not well-formed, or shapes that don't fit it.
        ValueError: no operand.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.einsum.html

    Example:
        >>> import nabi
        >>> nabi.einsum("ij,j->i", nabi.ones(2, 3), nabi.tensor([1.0, 2.0, 3.0]))
        tensor([6., 6.])
    """
    inputs, output, tensors = _read(equation, operands)
    parts = [_Operand(tensor, labels) for tensor, labels in zip(tensors, inputs, strict=True)]
    for part in parts:
        part.diagonals()
    sizes: dict = {}
    for part in parts:
        for label, size in zip(part.labels, part.tensor._array.shape, strict=True):
            known = sizes.get(label, 1)
            if size != known and size != 1 and known != 1:
                raise fail(RuntimeError, "einsum", f"one size for {_shown(label)}", f"{known} and {size}")
            sizes[label] = size if known == 1 else known
    for part in parts:
        part.squeeze(sizes)
    found = parts[0]
    for at, part in enumerate(parts[1:], 1):
        keep = set(output).union(*(later.labels for later in parts[at + 1 :]))
        found = _contract(found, part, keep)
    found.drop({label for label in found.labels if label not in output})
    # What was left out as a repeated 1 everywhere cannot be: some operand has its full size.
    return found.tensor.permute([found.labels.index(label) for label in output])


def _shown(label) -> str:
    return (
        f"'{label}'"
        if isinstance(label, str)
        else f"dimension {label[1]} of '...'"
        if isinstance(label, tuple)
        else str(label)
    )


def _read(equation, operands):
    """(labels of each operand, labels of the output, tensors). A dimension of the ellipsis is ("...", its number from the right)."""
    if not operands:
        raise fail(ValueError, "einsum", "at least one operand", "none")
    if isinstance(equation, str):
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
        text = equation.replace(" ", "")
        left, arrow, right = text.partition("->")
        written = [_letters(part, text) for part in left.split(",")]
        output = _letters(right, text) if arrow else None
        tensors = list(operands)
    else:
        items = [equation, *operands]
        tensors, written = items[0 : len(items) - len(items) % 2 : 2], [list(part) for part in items[1::2]]
        output = list(items[-1]) if len(items) % 2 else None
        for label in (each for part in (*written, output or ()) for each in part):
            if label is not ... and (isinstance(label, bool) or not isinstance(label, int)):
                raise fail(TypeError, "einsum", "integers from 0 to 51 or ... as labels", repr(label))
            if label is not ... and not 0 <= label < 52:
                raise fail(ValueError, "einsum", "integers from 0 to 51 or ... as labels", label)
        if any(part.count(...) > 1 for part in (*written, output or [])):
            raise fail(RuntimeError, "einsum", "one '...' for an operand", "several")
    if len(written) != len(tensors):
        raise fail(
            RuntimeError, "einsum", f"{len(written)} operands, one for each group of labels", len(tensors)
        )
    inputs, widest = [], 0
    for at, (labels, tensor) in enumerate(zip(written, tensors, strict=True)):
        check_tensor(tensor, "einsum", f"operand {at}")
        extra = tensor._array.ndim - sum(label is not ... for label in labels)
        if extra < 0 or (extra > 0 and ... not in labels):
            wanted = (
                f"operand {at} with {len(labels)} dimensions"
                if ... not in labels
                else f"operand {at} with at least {len(labels) - 1}"
            )
            raise fail(RuntimeError, "einsum", wanted, describe(tensor))
        inputs.append(_spread(labels, extra))
        widest = max(widest, extra if ... in labels else 0)
    if output is None:
        every = [label for labels in inputs for label in labels]
        once = sorted(label for label in every if not isinstance(label, tuple) and every.count(label) == 1)
        return inputs, [*_ellipsis(widest), *once], tensors
    output = _spread(output, widest)
    known = {label for labels in inputs for label in labels}
    for label in output:
        if label not in known or output.count(label) > 1:
            wrong = (
                "labels of the operands in the output"
                if label not in known
                else "each label of the output once"
            )
            raise fail(RuntimeError, "einsum", wrong, _shown(label))
    return inputs, output, tensors


def _letters(text: str, equation: str) -> list:
    """One entry a label; ``...`` as Ellipsis."""
    before, dots, after = text.partition("...")
    labels = [*before, *([...] if dots else []), *after]
    if not all(label is ... or (label.isalpha() and label.isascii()) for label in labels):
        raise fail(RuntimeError, "einsum", "letters, ',', '->' and one '...' for an operand", repr(equation))
    return labels


def _ellipsis(count: int) -> list:
    return [("...", number) for number in range(count - 1, -1, -1)]


def _spread(labels: list, count: int) -> list:
    return [each for label in labels for each in (_ellipsis(count) if label is ... else [label])]
