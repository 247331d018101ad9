# SPDX-License-Identifier: Apache-2.0
"""The same draws as PyTorch, bit for bit, and the same position in the stream afterwards."""

# ruff: noqa: B023  every lambda is called before its loop goes on

from __future__ import annotations

import math

import numpy as np
import pytest

import nabi
from nabi.reference import random as reference

torch = pytest.importorskip("torch")

SIZES = (0, 1, 3, 15, 16, 17, 31, 100, 512, 623, 625, 1000, 5001)
DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")


def torch_draws_default_bernoulli() -> bool:
    """False where PyTorch takes MKL's generator for bernoulli_(p) and dropout, which it does on some Intel CPUs."""
    torch.manual_seed(1)
    return np.array_equal(
        torch.empty(200).bernoulli_(0.3).numpy(), reference.bernoulli(reference.Stream(1), 200, 0.3)
    )


needs_default_bernoulli = pytest.mark.skipif(
    not torch_draws_default_bernoulli(), reason="PyTorch draws bernoulli_(p) from MKL's generator on this CPU"
)


def seeded(library, seed: int = 77) -> None:
    """Somewhere inside a block of words."""
    library.manual_seed(seed)
    library.rand(5)


def steps(tensor) -> list:
    """The strides that mean something: those of dimensions with more than one index."""
    return [step for step, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1]


def same(call, exact: bool = True) -> None:
    """Calls call(torch) and call(nabi) from the same position: equal bits, dtype, strides, and position afterwards."""
    seeded(torch)
    seeded(nabi)
    expected, got = call(torch), call(nabi)
    if not isinstance(expected, (tuple, list)):
        expected, got = [expected], [got]
    for theirs, ours in zip(expected, got, strict=True):
        theirs = theirs.detach()
        assert str(theirs.dtype) == repr(ours.dtype)
        assert tuple(theirs.shape) == tuple(ours.shape)
        if ours.numel():
            assert steps(theirs) == steps(ours)
        ours = ours.detach().numpy()
        if exact:
            assert theirs.contiguous().numpy().tobytes() == np.ascontiguousarray(ours).tobytes()
        else:
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=4 * np.finfo(ours.dtype).eps)
    assert np.array_equal(torch.get_rng_state().numpy(), nabi.get_rng_state().numpy())


def dtype_of(library, name: str):
    return getattr(library, name)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_and_normal(n, dtype):
    for low, high in ((0, 1), (-0.3, 0.7), (-0.1234567, 0.1234567), (3.0, 1e5)):
        same(lambda lib: lib.empty(n, dtype=dtype_of(lib, dtype)).uniform_(low, high))
        # Blocks of float32 need no library function; float64 and single draws take log and cos from the C library.
        exact = dtype == "float32" and n >= 16
        same(lambda lib: lib.empty(n, dtype=dtype_of(lib, dtype)).normal_(low, abs(high)), exact)
    same(lambda lib: lib.rand(n, dtype=dtype_of(lib, dtype)))
    same(lambda lib: lib.randn(n, dtype=dtype_of(lib, dtype)), dtype == "float32" and n >= 16)
    same(lambda lib: lib.empty(n, dtype=dtype_of(lib, dtype)).exponential_(0.37), False)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore:.*out of bounds:UserWarning", "ignore:.*beyond the integers:UserWarning")
