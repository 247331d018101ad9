# SPDX-License-Identifier: Apache-2.0
"""Views and in-place changes.

A view remembers its base and the steps that lead to it. When the base's history changes (an in-place operation on the
base or on any view of it) the view's own node is out of date; it is made again when it is next asked for, from the base's
new node and the same steps. An in-place operation on a view turns the base's node into a :class:`CopySlices`: the
gradient of the view's elements goes to the operation, that of the others to the base's older node.
"""

from __future__ import annotations

import numpy as np

from .. import _C
from .._C import NodeBase, record_view
from ..errors import fail, note
from ..layout import address, can_write, copy_layout, write_into
from ..tensor import Tensor, describe, from_array, method, storage_of
from .graph import FROZEN, Node, Slot, _attach, edge_of, mode
from .unbroadcast import unbroadcast, unbroadcast_plain

_new = NodeBase.__new__


class View(Node):
    """An operation whose output looks into its input's memory. ``context`` holds the step's arguments."""

    __slots__ = ()
    title = "ViewBackward0"

    @staticmethod
    def view(array: np.ndarray, context) -> np.ndarray:
        """The step on an array: always a numpy view, never a copy."""
        raise NotImplementedError


# record_view(kind, source, array, context) is the Tensor of a view ``array`` of ``source``: it shares memory and version,
# and follows in-place changes.


class ViewChain(Node):
    """A view's node made again: all steps from the base at once. ``context`` is (steps, shape and strides of the base)."""

    __slots__ = ()
    title = "AsStridedBackward0"

    def _back(self, grad, plain: bool):
        steps, shape, strides = self.context
        # Memory is not touched: one element stands for all.
        part = np.lib.stride_tricks.as_strided(np.empty(1, self.dtype.numpy), shape, strides)
        nodes = []
        for kind, context in steps:
            node = _new(kind)
            node.context = context
            nodes.append((node, part.shape))
            part = kind.view(part, context)
        for node, own in reversed(nodes):
            (grad,) = node.backward_plain(grad) if plain else node.backward(grad)
            if node.broadcasts:
                grad = unbroadcast_plain(grad, own) if plain else unbroadcast(grad, own)
        return (grad,)

    def backward(self, grad):
        return self._back(grad, plain=False)

    def backward_plain(self, grad):
        return self._back(grad, plain=True)


class CopySlices(Node):
    """The base's node after an in-place operation on a view of it. Edges: the base's older history, the operation.
    ``context`` is (steps, shape and strides of the base)."""

    __slots__ = ()
    title = "CopySlices"

    def backward(self, grad):
        steps, shape, strides = self.context
        whole = _with_strides(shape, strides, grad.dtype)
        write_into(whole, grad)
        part = whole
        for kind, context in steps:
            part = kind.view(part, context)
        if not part.flags.writeable:  # as numpy leaves what repeats elements
            part = np.ndarray(
                part.shape, part.dtype, whole.base, address(part) - address(whole), part.strides
            )
        changed = None if self.edges[1] is None else _C.contiguous_copy(part)
        part[...] = 0
        return whole, changed

    def backward_plain(self, grad):
        steps, shape, strides = self.context
        whole = from_array(_with_strides(shape, strides, grad._array.dtype)).copy_(grad)
        part = whole
        for kind, context in steps:
            part = record_view(kind, part, kind.view(part._array, context), context)
        changed = None if self.edges[1] is None else part.clone()
        part.zero_()
        return whole, changed


class CopyBackwards(CopySlices):
    """The same after an operation that replaced every element: no step leads from the whole to what was changed."""

    __slots__ = ()
    title = "CopyBackwards"


class Overwritten(Node):
    """A tensor whose every element was replaced by values that need no gradient: its older history gets zeros."""

    __slots__ = ()
    title = "FillBackward0"

    def backward(self, grad):
        return (_C.zeros(grad.shape, grad.dtype),)

    def backward_plain(self, grad):
        return (from_array(_C.zeros(grad._array.shape, grad._array.dtype)),)


