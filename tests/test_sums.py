# SPDX-License-Identifier: Apache-2.0
"""Sums have one order: bits depend on the shape and the instruction set, not on the layout and not on threads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nabi import _C
from nabi.verify.settings import switched

# Around lanes (4, 16, 32, 64), the columns reduced together (64, 128, 1024) and blocks of 1024.
SIZES = (1, 2, 3, 5, 8, 31, 33, 64, 65, 129, 300)


@st.composite
def sums(draw):
    """A contiguous array, dimensions to sum over, and the same values in another layout."""
    ndim = draw(st.integers(1, 4))
    sizes = SIZES if ndim < 3 else SIZES[:7]
    shape = [draw(st.sampled_from(sizes)) for _ in range(ndim)]
    if draw(st.booleans()):
        shape[draw(st.integers(0, ndim - 1))] = draw(st.sampled_from((1023, 1024, 1025, 2500, 4097)))
    while math.prod(shape) > 300_000:
        shape[shape.index(max(shape))] //= 8
    random = np.random.default_rng(draw(st.integers(0, 99)))
    array = random.standard_normal(shape).astype(draw(st.sampled_from(("float32", "float64"))))
    order = draw(st.permutations(range(ndim)))
    steps = [draw(st.sampled_from((1, 1, 1, 2, -1))) for _ in range(ndim)]
    whole = np.zeros([array.shape[d] * abs(step) for d, step in zip(order, steps, strict=True)], array.dtype)
    other = whole[tuple(slice(None, None, step) for step in steps)].transpose(np.argsort(order))
    other[...] = array
    dims = draw(st.sets(st.integers(0, ndim - 1)))
    return array, other, tuple(sorted(dims)) if dims else None


@settings(deadline=None, max_examples=250)
@given(sums(), st.sampled_from(_C.available_isas()), st.integers(1, 3), st.booleans())
def test_layout_and_threads_change_no_bit(sample, isa, threads, keep):
    array, other, dims = sample
    with switched(isa=isa):
        alone = _C.sum(array, dims, keep, 1.0)
    with switched(isa=isa, threads=threads, split=threads > 1):
        found = _C.sum(other, dims, keep, 1.0)
    assert found.tobytes() == alone.tobytes() and found.shape == alone.shape
    exact = array.astype(np.longdouble).sum(dims, keepdims=keep)
    size = np.abs(array).astype(np.longdouble).sum(dims, keepdims=keep)
    # 32 additions a lane of a block of 1024 in the narrowest vectors is 256; then trees.
    terms = min(math.prod(array.shape), 256) + 24
    assert (np.abs(found - exact) <= terms * np.finfo(array.dtype).eps * size).all()


@pytest.mark.parametrize("isa", _C.available_isas())
@pytest.mark.parametrize("count", [1, 5, 31, 32, 33, 63, 64, 65, 1000, 1024, 1025, 3000])
def test_rows_and_columns_have_the_same_bits(isa, count):
    """A result whose elements lie behind each other is added in vectors, one whose neighbours do in rows of lanes."""
    for width in (2, 7, 64, 130):
        rows = np.random.default_rng(count).standard_normal((width, count)).astype(np.float32)
        columns = np.ascontiguousarray(rows.T)
        with switched(isa=isa):
            assert _C.sum(rows, (1,), False, 1.0).tobytes() == _C.sum(columns, (0,), False, 1.0).tobytes()


def test_the_error_grows_slowly():
    """One after the other 4 million float32 of 0.1 are 6 % wrong."""
    x = np.full(1 << 22, 0.1, np.float32)
    exact = float(x[0]) * x.size
    assert abs(float(_C.sum(x, None, False, 1.0)) - exact) <= 1e-6 * exact
    columns = np.broadcast_to(np.float32(0.1), (1 << 20, 4))
    assert np.allclose(_C.sum(columns, (0,), False, 1.0), exact / 4, rtol=1e-6)


@pytest.mark.parametrize("dims", [None, (0,), (1,)])
def test_sums_run_on_several_threads(dims):
    x = np.ones((2000, 2000), np.float32)
    with switched(threads=2, split=True):
        before = _C.parallel_stats()["threaded_regions"]
        total = _C.sum(x, dims, False, 1.0)
        assert _C.parallel_stats()["threaded_regions"] > before
    assert float(total.sum()) == 4e6


@pytest.mark.parametrize("dims", [(2,), (-1,), (0, 0), [0], "0", (0.5,), (2**70,)])
def test_dimensions_are_checked(dims):
    with pytest.raises(
        RuntimeError, match="sum: expected dims to be a tuple of different ints from 0 to 1, got"
    ):
        _C.sum(np.ones((2, 3), np.float32), dims, False, 1.0)
