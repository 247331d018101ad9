# SPDX-License-Identifier: Apache-2.0
"""What `print(tensor)` shows: PyTorch's text, character for character.

A tensor is cut to its edges first, then every element that is left is written once, then the rows are laid
out; so the cost depends on what is shown and not on the size of the tensor.
"""

from __future__ import annotations

import contextlib
import operator
from itertools import islice

import numpy as np

from .dtype import get_default_dtype
from .errors import fail

_DEFAULTS = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}
_PROFILES = {
    "default": _DEFAULTS,
    "short": {**_DEFAULTS, "precision": 2, "edgeitems": 2},
    "full": {**_DEFAULTS, "threshold": float("inf")},
}
_options = {**_DEFAULTS, "sci_mode": None}


def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None
) -> None:
    """Set how tensors are printed.

    Args:
        precision: digits after the point, 4 at first.
        threshold: a tensor with more elements than this is shown by its edges, 1000 at first.
        edgeitems: how many elements each end of a shortened dimension keeps, 3 at first.
        linewidth: characters in a line, 80 at first.
        profile: "default", "short" or "full", applied before the other arguments.
        sci_mode: True for scientific notation, False for none, None to choose by the values. As in PyTorch
            this one is set by every call, so leaving it out puts it back to None.

    Raises:
        TypeError, ValueError: for an option out of its range; no option has then changed.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html

    >>> import nabi
    >>> nabi.set_printoptions(precision=2)
    >>> nabi.tensor([1.12345])
    tensor([1.12])
    >>> nabi.set_printoptions(profile="default")
    """
    chosen = {}
    if profile is not None:
        if profile not in _PROFILES:
            raise fail(ValueError, "set_printoptions", f"profile in {sorted(_PROFILES)}", repr(profile))
        chosen.update(_PROFILES[profile])
    if precision is not None:
        chosen["precision"] = _count("precision", precision)
    if threshold is not None:
        chosen["threshold"] = _number("threshold", threshold)
    if edgeitems is not None:
        chosen["edgeitems"] = _count("edgeitems", edgeitems)
    if linewidth is not None:
        chosen["linewidth"] = _number("linewidth", linewidth)
    if sci_mode not in (None, True, False):
        raise fail(ValueError, "set_printoptions", "sci_mode True, False or None", repr(sci_mode))
    _options.update(chosen, sci_mode=sci_mode)


def get_printoptions() -> dict:
    """The printing options of this moment, as the keyword arguments of `set_printoptions`.

    Returns:
        A new dict with precision, threshold, edgeitems, linewidth and sci_mode.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.get_printoptions.html

    >>> import nabi
    >>> nabi.get_printoptions()["precision"]
    4
    """
    return dict(_options)


@contextlib.contextmanager
def printoptions(**options):
    """Print with other options inside a `with` block.

    Args:
        options: those of `set_printoptions`.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html

    >>> import nabi
    >>> with nabi.printoptions(precision=1):
    ...     nabi.tensor([0.25, 0.5])
    tensor([0.2, 0.5])
    """
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(before)


def format_tensor(
    array, *, dtype, requires_grad: bool = False, grad_fn_name: str | None = None, class_name: str = "tensor"
) -> str:
    """The `repr` of a tensor.

    Args:
        array: the values, a numpy array of any shape and any strides.
        dtype: the tensor's nabi dtype.
        requires_grad: whether it is a leaf that wants a gradient.
        grad_fn_name: the name of the node it came from; shown instead of requires_grad.
        class_name: what stands before the bracket; a subclass of Tensor gives its own name.

    >>> import numpy, nabi
    >>> format_tensor(numpy.eye(2), dtype=nabi.float64)
    'tensor([[1., 0.],\\n        [0., 1.]], dtype=torch.float64)'
    """
    options = dict(_options)
    indent = len(class_name) + 1
    text = f"{class_name}({_contents(array, indent, options)}"

    notes = []
    empty = array.size == 0
    # the shape is shown where the brackets cannot show it
    if (empty and array.ndim != 1) or (not empty and options["edgeitems"] == 0):
        notes.append(f"size={tuple(array.shape)}")
    # integers and bools are known from their digits, but not when there is none
    if dtype.name != get_default_dtype().name and (empty or dtype.name not in ("int64", "bool")):
        notes.append(f"dtype={dtype!r}")
    if grad_fn_name is not None:
        notes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        notes.append("requires_grad=True")

    # PyTorch counts the last line of the numbers as two characters longer than it is
    column = len(text) - text.rfind("\n") + 1
    for note in notes:
        column += 2 + len(note)
        if column > options["linewidth"]:
            text += f",\n{' ' * indent}{note}"
            column = indent + len(note)
        else:
            text += f", {note}"
    return text + ")"


