# SPDX-License-Identifier: Apache-2.0
"""Samplers: in which order the loader reads the samples.

The draws are PyTorch's, bit for bit, and are made at the same moments. A sampler that hands out integers
produces them as arrays (`_chunks`); its `__iter__` gives them one by one, and the loader's fast path cuts
batches from the arrays without a Python object per sample.
"""

from __future__ import annotations

from itertools import islice
from types import GenericAlias

import numpy as np

from nabi.dtype import float64
from nabi.errors import fail, note
from nabi.random import Generator, default_generator, multinomial, randint, randperm
from nabi.tensor import Tensor, from_array


def draw_seed(generator: Generator | None, op: str) -> int:
    """A seed in [0, 2**63), from the given generator or the default one (two 32-bit words of its stream)."""
    if generator is not None and not isinstance(generator, Generator):
        raise fail(TypeError, op, "generator to be a nabi.Generator or None", type(generator).__name__)
    return (default_generator if generator is None else generator).random64() & (2**63 - 1)


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


class Sampler:
    """The order of one epoch: derive from it and write `__iter__`, and `__len__` where it is known.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Sampler
    """

    __class_getitem__ = classmethod(GenericAlias)

    def __iter__(self):
        raise note(
            NotImplementedError, type(self).__name__, "write __iter__(self) in your subclass of Sampler"
        )


