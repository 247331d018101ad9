# SPDX-License-Identifier: Apache-2.0
"""Data sets, samplers, collation and the loader, without PyTorch."""

import collections
import pickle
import traceback
import types

import numpy as np
import pytest

import nabi
from nabi.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)
from nabi.utils.data import loader as loader_module
from nabi.utils.data.dataset import batch_reader, gather

Point = collections.namedtuple("Point", "x y")


def tensors(n=23):
    rng = np.random.default_rng(0)
    return (
        nabi.from_numpy(rng.standard_normal((n, 3, 2)).astype(np.float32)),
        nabi.from_numpy(rng.integers(0, 10, n)),
        nabi.from_numpy(rng.standard_normal((2, n)).T),  # not contiguous
        nabi.from_numpy(rng.integers(0, 2, (n, 1)) > 0),
    )


def same(a, b):
    """Equal in structure, type, dtype, memory layout and value."""
    assert type(a) is type(b)
    if isinstance(a, nabi.Tensor):
        assert a.dtype is b.dtype and a.shape == b.shape and a.is_contiguous() and b.is_contiguous()
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    else:
        assert a == b


def slow_collate(batch):
    return default_collate(batch)


# The fast path: one gather per field


def part_of(n, indices):
    return Subset(TensorDataset(*tensors(n)), indices)


IN_MEMORY = {
    "tensors": lambda: TensorDataset(*tensors()),
    "one": lambda: TensorDataset(tensors()[1]),
    "empty rows": lambda: TensorDataset(nabi.zeros(7, 0), nabi.zeros(7)),
    "subset list": lambda: part_of(23, [5, 3, -1, 3, 22, 0, 11]),
    "subset range": lambda: part_of(23, range(2, 20, 3)),
    "subset array": lambda: part_of(23, np.array([7, 1, 2, 20], np.int32)),
    "subset tensor": lambda: part_of(23, nabi.tensor([7, 1, 2, 20])),
    "subset of subset": lambda: Subset(part_of(23, [4, 9, 1, 16, 0]), [3, 3, 0, -1]),
    "split": lambda: random_split(TensorDataset(*tensors()), [0.5, 0.5])[1],
}
ORDERS = {
    "in order": {"batch_size": 4},
    "shuffled": {"batch_size": 4, "shuffle": True},
    "drop last": {"batch_size": 4, "shuffle": True, "drop_last": True},
    "one batch": {"batch_size": 100},
    "single": {},
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("data", IN_MEMORY)
def test_a_gathered_batch_is_the_collated_one(data, order):
    nabi.manual_seed(3)
    dataset = IN_MEMORY[data]()
    assert batch_reader(dataset) is not None
    runs = []
    for collate_fn in (None, slow_collate):
        nabi.manual_seed(8)
        loader = DataLoader(dataset, collate_fn=collate_fn, **ORDERS[order])
        runs.append([batch for _ in range(2) for batch in loader])
        runs[-1].append(nabi.rand(1).tolist())
    assert len(runs[0]) > 1 or order == "drop last"
    same(*runs)


def test_the_fast_path_reads_no_single_sample(monkeypatch):
    dataset = part_of(23, list(range(20)))

    def refuse(self, index):
        raise AssertionError("a single sample was read")

    monkeypatch.setattr(TensorDataset, "__getitem__", refuse)
    monkeypatch.setattr(Subset, "__getitem__", refuse)
    assert len(list(DataLoader(dataset, 6, shuffle=True))) == 4
    with pytest.raises(AssertionError, match="a single sample was read"):
        list(DataLoader(dataset, 6, collate_fn=slow_collate))


def test_subclasses_that_override_reading_are_read_one_by_one():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(t * 2 for t in super().__getitem__(index))

    class Listed(TensorDataset):
        def __getitems__(self, indices):
            return [(i, i) for i in indices]

    class Longer(TensorDataset):
        def __len__(self):
            return 2 * super().__len__()

        def __getitem__(self, index):
            return super().__getitem__(index // 2)

    x = nabi.arange(4)
    assert [b[0].tolist() for b in DataLoader(Doubled(x), 2)] == [[0, 2], [4, 6]]
    assert [b[0].tolist() for b in DataLoader(Subset(Doubled(x), [3, 1]), 2)] == [[6, 2]]
    assert [b[0].tolist() for b in DataLoader(Listed(x * 9), 3)] == [[0, 1, 2], [3]]
    assert [b[0].tolist() for b in DataLoader(Longer(x), 8)] == [[0, 0, 1, 1, 2, 2, 3, 3]]


def test_a_batch_is_a_copy_and_sees_changes():
    x = nabi.zeros(4, 2)
    loader = DataLoader(TensorDataset(x), 2)
    first, second = (batch[0] for batch in loader)
    first[0] = 7.0
    assert x.numpy().sum() == 0
    x[3] = 5.0
    assert [b[0].numpy().sum() for b in loader] == [0, 10] and second.numpy().sum() == 0


def test_tensors_with_gradients_keep_their_graph():
    x = nabi.ones(4, 2, requires_grad=True)
    total = sum((batch[0] * 3).sum() for batch in DataLoader(TensorDataset(x), 3))
    total.backward()
    assert x.grad.tolist() == [[3.0, 3.0]] * 4


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 3, 2), (5, 0)])
def test_gather(shape):
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for source in (array, np.asfortranarray(array), np.repeat(array, 2, axis=-1)[..., ::2], array[::-1]):
        for index in ([], [0], [4, -5, 4, 1, -1]):
            index = np.array(index, np.int64)
            out = gather(source, index)
            np.testing.assert_array_equal(out, source[index])
            assert out.flags.c_contiguous and not np.shares_memory(out, source)
        for bad in (5, -6):
            with pytest.raises(IndexError):
                gather(source, np.array([0, bad]))


