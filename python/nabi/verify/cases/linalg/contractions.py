# SPDX-License-Identifier: Apache-2.0
"""outer, inner, tensordot, einsum."""

from __future__ import annotations

from nabi.reference import linalg as reference

from ...case import Bad, Case, Sample
from ._magnitude import sums


def _outer(draw):
    for n, m in ((3, 4), (1, 5), (9, 17), (0, 3)):
        yield Sample(draw(n), draw(m))


def _inner(draw):
    yield Sample(draw(4), draw(4))
    yield Sample(draw(2, 3, 4), draw(5, 4))
    yield Sample(draw(4), draw(2, 4))
    yield Sample(draw(), draw(3))


def _tensordot(draw):
    yield Sample(draw(2, 3, 4), draw(3, 4, 5))
    yield Sample(draw(2, 3), draw(3, 4), dims=1)
    yield Sample(draw(2), draw(3), dims=0)
    yield Sample(draw(3, 4, 5), draw(4, 3, 2), dims=([1, 0], [0, 1]))
    yield Sample(draw(2, 3, 4), draw(5, 4), dims=([-1], [-1]))
    yield Sample(draw(2, 0), draw(0, 3), dims=1)


def _einsum(draw):
    yield Sample("ij,jk->ik", draw(3, 4), draw(4, 5))
    yield Sample("ij,jk", draw(3, 4), draw(4, 5))
    yield Sample("bij,bjk->bik", draw(2, 3, 4), draw(2, 4, 5))
    yield Sample("b h i d, b h j d -> b h i j", draw(2, 2, 3, 4), draw(2, 2, 5, 4))
    yield Sample("bhij,bhjd->bihd", draw(2, 2, 3, 5), draw(2, 2, 5, 4))
    yield Sample("i,j->ij", draw(3), draw(4))
    yield Sample("i,i->", draw(7), draw(7))
    yield Sample("ij->ji", draw(3, 4))
    yield Sample("ij->", draw(3, 4))
    yield Sample("ij->j", draw(3, 4))
    yield Sample("ii->i", draw(4, 4))
    yield Sample("ii", draw(4, 4))
    yield Sample("iij->j", draw(3, 3, 2))
    yield Sample("...ij,...jk->...ik", draw(2, 1, 3, 4), draw(5, 4, 2))
    yield Sample("...i,...i->...", draw(2, 3, 4), draw(3, 4))
    yield Sample("i...->...", draw(3, 2))
    yield Sample("ba,cb", draw(2, 3), draw(4, 2))
    yield Sample("bn,anm,bm->ba", draw(2, 3), draw(5, 3, 4), draw(2, 4))
    yield Sample("ij,ij->ij", draw(3, 4), draw(3, 4))
    yield Sample("ij,kj->ik", draw(3, 4), draw(2, 4))
    yield Sample("ij,k->ik", draw(3, 4), draw(2))
    yield Sample("ij,jk->ik", draw(3, 0), draw(0, 5))
    yield Sample("ij,jk->ik", draw(3, 1), draw(4, 5))
    yield Sample("a,ab->a", draw(3), draw(3, 2))
    yield Sample("ij,ik->jk", draw(1, 2), draw(1, 5))
    yield Sample(draw(3, 4), [0, 1], draw(4, 5), [1, 2], [0, 2])
    yield Sample(draw(2, 3, 4), [..., 7], draw(4), [7])


def _depth(sample) -> int:
    """At most every element of all operands but one meets in one sum."""
    sizes = [array.size for _, array in sample.leaves()]
    return max(sizes) + 3


_COMMON = {"exact": ("integers",), "linear": True, "terms": _depth, "blocks": True}

CASES = [
    Case(
        "outer",
        "outer",
        reference.outer,
        _outer,
        magnitude=sums(reference.outer),
        bad=[
            Bad("a matrix", lambda m, t: m.outer(t(3, 4), t(3)), RuntimeError, "outer: expected two vectors")
        ],
        **{**_COMMON, "blocks": False},
    ),
    Case(
        "inner",
        "inner",
        reference.inner,
        _inner,
        magnitude=sums(reference.inner),
        bad=[
            Bad(
                "sizes differ",
                lambda m, t: m.inner(t(3, 4), t(3)),
                RuntimeError,
                "inner: expected last dimensions",
            )
        ],
        **_COMMON,
    ),
    Case(
        "tensordot",
        "tensordot",
        reference.tensordot,
        _tensordot,
        magnitude=sums(reference.tensordot),
        bad=[
            Bad(
                "sizes differ",
                lambda m, t: m.tensordot(t(3, 4), t(5, 4), 1),
                RuntimeError,
                "tensordot: expected dimension 1 of a",
            ),
            Bad(
                "lists of two lengths",
                lambda m, t: m.tensordot(t(3, 4), t(4, 3), ([0, 1], [0])),
                RuntimeError,
                "one length",
            ),
            Bad(
                "a dimension twice",
                lambda m, t: m.tensordot(t(3, 3), t(3, 3), ([0, 0], [0, 1])),
                RuntimeError,
                "each dim once",
            ),
            Bad(
                "no such dimension",
                lambda m, t: m.tensordot(t(3, 4), t(4, 3), ([2], [0])),
                IndexError,
                "dims from -2 to 1",
            ),
        ],
        **_COMMON,
    ),
    Case(
        "einsum",
        "einsum",
        reference.einsum,
        _einsum,
        magnitude=sums(reference.einsum),
        strides=False,
        bad=[
            Bad(
                "sizes differ",
                lambda m, t: m.einsum("ij,jk->ik", t(3, 4), t(5, 6)),
                RuntimeError,
                "einsum: expected one size for 'j'",
            ),
            Bad(
                "too few operands",
                lambda m, t: m.einsum("ij,jk->ik", t(3, 4)),
                RuntimeError,
                "einsum: expected 2 operands",
            ),
            Bad(
                "too few labels",
                lambda m, t: m.einsum("i->i", t(3, 4)),
                RuntimeError,
                "einsum: expected operand 0 with 1 dimensions",
            ),
            Bad(
                "an unknown label",
                lambda m, t: m.einsum("ij->ik", t(3, 4)),
                RuntimeError,
                "einsum: expected labels of the operands",
            ),
            Bad(
                "an output label twice",
                lambda m, t: m.einsum("ij->ii", t(3, 4)),
                RuntimeError,
                "each label of the output once",
            ),
            Bad("a digit", lambda m, t: m.einsum("i1->i", t(3, 4)), RuntimeError, "einsum: expected letters"),
            Bad(
                "no square diagonal",
                lambda m, t: m.einsum("ii->i", t(3, 4)),
                RuntimeError,
                "einsum: expected dimensions 0 and 1",
            ),
            Bad("nothing", lambda m, t: m.einsum("ij"), ValueError, "einsum: expected at least one operand"),
        ],
        **_COMMON,
    ),
]