def _with_strides(shape, strides, dtype) -> np.ndarray:
    """A fresh array of exactly these strides, so that a view's steps fit it as they fitted the base."""
    span = 1 + sum((size - 1) * step for size, step in zip(shape, strides, strict=True)) // dtype.itemsize
    if 0 in shape:
        span, strides = 0, None
    return np.ndarray(shape, dtype, _C.empty((span,), dtype), 0, strides)


def _refresh(self: Tensor) -> None:
    base = self._base
    if self._base_node is FROZEN or self._base_node is base._node:
        return
    self._base_node = base._node
    edge = edge_of(base)
    if edge is None:
        self._node, self._requires_grad = None, False
        return
    node = _new(ViewChain)
    _start(node, self, [edge], (self._view, base._array.shape, base._array.strides))
    _move_retained(self, node, 0)
    self._node, self._index, self._requires_grad = node, 0, True


Tensor._refresh = _refresh


def _move_retained(tensor: Tensor, node: Node, index: int) -> None:
    """retain_grad stays with the tensor when an in-place operation gives it another node; hooks stay with the value."""
    older = tensor._node
    if older is not None and older.retained and tensor._retains:
        found = older.retained.pop(tensor._index, None)
        if found is not None:
            if node.retained is None:
                node.retained = {}
            node.retained[index] = found


def _start(node: Node, of: Tensor, edges: list, context) -> None:
    node.edges = tuple(edges)
    node.shape = of._array.shape
    node.dtype = of.dtype
    node.context = context
    node.saved = ()
    node.sequence = _C.next_sequence()


def prepare_inplace(tensor: Tensor, op: str = "in-place operation") -> None:
    """Raises where PyTorch forbids changing ``tensor`` in place; to be called before the first write."""
    if not tensor._array.flags.writeable:
        raise note(RuntimeError, op, "expected a writable tensor, got one on a read-only numpy array")
    if op not in ("fill_", "zero_") and not can_write(tensor._array):
        raise note(
            RuntimeError,
            op,
            f"expected a tensor whose elements lie apart, got {describe(tensor)} with repeated elements (expand); clone() it first",
        )
    if tensor._inference and not mode.inference:
        raise note(
            RuntimeError,
            op,
            "inplace update to inference tensor outside InferenceMode is not allowed; clone() it",
        )
    if not mode.enabled:
        return
    base = tensor._base
    if base is not None and base.requires_grad:
        check_view(tensor, op)
        if base.is_leaf:
            raise note(
                RuntimeError,
                op,
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            )
    if tensor.requires_grad and tensor.is_leaf:
        raise note(
            RuntimeError, op, "a leaf Variable that requires grad is being used in an in-place operation."
        )


def check_view(tensor: Tensor, op: str) -> None:
    """Raises for a view that cannot hand a history to its base; to be called before what is written may bring one."""
    if tensor._base is not None and tensor._base_node is FROZEN:
        raise note(
            RuntimeError,
            op,
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled; "
            "create the view outside no_grad, or clone() it",
        )


def rebase(tensor: Tensor, edge, overwritten: bool = False) -> None:
    """Gives a tensor that was changed in place its new history (None: no gradient flows from what was written).
    ``overwritten``: the edge leads to what was written only, not to what the tensor held before."""
    base = tensor._base
    if base is None or tensor._base_node is FROZEN:
        older = edge_of(tensor)
        if overwritten and edge is not None and older is not None:
            node = _new(CopyBackwards)
            _start(node, tensor, [older, edge], ((), tensor._array.shape, tensor._array.strides))
            edge = node
        _set_history(tensor, edge)
        return
    older = edge_of(base)
    if edge is None and older is None:
        return
    node = _new(CopySlices)
    _start(node, base, [older, edge], (tensor._view, base._array.shape, base._array.strides))
    _move_retained(base, node, 0)
    base._node, base._index, base._requires_grad = node, 0, True