def format_scalar(array, spec: str) -> str:
    """What `format(tensor, spec)` gives for a tensor without dimensions: Python's text for its value.

    Args:
        array: a numpy array of shape ().
        spec: a format specification such as ".3f".

    Raises:
        ValueError: Python's, where the specification does not fit the value.

    >>> import numpy
    >>> format_scalar(numpy.array(2 / 3), ".3f")
    '0.667'
    """
    return format(array.item(), spec)


def _count(name, value):
    try:
        count = operator.index(value)
    except TypeError:
        raise fail(TypeError, "set_printoptions", f"{name} to be an integer", repr(value)) from None
    if count < 0 or isinstance(value, bool):
        raise fail(ValueError, "set_printoptions", f"{name} >= 0", repr(value))
    return count


def _number(name, value):
    try:
        comparable = value == value and (value < 0 or value >= 0)
    except TypeError:
        raise fail(TypeError, "set_printoptions", f"{name} to be a number", repr(value)) from None
    if not comparable:
        raise fail(ValueError, "set_printoptions", f"{name} to be a number", repr(value))
    return value


def _contents(array, indent, options) -> str:
    if array.size == 0:
        return "[]"
    edge = options["edgeitems"]
    cut = [False] * array.ndim
    if array.ndim and array.size > options["threshold"]:
        if edge == 0:
            return "[...]"
        cut = [size > 2 * edge for size in array.shape]
        array = array[np.ix_(*(_kept(size, edge) for size in array.shape))]

    texts, width = _written(array.ravel(), options)
    padded = (text.rjust(width) for text in texts)
    if array.ndim == 0:
        return next(padded)
    return _rows(padded, array.shape, cut, indent, width, options)


def _kept(size, edge):
    """The indices that are shown of a dimension."""
    if size <= 2 * edge:
        return np.arange(size)
    return np.concatenate((np.arange(edge), np.arange(size - edge, size)))


def _written(values, options):
    """Every value as text, and the width that all are padded to."""
    if values.dtype.kind != "f":
        texts = list(map(str, values.tolist()))
        return texts, max(map(len, texts))

    # zeros, infinities and NaN neither choose the notation nor widen the columns
    counted = np.isfinite(values) & (values != 0)
    whole, scientific = True, False
    if counted.any():
        magnitudes = np.abs(values[counted])
        low, high = float(magnitudes.min()), float(magnitudes.max())
        whole = bool((magnitudes == np.trunc(magnitudes)).all())
        scientific = options["sci_mode"]
        if scientific is None:
            scientific = high / low > 1000.0 or high > 1e8 or low < 1e-4

    if scientific:
        texts = _formatted(values, f".{options['precision']}e")
    elif whole:
        # the point says that it is a floating-point tensor; inf and nan say so themselves
        texts = [text if text[-1] in "fn" else f"{text}." for text in _formatted(values, ".0f")]
    else:
        texts = _formatted(values, f".{options['precision']}f")
    return texts, max((len(texts[index]) for index in counted.nonzero()[0].tolist()), default=1)


def _formatted(values, spec):
    return [format(value, spec) for value in values.tolist()]


def _rows(texts, shape, cut, indent, width, options) -> str:
    """Brackets around what the iterator `texts` gives, one level for each entry of `shape`."""
    if len(shape) == 1:
        row = list(islice(texts, shape[0]))
        if cut[0]:
            row.insert(options["edgeitems"], " ...")
        fitting = (options["linewidth"] - indent) / (width + 2)
        per_line = int(max(1, min(len(row), fitting)))
        parts = [", ".join(row[start : start + per_line]) for start in range(0, len(row), per_line)]
    else:
        parts = [_rows(texts, shape[1:], cut[1:], indent + 1, width, options) for _ in range(shape[0])]
        if cut[0]:
            parts.insert(options["edgeitems"], "...")
    separator = "," + "\n" * max(1, len(shape) - 1) + " " * (indent + 1)
    return "[" + separator.join(parts) + "]"
