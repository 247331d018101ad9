# SPDX-License-Identifier: Apache-2.0
"""einsum and tensordot beside PyTorch where dtypes and labels are unusual."""

from __future__ import annotations

import pytest

import nabi

torch = pytest.importorskip("torch")


def values(framework, dtype: str, *shape):
    return (framework.arange(framework.ones(*shape).numel()).reshape(*shape) % 3).to(
        getattr(framework, dtype)
    )


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float64"])
@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("a,ab->a", [(3,), (3, 2)]),
        ("ab,bc->ac", [(2, 3), (3, 2)]),
        ("...b,c->", [(1, 1), (1,)]),
        ("a,b->ab", [(2,), (3,)]),
        ("aab,b->a", [(2, 2, 3), (3,)]),
        ("ab->b", [(2, 3)]),
    ],
)
def test_dtypes(equation, shapes, dtype):
    ours = nabi.einsum(equation, *(values(nabi, dtype, *shape) for shape in shapes))
    theirs = torch.einsum(equation, *(values(torch, dtype, *shape) for shape in shapes))
    assert ours.tolist() == theirs.tolist()
    assert str(ours.dtype).rsplit(".", 1)[-1] == str(theirs.dtype).rsplit(".", 1)[-1]


def test_bools_and_mixed_dtypes_multiply_where_nothing_is_summed():
    for first, second in (("bool", "bool"), ("float32", "int32")):
        ours = nabi.einsum("a,b->ab", values(nabi, first, 2), values(nabi, second, 3))
        theirs = torch.einsum("a,b->ab", values(torch, first, 2), values(torch, second, 3))
        assert ours.tolist() == theirs.tolist()


def test_tensordot_keeps_the_dtype_of_integers():
    ours = nabi.tensordot(values(nabi, "int32", 2, 3), values(nabi, "int32", 1, 2), 1)
    theirs = torch.tensordot(values(torch, "int32", 2, 3), values(torch, "int32", 1, 2), 1)
    assert ours.tolist() == theirs.tolist() and ours.dtype is nabi.int32


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda m, x: m.einsum(x, [0, 99]), ValueError),
        (lambda m, x: m.einsum(x, [0, -1], [0]), ValueError),
        (lambda m, x: m.einsum(x, ["a", "b"], ["a"]), TypeError),
        (lambda m, x: m.einsum(x, [..., 0, ...], [0, ...]), RuntimeError),
    ],
)
def test_labels_that_are_none(call, kind):
    for framework in (nabi, torch):
        with pytest.raises((kind, ValueError, RuntimeError)):
            call(framework, framework.ones(2, 3))
    with pytest.raises(kind, match="einsum: expected"):
        call(nabi, nabi.ones(2, 3))


@pytest.mark.parametrize(("dtype", "alpha"), [("uint8", -1), ("int32", 2), ("int64", -3)])
def test_numbers_of_addmm_wrap_as_integers_do(dtype, alpha):
    ours, theirs = (
        m.addmm(values(m, dtype, 2), values(m, dtype, 2, 2), values(m, dtype, 2, 2), alpha=alpha)
        for m in (nabi, torch)
    )
    assert ours.tolist() == theirs.tolist()


def test_alpha_of_zero_reads_no_product():
    inf = nabi.full((2, 2), float("inf"))
    assert nabi.equal(nabi.addmm(nabi.ones(2), inf, inf, alpha=0), nabi.ones(2, 2))
