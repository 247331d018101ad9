# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent."""

from __future__ import annotations

import numpy as np

from nabi import _C
from nabi.autograd import enable_grad
from nabi.errors import fail
from nabi.optim.optimizer import Optimizer, check_not_negative
from nabi.tensor import bump, from_array


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    ``g = grad + weight_decay p``;  ``b = momentum b + (1 - dampening) g``, in the first step ``b = g``;
    ``p -= lr b``, or with nesterov ``p -= lr (g + momentum b)``, or without momentum ``p -= lr g``.

    Args:
        params: tensors, pairs (name, tensor) or groups; see Optimizer.
        lr: a number or a tensor with one element.
        momentum: how much of the last step's direction is kept.
        dampening: how much the gradient is damped as it enters the momentum.
        weight_decay: factor of the L2 penalty.
        nesterov: look ahead along the momentum; needs momentum > 0 and dampening 0.
        maximize: climb instead of descending.
        foreach, differentiable, fused: accepted, no effect; there is one kernel call a group.

    Raises:
        ValueError: lr, momentum or weight_decay is negative or NaN; nesterov without momentum or with
        dampening.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html

    Example:
        >>> import nabi
        >>> p = nabi.nn.Parameter(nabi.tensor([1.0, 2.0]))
        >>> optimizer = nabi.optim.SGD([p], lr=0.5)
        >>> (p * p).sum().backward()
        >>> optimizer.step()
        >>> p.tolist()
        [0.0, 0.0]
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_not_negative("SGD", lr=lr, momentum=momentum, weight_decay=weight_decay)
        if not float(dampening) == float(dampening):
            raise fail(ValueError, "SGD", "a number as dampening", dampening)
        if nesterov and (momentum <= 0 or dampening != 0):
            got = f"momentum={momentum} and dampening={dampening}"
            raise fail(ValueError, "SGD", "momentum > 0 and no dampening with nesterov", got)
        if fused and (differentiable or foreach):
            raise fail(RuntimeError, "SGD", "fused without differentiable and foreach", "both")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        defaults |= {"nesterov": nesterov, "maximize": maximize, "foreach": foreach}
        defaults |= {"differentiable": differentiable, "fused": fused}
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for name in ("nesterov", "maximize", "differentiable", "fused"):
                group.setdefault(name, False)
            group.setdefault("foreach", None)

    def step(self, closure=None):
        """Change every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients first; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        groups = self.param_groups
        if self._one_by_one:
            groups = [{**group, "params": [param]} for group in groups for param in group["params"]]
        for group in groups:
            if group["momentum"] == 0:
                _plain_step(group)
            else:
                _momentum_step(group, self.state)
        return loss


def _plain_step(group):
    tensors, params, grads = [], [], []
    same = True
    for tensor in group["params"]:
        grad = tensor._grad
        if grad is not None:
            param, grad = tensor._array, grad._array
            same = same and param.strides == grad.strides
            tensors.append(tensor)
            params.append(param)
            grads.append(grad)
    if tensors:
        _run(group, tensors, params, grads, None, True, same)


def _momentum_step(group, state):
    tensors, params, grads, buffers, held, starting = [], [], [], [], [], []
    same = True
    for tensor in group["params"]:
        grad = tensor._grad
        if grad is not None:
            buffer = state[tensor].get("momentum_buffer")
            if buffer is None:
                starting.append(tensor)
                continue
            held.append(buffer)
            param, grad, buffer = tensor._array, grad._array, buffer._array
            same = same and param.strides == grad.strides == buffer.strides
            tensors.append(tensor)
            params.append(param)
            grads.append(grad)
            buffers.append(buffer)
    if starting:
        first = [np.empty_like(tensor._array) for tensor in starting]
        starting_arrays = [tensor._array for tensor in starting]
        starting_grads = [tensor.grad._array for tensor in starting]
        if tensors:  # two kernel calls: the second must not fail after the first has written
            _check(starting_arrays + params, starting_grads + grads, first + buffers)
    if tensors:
        _run(group, tensors + held, params, grads, buffers, False, same)
    if starting:
        _run(group, starting, starting_arrays, starting_grads, first, True, False)
        for tensor, buffer in zip(starting, first, strict=True):
            state[tensor]["momentum_buffer"] = from_array(buffer)


def _check(params, grads, buffers):
    for param, grad, buffer in zip(params, grads, buffers, strict=True):
        if not (param.flags.writeable and buffer.flags.writeable):
            raise fail(RuntimeError, "SGD", "parameters that can be written", "a read-only array")
        for name, array in (("gradient", grad), ("momentum_buffer", buffer)):
            if array.shape != param.shape or array.dtype != param.dtype or param.dtype.kind != "f":
                expected = f"a {name} of shape {param.shape} and a floating point dtype, {param.dtype}"
                raise fail(RuntimeError, "SGD", expected, f"shape {array.shape} {array.dtype}")


def _run(group, tensors, params, grads, buffers, first, same):
    """One kernel call. Layouts that differ are copied to the dense one of the parameter, and back."""
    options = [float(group[name]) for name in ("lr", "momentum", "dampening", "weight_decay")]
    if options[0] != options[0]:
        raise fail(ValueError, "SGD", "lr to be a number", "nan")
    flags = group["nesterov"], group["maximize"], first
    if same:
        _C.sgd_step(params, grads, buffers, *options, *flags)
    else:
        _check(params, grads, buffers or params)
        dense = [_dense(param, param) for param in params]
        dense_grads = [_dense(grad, param) for grad, param in zip(grads, dense, strict=True)]
        dense_buffers = buffers and [_dense(b, param) for b, param in zip(buffers, dense, strict=True)]
        _C.sgd_step(dense, dense_grads, dense_buffers, *options, *flags)
        copies = [*dense, *(dense_buffers or ())]
        for array, copy in zip([*params, *(buffers or ())], copies, strict=True):
            if copy is not array:
                array[...] = copy
    for tensor in tensors:
        bump(tensor)


def _dense(array, like):
    """array itself if its strides are the dense ones of like, else a copy that has them."""
    target = np.empty_like(like)
    if array.strides == target.strides:
        return array
    target[...] = array
    return target
