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
                sides.append(
                    [out._array.astype(np.float64).reshape(-1) for out in _outputs(function, inputs)]
                )
            array[index] = kept
            columns.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    finally:
        mode.enabled = before
    count = len(_outputs(function, inputs))
    return [np.array([column[k] for column in columns]).reshape(array.size, -1) for k in range(count)]


def _seeds(outputs, which: int, values: np.ndarray, alone: bool):
    """The outputs to walk from and their gradients: one alone, or with zeros for the others."""
    if alone:
        return [outputs[which]], [from_array(values)]
    wanting = [each for each in outputs if each.requires_grad]
    return wanting, [
        from_array(values if each is outputs[which] else np.zeros_like(each._array)) for each in wanting
    ]


def _analytical(
    outputs, which: int, tensor: Tensor, create: bool, alone: bool, directions: np.ndarray
) -> np.ndarray:
    """(gradients of ``tensor``) for each direction of the output: a matrix (elements of the input, directions)."""
    rows = np.zeros((tensor._array.size, len(directions)))
    for k, direction in enumerate(directions):
        values = direction.astype(outputs[which]._array.dtype).reshape(outputs[which]._array.shape)
        wanting, seeds = _seeds(outputs, which, values, alone)
        (found,) = grad(wanting, tensor, seeds, retain_graph=True, create_graph=create, allow_unused=True)
        if found is not None:
            rows[:, k] = found._array.reshape(-1)
    return rows


_OWN_OPTIONS = frozenset(
    (
        "eps", "atol", "rtol", "raise_exception", "nondet_tol", "check_undefined_grad", "check_grad_dtypes", "fast_mode",
    )
)  # fmt: skip


def _refuse(options: dict, op: str) -> None:
    for name, usual in (
        ("check_batched_grad", False),
        ("check_batched_forward_grad", False),
        ("check_forward_ad", False),
        ("check_backward_ad", True),
        ("gen_non_contig_grad_outputs", False),
        ("masked", None),
    ):
        if options.pop(name, usual) != usual:
            raise note(NotImplementedError, op, f"{name} other than {usual} is not supported; leave it out")
    if options:
        raise fail(TypeError, op, "options of PyTorch's gradcheck", ", ".join(options))


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
    **options,
) -> bool:
    """True where ``func``'s gradients agree with central differences: |a - n| <= atol + rtol |n| for every entry.

    Args:
        func: takes ``inputs``, returns a Tensor or several.
        inputs: Tensors; those that require grad are checked and should be float64.
        eps: the step of the differences.
        nondet_tol: how much two runs of one gradient may differ.
        check_undefined_grad: each output's gradient is asked for while the others have none; False gives them zeros.
        check_grad_dtypes: also compare the gradient's dtype with the input's.
        fast_mode: compare along two random directions of the output instead of the full Jacobian.

    Raises:
        GradcheckError: a gradient differs (False is returned instead with ``raise_exception=False``).
        NotImplementedError: check_batched_grad, check_forward_ad or masked, which nabi does not have.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html

    Example:
        >>> import nabi
        >>> x = nabi.tensor([0.5, 2.0], dtype=nabi.float64, requires_grad=True)
        >>> nabi.autograd.gradcheck(lambda t: t * t, x)
        True
    """
    create = options.pop("_plain", False)
    _refuse(options, "gradcheck")
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, each in enumerate(inputs) if isinstance(each, Tensor) and each.requires_grad]
    if not checked:
        raise note(
            ValueError,
            "gradcheck",
            "gradcheck expects at least one input tensor to require gradient, got none",
        )
    for i in checked:
        if inputs[i].dtype.name != "float64":
            import warnings

            warnings.warn(
                f"gradcheck: input {i} is {inputs[i].dtype.name}; differences need float64 to be exact enough",
                UserWarning,
                stacklevel=2,
            )
    try:
        outputs = _outputs(func, inputs)
        for i in checked:
            expected = _numerical(func, inputs, i, eps)
            for k, output in enumerate(outputs):
                _check_one(
                    outputs,
                    k,
                    inputs[i],
                    i,
                    expected[k],
                    create,
                    check_undefined_grad,
                    fast_mode,
                    nondet_tol,
                    atol,
                    rtol,
                )
                if check_grad_dtypes and output.requires_grad:
                    _check_dtype(output, inputs[i], i)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_one(outputs, k, tensor, i, expected, create, alone, fast, nondet_tol, atol, rtol) -> None:
    output = outputs[k]
    if fast:
        directions = np.random.default_rng(0).standard_normal((2, output._array.size))
        expected = expected @ directions.T
    else:
        directions = np.eye(output._array.size)
    got = again = np.zeros_like(expected)
    if output.requires_grad:
        got, again = (_analytical(outputs, k, tensor, create, alone, directions) for _ in range(2))
    if np.abs(got - again).max(initial=0) > nondet_tol:
        raise note(GradcheckError, "gradcheck", "expected the same gradient twice, got different ones")
    if not np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True):
        raise fail(
            GradcheckError,
            "gradcheck",
            f"the Jacobian of output {k} with respect to input {i} to be\n{expected}",
            f"\n{got}",
        )


def _check_dtype(output: Tensor, tensor: Tensor, i: int) -> None:
    seed = from_array(np.ones_like(output._array))
    (found,) = grad(output, tensor, seed, retain_graph=True, allow_unused=True)
    if found is not None and found.dtype is not tensor.dtype:
        raise fail(
            GradcheckError,
            "gradcheck",
            f"a gradient of dtype {tensor.dtype.name} for input {i}",
            found.dtype.name,
        )


def gradgradcheck(func, inputs, grad_outputs=None, **options) -> bool:
    """:func:`gradcheck` of the gradients themselves (second derivatives, through ``create_graph``).

    Args:
        grad_outputs: what the outputs' gradients are; random ones if None.
        options: those of :func:`gradcheck`.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _refuse({name: value for name, value in options.items() if name not in _OWN_OPTIONS}, "gradgradcheck")
    options.pop("gen_non_contig_grad_outputs", None)
    outputs = [each for each in _outputs(func, inputs) if each.requires_grad]
    if grad_outputs is None:
        random = np.random.default_rng(0)
        grad_outputs = [
            from_array(
                random.standard_normal(each._array.shape).astype(each._array.dtype), requires_grad=True
            )
            for each in outputs
        ]
    elif isinstance(grad_outputs, Tensor):
        grad_outputs = [grad_outputs]
    count = len(inputs)

    def gradients(*values):
        found = [each for each in _outputs(func, values[:count]) if each.requires_grad]
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
