# SPDX-License-Identifier: Apache-2.0
"""From a list of samples to one batch.

`collate` walks into dicts, named tuples, tuples and lists; `default_collate_fn_map` says what becomes of the
leaves.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from nabi.errors import fail
from nabi.ops.creation import as_tensor, tensor
from nabi.ops.shape import stack
from nabi.tensor import Tensor, from_array

_LEAVES = "tensors, numpy arrays, numbers, strings, dicts or lists as samples"


def _is_text_or_object(array) -> bool:
    return array.dtype.kind in "SUO"


def _rebuild(original, values):
    """`values` (a dict or a list) in a container like `original`, or as they are where its class refuses."""
    try:
        if isinstance(original, MutableMapping):
            clone = copy.copy(original)
            clone.update(values)
            return clone
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(original)(values)
    except TypeError:
        return values


def default_convert(data):
    """Numpy arrays (shared, not copied) and numbers become Tensors, inside dicts, tuples and lists too.

    The loader applies it to each sample when `batch_size=None`.

    Args:
        data: one sample.

    Returns: the sample with Tensors in it; a plain tuple becomes a list.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_convert

    Example:
        >>> import numpy as np
        >>> from nabi.utils.data import default_convert
        >>> default_convert([0, np.array([1, 2])])
        [0, tensor([1, 2])]
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        if _is_text_or_object(data):
            return data
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        values = [default_convert(value) for value in data]
        return type(data)(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild(data, [default_convert(value) for value in data])
    return data


def collate(batch, *, collate_fn_map=None):
    """The batch of a list of samples, by the kind of its first one.

    Args:
        batch: a list of B samples of one structure.
        collate_fn_map: dict from a type (or tuple of types) to a function `f(batch, *, collate_fn_map)` for
            leaves.

    Returns: a dict of batches for dicts, a named tuple for named tuples, a list of batches for tuples; other
        sequences keep their class.
    Raises: RuntimeError for sequences of different lengths; TypeError for a leaf of an unknown type.
    """
    first = batch[0]
    if collate_fn_map is not None:
        handler = collate_fn_map.get(type(first))
        if handler is None:
            handler = next((f for kind, f in collate_fn_map.items() if isinstance(first, kind)), None)
        if handler is not None:
            return handler(batch, collate_fn_map=collate_fn_map)

    def inner(samples):
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuild(first, {key: inner([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(inner(samples) for samples in zip(*batch)))
    if isinstance(first, Sequence):
        for position, sample in enumerate(batch):
            if len(sample) != len(first):
                got = f"{len(first)} and, at entry {position}, {len(sample)}"
                raise fail(RuntimeError, "default_collate", "samples with the same number of fields", got)
        fields = [inner(samples) for samples in zip(*batch)]
        return fields if isinstance(first, tuple) else _rebuild(first, fields)
    raise fail(TypeError, "default_collate", _LEAVES, f"{type(first).__module__}.{type(first).__qualname__}")


def _stack(batch, *, collate_fn_map=None):
    for position, sample in enumerate(batch):
        if not isinstance(sample, Tensor):
            got = f"{type(sample).__name__} at entry {position}"
            raise fail(TypeError, "default_collate", "only tensors", got)
    arrays = [sample._array for sample in batch]
    _check_shapes(arrays)
    dtype = batch[0].dtype
    if any(sample.requires_grad or sample.dtype is not dtype for sample in batch):
        return stack(list(batch), 0)
    return from_array(_stack_arrays(arrays))


def _check_shapes(arrays) -> None:
    shape = arrays[0].shape
    for position, array in enumerate(arrays):
        if array.shape != shape:
            got = f"{shape} at entry 0 and {array.shape} at entry {position}"
            raise fail(RuntimeError, "default_collate", "tensors of equal shape", got)


def _stack_arrays(arrays) -> np.ndarray:
    """Arrays of one dtype and shape in a new contiguous one, (B, *shape)."""
    shape, dtype = arrays[0].shape, arrays[0].dtype
    if not shape:
        return np.array(arrays, dtype)
    # Half the time of np.stack, which makes a view of each array first. Given its output, numpy cannot choose
    # a memory order after the inputs': a batch is always contiguous.
    out = np.empty((len(arrays) * shape[0], *shape[1:]), dtype)
    np.concatenate(arrays, out=out)
    return out.reshape(len(arrays), *shape)


def _stack_numpy(batch, *, collate_fn_map=None):
    first = batch[0]
    if _is_text_or_object(first):
        raise fail(TypeError, "default_collate", _LEAVES, f"a numpy array of dtype {first.dtype}")
    if first.dtype.isnative and all(
        type(array) is np.ndarray and array.dtype == first.dtype for array in batch
    ):
        _check_shapes(batch)
        return from_array(_stack_arrays(batch))
    return _stack([as_tensor(array) for array in batch])


def _numpy_numbers(batch, *, collate_fn_map=None):
    return as_tensor(np.array(batch))


def _floats(batch, *, collate_fn_map=None):
    return from_array(np.array([_as_float(value) for value in batch], np.float64))


def _as_float(value) -> float:
    if isinstance(value, (str, bytes)):
        raise fail(TypeError, "default_collate", "only numbers", type(value).__name__)
    return float(value)


def _integers(batch, *, collate_fn_map=None):
    # Labels: by far the most frequent case, and a whole batch of them is one numpy call.
    if all(type(value) is int for value in batch):
        array = np.array(batch)
        if array.dtype != np.int64:
            raise fail(ValueError, "default_collate", "integers that 64 bits can hold", max(batch, key=abs))
        return from_array(array)
    return tensor(list(batch))


def _texts(batch, *, collate_fn_map=None):
    return batch


default_collate_fn_map = {
    Tensor: _stack,
    np.ndarray: _stack_numpy,
    (np.bool_, np.number): _numpy_numbers,
    float: _floats,
    int: _integers,
    str: _texts,
    bytes: _texts,
}


def default_collate(batch):
    """Stack a list of samples into a batch, field by field.

    Tensors and arrays of shape (...) become a Tensor of shape (B, ...); Python floats a float64 Tensor,
    integers an int64 one, bools a bool one; strings stay a list; dicts, named tuples, tuples and lists are
    walked into.

    Args:
        batch: a list of B samples of one structure.

    Returns: the batch; for tuples a list with one entry per field.
    Raises: RuntimeError for shapes or lengths that differ; TypeError for a leaf of an unknown type.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_collate

    Example:
        >>> from nabi.utils.data import default_collate
        >>> default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2]), ('a', 'b')]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