def test_integers(n, dtype):
    def empty(lib):
        return lib.empty(n, dtype=dtype_of(lib, dtype))

    same(lambda lib: empty(lib).random_())
    info = None if dtype.startswith("float") else (0, 1) if dtype == "bool" else None
    if info is None and not dtype.startswith("float"):
        info = np.iinfo(dtype).min, np.iinfo(dtype).max
    for low, high in (
        (0, 1), (0, 2), (0, 100), (-100, 27), (-5, 2**28 - 6), (-5, 2**28 - 5), (-5, 2**31 - 1), (-(2**31), 2**31),
        (0, 2**32), (-(2**40), 2**60), (2**24, 2**24 + 3), (-(2**63), 2**63 - 1),
    ):  # fmt: skip
        if info is None or (info[0] <= low and high - 1 <= info[1]):
            same(lambda lib, low=low, high=high: empty(lib).random_(low, high))
    same(lambda lib: empty(lib).random_(0, None))
    same(lambda lib: empty(lib).random_(2) if n else empty(lib))
    if dtype == "int64":
        same(lambda lib: empty(lib).random_(-(2**63), None))
        same(lambda lib: empty(lib).random_(-7, None))


@pytest.mark.parametrize("n", SIZES)
def test_creation_functions(n):
    same(lambda lib: lib.randint(10, (n,)))
    same(lambda lib: lib.randint(-3, 10, (n,), dtype=lib.int16))
    same(lambda lib: lib.randint(low=1, high=5, size=(n, 2), dtype=lib.float32))
    same(lambda lib: lib.randint(2**40, (n,)))
    same(lambda lib: lib.randperm(n))
    same(lambda lib: lib.randperm(min(n, 100), dtype=lib.int8))
    same(lambda lib: lib.randperm(n, dtype=lib.float32))
    same(lambda lib: lib.rand_like(lib.zeros(n, 3).t()))
    same(lambda lib: lib.rand_like(lib.zeros(n, 4)[:, ::2].t()))
    same(lambda lib: lib.rand_like(lib.zeros(4).expand(3, 4)))
    same(lambda lib: lib.randint_like(lib.zeros(n), 3, 9))
    same(lambda lib: lib.randint_like(lib.zeros(n, 2, dtype=lib.int32).t(), 9))
    same(lambda lib: lib.randint_like(lib.zeros(n), low=3, high=9, dtype=lib.int64))
    same(lambda lib: lib.rand(2, n, generator=lib.Generator().manual_seed(4)))
    same(lambda lib: lib.randperm(n, generator=lib.Generator().manual_seed(4)))
    same(lambda lib: lib.randint(9, (n,), generator=lib.Generator()))


@pytest.mark.parametrize("n", (1, 5, 16, 100))
def test_normal_with_tensors(n):
    for dtype in ("float32", "float64"):

        def mean(lib, dtype=dtype):
            return lib.arange(n, dtype=dtype_of(lib, dtype)) / 7

        exact = dtype == "float32" and n >= 16
        same(lambda lib: lib.normal(mean(lib), 1.5), exact)
        same(lambda lib: lib.normal(mean(lib)), exact)
        same(lambda lib: lib.normal(-2.0, mean(lib)), exact)
        same(lambda lib: lib.normal(mean(lib), mean(lib).reshape(n, 1)), dtype == "float32" and n >= 5)
        same(lambda lib: lib.normal(mean(lib), lib.tensor(2.5, dtype=lib.float64)), exact)
        same(lambda lib: lib.normal(mean(lib), lib.arange(n)), exact)
        same(
            lambda lib: lib.normal(0.5, 2.0, (n, 3), dtype=dtype_of(lib, dtype)),
            dtype == "float32" and n >= 16,
        )
    same(lambda lib: lib.normal(mean(lib).float(), mean(lib).double()), n >= 16)


def test_normal_of_what_is_not_contiguous():
    same(lambda lib: lib.empty(8, 5).t().normal_(), False)
    same(lambda lib: lib.zeros(40, 2)[:, 1].normal_(1, 2), False)
    same(lambda lib: lib.randn_like(lib.zeros(5, 8).t()), False)
    same(lambda lib: lib.empty(1, 40).t().normal_())
    same(lambda lib: [lib.randn(3), lib.randn(3), lib.randn(20), lib.randn(2)], False)


