# SPDX-License-Identifier: Apache-2.0
"""What shows only after many steps: bits that depend on threads, graphs that stay alive, memory that grows."""

from __future__ import annotations

import contextlib
import gc
import itertools
import resource
import threading

import numpy as np
import pytest

import nabi
import nabi.nn as nn
import nabi.optim as optim
from nabi import _C


@contextlib.contextmanager
def threads(count: int, grain: int = 0):
    """Runs with that many threads; grain 1 splits every region that has two items to split."""
    before = nabi.get_num_threads()
    nabi.set_num_threads(count)
    _C.set_grain_override(grain)
    try:
        yield
    finally:
        nabi.set_num_threads(before)
        _C.set_grain_override(0)


def training(sizes, steps: int, batch: int = 64, dropout: float = 0.3):
    """Steps of an MLP on fixed random data; yields the loss after each one, and the model."""
    nabi.manual_seed(11)
    rng = np.random.default_rng(3)
    x = nabi.from_numpy(rng.random((4 * batch, sizes[0]), dtype=np.float32))
    y = nabi.from_numpy(rng.integers(0, sizes[-1], 4 * batch))
    layers = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
    model = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(steps):
        rows = slice(batch * (step % 4), batch * (step % 4 + 1))
        optimizer.zero_grad()
        loss = loss_function(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        yield loss.item(), model


def weights_after(count: int, grain: int, sizes=(784, 512, 256, 10), steps: int = 100):
    """The bytes of every weight, and how many regions really ran on several threads."""
    with threads(count, grain):
        before = _C.parallel_stats()["threaded_regions"]
        _, model = list(training(sizes, steps))[-1]
        ran = _C.parallel_stats()["threaded_regions"] - before
    return [p.detach().numpy().tobytes() for p in model.parameters()], ran


@pytest.fixture(scope="module")
def one_thread():
    weights, ran = weights_after(1, 0)
    assert ran == 0
    return weights


@pytest.mark.parametrize("count", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_weights(count, one_thread):
    weights, ran = weights_after(count, 1)
    assert ran >= 100, "fewer than one region a step ran on several threads"
    assert weights == one_thread


def test_splitting_everything_gives_the_same_weights():
    """With a grain of 1 even the smallest op is split, at other places than its size would choose."""
    sizes = (33, 17, 10)
    alone, _ = weights_after(1, 0, sizes, 30)
    for count in (2, 3, 7):
        split, ran = weights_after(count, 1, sizes, 30)
        assert ran >= 5 * 30
        assert split == alone


def live_bytes() -> int:
    return nabi.memory_stats()["allocated_bytes"]


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_a_chain_of_100_000_ops():
    x = nabi.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones(2, dtype=np.float32))
    np.testing.assert_array_equal(y.detach().numpy(), np.full(2, 100_001, dtype=np.float32))


def test_a_long_chain_that_is_never_walked_dies_quietly():
    """Dropping the last reference to a deep graph must not recurse node by node into the end of the C stack."""

    def build_and_drop():
        y = nabi.ones(2, requires_grad=True)
        for _ in range(100_000):
            y = y * 1.0

    build_and_drop()
    worker = threading.Thread(target=build_and_drop)
    worker.start()
    worker.join()


def test_100_steps_without_the_garbage_collector_leave_nothing():
    """A graph that nobody holds dies by reference count, whether or not it was walked."""
    steps = training((64, 48, 10), 120)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            next(steps)
        start = live_bytes()
        for _ in steps:
            assert live_bytes() == start
        assert sum(1 for item in gc.get_objects() if issubclass(type(item), nabi.Tensor)) < 100
    finally:
        gc.enable()


def test_graphs_that_are_not_walked_die_by_reference_count():
    model = nn.Sequential(nn.Linear(30, 30), nn.ReLU(), nn.Linear(30, 5))
    x, y = nabi.ones(8, 30), nabi.zeros(8, dtype=nabi.int64)
    gc.collect()
    gc.disable()
    try:
        nn.CrossEntropyLoss()(model(x), y)
        start = live_bytes()
        for _ in range(50):
            nn.CrossEntropyLoss()(model(x), y)
            assert live_bytes() == start
    finally:
        gc.enable()


def test_10_000_steps_keep_memory_flat():
    samples = []
    for step, (loss, _) in enumerate(training((16, 24, 4), 10_000, batch=8)):
        if step % 1000 == 999:
            gc.collect()
            samples.append((live_bytes(), resident_bytes()))
            assert np.isfinite(loss)
    live = [sample[0] for sample in samples[1:]]
    resident = [sample[1] for sample in samples[1:]]
    assert max(live) == min(live), live
    assert max(resident) - resident[0] < 2 << 20, resident
