# SPDX-License-Identifier: Apache-2.0
"""The graph: what an operation leaves behind so that gradients can find their way.

An operation leaves a :class:`Node`. A tensor refers to its node, a node to its inputs' nodes (its *edges*), never to a
tensor that refers back; so a graph that nobody holds dies by reference count. ``sequence`` numbers nodes in order of
creation, which is a topological order: the walk takes the youngest node first, from a heap, without recursion.
"""

from __future__ import annotations

import threading
from itertools import count

import numpy as np

from .._C import Storage
from ..errors import note
from ..tensor import Tensor, from_array

_new = object.__new__
_next_sequence = count().__next__


class _Mode(threading.local):
    enabled = True
    inference = False


mode = _Mode()


class Node:
    """One recorded operation.

    A subclass gives ``saves`` (which inputs' arrays it keeps: positions, -1 for the output), ``backward`` on arrays
    with kernels, and ``backward_plain``, the same formula in Tensor operations. Each takes the gradient of the output
    and returns one gradient (or None) per input.
    """

    __slots__ = ("__weakref__", "context", "dtype", "edges", "hooks", "retained", "saved", "sequence", "shape", "versions")
    title = "Node"  # what print(tensor) shows as grad_fn
    saves: tuple[int, ...] = ()
    broadcasts = False  # gradients may come back larger than the inputs
    outputs = 1

    def backward(self, grad):
        raise NotImplementedError

    def backward_plain(self, grad):
        raise note(
            RuntimeError, type(self).__name__.lower(), "expected an operation with a second derivative (create_graph), got one without"
        )

    def name(self) -> str:
        return self.title

    @property
    def next_functions(self):
        return tuple((edge, 0) for edge in self.edges)

    def __repr__(self) -> str:
        return f"<{self.title}>"

    def arrays(self) -> tuple:
        """The saved arrays, after checking that nobody changed them since."""
        saved = self.saved
        if saved is None:
            raise note(
                RuntimeError,
                "backward",
                "expected a graph that was not walked yet: its saved arrays are gone; "
                "pass retain_graph=True the first time to walk it twice",
            )
        versions = self.versions
        if versions:
            for storage, version in versions:
                if storage.version != version:
                    raise note(
                        RuntimeError,
                        "backward",
                        f"one of the variables needed for gradient computation has been modified by an inplace "
                        f"operation: {self.title} expected it at version {version}, got version {storage.version}",
                    )
        return saved

    def tensors(self) -> tuple:
        """The saved arrays as tensors with their history, for ``backward_plain``."""
        arrays = self.arrays()
        rebuilt = []
        for position, array in zip(self.saves, arrays, strict=False):
            edge = self if position == -1 else self.edges[position]
            if isinstance(edge, Tensor):
                rebuilt.append(edge)
                continue
            tensor = from_array(array)
            if edge is not None:
                _attach(tensor, edge)
            rebuilt.append(tensor)
        rebuilt.extend(arrays[len(self.saves) :])
        return tuple(rebuilt)


class Slot:
    """An edge to one output of a node that has several."""

    __slots__ = ("index", "node")

    def __init__(self, node: Node, index: int):
        self.node = node
        self.index = index


def _attach(tensor: Tensor, edge) -> None:
    if type(edge) is Slot:
        tensor._node, tensor._index = edge.node, edge.index
    else:
        tensor._node = edge
    tensor._requires_grad = True


def edge_of(tensor: Tensor):
    """Where the tensor's gradient goes: its node, a Slot of it, the leaf itself, or None."""
    if tensor._base is not None:
        tensor._refresh()
    node = tensor._node
    if node is None:
        return tensor if tensor._requires_grad else None
    return node if node.outputs == 1 else Slot(node, tensor._index)


def record(kind: type[Node], array: np.ndarray, dtype, inputs: tuple, context=None, extra: tuple = ()) -> Tensor:
    """The Tensor of an operation's result; where an input requires grad, with a node of class ``kind`` on the tape.

    ``extra`` are arrays of the operation's own to keep beside ``kind.saves``.
    """
    out = _new(Tensor)
    out._array = array
    out.dtype = dtype
    if not mode.enabled:
        if mode.inference:
            out._inference = True
        return out
    edges = []
    wanted = False
    for tensor in inputs:
        if tensor._base is not None:
            tensor._refresh()
        node = tensor._node
        if node is None:
            if tensor._requires_grad:
                edges.append(tensor)
                wanted = True
            else:
                edges.append(None)
        else:
            wanted = True
            edges.append(node if node.outputs == 1 else Slot(node, tensor._index))
    if wanted:
        out._requires_grad = True
        node = out._node = _new(kind)
        node.edges = edges
        node.shape = array.shape
        node.dtype = dtype
        node.context = context
        node.hooks = node.retained = node.versions = None
        node.sequence = _next_sequence()
        if kind.saves:
            saved = []
            versions = []
            for position in kind.saves:
                tensor = out if position == -1 else inputs[position]
                if tensor._inference:
                    raise note(RuntimeError, kind.title, "expected tensors to save for backward, got one made under inference_mode; clone() it")
                storage = tensor._storage
                if storage is None:
                    storage = tensor._storage = Storage()
                saved.append(tensor._array)
                versions.append((storage, storage.version))
            node.saved = (*saved, *extra)
            node.versions = versions
        else:
            node.saved = extra
    return out


def wants_grad(*tensors: Tensor) -> bool:
    """True where an operation on these would be recorded."""
    return mode.enabled and any(tensor.requires_grad for tensor in tensors if tensor is not None)


def record_many(kind: type[Node], arrays: list[np.ndarray], dtype, inputs: tuple, context=None, extra: tuple = ()):
    """As :func:`record` for an operation with several outputs; its backward takes a list with None for unused ones."""
    first = record(kind, arrays[0], dtype, inputs, context, extra)
    outs = [first]
    node = first._node
    if node is not None:
        node.shape = [array.shape for array in arrays]
    for index, array in enumerate(arrays[1:], 1):
        out = _new(Tensor)
        out._array, out.dtype = array, dtype
        if node is not None:
            out._node, out._index, out._requires_grad = node, index, True
        outs.append(out)
    return outs
