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
from ..errors import note
from ..tensor import Tensor, can_write, copy_layout, describe, from_array, method, storage_of
from .graph import FROZEN, Node, _attach, edge_of, mode

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
    """A view's node made again: all steps from the base at once."""

    __slots__ = ()
    title = "AsStridedBackward0"

    def backward(self, grad):
        steps, shape = self.context
        whole = np.zeros(shape, grad.dtype)
        part = whole
        for kind, context in steps:
            part = kind.view(part, context)
        # Steps such as expand repeat elements: their gradients add up.
        if part.size and 0 in part.strides:
            np.add.at(whole.reshape(-1), _positions(shape, steps).reshape(-1), grad.reshape(-1))
        else:
            part[...] = grad
        return (whole,)


def _positions(shape, steps) -> np.ndarray:
    part = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    for kind, context in steps:
        part = kind.view(part, context)
    return part


class CopySlices(Node):
    """The base's node after an in-place operation on a view of it. Edges: the base's older history, the operation."""

    __slots__ = ()
    title = "CopySlices"

    def backward(self, grad):
        whole = grad.copy()
        part = whole
        for kind, context in self.context:
            part = kind.view(part, context)
        changed = part.copy()
        part[...] = 0
        return whole, changed


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
    _start(node, self, [edge], (self._view, base._array.shape))
    self._node, self._index, self._requires_grad = node, 0, True


Tensor._refresh = _refresh


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
    if not can_write(tensor._array):
        raise note(
            RuntimeError,
            op,
            f"expected a tensor whose elements lie apart, got {describe(tensor)} with repeated elements (expand); clone() it first",
        )
    if tensor._inference and not mode.inference:
        raise note(RuntimeError, op, "inplace update to inference tensor outside InferenceMode is not allowed; clone() it")
    if not mode.enabled:
        return
    if tensor.requires_grad and tensor.is_leaf:
        raise note(RuntimeError, op, "a leaf Variable that requires grad is being used in an in-place operation.")
    base = tensor._base
    if base is not None and base.requires_grad:
        if base.is_leaf:
            raise note(RuntimeError, op, "a view of a leaf Variable that requires grad is being used in an in-place operation.")
        if tensor._base_node is FROZEN:
            raise note(
                RuntimeError,
                op,
                "A view was created in no_grad mode and is being modified inplace with grad mode enabled; "
                "create the view outside no_grad, or clone() it",
            )


def rebase(tensor: Tensor, edge) -> None:
    """Gives a tensor that was changed in place its new history (None: no history left, as after ``zero_``)."""
    base = tensor._base
    if base is None or tensor._base_node is FROZEN:
        _set_history(tensor, edge)
        return
    older = edge_of(base)
    if edge is None and older is None:
        return
    node = _new(CopySlices)
    _start(node, base, [older, edge], tensor._view)
    base._node, base._index, base._requires_grad = node, 0, True


def _set_history(tensor: Tensor, edge) -> None:
    if edge is None:
        tensor._node, tensor._requires_grad = None, False
    else:
        tensor._index = 0
        _attach(tensor, edge)


def write_result(tensor: Tensor, result: Tensor, op: str) -> Tensor:
    """In-place form of an operation whose result is known: copies it into ``tensor`` and hands the history over."""
    array = tensor._array
    if not result.dtype.category <= tensor.dtype.category:
        raise note(
            RuntimeError, op, f"result type {result.dtype} can't be cast to the desired output type {tensor.dtype}"
        )
    if result._array.shape != array.shape:
        raise note(
            RuntimeError,
            op,
            f"expected an output of shape {tuple(result._array.shape)} (the broadcast shape), got {describe(tensor)}",
        )
    if mode.enabled and result.dtype is not tensor.dtype and result.requires_grad:
        result = result.to(tensor.dtype)
    np.copyto(array, result._array, casting="unsafe")
    storage_of(tensor).version += 1
    if mode.enabled and (result.requires_grad or tensor.requires_grad):
        rebase(tensor, edge_of(result))
    return tensor


def before_change(tensor: Tensor) -> Tensor:
    """The tensor as an in-place operation's input: its values now, kept from the write, with its history."""
    if not mode.enabled:
        return tensor
    twin = from_array(copy_layout(tensor._array))
    edge = edge_of(tensor)
    if edge is not None:
        _attach_input(twin, tensor, edge)
    return twin


def _attach_input(twin: Tensor, tensor: Tensor, edge) -> None:
    # Never a leaf: prepare_inplace refuses those.
    _attach(twin, edge)


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
    return out


def _set_data(self, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise note(TypeError, "data", f"expected a Tensor, got {type(value).__name__}")
    self._array, self.dtype = value._array, value.dtype
    self._storage = None


Tensor.data = property(_get_data, _set_data, doc="The same memory, without history and with a version of its own.")
