# SPDX-License-Identifier: Apache-2.0
"""``autograd.Function``: a user's own operation, its formula and its gradient written in Tensor operations.

The graph's node refers to the user's ``ctx``; ``ctx`` refers to the node weakly, and what it saved lies in the node:
inputs as they are, outputs as arrays. So a graph with user operations dies by reference count, too.
"""

from __future__ import annotations

import functools
import weakref

import numpy as np

from .._C import NodeBase
from ..errors import fail, note
from ..tensor import Tensor, bump, describe, from_array, storage_of
from .graph import Node, Slot, edge_of, mode
from .views import FROZEN, rebase

_new_node = NodeBase.__new__


class _UserNode(Node):
    """Calls the user's backward with Tensors; ``context`` is the user's ``ctx``."""

    __slots__ = ()
    broadcasts = True
    foreign = True

    def name(self) -> str:
        return type(self.context).__name__

    @property
    def title(self) -> str:
        return self.name()

    def __getattr__(self, name: str):
        # PyTorch's ctx is the node: attributes that forward set are read from grad_fn, too.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.context, name)

    def _call(self, grads: list) -> tuple:
        ctx = self.context
        if ctx._materialize:
            grads = [
                from_array(np.zeros(shape, kind.numpy)) if part is None and kind is not None else part
                for part, shape, kind in zip(grads, self.shape, self.dtype, strict=True)
            ]
        found = ctx._function.backward(ctx, *grads)
        return self._checked(found if isinstance(found, tuple) else (found,))

    def _checked(self, found: tuple) -> tuple:
        """One gradient per edge, as forward's Tensor arguments came."""
        ctx = self.context
        name, count = type(ctx).__name__, len(ctx.needs_input_grad)
        if len(found) < count or any(each is not None for each in found[count:]):
            raise fail(
                RuntimeError,
                name,
                f"backward to return {count} gradients, one per argument of forward",
                len(found),
            )
        results = [None] * len(self.edges)
        positions = ctx._tensor_positions
        for position in range(count):
            part, at = found[position], positions.get(position)
            if part is None:
                continue
            if at is None:
                raise fail(
                    RuntimeError,
                    name,
                    f"None as gradient {position}, whose argument is no Tensor",
                    describe(part),
                )
            if not isinstance(part, Tensor):
                raise fail(
                    RuntimeError, name, f"a Tensor or None as gradient {position}", type(part).__name__
                )
            if self.edges[at] is None:
                continue
            shape, kind = ctx._input_meta[at]
            if part._array.shape != shape and not _sums_to(part._array.shape, shape):
                raise fail(
                    RuntimeError, name, f"a gradient of shape {shape} at position {position}", describe(part)
                )
            results[at] = part if part.dtype is kind else part.to(kind)
        return tuple(results)

    def backward(self, grads):
        parts = self._call([None if part is None else from_array(part) for part in grads])
        return tuple(None if part is None else part._array for part in parts)

    def backward_plain(self, grads):
        return self._call(list(grads))


def _sums_to(shape: tuple, wanted: tuple) -> bool:
    """True where broadcasting ``wanted`` gives ``shape``: the walk sums such a gradient."""
    return len(shape) >= len(wanted) and all(
        have in (1, size) for size, have in zip(reversed(shape), reversed(wanted), strict=False)
    )


