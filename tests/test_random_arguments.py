# SPDX-License-Identifier: Apache-2.0
"""Arguments of the random functions: mistakes that are refused before anything is drawn, and numbers in disguise."""

from __future__ import annotations

import numpy as np
import pytest

import nabi

E = nabi.empty
LONG = nabi.int64
BAD = [
    (lambda: E(3).uniform_(1, 0), RuntimeError, "uniform_: expected from <= to"),
    (lambda: E(3).uniform_(0, 1e39), RuntimeError, "uniform_: expected to within"),
    (lambda: E(3).uniform_(float("nan"), 1), RuntimeError, "uniform_: expected from within"),
    (lambda: E(3).uniform_(-3e38, 3e38), RuntimeError, "uniform_: expected to - from"),
    (
        lambda: E(3, dtype=LONG).uniform_(),
        NotImplementedError,
        "uniform_: expected a float32 or float64 tensor",
    ),
    (lambda: E(3).uniform_(None), TypeError, "uniform_: expected from to be a number"),
    (lambda: E(3).uniform_(0, 1, 2), TypeError, "uniform_: expected from and to"),
    (lambda: E(3).uniform_(fro=1), TypeError, "uniform_: expected from and to"),
    (lambda: E(3).uniform_(generator=5), TypeError, "uniform_: expected generator to be a Generator"),
    (lambda: E(3).normal_(0, -1), RuntimeError, "normal_: expected std >= 0"),
    (lambda: E(3).normal_(0, float("nan")), RuntimeError, "normal_: expected std >= 0"),
    (lambda: E(3).normal_("a"), TypeError, "normal_: expected mean to be a number"),
    (
        lambda: E(3, dtype=LONG).normal_(),
        NotImplementedError,
        "normal_: expected a float32 or float64 tensor",
    ),
    (lambda: E(3).bernoulli_(1.5), RuntimeError, "bernoulli_: expected p between 0 and 1"),
    (lambda: E(3).bernoulli_(float("nan")), RuntimeError, "bernoulli_: expected p between 0 and 1"),
    (
        lambda: E(3).bernoulli_(nabi.tensor([2.0, 0, 0])),
        RuntimeError,
        "expected probabilities between 0 and 1",
    ),
    (lambda: E(3).bernoulli_(nabi.tensor([1, 0, 0])), NotImplementedError, "probabilities of dtype"),
    (lambda: E(3).bernoulli_(nabi.ones(4)), RuntimeError, "p to broadcast"),
    (lambda: E(3).random_(5, 5), RuntimeError, "random_: expected from < to"),
    (lambda: E(3).random_(0), RuntimeError, "random_: expected from < to"),
    (lambda: E(3).random_(0.5), TypeError, "random_: expected to to be an int"),
    (lambda: E(3, dtype=nabi.uint8).random_(0, 257), RuntimeError, "random_: expected to - 1 within"),
    (lambda: E(3, dtype=nabi.uint8).random_(-1, 2), RuntimeError, "random_: expected from within"),
    (lambda: E(3, dtype=nabi.bool).random_(0, 3), RuntimeError, "random_: expected to - 1 within"),
    (lambda: E(3).random_(2**24, None), RuntimeError, "random_: expected from < 16777216"),
    (lambda: E(3).exponential_(0), RuntimeError, "exponential_: expected lambd > 0"),
    (lambda: E(3).exponential_(float("nan")), RuntimeError, "exponential_: expected lambd > 0"),
    (lambda: E(3, dtype=LONG).exponential_(), RuntimeError, "exponential_: expected a float32"),
    (lambda: nabi.zeros(1).expand(3).uniform_(), RuntimeError, "uniform_: expected"),
    (lambda: nabi.rand(), TypeError, "rand: expected a size"),
    (lambda: nabi.rand(2.5), TypeError, "rand: expected size to be an int"),
    (lambda: nabi.rand(True), TypeError, "rand: expected size to be an int"),
    (lambda: nabi.rand(-1), RuntimeError, "rand: expected no negative size"),
    (lambda: nabi.rand(2, dtype=LONG), NotImplementedError, "rand: expected a float32 or float64 tensor"),
    (lambda: nabi.rand(2, out=E(2)), NotImplementedError, "out"),
    (lambda: nabi.rand(2, device="cuda"), RuntimeError, "rand: expected device"),
    (lambda: nabi.rand(2, layout="sparse"), NotImplementedError, "layout"),
    (lambda: nabi.rand(2, pin_memory=True), RuntimeError, "pin_memory"),
    (lambda: nabi.rand_like(np.zeros(3)), TypeError, "rand_like: expected input to be a Tensor"),
    (lambda: nabi.randint(3), TypeError, "randint: expected size to be a tuple"),
    (lambda: nabi.randint(0, 3, 2), TypeError, "randint: expected size to be a tuple"),
    (lambda: nabi.randint(0.5, 3, (2,)), TypeError, "randint: expected low to be an int"),
    (lambda: nabi.randint(low=2, size=(2,)), TypeError, "randint: expected high"),
    (lambda: nabi.randint(3, 3, (2,)), RuntimeError, "randint: expected from < to"),
    (lambda: nabi.randint(2**63, (2,)), ValueError, "randint: expected high within 64 bits"),
    (lambda: nabi.randint(0, 300, (2,), dtype=nabi.uint8), RuntimeError, "randint: expected to - 1 within"),
    (
        lambda: nabi.randint(3, (2,), requires_grad=True),
        RuntimeError,
        "randint: expected a floating-point dtype",
    ),
    (lambda: nabi.randperm(-1), RuntimeError, "randperm: expected no negative size"),
    (lambda: nabi.randperm(2.5), TypeError, "randperm: expected size to be an int"),
    (lambda: nabi.randperm(257, dtype=nabi.uint8), RuntimeError, "randperm: expected n - 1 within"),
    (lambda: nabi.randperm(3, dtype=nabi.bool), NotImplementedError, "randperm: expected a dtype of numbers"),
    (lambda: nabi.normal(0.0, 1.0), TypeError, "normal: expected a tensor as mean or std"),
    (
        lambda: nabi.normal(nabi.zeros(2), nabi.ones(2), (2,)),
        TypeError,
        "normal: expected size and dtype only",
    ),
    (lambda: nabi.normal(nabi.zeros(3), nabi.ones(2)), RuntimeError, "normal: expected std to broadcast"),
    (lambda: nabi.normal(nabi.zeros(3), -nabi.ones(3)), RuntimeError, "normal: expected std >= 0"),
    (lambda: nabi.normal(nabi.zeros(3, dtype=LONG), 1.0), NotImplementedError, "normal: expected a float32"),
    (lambda: nabi.bernoulli(0.5), TypeError, "bernoulli: expected input to be a Tensor"),
    (lambda: nabi.bernoulli(nabi.tensor([1, 0])), NotImplementedError, "bernoulli: expected probabilities"),
    (lambda: nabi.multinomial(nabi.tensor([1.0, -1]), 1), RuntimeError, "multinomial: expected weights >= 0"),
    (
        lambda: nabi.multinomial(nabi.tensor([1.0, float("nan")]), 1),
        RuntimeError,
        "multinomial: expected weights",
    ),
    (lambda: nabi.multinomial(nabi.tensor([0.0, 0]), 1), RuntimeError, "multinomial: expected a sum"),
    (lambda: nabi.multinomial(nabi.tensor([1, 2]), 1), RuntimeError, "multinomial: expected floating-point"),
    (lambda: nabi.multinomial(nabi.ones(3), 4), RuntimeError, "multinomial: expected at most 3 samples"),
    (lambda: nabi.multinomial(nabi.ones(3), 0), RuntimeError, "multinomial: expected num_samples > 0"),
    (
        lambda: nabi.multinomial(nabi.ones(2, 3, 4), 1),
        RuntimeError,
        "multinomial: expected weights of 1 or 2",
    ),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_are_refused_and_draw_nothing(case):
    call, kind, message = BAD[case]
    before = nabi.get_rng_state().numpy().copy()
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind and message in str(caught.value)
    assert np.array_equal(nabi.get_rng_state().numpy(), before)


def test_arguments_that_are_numbers_in_disguise():
    nabi.manual_seed(1)
    expected = E(3).uniform_(0, 2).tolist()
    nabi.manual_seed(1)
    assert E(3).uniform_(nabi.tensor(0.0), np.float32(2)).tolist() == expected
    nabi.manual_seed(1)
    assert E(3).uniform_(**{"to": 2, "from": 0}).tolist() == expected
    assert nabi.rand(np.int64(2), nabi.tensor(3)).shape == (2, 3)
    assert nabi.rand([2, 3]).shape == nabi.rand(size=(2, 3)).shape == (2, 3)
    assert nabi.rand(()).shape == nabi.randint(3, ()).shape == ()
    assert E(3).bernoulli_(True).tolist() == [1, 1, 1]
    assert nabi.rand(2, requires_grad=True, dtype=nabi.float64).requires_grad
    assert nabi.rand_like(nabi.zeros(2, dtype=LONG), dtype=nabi.float32).dtype is nabi.float32


def test_the_default_dtype_is_used():
    nabi.set_default_dtype(nabi.float64)
    try:
        assert nabi.rand(2).dtype is nabi.randn(2).dtype is nabi.normal(0, 1, (2,)).dtype is nabi.float64
        assert nabi.randint(3, (2,)).dtype is LONG
    finally:
        nabi.set_default_dtype(nabi.float32)


def test_integers_that_a_float_cannot_hold_warn():
    with pytest.warns(UserWarning, match="beyond the integers"):
        E(3).random_(0, 2**25)
