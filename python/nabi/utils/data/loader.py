# SPDX-License-Identifier: Apache-2.0
"""The loader: batches from a data set and a sampler, in this process."""

from __future__ import annotations

import warnings
from itertools import islice
from types import GenericAlias

from nabi.errors import fail, note

from .collate import default_collate, default_convert
from .dataset import IterableDataset, batch_reader
from .sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed

_FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
_warned = set()


def get_worker_info():
    """What is known about the worker process this runs in: None, as samples are read in the main process.

    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.get_worker_info

    Example:
        >>> from nabi.utils.data import get_worker_info
        >>> get_worker_info() is None
        True
    """
    return None


def _warn_once(option: str, sentence: str, stacklevel: int) -> None:
    if option not in _warned:
        _warned.add(option)
        warnings.warn(f"DataLoader: {sentence}", stacklevel=stacklevel + 1)


class _Forever:
    """The sampler of an IterableDataset: it has no keys, and only the data set knows when to end."""

    def __iter__(self):
        while True:
            yield None


class DataLoader:
    """Batches of a data set's samples.

    Args:
        dataset: a Dataset (or anything with `__getitem__` and `__len__`), or an IterableDataset.
        batch_size: samples per batch; None gives single samples, converted by `default_convert`.
        shuffle: read in a new random order each epoch.
        sampler: the order as a Sampler or any iterable of keys.
        batch_sampler: an iterable of lists of keys, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: above 0 warns once: samples are read in this process, in the same order.
        collate_fn: makes a batch of a list of samples; `default_collate` by default.
        pin_memory: warns once, memory is not pinned.
        drop_last: leave out the last batch where it is smaller.
        timeout, worker_init_fn, multiprocessing_context, prefetch_factor, persistent_workers, in_order:
            options of workers; checked, and of no effect until there are workers.
        generator: the source of the shuffling (the default generator without one).
        pin_memory_device: deprecated in PyTorch, no effect.

    Each epoch draws a seed first, whether it shuffles or not; RandomSampler draws its own after it, as in
    PyTorch.

    A batch of samples that lie in memory (TensorDataset, the images of `nabi.vision.datasets`, Subsets of
    them) is read with one gather per field if `collate_fn` is the default one and no subclass overrides
    `__getitem__`.

    Raises: ValueError or TypeError for options that cannot be, or not together. What a data set raises while
        a sample is read keeps its type and traceback, and gets a note that names the index.
    Source: https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader

    Example:
        >>> import nabi
        >>> from nabi.utils.data import DataLoader, TensorDataset
        >>> data = TensorDataset(nabi.arange(5), nabi.arange(5) * 10)
        >>> for x, y in DataLoader(data, batch_size=2):
        ...     print(x.tolist(), y.tolist())
        [0, 1] [0, 10]
        [2, 3] [20, 30]
        [4] [40]
    """

    __class_getitem__ = classmethod(GenericAlias)
    _initialized = False

    def __init__(
        self,
        dataset,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler=None,
        batch_sampler=None,
        num_workers: int = 0,
        collate_fn=None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        iterable = isinstance(dataset, IterableDataset)
        if iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise fail(ValueError, "DataLoader", "either sampler or shuffle", "both")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                expected = "batch_sampler without batch_size, shuffle, sampler and drop_last"
                raise fail(ValueError, "DataLoader", expected, "one of them too")
            batch_size = None
        elif batch_size is None and drop_last:
            raise fail(
                ValueError,
                "DataLoader",
                "drop_last=False with batch_size=None (nothing is batched)",
                drop_last,
            )

        if sampler is None:
            if iterable:
                sampler = _Forever()
            else:
                sampler = (
                    RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
                )
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate

        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._iterator = None
        self._announced_length = None
        self._initialized = True
        if num_workers > 0:
            sentence = f"num_workers={num_workers} has no effect yet: samples are read in this process"
            _warn_once(
                "num_workers", sentence + (", worker_init_fn is not called" if worker_init_fn else ""), 2
            )

    @property
    def multiprocessing_context(self):
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, value) -> None:
        self._multiprocessing_context = None if value is None else _context(value, self.num_workers)

    def __setattr__(self, name, value) -> None:
        if self._initialized and name in _FIXED:
            sentence = f"{name} should not be set after it is initialized; make a new {type(self).__name__}"
            raise note(ValueError, type(self).__name__, sentence)
        super().__setattr__(name, value)

    def __iter__(self):
        if not (self.persistent_workers and self.num_workers > 0):
            return _Epoch(self)
        # Lasting workers keep the seed of their first epoch: the second one does not draw again.
        if self._iterator is None:
            self._iterator = _Epoch(self)
        else:
            self._iterator._start(self)
        return self._iterator

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._announced_length = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers) -> None:
    if num_workers < 0:
        raise fail(ValueError, "DataLoader", "num_workers >= 0", num_workers)
    if timeout < 0:
        raise fail(ValueError, "DataLoader", "timeout >= 0", timeout)
    if num_workers == 0 and prefetch_factor is not None:
        raise fail(ValueError, "DataLoader", "prefetch_factor=None with num_workers=0", prefetch_factor)
    if prefetch_factor is not None and prefetch_factor < 0:
        raise fail(ValueError, "DataLoader", "prefetch_factor >= 0", prefetch_factor)
    if persistent_workers and num_workers == 0:
        raise fail(
            ValueError, "DataLoader", "persistent_workers=False with num_workers=0", persistent_workers
        )