@needs_default_bernoulli
@pytest.mark.parametrize("n", SIZES)
def test_bernoulli_and_dropout(n):
    for p in (0.0, 0.1, 0.5, 1 / 3, 0.9, 1.0):
        for dtype in DTYPES:
            same(lambda lib, dtype=dtype, p=p: lib.empty(n, dtype=dtype_of(lib, dtype)).bernoulli_(p))
        same(lambda lib, p=p: lib.bernoulli(lib.zeros(n, 2).t(), p))
        for dtype in ("float32", "float64"):

            def dropped(lib, dtype=dtype, p=p):
                x = lib.arange(n, dtype=dtype_of(lib, dtype)) / 7
                x.requires_grad_()
                y = lib.nn.functional.dropout(x, p)
                y.backward(x.detach() + 1)
                return [y, x.grad]

            same(dropped)
    same(lambda lib: lib.nn.functional.dropout(lib.ones(n, 3).t()))
    same(lambda lib: lib.nn.functional.dropout(lib.ones(n, 4)[:, ::2].t()))


@pytest.mark.parametrize("n", SIZES)
def test_bernoulli_of_tensors(n):
    for dtype in ("float32", "float64"):

        def p(lib, dtype=dtype):
            return lib.arange(n, dtype=dtype_of(lib, dtype)) / max(n, 1)

        same(lambda lib: lib.bernoulli(p(lib)))
        same(lambda lib: p(lib).bernoulli())
        same(lambda lib: lib.bernoulli(p(lib).reshape(n, 1).expand(n, 2).t()))
        for kind in DTYPES:
            same(lambda lib, kind=kind: lib.empty(n, dtype=dtype_of(lib, kind)).bernoulli_(p(lib)))
        same(lambda lib: lib.empty(n, 3).t().bernoulli_(p(lib)))
        same(lambda lib: lib.empty(3, n).bernoulli_(lib.tensor(0.3, dtype=dtype_of(lib, dtype))))


def test_multinomial():
    for dtype in ("float32", "float64"):

        def weights(lib, dtype=dtype):
            lib.manual_seed(3)
            return lib.rand(7, 50, dtype=dtype_of(lib, dtype))

        for count, replacement in ((1, False), (1, True), (20, False), (20, True), (50, False)):
            same(lambda lib: lib.multinomial(weights(lib), count, replacement))
            same(lambda lib: weights(lib)[2].multinomial(count, replacement))


def test_views_are_filled_in_the_order_of_memory():
    def fill(lib, view, draw):
        whole = lib.zeros(4, 6, 5)
        draw(view(whole))
        return whole

    views = (
        lambda t: t.permute(2, 0, 1),
        lambda t: t[:, ::2, 1:4],
        lambda t: t.transpose(0, 2)[1:, ::3],
        lambda t: t[2],
        lambda t: t[:, 3],
        lambda t: t[:, :, :1].permute(1, 2, 0),
    )
    for view in views:
        same(lambda lib: fill(lib, view, lambda t: t.uniform_(2, 3)))
        same(lambda lib: fill(lib, view, lambda t: t.random_(100)))
        same(lambda lib: fill(lib, view, lambda t: t.bernoulli_(lib.full((1,), 0.4))))
        same(lambda lib: fill(lib, view, lambda t: t.normal_()), False)


def test_states_go_both_ways():
    for draws in ((), (3,), (700,), (7, 700), (623,), (624,), (625, 1)):
        torch.manual_seed(-5)
        for n in draws:
            torch.rand(n)
            torch.randn(3)
        nabi.set_rng_state(nabi.from_numpy(torch.get_rng_state().numpy()))
        assert nabi.initial_seed() == torch.initial_seed() == 2**64 - 5
        assert np.array_equal(nabi.rand(900).numpy(), torch.rand(900).numpy())
        np.testing.assert_allclose(nabi.randn(5).numpy(), torch.randn(5).numpy(), rtol=1e-6)
        state = nabi.get_rng_state().numpy()
        assert np.array_equal(state, torch.get_rng_state().numpy())
        torch.set_rng_state(torch.from_numpy(state.copy()))
        assert np.array_equal(torch.rand(900).numpy(), nabi.rand(900).numpy())


