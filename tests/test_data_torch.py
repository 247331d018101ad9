# SPDX-License-Identifier: Apache-2.0
"""The loader against PyTorch's: batches, their order, and every draw at the same moment."""

import importlib
import inspect
import warnings

import numpy as np
import pytest

import nabi
import nabi.utils.data

torch = pytest.importorskip("torch")
importlib.import_module("torch.utils.data")

X = np.arange(37 * 2, dtype=np.float32).reshape(37, 2)
Y = np.arange(37) % 5
WEIGHTS = np.random.default_rng(0).random(37)


def in_memory(lib):
    return lib.utils.data.TensorDataset(lib.from_numpy(X.copy()), lib.from_numpy(Y.copy()))


def one_by_one(lib):
    class Pairs(lib.utils.data.Dataset):
        def __len__(self):
            return 37

        def __getitem__(self, index):
            return X[index], int(Y[index]), float(index), {"name": str(index)}

    return Pairs()


def stream(lib):
    class Stream(lib.utils.data.IterableDataset):
        def __iter__(self):
            for i in range(11):
                yield i, lib.rand(1).item()

    return Stream()


def drawing(lib):
    """Samples that draw themselves: an early or late draw of the sampler shows."""

    class Noisy(lib.utils.data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return index, lib.rand(1)

    return Noisy()


def loader(**options):
    return lambda lib, data: lib.utils.data.DataLoader(data, **options)


def with_sampler(make, **options):
    return lambda lib, data: lib.utils.data.DataLoader(
        data, sampler=make(lib, lib.utils.data, data), **options
    )


def seeded(lib, seed=5):
    return lib.Generator().manual_seed(seed)


LOADERS = {
    "default": loader(),
    "in order": loader(batch_size=8),
    "shuffle": loader(batch_size=8, shuffle=True),
    "shuffle one": loader(shuffle=True),
    "shuffle drop": loader(batch_size=5, shuffle=True, drop_last=True),
    "shuffle even": loader(batch_size=37, shuffle=True),
    "no batches": loader(batch_size=None, shuffle=True),
    "generator": lambda lib, data: lib.utils.data.DataLoader(data, 4, True, generator=seeded(lib)),
    "shared generator": lambda lib, data: lib.utils.data.DataLoader(
        data, 4, True, generator=lib.default_generator
    ),
    "replacement": with_sampler(lambda lib, d, data: d.RandomSampler(data, replacement=True), batch_size=6),
    "many with replacement": with_sampler(
        lambda lib, d, data: d.RandomSampler(data, True, 100), batch_size=7
    ),
    "shared replacement": with_sampler(
        lambda lib, d, data: d.RandomSampler(data, True, 70, lib.default_generator), batch_size=9
    ),
    "many": with_sampler(
        lambda lib, d, data: d.RandomSampler(data, num_samples=90), batch_size=8, drop_last=True
    ),
    "few, shared": with_sampler(
        lambda lib, d, data: d.RandomSampler(data, num_samples=5, generator=lib.default_generator),
        batch_size=2,
    ),
    "exactly, shared": with_sampler(
        lambda lib, d, data: d.RandomSampler(
            data, num_samples=2 * len(data), generator=lib.default_generator
        ),
        batch_size=2,
    ),
    "subset sampler": with_sampler(lambda lib, d, data: d.SubsetRandomSampler([3, 1, 7, 2]), batch_size=3),
    "weighted": with_sampler(
        lambda lib, d, data: d.WeightedRandomSampler(WEIGHTS[: len(data)], 50), batch_size=8
    ),
    "weighted once": with_sampler(
        lambda lib, d, data: d.WeightedRandomSampler(WEIGHTS[: len(data)], 9, False), batch_size=4
    ),
    "weighted single": with_sampler(
        lambda lib, d, data: d.WeightedRandomSampler(WEIGHTS[: len(data)].tolist(), 1)
    ),
    "batch sampler": lambda lib, data: lib.utils.data.DataLoader(
        data, batch_sampler=lib.utils.data.BatchSampler(lib.utils.data.RandomSampler(data), 6, True)
    ),
    "own collate": loader(batch_size=3, shuffle=True, collate_fn=len),
    "split": lambda lib, data: lib.utils.data.DataLoader(
        lib.utils.data.random_split(data, [0.7, 0.3])[1], 3, shuffle=True
    ),
    "split generator": lambda lib, data: lib.utils.data.DataLoader(
        lib.utils.data.random_split(data, [4, len(data) - 4], generator=seeded(lib, 42))[0], 3
    ),
    "concat": lambda lib, data: lib.utils.data.DataLoader(data + data, 16, shuffle=True),
}
DATA = {"in memory": in_memory, "one by one": one_by_one, "drawing": drawing}


def plain(value):
    """A batch with arrays for tensors, so that both libraries' can be compared, types and dtypes included."""
    if isinstance(value, (nabi.Tensor, torch.Tensor)):
        return np.asarray(value)
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value)
    return value


