# SPDX-License-Identifier: Apache-2.0
"""The graph: what an operation leaves behind so that gradients can find their way.

An operation leaves a :class:`Node`. A tensor refers to its node, a node to its inputs' nodes (its *edges*), never to a
tensor that refers back; so a graph that nobody holds dies by reference count. ``sequence`` numbers nodes in order of
creation, which is a topological order: the walk takes the youngest node first, from a heap, without recursion.
"""

from __future__ import annotations

import numpy as np

from .. import _C
from .._C import NodeBase, mode, record
from ..errors import note
from ..tensor import Tensor, from_array

__all__ = ["Node", "Slot", "edge_of", "mode", "record", "record_many", "wants_grad"]

# mode.enabled and mode.inference are this thread's switches.
#
# record(kind, array, dtype, inputs, context=None, extra=()) is the Tensor of an operation's result and, where an input
# requires grad, its node of class ``kind``: edges to the inputs, the arrays that ``kind.saves`` names with their
# versions, then ``extra``, arrays of the operation's own.


class Node(NodeBase):
    """One recorded operation.

    A subclass gives ``saves`` (which inputs' arrays it keeps: positions, -1 for the output), ``backward`` on arrays
    with kernels, and ``backward_plain``, the same formula in Tensor operations. Each takes the gradient of the output
    and returns one gradient (or None) per input.
    """

    __slots__ = ("__weakref__",)
    title = "Node"  # what print(tensor) shows as grad_fn
    saves: tuple[int, ...] = ()
    broadcasts = False  # gradients may come back larger than the inputs
    foreign = False  # backward is the user's, and may return anybody's memory
    adds_into: tuple[int, ...] = ()  # inputs whose gradient backward_into can add to an array that exists

    def backward(self, grad):
        raise NotImplementedError

    def backward_into(self, grad, into: dict[int, np.ndarray]):
        """:meth:`backward`, with the gradients of the inputs in ``into`` added to the arrays given there."""
        raise NotImplementedError

    def backward_plain(self, grad):
        raise note(
            RuntimeError,
            type(self).__name__.lower(),
            "expected an operation with a second derivative (create_graph), got one without",
        )

    def name(self) -> str:
        return self.title

    @property
    def next_functions(self):
        """(node, which of its outputs) for every input; :class:`AccumulateGrad` for a leaf, None without gradient."""
        found = []
        for edge in self.edges:
            if isinstance(edge, Tensor):
                found.append((AccumulateGrad(edge), 0))
            else:
                found.append((edge.node, edge.index) if type(edge) is Slot else (edge, 0))
        return tuple(found)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

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
        changed = self.first_changed()
        if changed >= 0:
            storage, version = self.versions[2 * changed : 2 * changed + 2]
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


class AccumulateGrad:
    """Where the graph ends in a leaf, for those who read the graph; the walk itself goes to ``variable``."""

    __slots__ = ("variable",)
    next_functions = ()

    def __init__(self, variable: Tensor):
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def __eq__(self, other) -> bool:
        return isinstance(other, AccumulateGrad) and self.variable is other.variable

    def __hash__(self) -> int:
        return id(self.variable)

    def __repr__(self) -> str:
        return f"<AccumulateGrad object at {id(self.variable):#x}>"


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
    return Slot(node, tensor._index) if node.multiple else node


def wants_grad(*tensors: Tensor) -> bool:
    """True where an operation on these would be recorded."""
    return mode.enabled and any(tensor.requires_grad for tensor in tensors if tensor is not None)


def record_many(
    kind: type[Node], arrays: list[np.ndarray], dtype, inputs: tuple, context=None, extra: tuple = ()
):
    """As :func:`record` for an operation with several outputs; its backward takes a list with None for unused ones."""
    first = record(kind, arrays[0], dtype, inputs, context, extra)
    outs = [first]
    node = first._node
    if node is not None:
        node.multiple = True
        node.shape = [array.shape for array in arrays]
    for index, array in enumerate(arrays[1:], 1):
        out = from_array(array)
        if node is not None:
            out._node, out._index, out._requires_grad = node, index, True
        outs.append(out)
    return outs


# What a view made under no_grad has for its base's node: it is never made again.
FROZEN = object()
_C.register_graph(Slot, FROZEN)