def _set_history(tensor: Tensor, edge) -> None:
    if edge is None:
        older = edge_of(tensor)
        if older is None:
            return
        edge = _new(Overwritten)
        _start(edge, tensor, [older], None)
    slot = type(edge) is Slot
    _move_retained(tensor, edge.node if slot else edge, edge.index if slot else 0)
    tensor._index = 0
    _attach(tensor, edge)


def write_result(tensor: Tensor, result: Tensor, op: str) -> Tensor:
    """In-place form of an operation whose result is known: copies it into ``tensor`` and hands the history over.

    Raises:
        RuntimeError: a result of another shape, of a higher category than the tensor's dtype, or one that requires grad
            for a view made under no_grad; nothing is written then.
    """
    array = tensor._array
    if not result.dtype.category <= tensor.dtype.category:
        raise note(
            RuntimeError,
            op,
            f"result type {result.dtype} can't be cast to the desired output type {tensor.dtype}",
        )
    if result._array.shape != array.shape:
        raise note(
            RuntimeError,
            op,
            f"expected an output of shape {tuple(result._array.shape)} (the broadcast shape), got {describe(tensor)}",
        )
    record = mode.enabled and (result.requires_grad or tensor.requires_grad)
    node = None
    if record:
        if result.requires_grad:
            check_view(tensor, op)
            node = result._node
            if node is not None:
                _keep_inputs(node, array)
        if result.dtype is not tensor.dtype and result.requires_grad:
            result = result.to(tensor.dtype)
            node = None
    write_into(array, result._array)
    storage = storage_of(tensor)
    storage.version += 1
    if record:
        if node is not None:
            _save_in_place(node, result, array, storage)
        rebase(tensor, edge_of(result), overwritten=op in ("copy_", "fill_", "zero_"))
    return tensor


def before_change(tensor: Tensor) -> Tensor:
    """The tensor as an in-place operation's input: its memory and history, with a version of its own. What the
    operation saves of it is copied by :func:`write_result` before the write."""
    if not mode.enabled:
        return tensor
    twin = from_array(tensor._array)
    edge = edge_of(tensor)
    if edge is not None:
        # Never a leaf: prepare_inplace refuses those.
        _attach(twin, edge)
    return twin


def _keep_inputs(node: Node, array: np.ndarray) -> None:
    """Copies what a node saved of the memory that is about to be overwritten."""
    saved = node.saved
    if saved and any(each is array for each in saved):
        kept = copy_layout(array)
        node.saved = tuple(kept if each is array else each for each in saved)


def _save_in_place(node: Node, result: Tensor, array: np.ndarray, storage) -> None:
    """A saved output is the tensor's own memory from now on, so that later changes of it are noticed, and held once."""
    if -1 not in node.saves or node.multiple:
        return
    at = node.saves.index(-1)
    if node.saved[at] is not result._array:
        return
    saved, versions = list(node.saved), list(node.versions)
    saved[at], versions[2 * at], versions[2 * at + 1] = array, storage, storage.version
    node.saved, node.versions = tuple(saved), tuple(versions)


@method("detach")
def detach(self) -> Tensor:
    """The same memory without history: never requires grad, shares the version counter."""
    out = from_array(self._array)
    out._storage = storage_of(self)
    if self._inference:
        out._inference = True
    return out


@method("detach_")
def detach_(self) -> Tensor:
    """Takes the tensor out of the graph: it becomes a leaf that does not require grad."""
    if self._base is not None:
        raise note(RuntimeError, "detach_", "Can't detach views in-place; use detach() instead")
    self._node, self._requires_grad = None, False
    return self


def _get_data(self) -> Tensor:
    out = from_array(self._array)
    if self._inference:
        out._inference = True
    return out


def _set_data(self, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise fail(TypeError, "data", "a Tensor", type(value).__name__)
    if self.requires_grad and not value.dtype.is_floating_point:
        raise fail(RuntimeError, "data", "a floating-point tensor for one that requires grad", value.dtype)
    self._array, self.dtype = value._array, value.dtype


Tensor.data = property(
    _get_data, _set_data, doc="The same memory, without history and with a version of its own."
)
