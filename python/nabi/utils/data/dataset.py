# SPDX-License-Identifier: Apache-2.0
"""Data sets: what holds the samples.

A data set that lives in memory also knows how to read a whole batch at once: `_batch_reader()` returns a
function from an int64 array of indices to the batch that `default_collate` would have made of the single
samples, or None where reading one sample at a time is the only way (a subclass with its own `__getitem__`,
for example).
"""

from __future__ import annotations

import bisect
import math
import warnings
from collections.abc import Iterable
from itertools import accumulate
from types import GenericAlias

import numpy as np

from nabi import _C
from nabi.errors import fail, note
from nabi.random import default_generator, randperm
from nabi.tensor import Tensor, from_array


def gather(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rows of an array, in a fresh contiguous array: `out[i] = array[index[i]]`.

    Args:
        array: any array of shape (N, ...).
        index: int64 array of shape (B,), each in [-N, N).

    Returns: array of shape (B, ...) and the same dtype.
    Raises: IndexError for an index out of range.
    """
    # The kernel reads rows of memory: an array that is not contiguous would be copied as a whole first.
    if not array.flags.c_contiguous or not array.size or not index.size:
        # Checked here: older numpys only warn about an index into an array without elements.
        if index.size and not -len(array) <= index.min() <= index.max() < len(array):
            allowed = f"indices from {-len(array)} to {len(array) - 1}"
            raise fail(IndexError, "gather", allowed, f"{index.min()} to {index.max()}")
        return np.ascontiguousarray(array[index])
    if index.min() < 0:
        index = np.where(index < 0, index + len(array), index)
    return _C.take_rows(array.reshape(len(array), -1), index).reshape(len(index), *array.shape[1:])


def as_index(index) -> np.ndarray | None:
    """A batch of indices as an int64 array, or None where it is no list of Python integers."""
    if isinstance(index, np.ndarray):
        return index if index.ndim == 1 and index.dtype == np.int64 else None
    if type(index) is not list or set(map(type, index)) != {int}:
        return None
    array = np.array(index)
    return array if array.dtype == np.int64 else None


def batch_reader(dataset):
    """The data set's function from indices to a collated batch, or None where it has none."""
    make = getattr(dataset, "_batch_reader", None)
    return make() if make is not None else None


class Dataset:
    """Samples that are found by a key: derive from it and write `__getitem__`, usually `__len__` too.

    A subclass may also write `__getitems__(indices)`, which returns the list of samples of one batch.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Dataset

    Example:
        >>> from nabi.utils.data import DataLoader, Dataset
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 4
        ...     def __getitem__(self, index):
        ...         return index, float(index**2)
        >>> [y.tolist() for x, y in DataLoader(Squares(), batch_size=2)]
        [[0.0, 1.0], [4.0, 9.0]]
    """

    __class_getitem__ = classmethod(GenericAlias)

    def __getitem__(self, index):
        raise note(
            NotImplementedError,
            type(self).__name__,
            "write __getitem__(self, index) in your subclass of Dataset",
        )

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset, Iterable):
    """Samples that come one after the other: derive from it and write `__iter__`.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset

    Example:
        >>> from nabi.utils.data import DataLoader, IterableDataset
        >>> class Count(IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(5))
        >>> [x.tolist() for x in DataLoader(Count(), batch_size=2)]
        [[0, 1], [2, 3], [4]]
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Tensors side by side: sample i is the tuple of their rows i.

    Args:
        tensors: Tensors with the same first size, of shapes (N, ...).

    Raises: TypeError for what is no Tensor; AssertionError where the first sizes differ.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset

    Example:
        >>> import nabi
        >>> from nabi.utils.data import TensorDataset
        >>> data = TensorDataset(nabi.tensor([[1.0, 2.0], [3.0, 4.0]]), nabi.tensor([0, 1]))
        >>> len(data), data[1][0].tolist()
        (2, [3.0, 4.0])
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise fail(TypeError, "TensorDataset", "at least one tensor", "none")
        for position, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise fail(
                    TypeError, "TensorDataset", "tensors", f"{type(tensor).__name__} at position {position}"
                )
            if not tensor.shape:
                raise fail(
                    IndexError,
                    "TensorDataset",
                    "tensors with a first dimension",
                    f"a 0-d one at position {position}",
                )
        if any(tensor.shape[0] != tensors[0].shape[0] for tensor in tensors):
            sizes = [tensor.shape[0] for tensor in tensors]
            raise fail(AssertionError, "TensorDataset", "tensors with the same first size", f"sizes {sizes}")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def _batch_reader(self):
        overridden = type(self).__getitem__ is not TensorDataset.__getitem__ or hasattr(self, "__getitems__")
        if overridden or any(tensor.requires_grad for tensor in self.tensors):
            return None

        def read(index):
            index = as_index(index)
            if index is None:
                return None
            return [from_array(gather(tensor._array, index)) for tensor in self.tensors]

        return read


class StackDataset(Dataset):
    """Data sets side by side: sample i is the tuple (or dict, for named ones) of their samples i.

    Args:
        args, kwargs: data sets of the same length; all positional or all named.

    Raises: ValueError for none, for both kinds, or for lengths that differ.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.StackDataset

    Example:
        >>> from nabi.utils.data import StackDataset
        >>> StackDataset(image=[10, 20], label=[0, 1])[1]
        {'image': 20, 'label': 1}
    """

    def __init__(self, *args, **kwargs) -> None:
        if args and kwargs:
            raise fail(
                ValueError, "StackDataset", "data sets that are all positional or all named", "both kinds"
            )
        if not args and not kwargs:
            raise fail(ValueError, "StackDataset", "at least one data set", "none")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in (args or kwargs.values())]
        if any(length != lengths[0] for length in lengths):
            raise fail(ValueError, "StackDataset", "data sets of the same length", f"lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {key: dataset[index] for key, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset):
    """Data sets one after the other.

    Args:
        datasets: an iterable of data sets, each with a length.

    Raises: AssertionError for none, or for an IterableDataset (ChainDataset joins those).
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.ConcatDataset

    Example:
        >>> from nabi.utils.data import ConcatDataset
        >>> data = ConcatDataset([[1, 2, 3], [4, 5]])
        >>> len(data), data[3], data[-1]
        (5, 4, 5)
    """

    def __init__(self, datasets: Iterable) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise fail(AssertionError, "ConcatDataset", "at least one data set", "none")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise fail(
                AssertionError,
                "ConcatDataset",
                "data sets with a length (ChainDataset joins others)",
                "IterableDataset",
            )
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence):
        return list(accumulate(len(dataset) for dataset in sequence))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        length = len(self)
        if idx < -length:
            raise fail(ValueError, "ConcatDataset", f"an index in [-{length}, {length})", idx)
        if idx >= length:
            raise fail(IndexError, "ConcatDataset", f"an index in [-{length}, {length})", idx)
        if idx < 0:
            idx += length
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """Iterable data sets one after the other.

    Args:
        datasets: an iterable of IterableDatasets.

    Raises: AssertionError, when reached, for one that is no IterableDataset.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.ChainDataset
    """

    def __init__(self, datasets: Iterable) -> None:
        self.datasets = datasets

    def __iter__(self):
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())

    def _checked(self):
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise fail(AssertionError, "ChainDataset", "IterableDatasets", type(dataset).__name__)
            yield dataset


class Subset(Dataset):
    """Part of a data set: sample i is `dataset[indices[i]]`.

    Args:
        dataset: the whole data set.
        indices: a sequence of M keys of it.

    Raises: NotImplementedError for a subclass that writes `__getitem__` without `__getitems__`.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Subset

    Example:
        >>> from nabi.utils.data import Subset
        >>> list(Subset("abcdef", [4, 0]))
        ['e', 'a']
    """

    def __init__(self, dataset, indices) -> None:
        self.dataset = dataset
        self.indices = indices
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ and cls.__getitems__ is Subset.__getitems__:
            sentence = (
                "write __getitems__(self, indices) too, the loader reads batches through it; for example as: "
                "return [self[i] for i in indices]"
            )
            raise note(NotImplementedError, cls.__name__, sentence)

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        keys = [self.indices[i] for i in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__(keys)
        return [self.dataset[key] for key in keys]

    def __len__(self) -> int:
        return len(self.indices)

    def _batch_reader(self):
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ or cls.__getitems__ is not Subset.__getitems__:
            return None
        read, table = batch_reader(self.dataset), _table_of(self.indices)
        if read is None or table is None:
            return None

        def read_part(index):
            index = as_index(index)
            return None if index is None else read(gather(table, index))

        return read_part


def _table_of(indices) -> np.ndarray | None:
    """A Subset's indices as an int64 array, or None where they are no integers.

    Made once an epoch: to look up a list of Python integers in a random order costs more than the gather.
    """
    if isinstance(indices, Tensor):
        indices = indices._array
    elif isinstance(indices, range):
        indices = np.arange(indices.start, indices.stop, indices.step)
    elif isinstance(indices, (list, tuple)):
        return as_index(list(indices))
    if not isinstance(indices, np.ndarray) or indices.ndim != 1 or indices.dtype.kind != "i":
        return None
    return indices.astype(np.int64, copy=False)


def random_split(dataset, lengths, generator=default_generator) -> list[Subset]:
    """Cut a data set at random into parts that do not overlap.

    Args:
        dataset: a data set of length N.
        lengths: the parts' lengths, with sum N, or their fractions, with sum 1. A fraction's part has floor(N
            f) samples; what is left over goes one by one to the parts, from the first on.
        generator: where the permutation of the N samples is drawn.

    Returns: one Subset per part.
    Raises: ValueError where the lengths do not add up to N, or for a fraction outside [0, 1].
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.random_split

    Example:
        >>> from nabi.utils.data import random_split
        >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
        [8, 2]
    """
    size, total = len(dataset), sum(lengths)
    if math.isclose(total, 1) and total <= 1:
        lengths = _lengths_of(lengths, size)
        for position, length in enumerate(lengths):
            if length == 0:
                warnings.warn(f"random_split: the part at position {position} has no samples", stacklevel=2)
    elif total != size:
        raise fail(
            ValueError, "random_split", f"lengths with sum {size}, or fractions with sum 1", f"sum {total}"
        )
    if any(not isinstance(length, (int, np.integer)) or length < 0 for length in lengths):
        raise fail(ValueError, "random_split", "lengths >= 0, or fractions with sum 1", list(lengths))
    indices = randperm(size, generator=generator).tolist()
    ends = accumulate(lengths)
    return [Subset(dataset, indices[end - length : end]) for end, length in zip(ends, lengths)]


def _lengths_of(fractions, size) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise fail(
                ValueError, "random_split", "fractions in [0, 1]", f"{fraction} at position {position}"
            )
    lengths = [math.floor(size * fraction) for fraction in fractions]
    for position in range(size - sum(lengths)):
        lengths[position % len(lengths)] += 1
    return lengths
