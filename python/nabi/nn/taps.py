# SPDX-License-Identifier: Apache-2.0
"""How a module's backward hooks get hold of the gradients of its inputs and outputs."""

from __future__ import annotations

import warnings

from nabi import autograd
from nabi.errors import fail, note
from nabi.tensor import Tensor


class _Tap(autograd.Function):
    """The identity on several tensors at once; its backward hands all their gradients to a callback."""

    @staticmethod
    def forward(ctx, callback, *tensors):
        ctx.set_materialize_grads(False)
        ctx.callback = callback
        views = tuple(tensor.detach() for tensor in tensors)
        ctx.mark_non_differentiable(
            *(view for view, tensor in zip(views, tensors, strict=True) if not tensor.is_floating_point())
        )
        return views

    @staticmethod
    def backward(ctx, *grads):
        changed = ctx.callback(grads)
        return (None, *(grads if changed is None else changed))


class BackwardTap:
    """Watches one call of a module: the gradients of its outputs come first, then those of its inputs.

    The inputs and the outputs each pass through one identity node, so the module's forward is given views and
    the caller receives views, as in PyTorch. When no input needs a gradient the hooks run as soon as the
    outputs' gradients are known.

    Args:
        module: given to the hooks.
        hooks: ``hook(module, grad_input, grad_output)`` may return a new grad_input.
        pre_hooks: ``hook(module, grad_output)`` may return a new grad_output.
    """

    def __init__(self, module, hooks, pre_hooks):
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs = None
        self.input_places, self.input_count = None, 0
        self.output_places, self.output_count = None, 0

    def inputs(self, args):
        """The positional arguments with their tensors replaced by watched views."""
        self.input_count = len(args)
        args, self.input_places = _watch(args, self._inputs_done)
        return args

    def outputs(self, result):
        """The module's output, a tensor or a tuple, with its tensors replaced by watched views."""
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors"
                f" but received {type(result)}",
                stacklevel=4,
            )
        items = result if isinstance(result, tuple) else (result,)
        self.output_count = len(items)
        items, self.output_places = _watch(items, self._outputs_done)
        return items if isinstance(result, tuple) else items[0]

    def _outputs_done(self, grads):
        grads = _spread(grads, self.output_places, self.output_count)
        for hook in self.pre_hooks:
            changed = hook(self.module, grads)
            if changed is not None:
                grads = _checked(changed, len(grads), "grad_output")
        if self.input_places is None:
            self._no_input_needs_a_gradient(grads)
        else:
            self.grad_outputs = grads
        return tuple(grads[place] for place in self.output_places)

    def _no_input_needs_a_gradient(self, grad_outputs):
        if not self.hooks:
            return
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no"
            " inputs require gradients. See the documentation of register_full_backward_hook.",
            stacklevel=2,
        )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.input_count, grad_outputs)
            if changed is not None and not (isinstance(changed, tuple) and all(c is None for c in changed)):
                sentence = (
                    "Backward hook for Modules where no input requires gradient should always return None"
                )
                raise note(RuntimeError, "Module", f"{sentence} or None for all gradients.")

    def _inputs_done(self, grads):
        if self.grad_outputs is None:  # the gradient reached the input without passing through the output
            return None
        grads = _spread(grads, self.input_places, self.input_count)
        for hook in self.hooks:
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is not None:
                grads = _checked(changed, len(grads), "grad_input")
        self.grad_outputs = None
        return tuple(grads[place] for place in self.input_places)


def _watch(items, callback):
    places = [place for place, item in enumerate(items) if isinstance(item, Tensor)]
    if not (autograd.is_grad_enabled() and any(items[place].requires_grad for place in places)):
        return items, None
    watched = list(items)
    for place, view in zip(places, _Tap.apply(callback, *(items[place] for place in places)), strict=True):
        watched[place] = view
    if type(items) is not tuple:  # a named tuple
        return type(items)(*watched), places
    return tuple(watched), places


def _spread(grads, places, count):
    spread = [None] * count
    for place, grad in zip(places, grads, strict=True):
        spread[place] = grad
    return tuple(spread)


def _checked(changed, count, what):
    changed = (changed,) if isinstance(changed, Tensor) else tuple(changed)
    if len(changed) != count:
        raise fail(RuntimeError, "Module", f"a backward hook that returns {count} {what}", len(changed))
    return changed