# Data sets


def test_tensor_dataset():
    x, y = nabi.arange(6).reshape(3, 2), nabi.arange(3)
    data = TensorDataset(x, y)
    assert len(data) == 3 and data[1][0].tolist() == [2, 3] and data[-1][1].item() == 2
    assert [t.tolist() for t in data[1:]] == [[[2, 3], [4, 5]], [1, 2]]
    with pytest.raises(
        AssertionError, match=r"TensorDataset: expected tensors with the same first size, got sizes \[3, 2\]"
    ):
        TensorDataset(x, nabi.arange(2))
    with pytest.raises(TypeError, match="TensorDataset: expected tensors, got list at position 1"):
        TensorDataset(x, [1, 2, 3])
    with pytest.raises(TypeError, match="TensorDataset: expected tensors, got ndarray at position 0"):
        TensorDataset(np.zeros(3))
    with pytest.raises(IndexError, match="0-d"):
        TensorDataset(nabi.tensor(1.0))
    with pytest.raises(TypeError, match="at least one tensor"):
        TensorDataset()


def test_dataset_without_getitem_says_what_to_write():
    class Nothing(Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Nothing: write __getitem__"):
        Nothing()[0]
    with pytest.raises(NotImplementedError, match="write __iter__"):
        iter(Sampler())


def test_generic_bases():
    class Typed(Dataset[int]):
        def __getitem__(self, index):
            return index

    assert isinstance(Typed(), Dataset) and issubclass(Typed, Dataset)
    assert DataLoader[int] is not None and Sampler[int] is not None


def test_concat_and_stack():
    data = Subset([0, 1, 2], range(3)) + Subset("ab", range(2))
    assert isinstance(data, ConcatDataset) and data.cumulative_sizes == [3, 5]
    assert [data[i] for i in range(-5, 5)] == [0, 1, 2, "a", "b"] * 2
    with pytest.raises(ValueError, match=r"ConcatDataset: expected an index in \[-5, 5\), got -6"):
        data[-6]
    with pytest.raises(IndexError, match="got 5"):
        data[5]
    with pytest.raises(AssertionError, match="at least one data set"):
        ConcatDataset([])
    assert list(ConcatDataset([[], [1]])) == [1]
    assert StackDataset([1, 2], "ab")[1] == (2, "b") and StackDataset(n=[1, 2])[0] == {"n": 1}
    assert len(StackDataset([1, 2])) == 2
    for arguments, named in (((), {}), (([1],), {"b": [1]}), (([1], [1, 2]), {})):
        with pytest.raises(ValueError, match="StackDataset: expected"):
            StackDataset(*arguments, **named)


class Count(IterableDataset):
    def __init__(self, n, length=None):
        self.n, self.length = n, length

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        if self.length is None:
            raise TypeError("no length")
        return self.length


def test_iterable_datasets():
    def batches(loader):
        return [b.tolist() for b in loader]

    assert batches(DataLoader(Count(5), 2)) == [[0, 1], [2, 3], [4]]
    assert batches(DataLoader(Count(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert batches(DataLoader(Count(4), 2)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Count(3), None)) == [0, 1, 2]
    assert batches(DataLoader(Count(0), 2)) == []
    assert batches(DataLoader(Count(2) + Count(3), 4)) == [[0, 1, 0, 1], [2]]
    assert len(ChainDataset([Count(2, 2), Count(3, 3)])) == 5
    assert len(DataLoader(Count(5, 5), 2)) == 3 and len(DataLoader(Count(5, 5), 2, drop_last=True)) == 2
    assert len(DataLoader(Count(5, 5), None)) == 5
    with pytest.raises(AssertionError, match="expected IterableDatasets, got list"):
        list(ChainDataset([[1]]))
    with pytest.raises(AssertionError, match="ConcatDataset"):
        ConcatDataset([Count(2)])
    with pytest.raises(TypeError):
        type("NoIter", (IterableDataset,), {})()
    one = iter(DataLoader(Count(3), 2))
    assert [next(one).tolist(), next(one).tolist()] == [[0, 1], [2]]
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(one)


def test_an_iterable_dataset_longer_than_it_said():
    loader = DataLoader(Count(5, 3), None)
    assert len(loader) == 3
    with pytest.warns(UserWarning, match=r"len\(Count\) said 3, but [45]"):
        list(loader)


def test_random_split():
    nabi.manual_seed(0)
    parts = random_split(range(10), [3, 7])
    assert [len(p) for p in parts] == [3, 7] and sorted(i for p in parts for i in p) == list(range(10))
    assert [len(p) for p in random_split(range(11), [0.3, 0.3, 0.4])] == [4, 3, 4]
    assert [len(p) for p in random_split(range(1), [1.0])] == [1]
    with pytest.warns(UserWarning, match="position 1 has no samples"):
        assert [len(p) for p in random_split(range(1), [0.5, 0.5])] == [1, 0]
    for lengths in ([3, 6], [0.5, 0.6], [12, -2], [5.0, 5.0], [1.5, -0.5]):
        with pytest.raises(ValueError, match="random_split: expected"):
            random_split(range(10), lengths)


def test_subset_subclass_must_override_both():
    class Half(Subset):
        def __getitem__(self, i):
            return 0

    with pytest.raises(NotImplementedError, match="Half: write __getitems__"):
        Half([1], [0])
    assert Subset(np.arange(5) * 2, [4, 2])[[0, 1]].tolist() == [8, 4]


# Samplers


def test_samplers():
    nabi.manual_seed(1)
    assert list(SequentialSampler("abc")) == [0, 1, 2] and len(SequentialSampler("abc")) == 3
    assert sorted(RandomSampler(range(50))) == list(range(50)) != list(RandomSampler(range(50)))
    twice = list(RandomSampler(range(5), num_samples=12))
    assert sorted(twice[:5]) == sorted(twice[5:10]) == list(range(5)) and len(twice) == 12
    drawn = list(RandomSampler(range(5), replacement=True, num_samples=100))
    assert len(drawn) == 100 and set(drawn) == set(range(5)) and all(type(i) is int for i in drawn)
    assert sorted(SubsetRandomSampler(["a", "b"])) == ["a", "b"]
    counts = np.bincount(list(WeightedRandomSampler([1, 0, 3], 4000)), minlength=3)
    assert counts[1] == 0 and 850 < counts[0] < 1150  # 1000 expected, five standard deviations are 137
    assert sorted(WeightedRandomSampler([0.1, 5, 3], 3, replacement=False)) == [0, 1, 2]
    assert list(BatchSampler(iter(range(5)), 2, True)) == [[0, 1], [2, 3]]
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert [len(BatchSampler(range(5), 2, drop)) for drop in (True, False)] == [2, 3]


def test_a_generator_fixes_the_order():
    def order(seed):
        g = nabi.Generator().manual_seed(seed)
        loader = DataLoader(TensorDataset(nabi.arange(30)), 7, shuffle=True, generator=g)
        return [b[0].tolist() for b in loader]

    before = nabi.get_rng_state().tolist()
    assert order(4) == order(4) != order(5)
    assert nabi.get_rng_state().tolist() == before


BAD_SAMPLERS = [
    (ValueError, "num_samples", lambda: RandomSampler([])),
    (ValueError, "num_samples=0", lambda: DataLoader([], shuffle=True)),
    (ValueError, "num_samples", lambda: RandomSampler([1], num_samples=0)),
    (ValueError, "num_samples", lambda: RandomSampler([1], num_samples=1.5)),
    (TypeError, "replacement", lambda: RandomSampler([1], replacement=1)),
    (TypeError, "no len", lambda: RandomSampler(iter([1]))),
    (ValueError, "batch_size=0", lambda: BatchSampler([1], 0, False)),
    (ValueError, "batch_size=True", lambda: BatchSampler([1], True, False)),
    (ValueError, "batch_size=2.0", lambda: DataLoader([1], 2.0)),
    (ValueError, "batch_size=-1", lambda: DataLoader([1], -1)),
    (ValueError, "drop_last", lambda: BatchSampler([1], 1, 0)),
    (ValueError, "num_samples", lambda: WeightedRandomSampler([1.0], 0)),
    (ValueError, "replacement", lambda: WeightedRandomSampler([1.0], 1, 2)),
    (ValueError, r"shape \(1, 2\)", lambda: WeightedRandomSampler([[1.0, 2.0]], 1)),
    (RuntimeError, "-1.0", lambda: list(WeightedRandomSampler([1.0, -1.0], 2))),
    (RuntimeError, "nan", lambda: list(WeightedRandomSampler([float("nan"), 1.0], 2))),
    (RuntimeError, "inf", lambda: list(WeightedRandomSampler([float("inf"), 1.0], 1))),
    (RuntimeError, "sum", lambda: list(WeightedRandomSampler([0.0, 0.0], 2))),
    (RuntimeError, "at most 2 samples", lambda: list(WeightedRandomSampler([1.0, 2.0], 3, False))),
    (RuntimeError, "at least one weight, got none", lambda: list(WeightedRandomSampler([], 2))),
    (TypeError, "nabi.Generator", lambda: iter(DataLoader([1], generator=7))),
]


@pytest.mark.parametrize("kind, words, call", BAD_SAMPLERS)
def test_bad_samplers(kind, words, call):
    with pytest.raises(kind, match=words):
        call()


# Collation


def test_default_collate():
    assert default_collate([1, 2]).dtype is nabi.int64 and default_collate([1.5, 2.0]).dtype is nabi.float64
    assert default_collate([True, False]).dtype is nabi.bool and default_collate(["a", b"b"]) == ["a", b"b"]
    assert default_collate([np.float32(1), np.float32(2)]).dtype is nabi.float32
    assert default_collate([1, 2.5]).dtype is nabi.float32
    stacked = default_collate([nabi.arange(6).reshape(2, 3).t(), nabi.arange(6).reshape(2, 3).t()])
    assert stacked.shape == (2, 3, 2) and stacked.is_contiguous()
    mixed = default_collate([nabi.zeros(2), nabi.zeros(2, dtype=nabi.float64)])
    assert mixed.dtype is nabi.float64
    batch = default_collate([{"p": Point(1, (2.0, "s")), "q": [np.zeros(2), 3]}] * 2)
    assert set(batch) == {"p", "q"} and isinstance(batch["p"], Point) and batch["p"].x.tolist() == [1, 1]
    assert (
        batch["p"].y[1] == ("s", "s") and batch["q"][0].shape == (2, 2) and batch["q"][1].tolist() == [3, 3]
    )
    ordered = default_collate([collections.OrderedDict(b=1, a=2)] * 2)
    assert type(ordered) is collections.OrderedDict and list(ordered) == ["b", "a"]
    assert type(default_collate([collections.deque([1, 2])] * 3)) is collections.deque
    frozen = default_collate([types.MappingProxyType({"a": 1})])
    assert isinstance(frozen, types.MappingProxyType) and frozen["a"].tolist() == [1]
    assert [r.tolist() for r in default_collate([range(2), range(2)])] == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    "kind, words, batch",
    [
        (TypeError, "found|got builtins.NoneType", [None]),
        (TypeError, "got builtins.object", [object()]),
        (TypeError, "got builtins.set", [{1}]),
        (TypeError, "numpy array of dtype <U1", [np.array(["a"])]),
        (TypeError, "numpy array of dtype object", [np.array([None])]),
        (TypeError, "got int at entry 1", [nabi.zeros(2), 1]),
        (TypeError, "expected only numbers, got str", [1.0, "2"]),
        (
            RuntimeError,
            r"equal shape, got \(2,\) at entry 0 and \(3,\) at entry 1",
            [nabi.zeros(2), nabi.zeros(3)],
        ),
        (
            RuntimeError,
            r"equal shape, got \(2,\) at entry 0 and \(3,\) at entry 1",
            [np.zeros(2), np.zeros(3)],
        ),
        (RuntimeError, "same number of fields, got 2 and, at entry 1, 1", [(1, 2), (1,)]),
        (KeyError, "a", [{"a": 1}, {"b": 1}]),
        (IndexError, "index out of range", []),
    ],
)
def test_what_cannot_be_collated(kind, words, batch):
    with pytest.raises(kind, match=words):
        default_collate(batch)


def test_default_convert():
    array = np.zeros(2, np.float32)
    out = default_convert(
        [array, 1, "a", (array, 2), {"k": np.int64(3)}, Point(array, None), np.array(["s"])]
    )
    assert isinstance(out[0], nabi.Tensor) and np.shares_memory(out[0].numpy(), array)
    assert out[1:3] == [1, "a"] and isinstance(out[3], list) and out[4]["k"].item() == 3
    assert isinstance(out[5], Point) and isinstance(out[5].x, nabi.Tensor) and isinstance(out[6], np.ndarray)
    x = nabi.zeros(1)
    assert default_convert(x) is x


# The loader


def test_without_batches():
    data = TensorDataset(nabi.arange(3), nabi.arange(3) * 2)
    samples = list(DataLoader(data, None))
    assert [[t.item() for t in s] for s in samples] == [[0, 0], [1, 2], [2, 4]] and len(
        DataLoader(data, None)
    ) == 3
    assert DataLoader([1, 2], batch_size=None).collate_fn is default_convert


def test_own_sampler_batch_sampler_and_collate():
    data = TensorDataset(nabi.arange(10))
    assert [b[0].tolist() for b in DataLoader(data, 2, sampler=[9, 1, 5])] == [[9, 1], [5]]
    own = [[1, 2, 3], [7], (4, 5), np.array([6, 0]), nabi.tensor([8, 9])]
    assert [b[0].tolist() for b in DataLoader(data, batch_sampler=own)] == [
        [1, 2, 3],
        [7],
        [4, 5],
        [6, 0],
        [8, 9],
    ]
    assert len(DataLoader(data, batch_sampler=own)) == 5
    assert list(DataLoader([3, 4, 5], 2, collate_fn=sum)) == [7, 5]
    keyed = DataLoader({"a": 1, "b": 2}, sampler=["b", "a"], batch_size=2)
    assert [b.tolist() for b in keyed] == [[2, 1]]

    class Backwards(RandomSampler):
        def __iter__(self):
            return iter(reversed(range(len(self.data_source))))

    assert [b[0].tolist() for b in DataLoader(data, 3, sampler=Backwards(range(4)))] == [[3, 2, 1], [0]]


def test_lengths_and_iterators():
    data = TensorDataset(nabi.arange(10))
    for size, drop, length in ((3, False, 4), (3, True, 3), (5, False, 2), (11, True, 0), (11, False, 1)):
        loader = DataLoader(data, size, drop_last=drop, shuffle=True)
        assert len(loader) == len(list(loader)) == len(iter(loader)) == length
    assert len(list(DataLoader(TensorDataset(nabi.zeros(0, 3)), 4))) == 0
    one, two = iter(DataLoader(data, 5)), iter(DataLoader(data, 5))
    assert iter(one) is one
    assert next(one)[0].tolist() == next(two)[0].tolist()
    assert len(list(one)) == 1 and list(one) == []
    with pytest.raises(NotImplementedError, match="pickle the loader"):
        pickle.dumps(one)
    again = pickle.loads(pickle.dumps(DataLoader([1, 2, 3], 2)))
    assert [b.tolist() for b in again] == [[1, 2], [3]]
    assert get_worker_info() is None


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_attributes_that_stay(name):
    loader = DataLoader([1, 2, 3], 2)
    before = getattr(loader, name)
    with pytest.raises(ValueError, match=f"DataLoader: {name} should not be set"):
        setattr(loader, name, None)
    assert getattr(loader, name) is before
    loader.collate_fn = tuple
    assert list(loader) == [(1, 2), (3,)]


BAD_OPTIONS = [
    (ValueError, "num_workers >= 0, got -1", {"num_workers": -1}),
    (ValueError, "timeout >= 0", {"timeout": -1}),
    (ValueError, "prefetch_factor=None", {"prefetch_factor": 2}),
    (ValueError, "prefetch_factor >= 0", {"prefetch_factor": -2, "num_workers": 1}),
    (ValueError, "persistent_workers=False", {"persistent_workers": True}),
    (ValueError, "either sampler or shuffle", {"sampler": [0], "shuffle": True}),
    (ValueError, "batch_sampler without", {"batch_sampler": [[0]], "batch_size": 2}),
    (ValueError, "batch_sampler without", {"batch_sampler": [[0]], "shuffle": True}),
    (ValueError, "batch_sampler without", {"batch_sampler": [[0]], "sampler": [0]}),
    (ValueError, "batch_sampler without", {"batch_sampler": [[0]], "drop_last": True}),
    (ValueError, "drop_last=False", {"batch_size": None, "drop_last": True}),
    (ValueError, "multiprocessing_context=None", {"multiprocessing_context": "fork"}),
    (ValueError, "one of", {"multiprocessing_context": "magic", "num_workers": 1}),
    (TypeError, "a multiprocessing context", {"multiprocessing_context": 3, "num_workers": 1}),
    (ValueError, "without shuffle, got shuffle=True", {"dataset": Count(3), "shuffle": True}),
    (ValueError, "without sampler", {"dataset": Count(3), "sampler": [1]}),
    (ValueError, "without batch_sampler", {"dataset": Count(3), "batch_sampler": [[1]]}),
    (TypeError, "bogus", {"bogus": 1}),
]


@pytest.mark.parametrize("kind, words, options", BAD_OPTIONS)
def test_bad_options(kind, words, options):
    with pytest.raises(kind, match=words):
        DataLoader(**{"dataset": [1, 2], **options})


def test_timeout_needs_workers():
    loader = DataLoader([1], timeout=5)
    with pytest.raises(AssertionError, match="timeout=0 with num_workers=0, got 5"):
        iter(loader)


def test_options_without_effect_warn_once(monkeypatch):
    monkeypatch.setattr(loader_module, "_warned", set())
    with pytest.warns(
        UserWarning, match="DataLoader: num_workers=2 has no effect yet.*worker_init_fn is not called"
    ) as seen:
        loader = DataLoader(
            [1, 2], num_workers=2, worker_init_fn=print, multiprocessing_context="fork", timeout=9
        )
    assert seen[0].filename == __file__
    assert loader.prefetch_factor == 2 and [b.item() for b in loader] == [1, 2]
    again = DataLoader([1, 2], num_workers=3, persistent_workers=True, prefetch_factor=4, in_order=False)
    assert iter(again) is iter(again) and [b.item() for b in again] == [b.item() for b in again] == [1, 2]
    pinned = DataLoader([1, 2], pin_memory=True, pin_memory_device="cuda")
    with pytest.warns(UserWarning, match="pin_memory=True has no effect") as seen:
        iter(pinned)
    assert seen[0].filename == __file__
    assert len(list(pinned)) == 2


class Broken(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 4:
            return {}["missing"]  # the line at fault
        return index


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_an_error_in_a_dataset_keeps_its_type_and_line(batch_size):
    with pytest.raises(KeyError, match="missing") as caught:
        list(DataLoader(Broken(), batch_size))
    assert caught.value.__notes__ == ["DataLoader: raised while sample 4 of Broken was read"]
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.filename == __file__ and "the line at fault" in last.line


def test_errors_in_getitems_and_iter_get_a_note():
    class Batches(Broken):
        def __getitems__(self, indices):
            raise OSError("gone")

    class Stream(IterableDataset):
        def __iter__(self):
            yield 1
            raise OSError("gone")

    with pytest.raises(OSError, match="gone") as caught:
        list(DataLoader(Batches(), 2))
    assert caught.value.__notes__ == ["DataLoader: raised while samples [0, 1] of Batches were read"]
    with pytest.raises(OSError, match="gone") as caught:
        list(DataLoader(Stream()))
    assert caught.value.__notes__ == ["DataLoader: raised while the next sample of Stream was read"]


@pytest.mark.parametrize("bad", [7, -8, 2**70])
def test_an_index_out_of_range_is_named(bad):
    data = TensorDataset(nabi.arange(7))
    for dataset, sampler in ((data, [1, bad]), (Subset(data, [0, bad]), None)):
        with pytest.raises((IndexError, OverflowError, RuntimeError)) as caught:
            list(DataLoader(dataset, 2, sampler=sampler))
        assert str(bad) in caught.value.__notes__[0] or "samples [0, 1]" in caught.value.__notes__[0]


def test_names_that_are_missing_say_so():
    import nabi.utils.data as data

    with pytest.raises(NotImplementedError, match="DistributedSampler"):
        from nabi.utils.data import DistributedSampler  # noqa: F401
    assert not hasattr(data, "nonsense") and nabi.utils.data is data