def _check_iterable(shuffle, sampler, batch_sampler) -> None:
    if shuffle not in (False, None):
        raise fail(ValueError, "DataLoader", "an IterableDataset without shuffle", f"shuffle={shuffle}")
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise fail(ValueError, "DataLoader", f"an IterableDataset without {name}", type(value).__name__)


def _context(value, num_workers):
    if not num_workers > 0:
        raise fail(ValueError, "DataLoader", "multiprocessing_context=None with num_workers=0", value)
    import multiprocessing

    if isinstance(value, str):
        methods = multiprocessing.get_all_start_methods()
        if value not in methods:
            raise fail(
                ValueError, "DataLoader", f"multiprocessing_context to be one of {methods}", repr(value)
            )
        return multiprocessing.get_context(value)
    if not isinstance(value, multiprocessing.context.BaseContext):
        got = f"multiprocessing_context={value!r}"
        raise fail(TypeError, "DataLoader", "a multiprocessing context or the name of a start method", got)
    return value


class _Epoch:
    """One pass over the data: what `iter(loader)` returns."""

    def __init__(self, loader: DataLoader) -> None:
        if loader.timeout != 0 and loader.num_workers == 0:
            raise fail(AssertionError, "DataLoader", "timeout=0 with num_workers=0", loader.timeout)
        if loader.pin_memory:
            _warn_once(
                "pin_memory", "pin_memory=True has no effect: there is no accelerator to pin memory for", 3
            )
        self._base_seed = None
        self._start(loader)

    def _start(self, loader: DataLoader) -> None:
        self._loader = loader
        self._yielded = 0
        self._announced_length = loader._announced_length
        dataset = loader.dataset
        iterable = isinstance(dataset, IterableDataset)
        read = None
        if not iterable and loader._auto_collation and loader.collate_fn is default_collate:
            read = batch_reader(dataset)
        batches = None
        if read is not None and isinstance(loader.batch_sampler, BatchSampler):
            batches = loader.batch_sampler._array_batches()
        self._indices = iter(loader._index_sampler) if batches is None else batches
        if self._base_seed is None:
            self._base_seed = draw_seed(loader.generator, "DataLoader")
        if iterable:
            self._fetch = _iterable_fetch(loader)
        else:
            self._fetch = (
                _map_fetch(loader) if read is None else _memory_fetch(loader, read, batches is not None)
            )

    def __iter__(self):
        return self

    def __next__(self):
        data = self._fetch(next(self._indices))
        self._yielded += 1
        if self._announced_length is not None and self._yielded > self._announced_length:
            name = type(self._loader.dataset).__name__
            sentence = (
                f"len({name}) said {self._announced_length}, but {self._yielded} samples or batches were read"
            )
            warnings.warn(f"DataLoader: {sentence}", stacklevel=2)
        return data

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __getstate__(self):
        raise note(NotImplementedError, "DataLoader", "an iterator cannot be pickled; pickle the loader")


def _add_note(error: BaseException, text: str) -> None:
    # add_note came with Python 3.11; before, the attribute is there for whoever looks at it.
    if hasattr(error, "add_note"):
        error.add_note(text)
    else:
        error.__notes__ = [*getattr(error, "__notes__", ()), text]


def _read_one(dataset, index):
    return _read_each(dataset, [index])[0]


def _read_each(dataset, index) -> list:
    samples = []
    try:
        for i in index:
            samples.append(dataset[i])
    except Exception as error:
        _add_note(error, f"DataLoader: raised while sample {i!r} of {type(dataset).__name__} was read")
        raise
    return samples


def _read_batch(dataset, index) -> list:
    read = getattr(dataset, "__getitems__", None)
    if not read:
        return _read_each(dataset, list(index))
    try:
        return read(index)
    except Exception as error:
        _add_note(error, f"DataLoader: raised while samples {index!r} of {type(dataset).__name__} were read")
        raise


def _map_fetch(loader):
    dataset, collate_fn = loader.dataset, loader.collate_fn
    if loader._auto_collation:
        return lambda index: collate_fn(_read_batch(dataset, index))
    return lambda index: collate_fn(_read_one(dataset, index))


def _memory_fetch(loader, read, own_arrays):
    slow = _map_fetch(loader)

    def fetch(index):
        try:
            batch = read(index)
        except IndexError:
            # Reading one by one finds the index at fault and says so.
            batch = None
        return batch if batch is not None else slow(index.tolist() if own_arrays else index)

    return fetch


def _iterable_fetch(loader):
    dataset, collate_fn, drop_last = loader.dataset, loader.collate_fn, loader.drop_last
    samples = iter(dataset)
    batched = loader._auto_collation
    ended = False

    def fetch(index):
        nonlocal ended
        if ended:
            raise StopIteration
        try:
            data = list(islice(samples, len(index))) if batched else next(samples)
        except StopIteration:
            raise
        except Exception as error:
            _add_note(error, f"DataLoader: raised while the next sample of {type(dataset).__name__} was read")
            raise
        if batched:
            ended = len(data) < len(index)
            if not data or (drop_last and ended):
                raise StopIteration
        return collate_fn(data)

    return fetch
