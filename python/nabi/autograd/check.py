# SPDX-License-Identifier: Apache-2.0
"""gradcheck: gradients against central differences, as PyTorch's."""

from __future__ import annotations

import numpy as np

from ..errors import fail, note
from ..tensor import Tensor, from_array
from .graph import mode
from .walk import grad


class GradcheckError(RuntimeError):
    """Raised by :func:`gradcheck` where the two gradients differ."""


def _outputs(function, inputs) -> list[Tensor]:
    found = function(*inputs)
    found = found if isinstance(found, (tuple, list)) else (found,)
    return [each for each in found if isinstance(each, Tensor) and each.dtype.is_floating_point]


def _numerical(function, inputs, which: int, eps: float) -> list[np.ndarray]:
    """d outputs / d inputs[which] as matrices (elements of the input, elements of the output)."""
    array = inputs[which]._array
    flat_shape = array.shape
    columns: list[list[np.ndarray]] = []
    before, mode.enabled = mode.enabled, False
    try:
        for index in np.ndindex(*flat_shape):
            kept = array[index]
            sides = []
            for step in (eps, -eps):
                array[index] = kept + step
                sides.append([out._array.astype(np.float64).reshape(-1) for out in _outputs(function, inputs)])
            array[index] = kept
            columns.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    finally:
        mode.enabled = before
    count = len(_outputs(function, inputs))
    return [np.array([column[k] for column in columns]).reshape(array.size, -1) for k in range(count)]


def _analytical(output: Tensor, tensor: Tensor, create: bool) -> np.ndarray:
    rows = np.zeros((tensor._array.size, output._array.size))
    for k in range(output._array.size):
        seed = np.zeros(output._array.shape, output._array.dtype)
        seed.reshape(-1)[k] = 1
        (found,) = grad(output, tensor, from_array(seed), retain_graph=True, create_graph=create, allow_unused=True)
        if found is not None:
            rows[:, k] = found._array.reshape(-1)
    return rows


def gradcheck(
    func,
    inputs,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
    _plain: bool = False,
) -> bool:
    """True where ``func``'s gradients agree with central differences: |a - n| <= atol + rtol |n| for every entry.

    Args:
        func: takes ``inputs``, returns a Tensor or several.
        inputs: Tensors; those that require grad are checked and should be float64.
        fast_mode: accepted; the full Jacobian is always compared.

    Raises:
        GradcheckError: a gradient differs (False is returned instead with ``raise_exception=False``).
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, each in enumerate(inputs) if isinstance(each, Tensor) and each.requires_grad]
    if not checked:
        raise note(ValueError, "gradcheck", "gradcheck expects at least one input tensor to require gradient, got none")
    for i in checked:
        if inputs[i].dtype.name != "float64":
            import warnings

            warnings.warn(
                f"gradcheck: input {i} is {inputs[i].dtype.name}; differences need float64 to be exact enough",
                UserWarning,
                stacklevel=2,
            )
    outputs = _outputs(func, inputs)
    for i in checked:
        expected = _numerical(func, inputs, i, eps)
        for k, output in enumerate(outputs):
            got = _analytical(output, inputs[i], _plain) if output.requires_grad else np.zeros_like(expected[k])
            again = _analytical(output, inputs[i], _plain) if output.requires_grad else got
            if np.abs(got - again).max(initial=0) > nondet_tol:
                error = note(GradcheckError, "gradcheck", "expected the same gradient twice, got different ones")
            elif not np.allclose(got, expected[k], rtol=rtol, atol=atol, equal_nan=True):
                error = fail(
                    GradcheckError,
                    "gradcheck",
                    f"the Jacobian of output {k} with respect to input {i} to be\n{expected[k]}",
                    f"\n{got}",
                )
            else:
                continue
            if raise_exception:
                raise error
            return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, **options) -> bool:
    """:func:`gradcheck` of the gradients themselves (second derivatives, through ``create_graph``)."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = _outputs(func, inputs)
    if grad_outputs is None:
        random = np.random.default_rng(0)
        grad_outputs = [from_array(random.standard_normal(o._array.shape), requires_grad=True) for o in outputs]
    elif isinstance(grad_outputs, Tensor):
        grad_outputs = [grad_outputs]
    count = len(inputs)

    def gradients(*values):
        found = _outputs(func, values[:count])
        wanted = [each for each in values[:count] if isinstance(each, Tensor) and each.requires_grad]
        before, mode.enabled = mode.enabled, True
        try:
            return grad(found, wanted, values[count:], create_graph=True, allow_unused=True)
        finally:
            mode.enabled = before

    return gradcheck(_recording(gradients), (*inputs, *grad_outputs), **options)


def _recording(function):
    def recorded(*values):
        before, mode.enabled = mode.enabled, True
        try:
            return function(*values)
        finally:
            mode.enabled = before

    return recorded