class FunctionCtx:
    """What ``forward`` leaves for ``backward``: saved tensors and any attributes."""

    _materialize = True
    _saved: tuple = ()
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
    _node = None
    needs_input_grad: tuple = ()

    def save_for_backward(self, *tensors) -> None:
        """Keeps tensors (inputs, outputs, or others) for ``backward``, where ``saved_tensors`` returns them."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise fail(TypeError, "save_for_backward", "Tensors or None", type(tensor).__name__)
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple:
        """What ``save_for_backward`` was given; RuntimeError where one was changed in place since, or after the walk."""
        if self._node is None:
            return self._saved
        node = self._node()
        saved = None if node is None else node.saved
        if saved is None or saved:
            saved = node.arrays() if node is not None else _gone()
        return tuple(_output_again(node, *each) if type(each) is tuple else each for each in saved)

    def mark_dirty(self, *tensors) -> None:
        """Names the inputs that ``forward`` changed in place (and returns)."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors) -> None:
        """Names outputs that get no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """False: an output that nobody used gives None instead of zeros."""
        self._materialize = value


def _gone():
    raise note(RuntimeError, "saved_tensors", "expected a graph that still exists, got one that was freed")


def _output_again(node: Node, array: np.ndarray, dtype, index: int) -> Tensor:
    """An output saved by its own operation: held as a Tensor it would keep itself alive."""
    out = from_array(array)
    if dtype.is_floating_point:
        out._node, out._index, out._requires_grad = node, index, True
    return out


class Function:
    """A user's operation. Subclass it with static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``, or
    ``forward(*args)`` with ``setup_context(ctx, inputs, output)``; call it through ``apply``.

    Source: https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function

    Example:
        >>> import nabi
        >>> class Square(nabi.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> x = nabi.tensor([3.0], requires_grad=True)
        >>> Square.apply(x).backward()
        >>> x.grad
        tensor([6.])
    """

    def __init__(self, *args, **kwargs):
        import warnings

        warnings.warn(
            f"{type(self).__name__}: expected to be called through {type(self).__name__}.apply, not instantiated",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args, **kwargs):
        raise note(
            RuntimeError,
            type(self).__name__,
            "expected static methods, called through apply, got a call of an instance",
        )

    @staticmethod
    def forward(*args, **kwargs):
        """The formula: ``forward(ctx, *args)``, or ``forward(*args)`` beside ``setup_context``. Not recorded."""
        raise note(
            NotImplementedError,
            "Function",
            "you must implement the forward function of a custom autograd.Function",
        )

    @staticmethod
    def setup_context(ctx, inputs, output):
        """What ``backward`` needs, for a ``forward`` without ``ctx``."""
        raise note(NotImplementedError, "Function", "setup_context is not implemented")

    @staticmethod
    def backward(ctx, *grads):
        """The gradient of each argument of ``forward`` (None for what has none), from those of its outputs."""
        raise note(
            NotImplementedError,
            "Function",
            "you must implement either the backward or vjp method of a custom autograd.Function",
        )

    vjp = backward

    @classmethod
    def apply(cls, *args):
        """Runs ``forward`` without recording it, and records the whole as one operation."""
        ctx = _context_class(cls)()
        positions = [i for i, each in enumerate(args) if isinstance(each, Tensor)]
        inputs = tuple(args[i] for i in positions)
        ctx.needs_input_grad = tuple(isinstance(each, Tensor) and each.requires_grad for each in args)
        recording = mode.enabled
        mode.enabled = False
        try:
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        finally:
            mode.enabled = recording
        outputs = list(output) if type(output) is tuple else [output]
        dirty = _check_dirty(ctx, inputs, outputs)
        if recording and any(ctx.needs_input_grad):
            ctx._tensor_positions = {position: at for at, position in enumerate(positions)}
            ctx._input_meta = [(each._array.shape, each.dtype) for each in inputs]
            outputs = _record_outputs(ctx, inputs, outputs, dirty)
        else:
            given = {id(each) for each in inputs} - dirty
            outputs = [each.detach() if id(each) in given else each for each in outputs]
        ctx._dirty = ctx._non_differentiable = ()
        return tuple(outputs) if type(output) is tuple else outputs[0]


def _context_class(cls) -> type:
    """The class of ``ctx``, named as PyTorch names it; made once for each Function."""
    found = cls.__dict__.get("_context_class")
    if found is None:
        found = cls._context_class = type(f"{cls.__name__}Backward", (FunctionCtx,), {"_function": cls})
    return found


def _check_dirty(ctx, inputs: tuple, outputs: list) -> set:
    dirty, name = {id(each) for each in ctx._dirty}, type(ctx).__name__
    if not dirty <= {id(each) for each in inputs}:
        raise note(RuntimeError, name, "expected mark_dirty to name inputs of forward, got another tensor")
    if not dirty <= {id(each) for each in outputs}:
        raise note(
            RuntimeError,
            name,
            "expected forward to return every input that mark_dirty names, got one not returned",
        )
    for each in ctx._dirty:
        bump(each)
        if mode.enabled and each._requires_grad and each.is_leaf:
            raise note(
                RuntimeError,
                name,
                "a leaf Variable that requires grad has been used in an in-place operation.",
            )
    return dirty


def _record_outputs(ctx, inputs: tuple, outputs: list, dirty: set) -> list:
    from .._C import next_sequence

    tensors = [each if isinstance(each, Tensor) else None for each in outputs]
    plain = {id(each) for each in ctx._non_differentiable}
    if not any(
        each is not None and each.dtype.is_floating_point and id(each) not in plain for each in tensors
    ):
        return outputs
    node = _new_node(_UserNode)
    node.edges = tuple(edge_of(each) for each in inputs)
    node.shape = [None if each is None else each._array.shape for each in tensors]
    node.dtype = [None if each is None else each.dtype for each in tensors]
    node.context = ctx
    node.multiple = True
    node.sequence = next_sequence()
    saved, versions = [], []
    for tensor in ctx._saved:
        at = (
            next((i for i, each in enumerate(tensors) if each is tensor), None)
            if tensor is not None
            else None
        )
        if tensor is None:
            storage = None
        elif tensor._inference:
            raise note(
                RuntimeError,
                type(ctx).__name__,
                "Inference tensors cannot be saved for backward: clone() it outside inference_mode",
            )
        else:
            storage = storage_of(tensor)
        given = any(tensor is each for each in inputs)
        saved.append(
            tensor if at is None or (given and id(tensor) not in dirty) else (tensor._array, tensor.dtype, at)
        )
        if storage is not None:
            versions.extend((storage, storage.version))
    node.saved, node.versions = tuple(saved), tuple(versions)
    ctx._saved = ()
    ctx._node = weakref.ref(node)
    given = {id(each) for each in inputs}
    results = list(outputs)
    for index, out in enumerate(tensors):
        if out is None:
            continue
        if id(out) in plain or not out.dtype.is_floating_point:
            if id(out) in given and id(out) not in dirty:
                results[index] = out.detach()
            continue
        if id(out) in dirty:
            rebase(out, Slot(node, index))
            continue
        if id(out) in given:
            # An input that came back is a view of it: the input keeps its own history.
            twin = from_array(out._array)
            twin._storage, twin._base, twin._base_node = storage_of(out), out, FROZEN
            out = results[index] = twin
        out._node, out._index, out._requires_grad = node, index, True
    return results


class _Once(Node):
    """The gradient of a ``once_differentiable`` backward: there is none."""

    __slots__ = ()
    title = "NotDifferentiable"

    def _refuse(self, grad):
        raise note(
            RuntimeError,
            self.context,
            "trying to differentiate twice a function that was marked with @once_differentiable",
        )

    backward = backward_plain = _refuse


def once_differentiable(backward):
    """Decorates a ``backward`` whose own gradient does not exist: a second derivative raises."""

    @functools.wraps(backward)
    def once(ctx, *grads):
        from .graph import record

        recording = mode.enabled
        mode.enabled = False
        try:
            found = backward(ctx, *grads)
        finally:
            mode.enabled = recording
        sources = tuple(each for each in grads if isinstance(each, Tensor) and each.requires_grad)
        if not recording or not sources:
            return found
        name = type(ctx).__name__
        parts = [
            record(_Once, each._array, each.dtype, sources, name) if isinstance(each, Tensor) else each
            for each in (found if isinstance(found, tuple) else (found,))
        ]
        return tuple(parts)

    return once
