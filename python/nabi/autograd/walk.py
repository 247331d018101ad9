# SPDX-License-Identifier: Apache-2.0
"""The backward walk: gradients carried from outputs to leaves, youngest node first, from a heap, without recursion.

Who owns a gradient: an array is added into only where the walk made it itself; a leaf takes an array over only where
nobody else can see it. Everything else is a fresh array. A matrix product adds to ``leaf.grad`` itself, without an array
between, where the leaf has a gradient already, no hook wants to see the new one, and this walk uses the leaf once. (Over a
long sum that rounds otherwise than adding afterwards.)
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from .. import _C
from ..errors import fail, note
from ..tensor import Tensor, bump, describe, from_array, method
from .graph import Node, Slot, edge_of, mode
from .unbroadcast import unbroadcast, unbroadcast_plain


def _edge_shape(edge) -> tuple[int, ...]:
    if isinstance(edge, Tensor):
        return edge._array.shape
    if type(edge) is Slot:
        return edge.node.shape[edge.index]
    return edge.shape


def _run_hooks(hooks: dict, grad: Tensor) -> Tensor:
    for hook in list(hooks.values()):
        replaced = hook(grad)
        if replaced is not None:
            if not isinstance(replaced, Tensor):
                raise fail(TypeError, "hook", "None or a Tensor", type(replaced).__name__)
            if replaced._array.shape != grad._array.shape or replaced.dtype is not grad.dtype:
                raise fail(
                    RuntimeError, "hook", f"None or a gradient of {describe(grad)}", describe(replaced)
                )
            grad = replaced
    return grad


def _required(roots: list[Node], wanted: set) -> set[Node]:
    """The nodes that lie between the roots and a wanted edge."""
    seen: dict[Node, None] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen[node] = None
        for edge in node.edges:
            edge = edge.node if type(edge) is Slot else edge
            if isinstance(edge, Node):
                stack.append(edge)
    needed = set()
    for node in sorted(seen, key=lambda each: each.sequence):
        for edge in node.edges:
            target = edge.node if type(edge) is Slot else edge
            key = (edge.node, edge.index) if type(edge) is Slot else edge
            if key in wanted or target in needed or target in wanted:
                needed.add(node)
                break
    return needed


class _Direct:
    """Which leaves of one walk get their gradient added in place."""

    __slots__ = ("outputs", "seeds", "uses")

    def __init__(self, outputs, seeds):
        self.outputs, self.seeds = outputs, seeds
        # Counted when first asked for: most walks find leaves without gradient.
        self.uses: dict | None = None

    def offer(self, node: Node, grad: np.ndarray) -> dict[int, np.ndarray]:
        """{input: the array of its leaf's gradient} for what the node may add to."""
        into = {}
        for position in node.adds_into:
            leaf = node.edges[position] if position < len(node.edges) else None
            if not isinstance(leaf, Tensor) or leaf._grad is None or leaf._hooks or not leaf._requires_grad:
                continue
            held = leaf._grad._array
            fits = held.dtype == grad.dtype and held.shape == leaf._array.shape and held.flags.carray
            if not fits or leaf._grad._node is not None or self._used(leaf) != 1:
                continue
            # A gradient that lies in memory the product reads, or that still waits elsewhere, would change under it.
            others = (grad, *(node.saved or ()), *self.seeds)
            if any(np.may_share_memory(held, other) for other in others):
                continue
            into[position] = held
        return into

    def _used(self, leaf: Tensor) -> int:
        if self.uses is None:
            self.uses = _uses(self.outputs)
        return self.uses[leaf]

    @staticmethod
    def run(node: Node, grad: np.ndarray, into: dict[int, np.ndarray]):
        leaves = [node.edges[position] for position in into]
        for leaf in leaves:
            bump(leaf._grad)
        results = node.backward_into(grad, into)
        for leaf in leaves:
            _run_post_hooks(leaf)
        return results


def _uses(outputs) -> dict[Tensor, int]:
    """How often each leaf is an input of what the outputs were made from."""
    counts: dict[Tensor, int] = {}
    stack = [edge_of(output) for output in outputs]
    seen = set()
    while stack:
        edge = stack.pop()
        if isinstance(edge, Tensor):
            counts[edge] = counts.get(edge, 0) + 1
            continue
        node = edge.node if type(edge) is Slot else edge
        if node is None or node in seen:
            continue
        seen.add(node)
        stack.extend(node.edges)
    return counts


def _walk(
    outputs, seeds, retain: bool, create: bool, wanted: set | None, direct: _Direct | None = None
) -> dict:
    """Carries gradients from ``outputs`` back. Returns {leaf, node or (node, index): gradient} for what is wanted
    (None: every leaf). Gradients are arrays, or Tensors when a graph of the walk itself is to be created.
    ``direct``: where a node may add to a leaf's gradient itself."""
    grads: dict = {}  # by node; a list for several outputs
    owned = set()  # what the walk made itself by adding, and so may add into
    leaves: dict = {}
    captured: dict = {}
    heap: list = []

    def arrive(edge, grad):
        """Adds a gradient to what has come for this edge so far."""
        if isinstance(edge, Tensor):
            store, key = leaves, edge
        elif type(edge) is Slot:
            node = edge.node
            slots = grads.get(node)
            if slots is None:
                slots = grads[node] = [None] * len(node.shape)
                heappush(heap, (-node.sequence, node))
            key = edge.index
            store = slots
            if slots[key] is None:
                slots[key] = grad
                return
        else:
            store, key = grads, edge
            if key not in store:
                heappush(heap, (-key.sequence, key))
        if type(store) is dict and key not in store:
            store[key] = grad
        elif create:
            store[key] = store[key] + grad
        elif type(store) is dict and key in owned:
            _C.add(store[key], grad, store[key])
        else:
            store[key] = _C.add(store[key], grad)
            if type(store) is dict:
                owned.add(key)

    for output, seed in zip(outputs, seeds, strict=True):
        arrive(edge_of(output), seed)
    needed = None
    if wanted is not None:
        needed = _required([edge for _, edge in heap], wanted)

    while heap:
        node = heappop(heap)[1]
        grad = grads.pop(node)
        owned.discard(node)
        # As in PyTorch, what is asked for is seen before the hooks where the walk goes on, after them where it ends.
        if wanted is not None and node in needed:
            _capture(node, grad, wanted, captured)
        if node.hooks or node.retained:
            grad = _node_hooks(node, grad, create)
            if node.hooks:
                direct = None  # what a hook returned may be anybody's memory
        if wanted is not None and node not in needed:
            _capture(node, grad, wanted, captured)
            continue
        if create:
            results = node.backward_plain(grad)
        elif direct is not None and node.adds_into and (into := direct.offer(node, grad)):
            results = direct.run(node, grad, into)
        else:
            results = node.backward(grad)
            if node.foreign:
                direct = None
        if not retain:
            node.saved = None
        broadcasts = node.broadcasts
        for edge, part in zip(node.edges, results, strict=True):
            if edge is None or part is None:
                continue
            if broadcasts:
                shape = _edge_shape(edge)
                if part.shape != shape:
                    part = unbroadcast_plain(part, shape) if create else unbroadcast(part, shape)
            # The common case of arrive(), without its call.
            if type(edge) is not Slot and edge not in leaves and edge not in grads:
                if isinstance(edge, Tensor):
                    leaves[edge] = part
                else:
                    grads[edge] = part
                    heappush(heap, (-edge.sequence, edge))
            else:
                arrive(edge, part)
        results = part = grad = None

    for leaf in list(leaves):
        if wanted is None or leaf in wanted:
            if leaf._hooks:
                value = leaves[leaf]
                value = _run_hooks(leaf._hooks, value if create else from_array(value))
                leaves[leaf] = value if create else value._array
        else:
            del leaves[leaf]
    leaves.update(captured)
    return leaves


def _capture(node: Node, grad, wanted: set, captured: dict) -> None:
    if not node.multiple:
        if node in wanted:
            captured[node] = grad
        return
    for index, part in enumerate(grad):
        if (node, index) in wanted and part is not None:
            captured[node, index] = part


def _node_hooks(node: Node, grad, create: bool):
    parts = [grad] if not node.multiple else list(grad)
    for index, part in enumerate(parts):
        if part is None:
            continue
        tensor = part if create else from_array(part)
        if node.hooks and index in node.hooks:
            tensor = _run_hooks(node.hooks[index], tensor)
        if node.retained and index in node.retained:
            holder = node.retained[index]()
            if holder is not None:
                holder._grad = tensor if create else from_array(_C.contiguous_copy(tensor._array))
        parts[index] = tensor if create else tensor._array
    return parts[0] if not node.multiple else parts


def _accumulate(leaf: Tensor, grad, alone: bool) -> None:
    """Adds the walk's gradient into ``leaf.grad``; ``alone``: nobody else can see the gradient's memory."""
    held = leaf._grad
    if isinstance(grad, Tensor):
        if held is None:
            # A copy in the leaf's layout: the walk's own tensors may be other leaves' gradients, too.
            leaf._grad = (
                from_array(_like_leaf(leaf, grad._array)) if not grad.requires_grad else _laid_out(leaf, grad)
            )
        else:
            leaf._grad = held + grad
        return
    if held is not None:
        _C.add(held._array, grad, held._array)
        bump(held)
        return
    # Taken over only if nobody else can see it.
    if not alone or grad.strides != leaf._array.strides:
        grad = _like_leaf(leaf, grad)
    leaf._grad = from_array(grad)


def _like_leaf(leaf: Tensor, grad: np.ndarray) -> np.ndarray:
    """A copy of a gradient with the leaf's strides where those are dense, else contiguous."""
    return _C.copy_laid_out(grad, leaf._array)


def _laid_out(leaf: Tensor, grad: Tensor) -> Tensor:
    """:func:`_like_leaf` with history."""
    return from_array(_like_leaf(leaf, grad._array)).copy_(grad)


# What users call


def _seeds(outputs, grads, op: str, create: bool):
    seeds = []
    for output, grad in zip(outputs, grads, strict=True):
        if not output.requires_grad:
            raise note(
                RuntimeError,
                op,
                "expected a tensor that requires grad, got one that no recorded operation made",
            )
        if grad is None:
            if output._array.size != 1:
                raise note(
                    RuntimeError,
                    op,
                    f"grad can be implicitly created only for scalar outputs: expected one element, got {describe(output)}; pass gradient=",
                )
            array = np.ones_like(output._array)
            seeds.append(from_array(array) if create else array)
            continue
        if not isinstance(grad, Tensor):
            raise fail(TypeError, op, "gradient to be a Tensor or None", type(grad).__name__)
        if grad._array.shape != output._array.shape:
            raise fail(RuntimeError, op, f"gradient of {describe(output)}", describe(grad))
        if grad.dtype is not output.dtype:
            grad = grad.to(output.dtype)
        seeds.append(grad if create else grad._array)
    return seeds


class _walking:
    """The walk records nothing of its own, unless it is to be differentiated itself."""

    def __init__(self, create: bool):
        self.create = create

    def __enter__(self):
        self.before = mode.enabled
        mode.enabled = self.create

    def __exit__(self, *error):
        mode.enabled = self.before


def _sequence_of(value, kind):
    return [value] if isinstance(value, kind) or value is None else list(value)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph: bool = False, inputs=None) -> None:
    """Adds d(sum of ``tensors``)/d(leaf) into ``leaf.grad`` for every leaf that requires grad.

    Args:
        tensors: one tensor or several; each with one element unless its gradient is given.
        grad_tensors: the gradient of each, of the same shape.
        retain_graph: keep what the graph saved, for another walk. Default: ``create_graph``.
        create_graph: record the walk, so that gradients can be differentiated again.
        inputs: only these get their ``grad``.

    Raises:
        RuntimeError: nothing requires grad, shapes don't match, or the graph was walked before.
    """
    outputs = _sequence_of(tensors, Tensor)
    given = [None] * len(outputs) if grad_tensors is None else _sequence_of(grad_tensors, Tensor)
    if len(given) != len(outputs):
        raise fail(RuntimeError, "backward", f"{len(outputs)} gradients", len(given))
    seeds = _seeds(outputs, given, "backward", create_graph)
    wanted = None
    if inputs is not None:
        inputs = _sequence_of(inputs, Tensor)
        if not inputs:
            raise note(RuntimeError, "backward", "expected inputs to name at least one tensor, got none")
        wanted = {_key(each, "backward"): each for each in inputs}
    retain = create_graph if retain_graph is None else retain_graph
    with _walking(create_graph):
        direct = None if create_graph or wanted is not None else _Direct(outputs, seeds)
        found = _walk(outputs, seeds, retain, create_graph, wanted, direct)
        del seeds, direct
        for key in list(found):
            leaf = key if wanted is None else wanted[key]
            if not leaf._requires_grad:
                continue
            grad, alone = _C.take(found, key)
            _accumulate(leaf, grad, alone)
            grad = None
            _run_post_hooks(leaf)


