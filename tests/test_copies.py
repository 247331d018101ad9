# SPDX-License-Identifier: Apache-2.0
"""Copies between layouts are the kernel's, into the pool's memory: every pair of layouts, every width of element."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nabi
from nabi import _C
from nabi.verify.settings import switched

DTYPES = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
# Around a row of 32 bytes, a tile of 16, a block of 64; few of one and many of the other dimension.
SIZES = (0, 1, 2, 3, 4, 5, 7, 15, 16, 17, 33, 63, 64, 65, 130)


def numbered(shape, dtype) -> np.ndarray:
    """Every element differs from its neighbours, in its lowest byte too."""
    return (np.arange(np.prod(shape)) * 37 % 251).reshape(shape).astype(dtype)


@st.composite
def layouts(draw):
    """An array with gaps, repeats, negative steps and dimensions in any order."""
    ndim = draw(st.integers(0, 4))
    shape = [draw(st.sampled_from(SIZES if ndim < 3 else SIZES[:9])) for _ in range(ndim)]
    steps = [draw(st.sampled_from((1, 1, 1, 2, 3, -1))) for _ in range(ndim)]
    whole = numbered([size * abs(step) for size, step in zip(shape, steps)], draw(st.sampled_from(DTYPES)))
    array = whole[(*(slice(None, None, step) for step in steps), ...)]
    array = array.transpose(draw(st.permutations(range(ndim))))
    repeated = draw(st.sampled_from((None, None, *range(ndim))))
    if repeated is not None and array.shape[repeated]:
        one = array.take([0], repeated)
        array = np.broadcast_to(one, array.shape)
    return array


@settings(deadline=None, max_examples=150)
@given(layouts(), st.permutations(range(4)), st.sampled_from(("scalar", "best")), st.integers(1, 3))
def test_a_copy_holds_the_same_bits(array, order, isa, threads):
    isa = _C.available_isas()[-1] if isa == "best" else isa
    order = [d for d in order if d < array.ndim]
    like = np.empty([array.shape[d] for d in order], array.dtype).transpose(np.argsort(order))
    target = np.zeros([2 * size + 1 for size in array.shape], array.dtype)
    target = target[tuple(slice(1, None, 2) for _ in array.shape)] if array.ndim else target
    with switched(isa=isa, threads=threads, split=threads > 1):
        straight, laid = _C.contiguous_copy(array), _C.copy_laid_out(array, like)
        same = _C.copy(array)
        _C.copy(array, target)
    expected = array.tobytes()
    assert straight.flags.c_contiguous
    if array.size:
        assert laid.strides == like.strides
    for found in (straight, laid, same, target):
        assert found.tobytes() == expected
        assert found.shape == array.shape and found.dtype == array.dtype


@settings(deadline=None, max_examples=100)
@given(layouts(), st.data())
def test_a_reshape_is_a_view_where_strides_allow_it(array, data):
    divisors = [d for d in (1, 2, 3, 4, 5, 16) if array.size and array.size % d == 0] or [1]
    first = data.draw(st.sampled_from(divisors))
    shape = (first, array.size // first, 1)
    found, strides = _C.reshaped(array, shape), _C.view_strides(array, shape)
    assert found.tobytes() == array.tobytes() and found.shape == shape
    if array.size and strides is not None:
        assert found.strides == strides
        assert np.may_share_memory(found, array)
    elif array.size:
        assert not np.may_share_memory(found, array)
        theirs = array.reshape(shape)
        assert not np.may_share_memory(theirs, array)


@pytest.mark.parametrize("isa", _C.available_isas())
def test_transposes_around_tiles(isa):
    """Tiles, their edges, and a few interleaved streams; split among threads too."""
    with switched(isa=isa, threads=2, split=True):
        for dtype in ("float32", "float64", "int16", "bool"):
            for rows, columns in itertools.product(SIZES[1:], SIZES[1:]):
                array = numbered((2, rows, columns), dtype).transpose(0, 2, 1)
                assert _C.contiguous_copy(array).tobytes() == array.tobytes(), (dtype, rows, columns)


def test_a_transpose_runs_on_several_threads():
    array = np.ones((600, 700), np.float32)
    with switched(threads=2, split=True):
        before = _C.parallel_stats()["threaded_regions"]
        _C.contiguous_copy(array.T)
        assert _C.parallel_stats()["threaded_regions"] > before


def _in_a_step():
    """Everything that copies in a training step, by name."""
    x = nabi.randn(8, 6, requires_grad=True)
    whole = nabi.zeros(8, 6)
    permuted = nabi.randn(6, 8).T.detach().requires_grad_()

    def backward(result, leaf):
        leaf.grad = None
        result.sum().backward()
        return leaf.grad

    return {
        "clone": x.clone,
        "clone of a transpose": x.T.clone,
        "contiguous": x.T.contiguous,
        "reshape": lambda: x.T.reshape(48),
        "cat": lambda: nabi.cat([x, x]),
        "stack": lambda: nabi.stack([x, x]),
        "a slice's gradient": lambda: backward(x[1:3], x),
        "a transposed leaf's gradient": lambda: backward(permuted * 2, permuted),
        "an expanded gradient": lambda: backward(x, x),
        "softmax over the first dimension": lambda: x.softmax(0),
        "assignment": lambda: (whole.__setitem__((slice(None), 1), x[:, 0].detach()), whole)[1],
    }


@pytest.mark.parametrize("name", _in_a_step())
def test_results_lie_in_the_pool(name):
    found = _in_a_step()[name]()
    array = found.detach()._array
    if name == "assignment":
        assert array[:, 1].any()
        return
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    core = np._core if hasattr(np, "_core") else np.core
    assert core.multiarray.get_handler_name(owner) == "nabi_pool"


def test_copies_refuse_what_they_cannot_read():
    array = np.ones((2, 3), np.float32)
    bad = [array.astype(array.dtype.newbyteorder()), array.astype(np.float16), "text", [1.0], None]
    for thing in bad:
        for call in (
            lambda a: _C.contiguous_copy(a),
            lambda a: _C.copy_laid_out(a, array),
            lambda a: _C.copy_laid_out(array, a),
            lambda a: _C.reshaped(a, (6,)),
            lambda a: _C.as_strided(a, (6,), (4,)),
        ):
            with pytest.raises((TypeError, RuntimeError), match="expected .*, got"):
                call(thing)
    for shape in ((5,), (-6,), (7, 0), [6], (2**62, 4)):
        with pytest.raises(RuntimeError, match="reshaped: expected .*, got"):
            _C.reshaped(array, shape)
    with pytest.raises(RuntimeError, match="copy_laid_out: expected two arrays of shape"):
        _C.copy_laid_out(array, array.T)
    with pytest.raises(RuntimeError, match="empty: expected a dtype"):
        _C.empty((2,), np.dtype(np.complex64))
    with pytest.raises(MemoryError):
        _C.empty((2**40, 2**40), np.dtype(np.float32))
    assert _C.zeros((2, 3), np.dtype(np.int16)).tolist() == [[0] * 3] * 2