class SequentialSampler(Sampler):
    """0, 1, ..., len(data_source) - 1.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.SequentialSampler

    Example:
        >>> from nabi.utils.data import SequentialSampler
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source) -> None:
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)

    def _chunks(self):
        size, step = len(self.data_source), 1 << 16
        for start in range(0, size, step):
            yield np.arange(start, min(start + step, size))


class RandomSampler(Sampler):
    """A random order; with `replacement`, independent draws.

    Args:
        data_source: the data set, of length N.
        replacement: draw each index anew from all N.
        num_samples: how many indices an epoch has (N by default; above N, several permutations follow each
            other).
        generator: the source of the draws. Without one, each epoch draws a seed from the default generator.

    Raises: TypeError for a replacement that is no bool; ValueError unless num_samples is a positive integer
        (so also for an empty data set).
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler

    Example:
        >>> import nabi
        >>> from nabi.utils.data import RandomSampler
        >>> list(RandomSampler(range(5), generator=nabi.Generator().manual_seed(0)))
        [4, 0, 1, 3, 2]
    """

    def __init__(
        self, data_source, replacement: bool = False, num_samples: int | None = None, generator=None
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise fail(TypeError, "RandomSampler", "replacement to be a bool", f"replacement={replacement!r}")
        if not _is_count(self.num_samples):
            got = f"num_samples={self.num_samples!r}"
            raise fail(ValueError, "RandomSampler", "num_samples to be a positive integer", got)

    @property
    def num_samples(self) -> int:
        # The data set may grow or shrink between epochs, so its length is asked each time.
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        for chunk in self._chunks():
            yield from chunk.tolist()

    def __len__(self) -> int:
        return self.num_samples

    def _chunks(self):
        size, count, generator = len(self.data_source), self.num_samples, self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(draw_seed(None, "RandomSampler"))
        if self.replacement:
            # A generator that others may use in the meantime is asked for 32 at a time, as PyTorch does.
            step = 32 if self.generator is not None else 1 << 12
            for start in range(0, count, step):
                yield randint(0, size, (min(step, count - start),), generator=generator)._array
            return
        for _ in range(count // size):
            yield randperm(size, generator=generator)._array
        # Drawn even where nothing of it is needed: the generator's next user must see PyTorch's stream.
        yield randperm(size, generator=generator)._array[: count % size]


class SubsetRandomSampler(Sampler):
    """The given indices in a random order.

    Args:
        indices: a sequence of keys.
        generator: the source of the permutation (the default generator without one).

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler

    Example:
        >>> from nabi.utils.data import SubsetRandomSampler
        >>> sorted(SubsetRandomSampler([7, 3, 9]))
        [3, 7, 9]
    """

    def __init__(self, indices, generator=None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices 0 ... len(weights) - 1, index i drawn with probability `weights[i] / sum(weights)`.

    Args:
        weights: a sequence of N finite numbers >= 0, their sum above 0.
        num_samples: how many indices an epoch has.
        replacement: draw independently; otherwise no index comes twice (num_samples is then at most N).
        generator: the source of the draws (the default generator without one).

    Raises: ValueError for a num_samples, replacement or shape of weights that cannot be; RuntimeError, in
        `iter`, for weights that are no distribution.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler

    Example:
        >>> from nabi.utils.data import WeightedRandomSampler
        >>> list(WeightedRandomSampler([0.0, 1.0, 0.0], 4))
        [1, 1, 1, 1]
    """

    def __init__(self, weights, num_samples: int, replacement: bool = True, generator=None) -> None:
        if not _is_count(num_samples):
            got = f"num_samples={num_samples!r}"
            raise fail(ValueError, "WeightedRandomSampler", "num_samples to be a positive integer", got)
        if not isinstance(replacement, bool):
            raise fail(
                ValueError,
                "WeightedRandomSampler",
                "replacement to be a bool",
                f"replacement={replacement!r}",
            )
        if not isinstance(weights, Tensor):
            weights = from_array(np.asarray(weights, np.float64))
        elif weights.dtype is not float64:
            weights = from_array(weights._array.astype(np.float64))
        self.weights = weights
        if len(self.weights.shape) != 1:
            raise fail(
                ValueError,
                "WeightedRandomSampler",
                "weights of shape (N,)",
                f"shape {tuple(self.weights.shape)}",
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        # Being a generator, this draws when the first index is asked for, as PyTorch does.
        if not self.weights.shape[0]:
            raise fail(RuntimeError, "WeightedRandomSampler", "at least one weight", "none")
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler.

    Args:
        sampler: a sampler, or any iterable of keys.
        batch_size: how many make a batch.
        drop_last: leave out the last batch where it is smaller.

    Raises: ValueError for a batch_size that is no positive integer, or a drop_last that is no bool.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.BatchSampler

    Example:
        >>> from nabi.utils.data import BatchSampler
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler, batch_size: int, drop_last: bool) -> None:
        if not _is_count(batch_size):
            got = f"batch_size={batch_size!r}"
            raise fail(ValueError, "BatchSampler", "batch_size to be a positive integer", got)
        if not isinstance(drop_last, bool):
            raise fail(ValueError, "BatchSampler", "drop_last to be a bool", f"drop_last={drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        keys = iter(self.sampler)
        while batch := list(islice(keys, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        if self.drop_last:
            return len(self.sampler) // self.batch_size
        return (len(self.sampler) + self.batch_size - 1) // self.batch_size

    def _array_batches(self):
        """The batches of `__iter__` as int64 arrays, or None where the sampler has no arrays to cut."""
        sampler = self.sampler
        for known in (SequentialSampler, RandomSampler):
            if isinstance(sampler, known) and type(sampler).__iter__ is known.__iter__:
                break
        else:
            return None
        if type(self).__iter__ is not BatchSampler.__iter__:
            return None
        return _cut(sampler._chunks(), self.batch_size, self.drop_last)


def _cut(chunks, size: int, drop_last: bool):
    """Arrays of `size` from arrays of any length; a chunk is drawn only when an index of it is wanted."""
    rest = np.empty(0, np.int64)
    for chunk in chunks:
        if rest.size:
            chunk = np.concatenate([rest, chunk])
        full = chunk.size - chunk.size % size
        for start in range(0, full, size):
            yield chunk[start : start + size]
        rest = chunk[full:]
    if rest.size and not drop_last:
        yield rest
