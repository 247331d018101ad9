# SPDX-License-Identifier: Apache-2.0
"""Laws that hold for any shape, layout and index, tried on many that hypothesis chooses."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi.reference import shape as reference

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
SETTINGS = hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)

SIZES = st.integers(0, 5)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


@st.composite
def arrays(draw, shape=None):
    """Small integers in float32, contiguous, permuted, or every second element of a larger array."""
    shape = draw(SHAPES) if shape is None else shape
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.integers(1, 2)) for _ in shape]
    big = np.empty([shape[d] * steps[d] for d in order], np.float32)
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(-4, 5, big.shape)
    big[...] = values
    view = big.transpose(np.argsort(order)) if shape else big
    return view[tuple(slice(None, None, step) for step in steps)] if shape else view


@st.composite
def broadcasting_pairs(draw):
    """Two arrays whose shapes broadcast: some sizes become 1, leading ones may go."""
    shape = draw(SHAPES)
    parts = []
    for _ in range(2):
        own = tuple(1 if draw(st.booleans()) else size for size in shape)
        parts.append(draw(arrays(own[draw(st.integers(0, len(own))) :])))
    return parts


@st.composite
def indexed(draw):
    """An array and an index into it, of ints, slices, None, ... and an integer array."""
    x = draw(arrays())
    index = []
    stop = draw(st.integers(0, x.ndim))
    for size in x.shape[:stop]:
        if draw(st.integers(0, 3)) == 0:
            index.append(None)
        gathers = not any(isinstance(each, np.ndarray) for each in index)
        kind = draw(st.sampled_from(["slice"] + (["int"] + ["array"] * gathers if size else [])))
        if kind == "int":
            index.append(draw(st.integers(-size, size - 1)))
        elif kind == "array":
            index.append(np.array(draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=4))))
        else:
            bound = st.none() | st.integers(-6, 6)
            index.append(slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3))))
    if draw(st.booleans()):
        index.append(Ellipsis)
    return x, tuple(index)


def tensors(index):
    return tuple(nabi.from_numpy(each) if isinstance(each, np.ndarray) else each for each in index)


@SETTINGS
@hypothesis.given(broadcasting_pairs())
def test_operands_broadcast_as_numpys(pair):
    a, b = (nabi.from_numpy(each) for each in pair)
    for got, wanted in ((a + b, pair[0] + pair[1]), (a * b, pair[0] * pair[1]), (a - b, pair[0] - pair[1])):
        assert np.array_equal(got.numpy(), wanted) and got.shape == wanted.shape


@SETTINGS
@hypothesis.given(broadcasting_pairs())
def test_gradients_of_what_broadcast_are_summed(pair):
    a, b = (nabi.from_numpy(each.copy()).requires_grad_(True) for each in pair)
    out = a * b
    out.sum().backward()
    whole = np.broadcast_to(pair[1], out.shape)
    extra = tuple(range(whole.ndim - pair[0].ndim))
    wanted = whole.sum(extra)
    ones = tuple(d for d, size in enumerate(pair[0].shape) if size == 1)
    assert np.array_equal(a.grad.numpy(), wanted.sum(ones, keepdims=True))


@SETTINGS
@hypothesis.given(indexed())
def test_reading_an_index(case):
    x, index = case
    got, wanted = nabi.from_numpy(x)[tensors(index)], reference.getitem(x, index)
    assert got.shape == wanted.shape and np.array_equal(got.numpy(), wanted)


@SETTINGS
@hypothesis.given(indexed())
def test_the_gradient_of_reading_counts(case):
    x, index = case
    leaf = nabi.from_numpy(x.copy()).requires_grad_(True)
    leaf[tensors(index)].sum().backward()
    places = reference.getitem(np.arange(x.size).reshape(x.shape), index)
    wanted = np.bincount(places.reshape(-1), minlength=x.size).reshape(x.shape)
    assert np.array_equal(leaf.grad.numpy(), wanted)


@SETTINGS
@hypothesis.given(indexed())
def test_writing_an_index(case):
    x, index = case
    tensor = nabi.from_numpy(x.copy(order="K"))
    tensor[tensors(index)] = 9.0
    assert np.array_equal(tensor.numpy(), reference.setitem(x, index, 9))


@SETTINGS
@hypothesis.given(arrays(), st.data())
def test_reshape_keeps_the_order_and_view_copies_nothing(x, data):
    shape = list(x.shape)
    data.draw(st.randoms(use_true_random=False)).shuffle(shape)
    if len(shape) > 1 and data.draw(st.booleans()):
        shape = [shape[0] * shape[1], *shape[2:]]
    tensor = nabi.from_numpy(x)
    assert np.array_equal(tensor.reshape(shape).numpy(), x.reshape(shape))
    try:
        seen = tensor.view(*shape) if shape else tensor.view(())
    except RuntimeError as error:
        assert "reshape()" in str(error) and not x.flags.c_contiguous
        return
    assert np.array_equal(seen.numpy(), x.reshape(shape))
    if x.size:
        seen.fill_(7.0)
        assert (x == 7).all()


@SETTINGS
@hypothesis.given(arrays(), st.data())
def test_sums_over_any_dimensions(x, data):
    dims = tuple(d for d in range(x.ndim) if data.draw(st.booleans()))
    keepdim = data.draw(st.booleans())
    got = nabi.from_numpy(x).sum(dims, keepdim=keepdim) if dims else nabi.from_numpy(x).sum()
    wanted = x.sum(dims, keepdims=keepdim) if dims else x.sum()
    assert np.array_equal(got.numpy(), wanted) and got.shape == np.shape(wanted)


@SETTINGS
@hypothesis.given(st.lists(st.integers(1, 3), max_size=2), SIZES, SIZES, SIZES, st.data())
def test_products_of_any_layout(batch, n, k, m, data):
    a = data.draw(arrays((*batch, n, k)))
    b = data.draw(arrays((*batch[data.draw(st.integers(0, len(batch))) :], k, m)))
    got = nabi.matmul(nabi.from_numpy(a), nabi.from_numpy(b))
    assert np.array_equal(got.numpy(), np.matmul(a, b)) and got.is_contiguous()


@SETTINGS
@hypothesis.given(st.lists(arrays((2, 3)), min_size=1, max_size=4), st.integers(0, 1))
def test_cat_and_split_undo_each_other(parts, dim):
    joined = nabi.cat([nabi.from_numpy(each) for each in parts], dim)
    for got, wanted in zip(joined.split(parts[0].shape[dim], dim), parts):
        assert np.array_equal(got.numpy(), wanted)


@SETTINGS
@hypothesis.given(arrays(), st.data())
def test_permuting_there_and_back(x, data):
    order = data.draw(st.permutations(range(x.ndim)))
    tensor = nabi.from_numpy(x)
    there = tensor.permute(order)
    assert np.array_equal(there.numpy(), x.transpose(order))
    back = there.permute([order.index(d) for d in range(x.ndim)])
    assert back.stride() == tensor.stride() and back.data_ptr() == tensor.data_ptr()