def run(lib, make_data, make_loader):
    lib.manual_seed(20240917)
    made = make_loader(lib, make_data(lib))
    seen = []
    for _ in range(2):
        for batch in made:
            seen += [plain(batch), lib.rand(1).item()]
        seen.append(lib.rand(2).tolist())
    return seen


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        same(list(a.values()), list(b.values()))
    else:
        assert a == b


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", LOADERS)
def test_same_batches_and_draws(name, data):
    ours, theirs = (run(lib, DATA[data], LOADERS[name]) for lib in (nabi, torch))
    assert len(ours) > 4
    same(ours, theirs)


@pytest.mark.parametrize(
    "options", [{}, {"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}]
)
def test_same_streams(options):
    ours, theirs = (run(lib, stream, loader(**options)) for lib in (nabi, torch))
    assert len(ours) > 4
    same(ours, theirs)


def test_a_sampler_that_draws_when_it_is_started():
    """Its draw comes before the loader's own seed."""

    def make(lib, data):
        class Eager:
            def __iter__(self):
                return iter(lib.randperm(37).tolist())

        return lib.utils.data.DataLoader(data, batch_size=None, sampler=Eager())

    same(*(run(lib, in_memory, make) for lib in (nabi, torch)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lasting", [False, True])
def test_same_order_as_with_workers(lasting):
    def make(lib, data):
        return lib.utils.data.DataLoader(data, 8, shuffle=True, num_workers=1, persistent_workers=lasting)

    same(*([b for b in run(lib, in_memory, make) if isinstance(b, list)] for lib in (nabi, torch)))


@pytest.mark.parametrize("size", [1, 2, 3, 100, 60000])
def test_one_shuffled_epoch(size):
    orders = []
    for lib in (nabi, torch):
        lib.manual_seed(size)
        data = lib.utils.data.TensorDataset(lib.arange(size))
        orders.append(
            np.concatenate([np.asarray(b[0]) for b in lib.utils.data.DataLoader(data, 64, shuffle=True)])
        )
    assert sorted(orders[0]) == list(range(size))
    np.testing.assert_array_equal(*orders)


@pytest.mark.parametrize("seed", range(20))
def test_weighted_draws(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 400))
    weights = rng.random(n) * (rng.random(n) > 0.2) + 1e-9
    for count, replacement in ((300, True), (n, False), (1, True), (max(1, n // 3), False)):
        drawn = []
        for lib in (nabi, torch):
            sampler = lib.utils.data.WeightedRandomSampler(
                weights, count, replacement, generator=seeded(lib, seed)
            )
            drawn.append(list(sampler) + list(sampler))
        assert drawn[0] == drawn[1]


BATCHES = {
    "ints": [1, 2, 3],
    "bools": [True, False],
    "mixed numbers": [1, 2.5],
    "bool then int": [True, 1],
    "floats": [1.5, 2],
    "numpy numbers": [np.float32(1), np.float32(2)],
    "numpy mixed": [np.int64(1), np.float64(2)],
    "numpy bools": [np.bool_(True), np.bool_(False)],
    "numpy uint8": [np.uint8(200), np.uint8(3)],
    "arrays": [np.arange(3, dtype=np.int16)] * 2,
    "array dtypes": [np.zeros(2, np.float32), np.ones(2, np.float64)],
    "0-d arrays": [np.array(3), np.array(4)],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0, "c"), (3, 4.0, "d")],
    "lists": [[1, [2.0]], [3, [4.0]]],
    "list and tuple": [[1, 2], (3, 4)],
    "dicts": [{"a": 1, "b": (2, np.zeros(2))}] * 3,
    "ranges": [range(2), range(2)],
    "empty tuples": [(), ()],
}


@pytest.mark.parametrize("name", BATCHES)
def test_same_collation(name):
    same(*(plain(lib.utils.data.default_collate(BATCHES[name])) for lib in (nabi, torch)))
    same(*(plain(lib.utils.data.default_convert(BATCHES[name])) for lib in (nabi, torch)))


@pytest.mark.parametrize(
    "batch",
    [
        [None],
        [{1}],
        [1, "a"],
        [2**70],
        [(1, 2), (1,)],
        [{"a": 1}, {"b": 1}],
        [],
        [np.zeros(2), np.zeros(3)],
        [1.0, "x"],
        [np.array(["a"])],
        [np.zeros(2, ">f4")],
        [object()],
        [1, b"a"],
    ],
)
def test_same_kinds_of_refusal(batch):
    kinds = []
    for lib in (nabi, torch):
        with pytest.raises(Exception) as caught:
            lib.utils.data.default_collate(batch)
        kinds.append(caught.type)
    assert issubclass(kinds[0], kinds[1])


OPTIONS = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"persistent_workers": True},
    {"sampler": [0], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": 1.5},
    {"drop_last": 1},
    {"multiprocessing_context": "fork"},
    {"multiprocessing_context": "magic", "num_workers": 1},
    {"multiprocessing_context": 3, "num_workers": 1},
    {"dataset": [], "shuffle": True},
    {"dataset": None, "shuffle": True},
    {"timeout": 3},
    {"generator": 3, "shuffle": True},
    {"dataset": iter([1])},
    {"sampler": [5]},
    {"sampler": 3},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_same_kinds_of_errors(options):
    kinds = []
    for lib in (nabi, torch):
        with pytest.raises(Exception) as caught, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            list(lib.utils.data.DataLoader(**{"dataset": [1, 2], **options}))
        kinds.append(caught.type)
    assert issubclass(kinds[0], kinds[1])


NAMES = ["DataLoader", "RandomSampler", "SequentialSampler", "BatchSampler", "SubsetRandomSampler"]
NAMES += [
    "WeightedRandomSampler",
    "TensorDataset",
    "Subset",
    "ConcatDataset",
    "StackDataset",
    "ChainDataset",
    "random_split",
]


@pytest.mark.parametrize("name", NAMES)
def test_same_arguments(name):
    ours, theirs = (
        [(p.name, p.kind, "a generator" if p.name == "generator" and name == "random_split" else p.default)
         for p in inspect.signature(getattr(lib.utils.data, name)).parameters.values()]
        for lib in (nabi, torch)
    )  # fmt: skip
    assert ours == theirs


def test_same_attributes():
    made = [lib.utils.data.DataLoader([1, 2, 3], 2, drop_last=True, num_workers=0) for lib in (nabi, torch)]
    for name in (
        "batch_size",
        "drop_last",
        "num_workers",
        "prefetch_factor",
        "pin_memory",
        "pin_memory_device",
        "timeout",
    ):
        assert getattr(made[0], name) == getattr(made[1], name)
    for name in ("worker_init_fn", "multiprocessing_context", "in_order", "generator", "persistent_workers"):
        assert getattr(made[0], name) == getattr(made[1], name)
    assert type(made[0].sampler).__name__ == type(made[1].sampler).__name__
    assert type(made[0].batch_sampler).__name__ == type(made[1].batch_sampler).__name__
