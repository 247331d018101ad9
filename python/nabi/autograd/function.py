# SPDX-License-Identifier: Apache-2.0
"""``autograd.Function``: a user's own operation, its formula and its gradient written in Tensor operations."""

from __future__ import annotations

import functools

from ..errors import fail, note
from ..tensor import Tensor, describe, from_array
from .graph import Node, mode, record_many
from .views import rebase


class _UserNode(Node):
    """Calls the user's backward with Tensors; ``context`` is the user's ``ctx``."""

    __slots__ = ()

    def name(self) -> str:
        return type(self.context).__name__

    @property
    def title(self) -> str:
        return self.name()

    def _call(self, grads: list) -> tuple:
        ctx = self.context
        self.arrays()
        if ctx._materialize:
            import numpy as np

            grads = [
                from_array(np.zeros(shape, self.dtype.numpy)) if part is None else part
                for part, shape in zip(grads, self.shape, strict=True)
            ]
        found = ctx._function.backward(ctx, *grads)
        found = found if isinstance(found, tuple) else (found,)
        name = ctx._function.__name__
        surplus = found[len(ctx._positions_of_all) :]
        if len(found) < len(ctx._positions_of_all) or any(each is not None for each in surplus):
            raise fail(
                RuntimeError, name, f"backward to return {len(ctx._positions_of_all)} gradients, one per argument of forward", len(found)
            )
        results = []
        for position in ctx._tensor_positions:
            part = found[position]
            if part is not None and not isinstance(part, Tensor):
                raise fail(TypeError, name, "backward to return Tensors or None", type(part).__name__)
            results.append(part)
        return tuple(results)

    def backward(self, grads):
        grads = [None if part is None else from_array(part) for part in grads]
        parts = self._call(grads)
        self._check(parts)
        return tuple(None if part is None else part._array for part in parts)

    def backward_plain(self, grads):
        parts = self._call(list(grads))
        self._check(parts)
        return parts

    broadcasts = True

    def _check(self, parts) -> None:
        for part, shape in zip(parts, self.context._input_shapes, strict=True):
            if part is None or part._array.shape == shape:
                continue
            # A gradient that broadcasts from or to the input is summed by the walk; anything else is a fault.
            if part._array.ndim < len(shape) or any(
                size not in (1, have) for size, have in zip(reversed(shape), reversed(part._array.shape), strict=False)
            ):
                raise fail(
                    RuntimeError, self.context._function.__name__, f"a gradient of shape {shape}", describe(part)
                )


class FunctionCtx:
    """What ``forward`` leaves for ``backward``: saved tensors and any attributes."""

    _materialize = True
    _saved: tuple = ()
    _dirty: tuple = ()
    _non_differentiable: tuple = ()
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
        """What ``save_for_backward`` was given; RuntimeError where one was changed in place since."""
        node = self._node_ref() if self._node_ref is not None else None
        if node is not None:
            node.arrays()
        return self._restore()

    saved_variables = saved_tensors
    _node_ref = None

    def mark_dirty(self, *tensors) -> None:
        """Names the inputs that ``forward`` changed in place (and returns)."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors) -> None:
        """Names outputs that get no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """False: an output that nobody used gives None instead of zeros."""
        self._materialize = value

    def _restore(self) -> tuple:
        return tuple(each() if callable(each) and not isinstance(each, Tensor) else each for each in self._saved)


class Function:
    """A user's operation. Subclass it with static methods ``forward(ctx, *args)`` and ``backward(ctx, *grads)``, or
    ``forward(*args)`` with ``setup_context(ctx, inputs, output)``; call it through ``apply``.

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

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grads):
        raise NotImplementedError("You must implement the backward function for your custom autograd.Function.")

    vjp = backward

    @classmethod
    def apply(cls, *args):
        """Runs ``forward`` without recording it, and records the whole as one operation."""
        ctx = type(f"{cls.__name__}Backward", (FunctionCtx,), {})()
        ctx._function = cls
        ctx._positions_of_all = args
        ctx._tensor_positions = [i for i, each in enumerate(args) if isinstance(each, Tensor)]
        inputs = tuple(args[i] for i in ctx._tensor_positions)
        ctx._input_shapes = [each._array.shape for each in inputs]
        ctx.needs_input_grad = tuple(isinstance(each, Tensor) and each.requires_grad for each in args)
        before = mode.enabled
        mode.enabled = False
        try:
            if "setup_context" in _members(cls):
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        finally:
            mode.enabled = before
        ctx._positions_of_all = tuple(range(len(args)))
        single = not isinstance(output, (tuple, list))
        outputs = [output] if single else list(output)
        results = _record_outputs(ctx, inputs, outputs)
        return results[0] if single else tuple(results)


def _members(cls) -> set:
    names = set()
    for each in cls.__mro__:
        if each is not Function and each is not object:
            names.update(each.__dict__)
    return names


def _record_outputs(ctx, inputs: tuple, outputs: list) -> list:
    tensors = [each for each in outputs if isinstance(each, Tensor)]
    if not tensors:
        return outputs
    dirty = {id(each) for each in ctx._dirty}
    plain = {id(each) for each in ctx._non_differentiable}
    recorded = record_many(_UserNode, [each._array for each in tensors], tensors[0].dtype, inputs, ctx)
    node = recorded[0]._node
    if node is None:
        return [_detached(each, inputs) if isinstance(each, Tensor) else each for each in outputs]
    versions, saved = [], []
    for tensor in ctx._saved:
        if tensor is None:
            saved.append(None)
            continue
        from ..tensor import storage_of

        storage = storage_of(tensor)
        versions.extend((storage, storage.version))
        position = next((i for i, each in enumerate(tensors) if each is tensor), None)
        if position is None:
            saved.append(tensor)
        else:
            saved.append(_saved_output(node, position, tensor))
    ctx._saved = tuple(saved)
    import weakref

    ctx._node_ref = weakref.ref(node) if hasattr(node, "__weakref__") else None
    node.versions = tuple(versions)
    results, at = [], 0
    for each in outputs:
        if not isinstance(each, Tensor):
            results.append(each)
            continue
        new = recorded[at]
        at += 1
        new.dtype = each.dtype
        if id(each) in dirty:
            rebase(each, _slot(node, at - 1))
            results.append(each)
            continue
        new._storage = each._storage
        if id(each) in plain or not each.dtype.is_floating_point:
            new._node, new._requires_grad = None, False
        results.append(new)
    return results


def _slot(node: Node, index: int):
    from .graph import Slot

    return Slot(node, index)


def _saved_output(node: Node, index: int, tensor: Tensor):
    """An output saved by its own operation is rebuilt on demand: held as it is it would keep itself alive."""
    array = tensor._array
    import weakref

    reference = weakref.ref(node)

    def rebuild() -> Tensor:
        out = from_array(array)
        owner = reference()
        if owner is not None:
            out._node, out._index, out._requires_grad = owner, index, True
        return out

    return rebuild


def _detached(tensor: Tensor, inputs: tuple) -> Tensor:
    return tensor


def once_differentiable(backward):
    """Decorates a ``backward`` whose own gradient does not exist: a second derivative raises."""

    @functools.wraps(backward)
    def once(ctx, *grads):
        recording = mode.enabled
        mode.enabled = False
        try:
            found = backward(ctx, *grads)
        finally:
            mode.enabled = recording
        if recording and any(isinstance(each, Tensor) and each.requires_grad for each in grads):
            raise note(
                RuntimeError, ctx._function.__name__, "trying to differentiate twice a function that was marked with @once_differentiable"
            )
        return found

    return once