@pytest.mark.parametrize(
    "call",
    [
        lambda lib: lib.empty(3).uniform_(1, 0),
        lambda lib: lib.empty(3).uniform_(0, 1e39),
        lambda lib: lib.empty(3, dtype=lib.int64).uniform_(),
        lambda lib: lib.empty(3).normal_(0, -1),
        lambda lib: lib.empty(3, dtype=lib.int64).normal_(),
        lambda lib: lib.empty(3).bernoulli_(1.5),
        lambda lib: lib.empty(3).bernoulli_(lib.tensor([2.0, 0, 0])),
        lambda lib: lib.empty(3).bernoulli_(lib.tensor([1, 0, 0])),
        lambda lib: lib.empty(3).bernoulli_(lib.ones(4)),
        lambda lib: lib.empty(3).random_(5, 5),
        lambda lib: lib.empty(3).random_(0.5),
        lambda lib: lib.empty(3, dtype=lib.uint8).random_(0, 257),
        lambda lib: lib.empty(3).exponential_(-1),
        lambda lib: lib.empty(3, dtype=lib.int64).exponential_(),
        lambda lib: lib.rand(),
        lambda lib: lib.rand(2.5),
        lambda lib: lib.rand(-1),
        lambda lib: lib.rand(2, dtype=lib.int64),
        lambda lib: lib.randint(3),
        lambda lib: lib.randint(0, 3, 2),
        lambda lib: lib.randint(3, 3, (2,)),
        lambda lib: lib.randint(0.5, 3, (2,)),
        lambda lib: lib.randint(2**63, (2,)),
        lambda lib: lib.randint(3, (2,), requires_grad=True),
        lambda lib: lib.randperm(-1),
        lambda lib: lib.randperm(2.5),
        lambda lib: lib.randperm(257, dtype=lib.uint8),
        lambda lib: lib.randperm(3, dtype=lib.bool),
        lambda lib: lib.normal(0.0, 1.0),
        lambda lib: lib.normal(lib.zeros(3), lib.ones(2)),
        lambda lib: lib.normal(lib.zeros(3), -lib.ones(3)),
        lambda lib: lib.bernoulli(0.5),
        lambda lib: lib.bernoulli(lib.tensor([1, 0])),
        lambda lib: lib.multinomial(lib.tensor([1.0, -1]), 1),
        lambda lib: lib.multinomial(lib.tensor([1, 2]), 1),
        lambda lib: lib.multinomial(lib.ones(3), 4),
        lambda lib: lib.zeros(3, requires_grad=True).uniform_(),
        lambda lib: lib.zeros(1).expand(3).uniform_(),
        lambda lib: lib.Generator().manual_seed(1.5),
        lambda lib: lib.Generator().manual_seed(2**64),
        lambda lib: lib.manual_seed("a"),
        lambda lib: lib.manual_seed(2**64),
        lambda lib: lib.Generator().set_state(lib.zeros(5056)),
        lambda lib: lib.Generator().set_state(lib.zeros(5056, dtype=lib.uint8)),
        lambda lib: lib.Generator().set_state(lib.zeros(3, dtype=lib.uint8)),
        lambda lib: lib.Generator().set_state([1]),
        lambda lib: lib.Generator().get_offset(),
    ],
)
def test_the_same_mistakes_raise_the_same_types(call):
    kinds = []
    for library in (torch, nabi):
        with pytest.raises(Exception) as caught:
            call(library)
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_initial_values_of_a_layer():
    bound = 1 / math.sqrt(30)
    same(lambda lib: lib.empty(20, 30).uniform_(-bound, bound))
    same(lambda lib: [lib.nn.Linear(30, 20).weight, lib.nn.Linear(30, 20).bias])
