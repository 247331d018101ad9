# SPDX-License-Identifier: Apache-2.0
"""The random stream: golden numbers of PyTorch 2.13's, kernels against the reference on every set, state, layouts, bad input."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import zlib

import numpy as np
import pytest

import nabi
from nabi import _C
from nabi.reference import random as reference

SEED = 2026

COUNT = 1999
PROBABILITIES = np.arange(COUNT, dtype=np.float32) / np.float32(COUNT - 1)
# dtype, fill, crc32 of the bytes that torch 2.13 draws after torch.manual_seed(2026).
GOLDEN = [
    ("float32", lambda g, y: _C.random_uniform(g, y, -0.3, 1.7), 0xA09CBA42),
    ("float64", lambda g, y: _C.random_uniform(g, y, -0.3, 1.7), 0xB22C7444),
    ("float32", lambda g, y: _C.random_normal(g, y, 0.3, 1.7), 0xCE71975E),
    ("int64", lambda g, y: _C.random_integers(g, y, -3, 97), 0x8BBC91B3),
    ("int64", lambda g, y: _C.random_integers(g, y, -(2**40), 2**40), 0xE80B53F4),
    ("int32", lambda g, y: _C.random_integers(g, y, 0, 2**28), 0x0FB465A7),
    ("uint8", lambda g, y: _C.random_integers(g, y, 0, 256), 0xC3C4BC37),
    ("float32", _C.random_full, 0xE3F6973E),
    ("float64", _C.random_full, 0x181801E0),
    ("int64", _C.random_full, 0x9471C95C),
    ("int32", _C.random_full, 0x9C85B05E),
    ("int16", _C.random_full, 0xEB4FF537),
    ("int8", _C.random_full, 0xAAE2CBB1),
    ("uint8", _C.random_full, 0xC3C4BC37),
    ("bool", _C.random_full, 0x27D77255),
    ("int64", _C.random_permutation, 0x816178C3),
    ("bool", lambda g, y: _C.random_bernoulli(g, y, 0.3), 0xBE929AD5),
    ("bool", lambda g, y: _C.random_bernoulli_tensor(g, PROBABILITIES, y), 0x6A7F4318),
    ("float32", lambda g, y: np.copyto(y, _C.dropout(g, np.ones_like(y), 0.3)[0]), 0x838B1126),
]
SIZES = (0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 311, 312, 313, 511, 512, 513, 623, 624, 625, 1300)


@pytest.fixture(params=_C.available_isas())
def isa(request):
    """Each instruction set of this CPU in turn."""
    before = _C.get_isa()
    _C.set_isa(request.param)
    assert _C.get_isa() == request.param
    yield request.param
    _C.set_isa(before)


@pytest.mark.parametrize("row", range(len(GOLDEN)))
def test_every_set_draws_the_golden_numbers(isa, row):
    dtype, fill, expected = GOLDEN[row]
    y = np.empty(COUNT, dtype)
    fill(_C.Generator().manual_seed(SEED), y)
    assert zlib.crc32(y.tobytes()) == expected


def test_golden_values_through_the_library():
    nabi.manual_seed(SEED)
    expected = [0.15248113870620728, 0.2519153356552124, 0.7310043573379517, 0.06426572799682617]
    assert nabi.rand(4).tolist() == expected
    assert nabi.randn(20)[:4].tolist() == [
        -0.03144310042262077,
        -0.7410423159599304,
        -1.3574004173278809,
        -0.022001486271619797,
    ]
    assert nabi.randint(100, (6,)).tolist() == [44, 33, 15, 85, 78, 90]
    nabi.manual_seed(SEED)
    np.testing.assert_allclose(nabi.randn(3).numpy(), [0.36554578, 1.90646017, 0.21686491], rtol=1e-6)
    nabi.manual_seed(SEED)
    np.testing.assert_allclose(
        nabi.empty(3).exponential_(2.0).numpy(), [0.1241342, 0.94205356, 0.08093677], rtol=1e-6
    )
    assert nabi.randint(10**6, (3,), generator=nabi.Generator()).tolist() == [294710, 489284, 379837]
    weights = nabi.tensor([0.1, 0.2, 0.3, 0.4])
    nabi.manual_seed(SEED)
    assert nabi.multinomial(weights, 8, True).tolist() == [1, 3, 1, 0, 2, 2, 3, 1]
    assert nabi.multinomial(weights, 3).tolist() == [1, 2, 3]


# ---- kernels against the reference ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_equal_the_reference(isa, dtype):
    generator, stream = _C.Generator().manual_seed(7), reference.Stream(7)
    eps = np.finfo(dtype).eps
    for n in SIZES:
        y = np.empty(n, dtype)
        _C.random_uniform(generator, y, -0.3, 1.7)
        assert np.array_equal(y, reference.uniform(stream, n, -0.3, 1.7, dtype)), n
        _C.random_normal(generator, y, 0.3, 1.7)
        expected = reference.normal(stream, n, 0.3, 1.7, dtype)
        # Angle and radius are each rounded a few times; the angle reaches 2 pi, the radius 9.
        assert np.all(np.abs(y - expected) <= 1.7 * 2 * np.pi * 4 * eps * (1 + np.abs(expected))), n
        _C.random_exponential(generator, y, 0.3)
        np.testing.assert_allclose(y, reference.exponential(stream, n, 0.3, dtype), rtol=4 * eps)
        p = np.linspace(0, 1, n, dtype=dtype)
        kept = np.empty(n, bool)
        _C.random_bernoulli_tensor(generator, p, kept)
        assert np.array_equal(kept, reference.bernoulli_each(stream, p)), n
        _C.random_bernoulli(generator, y, 0.3)
        assert np.array_equal(y, reference.bernoulli(stream, n, 0.3)), n
    assert generator.random64() == stream.word64()


@pytest.mark.parametrize("bounds", [(0, 1), (-5, 6), (0, 2**28 - 1), (0, 2**28), (-(2**31), 2**31 - 1)])
def test_integers_and_permutations_equal_the_reference(isa, bounds):
    generator, stream = _C.Generator().manual_seed(8), reference.Stream(8)
    for n in SIZES:
        for dtype in (np.int64, np.int32, np.float64):
            y = np.empty(n, dtype)
            _C.random_integers(generator, y, *bounds)
            assert np.array_equal(y, reference.integers(stream, n, *bounds)), (n, dtype)
        order = np.empty(n, np.int64)
        _C.random_permutation(generator, order)
        assert np.array_equal(order, reference.permutation(stream, n)), n
    assert generator.random64() == stream.word64()


def test_integers_over_all_64_bits(isa):
    generator, stream = _C.Generator().manual_seed(9), reference.Stream(9)
    y = np.empty(700, np.int64)
    _C.random_integers(generator, y, -(2**63), -(2**63))
    assert np.array_equal(y.view(np.uint64), np.array([stream.word64() for _ in range(700)], np.uint64))
    _C.random_integers(generator, y, -7, -(2**63))
    assert y.tolist() == [stream.word64() % (2**63 + 7) - 7 for _ in range(700)]
    with pytest.raises(Exception, match="random_integers"):
        _C.random_integers(generator, y, 5, 5)
    with pytest.raises(Exception, match="random_integers"):
        _C.random_integers(generator, np.empty(3, np.int8), -(2**63), -(2**63))


@pytest.mark.parametrize("p", [0.0, 1e-300, 0.1, 0.5, 1 / 3, 1 - 2**-53, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_kernel(isa, dtype, p):
    generator, stream = _C.Generator().manual_seed(10), reference.Stream(10)
    for n in SIZES:
        x = np.linspace(-3, 5, n, dtype=dtype)
        x[::5], x[1::7] = np.nan, np.inf
        y, mask = _C.dropout(generator, x, p)
        kept = reference.kept_by_dropout(stream, n, p)
        assert np.array_equal(np.unpackbits(mask, bitorder="little")[:n], kept), n
        assert np.array_equal(mask, np.packbits(kept, bitorder="little")), (
            "bits after the last element are zero"
        )
        scale = dtype(0) if p == 1 else dtype(1) / dtype(1 - p)
        with np.errstate(invalid="ignore"):
            expected = x * np.where(kept, scale, dtype(0))
            grad = x[::-1] * np.where(kept, scale, dtype(0))
        assert np.array_equal(y, expected, equal_nan=True), n
        d_input = _C.dropout_backward(np.ascontiguousarray(x[::-1]), mask, p)
        assert np.array_equal(d_input, grad, equal_nan=True), n
    assert generator.random64() == stream.word64()


# ---- state ----


def test_state_has_pytorchs_layout():
    generator = nabi.Generator().manual_seed(SEED)
    state = generator.get_state()
    assert state.dtype is nabi.uint8 and state.shape == (5056,)
    fresh = state.numpy()
    assert int.from_bytes(fresh[:8].tobytes(), "little") == SEED
    assert fresh[8:24].view(np.int32).tolist() == [1, 1, 0, 0]  # one draw before a refill, seeded, word 0
    assert fresh[24:32].view(np.uint64)[0] == SEED
    nabi.randn(7, generator=generator)
    nabi.rand(700, generator=generator)
    assert zlib.crc32(generator.get_state().numpy().tobytes()) == 2423963310


def test_state_round_trip_in_the_middle_of_everything():
    generator = nabi.Generator().manual_seed(3)
    for draws in (0, 1, 3, 600, 20, 1000):
        nabi.rand(draws, generator=generator)
        nabi.randn(3, generator=generator)  # leaves a sine behind
        state = generator.get_state()
        expected = nabi.randn(40, generator=generator), nabi.randn(5, generator=generator)
        other = nabi.Generator()
        other.set_state(state)
        assert other.initial_seed() == 3
        for each, shape in zip(expected, (40, 5), strict=True):
            assert np.array_equal(nabi.randn(shape, generator=other).numpy(), each.numpy())


def broken(**changes) -> nabi.Tensor:
    """A state with fields changed, by their position in the bytes."""
    state = nabi.Generator().get_state().numpy().copy()
    for name, value in changes.items():
        position = {"left": 8, "seeded": 12, "next": 16}[name]
        state[position : position + 4] = np.frombuffer(np.int32(value).tobytes(), np.uint8)
    return nabi.from_numpy(state)


@pytest.mark.parametrize(
    "state",
    [
        broken(left=0),
        broken(left=625),
        broken(left=-1),
        broken(seeded=0),
        broken(next=625),
        broken(next=-1),
        broken(left=624, next=2),
    ],
)
def test_a_state_that_would_read_outside_is_refused(state):
    generator = nabi.Generator().manual_seed(1)
    with pytest.raises(RuntimeError, match="set_state: expected the 5056 bytes"):
        generator.set_state(state)
    assert generator.initial_seed() == 1
    assert np.array_equal(generator.get_state().numpy(), nabi.Generator().manual_seed(1).get_state().numpy())


def test_states_of_another_kind_are_refused():
    generator = nabi.Generator()
    for bad, kind in (
        (nabi.zeros(5056), TypeError),
        ([1], TypeError),
        (np.zeros(5056, np.uint8), TypeError),
        (nabi.zeros(3, dtype=nabi.uint8), RuntimeError),
    ):
        with pytest.raises(kind, match="set_state: expected"):
            generator.set_state(bad)
    strided = nabi.from_numpy(np.repeat(generator.get_state().numpy(), 2))[::2]
    generator.set_state(strided)


# ---- generators ----


def test_seeds():
    generator = nabi.Generator()
    assert generator.initial_seed() == 67280421310721
    assert generator.device == nabi.device("cpu")
    assert generator.manual_seed(-1) is generator and generator.initial_seed() == 2**64 - 1
    assert generator.manual_seed(2**64 - 1).initial_seed() == 2**64 - 1
    assert generator.manual_seed(-(2**63)).initial_seed() == 2**63
    a, b = (nabi.rand(3, generator=generator.manual_seed(seed)).tolist() for seed in (5, 5 + 2**32))
    assert a == b, "only the low 32 bits start the stream"
    assert generator.seed() == generator.initial_seed()
    assert len({generator.seed() for _ in range(5)}) == 5
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="manual_seed: expected a seed"):
            generator.manual_seed(bad)
        with pytest.raises(ValueError, match="manual_seed: expected a seed"):
            nabi.manual_seed(bad)
    for bad in (1.5, "a", True, None):
        with pytest.raises(RuntimeError, match="manual_seed: expected an int"):
            generator.manual_seed(bad)
    assert nabi.manual_seed(True) is nabi.default_generator and nabi.initial_seed() == 1
    assert nabi.seed() == nabi.initial_seed()
    with pytest.raises(RuntimeError, match="cpu"):
        nabi.Generator(device="cuda")
    with pytest.raises(RuntimeError, match="get_offset"):
        generator.get_offset()


def test_copies_and_pickles_continue_where_the_original_stood():
    generator = nabi.Generator().manual_seed(4)
    nabi.randn(3, generator=generator)
    twins = [
        copy.deepcopy(generator),
        copy.copy(generator),
        pickle.loads(pickle.dumps(generator)),
        generator.clone_state(),
    ]
    expected = nabi.randn(30, generator=generator).tolist()
    for twin in twins:
        assert twin is not generator and twin.initial_seed() == 4
        assert nabi.randn(30, generator=twin).tolist() == expected


def test_fork_rng():
    nabi.manual_seed(0)
    expected = nabi.rand(2).tolist()
    nabi.manual_seed(0)
    with nabi.random.fork_rng():
        assert nabi.rand(2).tolist() == expected
        nabi.manual_seed(99)
    assert nabi.rand(2).tolist() == expected

    @nabi.random.fork_rng(devices=[])
    def inside():
        return nabi.rand(2).tolist()

    assert inside() == inside()
    with pytest.raises(KeyError), nabi.random.fork_rng():
        raise KeyError
    before = nabi.get_rng_state().numpy().copy()
    with nabi.random.fork_rng(enabled=False):
        nabi.rand(2)
    assert not np.array_equal(nabi.get_rng_state().numpy(), before)
    nabi.set_rng_state(nabi.from_numpy(before))
    assert np.array_equal(nabi.get_rng_state().numpy(), before)
    with pytest.raises(RuntimeError, match="fork_rng"), nabi.random.fork_rng(devices=["cuda:0"]):
        pass


def test_threads_share_a_stream_without_losing_a_word():
    generator = nabi.Generator().manual_seed(6)
    drawn: list[list] = [[], [], []]

    def work(mine):
        for _ in range(20):
            # Long enough to be drawn without the GIL, so that the lock alone keeps the threads apart.
            mine.append(nabi.rand(50_000, generator=generator).numpy())

    threads = [threading.Thread(target=work, args=(mine,)) for mine in drawn]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    pieces = {piece.tobytes() for mine in drawn for piece in mine}
    whole = nabi.rand(60 * 50_000, generator=nabi.Generator().manual_seed(6)).numpy().reshape(60, -1)
    assert pieces == {piece.tobytes() for piece in whole}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_in_the_middle_of_a_draw_can_draw():
    generator = nabi.Generator().manual_seed(6)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            nabi.rand(200_000, generator=generator)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                try:
                    ok = nabi.rand(1000, generator=generator).numpy().max() < 1
                    nabi.Generator().manual_seed(1)
                finally:
                    os._exit(0 if ok else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


def test_thousands_of_generators_come_and_go():
    held = [nabi.Generator() for _ in range(1000)]
    del held[::2]
    first = reference.Stream(67280421310721).word64()
    assert {generator.random64() for generator in held} == {first}
    del held[100:300]
    with nabi.random.fork_rng():
        assert len({nabi.Generator().seed() for _ in range(100)} | {held[0].random32()}) == 101


# ---- layouts ----


def test_fills_draw_in_the_order_of_memory():
    expected = nabi.rand(24, generator=nabi.Generator().manual_seed(1)).numpy()
    turned = nabi.empty(4, 3, 2).permute(2, 0, 1).uniform_(generator=nabi.Generator().manual_seed(1))
    assert np.array_equal(turned.permute(1, 2, 0).numpy().ravel(), expected)
    whole = nabi.zeros(4, 3, 4)
    part = whole[:, :, ::2].permute(2, 0, 1)
    part.uniform_(generator=nabi.Generator().manual_seed(1))
    assert np.array_equal(whole.numpy()[:, :, ::2].ravel(), expected)
    assert not whole.numpy()[:, :, 1::2].any()
    like = nabi.rand_like(nabi.empty(4, 6).t(), generator=nabi.Generator().manual_seed(1))
    assert like.stride() == (1, 6) and np.array_equal(like.t().numpy().ravel(), expected)


def test_normal_draws_one_by_one_where_memory_is_not_contiguous():
    stream = reference.Stream(1)
    expected = reference.normal(stream, 32, contiguous=False)
    turned = nabi.empty(8, 4).t().normal_(generator=nabi.Generator().manual_seed(1))
    np.testing.assert_allclose(turned.t().numpy().ravel(), expected, rtol=1e-6)
    column = nabi.zeros(32, 2)[:, 0].normal_(generator=nabi.Generator().manual_seed(1))
    np.testing.assert_allclose(column.numpy(), expected, rtol=1e-6)


def test_one_fill_or_several_is_the_same_stream():
    one = nabi.rand(2000, generator=nabi.Generator().manual_seed(5)).numpy()
    generator = nabi.Generator().manual_seed(5)
    several = [nabi.rand(n, generator=generator).numpy() for n in (1, 2, 600, 30, 0, 700, 667)]
    assert np.array_equal(one, np.concatenate(several))


# ---- autograd ----


def test_leaves_are_protected_and_histories_end():
    leaf = nabi.ones(3, requires_grad=True)
    fills = [
        lambda t: t.uniform_(),
        lambda t: t.normal_(),
        lambda t: t.bernoulli_(),
        lambda t: t.bernoulli_(nabi.ones(3)),
        lambda t: t.random_(),
        lambda t: t.random_(3),
        lambda t: t.exponential_(),
    ]
    for fill in fills:
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            fill(leaf)
        assert leaf.tolist() == [1, 1, 1]
        leaf.grad = None
        y = leaf * 2
        version = y._version
        fill(y)
        assert y.requires_grad and y._version == version + 1
        y.sum().backward()
        assert leaf.grad.tolist() == [0, 0, 0]
        with nabi.no_grad():
            fill(leaf.detach().clone())
    y = leaf.exp() if hasattr(nabi.Tensor, "exp") else leaf.sigmoid()
    y.detach().uniform_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