def _run_post_hooks(leaf: Tensor) -> None:
    if leaf._post_hooks:
        for hook in list(leaf._post_hooks.values()):
            hook(leaf)


def _key(tensor: Tensor, op: str):
    if not tensor.requires_grad:
        raise note(RuntimeError, op, "expected inputs that require grad, got one that does not")
    edge = edge_of(tensor)
    return (edge.node, edge.index) if type(edge) is Slot else edge


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused=None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
):
    """d(sum of ``outputs``)/d(each of ``inputs``), returned as a tuple; no ``.grad`` is touched.

    Raises:
        RuntimeError: an input that the outputs don't depend on, unless ``allow_unused`` (then None) or
            ``materialize_grads`` (then zeros).
    """
    if is_grads_batched:
        raise note(NotImplementedError, "grad", "is_grads_batched is not supported; loop over the gradients")
    outputs = _sequence_of(outputs, Tensor)
    inputs = _sequence_of(inputs, Tensor)
    if not inputs:
        raise note(RuntimeError, "grad", "expected at least one input, got none")
    if materialize_grads and allow_unused is False:
        raise note(
            ValueError,
            "grad",
            "expected allow_unused True or not given with materialize_grads=True, got False",
        )
    given = [None] * len(outputs) if grad_outputs is None else _sequence_of(grad_outputs, Tensor)
    if len(given) != len(outputs):
        raise fail(RuntimeError, "grad", f"{len(outputs)} gradients", len(given))
    seeds = _seeds(outputs, given, "grad", create_graph)
    keys = [_key(each, "grad") for each in inputs]
    retain = create_graph if retain_graph is None else retain_graph
    with _walking(create_graph):
        found = _walk(outputs, seeds, retain, create_graph, set(keys))
    results = []
    last = {key: at for at, key in enumerate(keys)}
    for at, (tensor, key) in enumerate(zip(inputs, keys, strict=True)):
        value = found.get(key)
        if value is None:
            if materialize_grads:
                value = np.zeros_like(tensor._array)
            elif not allow_unused:
                raise note(
                    RuntimeError,
                    "grad",
                    "expected every input to be used by the outputs, got one that is not; "
                    "pass allow_unused=True to get None for it",
                )
        elif not create_graph:
            # Handed out only where nobody else can see it: not the graph, not the user, not another result.
            if last[key] > at:
                value = _C.contiguous_copy(value)
            else:
                value = None
                value, alone = _C.take(found, key)
                if not alone:
                    value = _C.contiguous_copy(value)
        results.append(value if value is None or isinstance(value, Tensor) else from_array(value))
    return tuple(results)


@method("backward")
def _tensor_backward(self, gradient=None, retain_graph=None, create_graph: bool = False, inputs=None) -> None:
    """Adds the gradient of this tensor into every leaf's ``grad``; see :func:`nabi.autograd.backward`."""
    backward(self, gradient, retain_graph, create_graph, inputs)


@property
def _grad_fn(self):
    if self._base is not None:
        self._refresh()
    return self._node


Tensor.grad_fn = _grad_fn
