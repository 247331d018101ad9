# SPDX-License-Identifier: Apache-2.0
"""Views, indexing and copies: no arithmetic, so == always."""

from __future__ import annotations

import numpy as np

from nabi.reference import shape as reference

from ..case import Bad, Case, Sample

_EXACT = {"exact": ("integers", "random"), "linear": True, "signs": True}
# A view runs no kernel.
_VIEW = {**_EXACT, "splits": False}


def _listed(*samples):
    """Samples from (shape, *arguments), the same in every walk."""

    def make(draw):
        for shape, *rest in samples:
            yield Sample(draw(*shape), *rest)

    return make


def _index(index):
    """Index arrays become tensors of whichever library."""

    def convert(m, each):
        if isinstance(each, np.ndarray):
            return m.from_numpy(each.copy())
        return tuple(convert(m, part) for part in each) if isinstance(each, tuple) else each

    return lambda m: convert(m, index)


def _getitem(m):
    return lambda x, index: x[_index(index)(m)]


def _setitem(m):
    def run(x, index, value):
        out = x.clone()
        out[_index(index)(m)] = value
        return out

    return run


BASIC = (
    1,
    -1,
    slice(1, None),
    slice(0, 4, 2),
    (0, 2),
    (slice(None), 1),
    (Ellipsis, 0),
    None,
    (slice(None), None, slice(1, 3)),
    (2, 3, 1),
    slice(2, 2),
    (),
)
GATHERED = (
    np.array([0, 2, 2, 0]),
    np.array([[1, 0], [3, 3]]),
    np.array([-1, 0]),
    (np.array([0, 1, 1]), np.array([2, 0, 0])),
    (slice(None), np.array([3, 3, 1])),
    (np.array([0, 1]), slice(None), 1),
    (np.array([[0], [2]]), np.array([1, 3])),
    np.array([], np.int64),
    np.array([True, False, True, True]),
    (0, slice(None), np.array([1, 0])),
    (1, None, np.array([2, 0])),
    (slice(None), 0, None, np.array([1, 1, 0])),
    (Ellipsis, 0, np.array([1, 0])),
)
MASK = np.arange(4 * 5 * 2).reshape(4, 5, 2) % 3 == 0


def _reading(draw):
    for index in (*BASIC, *GATHERED, MASK, (MASK[..., 0], 1)):
        yield Sample(draw(4, 5, 2), index if isinstance(index, tuple) else (index,))


def _reading_vectors(draw):
    for n in draw.lengths[1:]:
        yield Sample(draw(n, 3), (draw.labels(2 * n, classes=n),))


def _writing(draw):
    for index in BASIC:
        yield Sample(draw(4, 5, 2), index if isinstance(index, tuple) else (index,), draw())
    yield Sample(draw(4, 5, 2), (slice(1, 3),), draw(2, 5, 2))
    yield Sample(draw(4, 5, 2), (0,), draw(5, 1))
    yield Sample(draw(4, 5, 2), (np.array([0, 3]),), draw(2, 5, 2))
    yield Sample(draw(4, 5, 2), (MASK,), draw(int(MASK.sum())))
    yield Sample(draw(4, 5, 2), (slice(None), np.array([4, 0])), draw(2))
    yield Sample(draw(4, 5, 2), (1, slice(None)), 2.5)
    yield Sample(draw(4, 5, 2), (0, slice(None), np.array([1, 0])), draw(5, 2))


def _cat_samples(draw):
    yield Sample([draw(2, 3), draw(1, 3), draw(4, 3)])
    yield Sample([draw(2, 3), draw(2, 2)], 1)
    yield Sample([draw(2, 3), draw(2, 2)], dim=-1)
    yield Sample([draw(2, 3), draw(0), draw(1, 3)])
    yield Sample([draw(2, 0, 3), draw(2, 4, 3)], 1)
    yield Sample([draw(3)])
    for n in draw.lengths[1:]:
        yield Sample([draw(n), draw(3), draw(n)])


def _stack_samples(draw):
    for dim in (0, 1, 2, -1):
        yield Sample([draw(2, 3), draw(2, 3), draw(2, 3)], dim)
    yield Sample([draw(), draw()])
    yield Sample([draw(17), draw(17)], 1)


def _copy_samples(draw):
    yield Sample(draw(2, 3))
    yield Sample(draw())
    yield Sample(draw(2, 3, 4))
    for n in draw.lengths:
        yield Sample(draw(n, 2))


def _write_samples(draw):
    yield Sample(draw(2, 3), draw(2, 3))
    yield Sample(draw(2, 3), draw(3))
    yield Sample(draw(2, 3), draw())
    yield Sample(draw(4, 33), draw(4, 1))


def _through_transpose(m):
    """A copy that has to rearrange, whatever the layout of the input."""
    return lambda x: (
        x.transpose(0, x.dim() - 1).contiguous().transpose(0, x.dim() - 1) if x.dim() else x.contiguous()
    )


def _assign(tensor, index, value):
    tensor[index] = value


def _overlapping(write):
    """write(y) changes part of a copy of x by another part of it."""

    def public(m):
        def run(x):
            y = x.clone()
            write(y)
            return y

        return run

    return public


def _overlapped(write):
    def reference(x):
        y = x.copy()
        write(y, x)
        return y

    return reference


def _vectors(draw):
    for n in draw.lengths[2:]:
        yield Sample(draw(n))
        yield Sample(draw(n, 3))


def _squares(draw):
    yield Sample(draw(3, 3))
    yield Sample(draw(9, 9))


def _shift_up(y, x=None):
    y[1:] = (y if x is None else x)[:-1]


def _shift_down(y, x=None):
    y[:-1] = (y if x is None else x)[1:]


def _add_shifted(y, x=None):
    if x is None:
        y[1:].add_(y[:-1])
    else:
        y[1:] = x[1:] + x[:-1]


def _turn(y, x=None):
    if x is None:
        y.copy_(y.t())
    else:
        y[...] = x.T


# Reading and writing the same memory: as if the source had been copied first. PyTorch refuses some of these.
_OVERLAP = {**_EXACT, "splits": False, "plain": False, "torch": False}

CASES = [
    Case(
        "view",
        "Tensor.view",
        reference.reshape,
        _listed(
            ((2, 3), (6,)),
            ((2, 3), (3, 2)),
            ((4, 3), (2, -1)),
            ((), (1, 1)),
            ((1,), ()),
            ((0, 3), (3, 0)),
            ((2, 1, 3), (2, 3)),
        ),
        layouts=False,  # PyTorch's view refuses layouts, too; reshape takes them all
        bad=[
            Bad(
                "another size",
                lambda m, t: t(2, 3).view(4),
                RuntimeError,
                r"view: expected a shape of 6 elements, got \[4\]",
            ),
            Bad("two unknowns", lambda m, t: t(2, 3).view(-1, -1), RuntimeError, "-1"),
            Bad("strides", lambda m, t: t(2, 3).transpose(0, 1).view(6), RuntimeError, "reshape"),
            Bad("a negative size", lambda m, t: t(2, 3).view(-2, 3), RuntimeError, "view: expected"),
        ],
        **_VIEW,
    ),
    Case(
        "reshape",
        "reshape",
        reference.reshape,
        _listed(
            ((2, 3), (6,)),
            ((2, 3, 4), (4, 6)),
            ((4, 3), (-1, 2)),
            ((2, 3, 4), (24,)),
            ((), (1,)),
            ((0, 2), (2, 0, 5)),
            ((2, 1, 3), (3, 2)),
        ),
        bad=[
            Bad(
                "another size",
                lambda m, t: m.reshape(t(2, 3), (4,)),
                RuntimeError,
                "reshape: expected a shape of 6",
            ),
            Bad("no size fits", lambda m, t: m.reshape(t(2, 3), (4, -1)), RuntimeError, "reshape: expected"),
        ],
        **_VIEW,
    ),
    Case(
        "transpose",
        "transpose",
        reference.transpose,
        _listed(((2, 3), 0, 1), ((2, 3, 4), 0, -1), ((2, 3, 4), 1, 1), ((), 0, -1), ((0, 3), 0, 1)),
        bad=[
            Bad(
                "a dimension outside",
                lambda m, t: m.transpose(t(2, 3), 0, 2),
                IndexError,
                "transpose: expected a dimension from -2 to 1, got 2",
            )
        ],
        **_VIEW,
    ),
    Case(
        "permute",
        "permute",
        reference.permute,
        _listed(((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (0, -1, 1)), ((2,), (0,)), ((), ())),
        bad=[
            Bad(
                "a dimension twice",
                lambda m, t: m.permute(t(2, 3), (0, 0)),
                RuntimeError,
                "permute: expected each of 2",
            ),
            Bad(
                "one too few",
                lambda m, t: m.permute(t(2, 3), (0,)),
                RuntimeError,
                "permute: expected each of 2",
            ),
        ],
        **_VIEW,
    ),
    Case(
        "expand",
        "Tensor.expand",
        reference.expand,
        _listed(((2, 1), (2, 3)), ((1, 3), (2, -1)), ((3,), (2, 2, 3)), ((), (2,)), ((1,), (0,))),
        bad=[
            Bad(
                "a size that cannot repeat",
                lambda m, t: t(2, 3).expand(2, 4),
                RuntimeError,
                "expand: expected",
            ),
            Bad("too few sizes", lambda m, t: t(2, 3).expand(3), RuntimeError, "expand: expected at least 2"),
        ],
        **_VIEW,
    ),
    Case(
        "squeeze",
        "squeeze",
        reference.squeeze,
        _listed(((1, 3, 1),), ((1, 3, 1), 0), ((1, 3, 1), 1), ((1, 3, 1), -1), ((1, 1), (0, 1)), ((),)),
        bad=[
            Bad(
                "a dimension outside",
                lambda m, t: m.squeeze(t(1, 3), 2),
                IndexError,
                "squeeze: expected a dimension",
            )
        ],
        **_VIEW,
    ),
    Case(
        "diagonal",
        "diagonal",
        reference.diagonal,
        _listed(((3, 3),), ((3, 4), 1), ((4, 3), -2), ((2, 3, 4), 0, -1, 0), ((3, 2), 5), ((0, 3),)),
        bad=[
            Bad("a vector", lambda m, t: m.diagonal(t(3)), IndexError, "diagonal: expected"),
            Bad(
                "one dimension twice",
                lambda m, t: m.diagonal(t(3, 3), 0, 1, -1),
                RuntimeError,
                "diagonal: expected two",
            ),
        ],
        **_VIEW,
    ),
    Case(
        "unsqueeze",
        "unsqueeze",
        reference.unsqueeze,
        _listed(((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((), 0)),
        bad=[
            Bad(
                "a dimension outside",
                lambda m, t: m.unsqueeze(t(2, 3), 3),
                IndexError,
                "unsqueeze: expected a dimension",
            )
        ],
        **_VIEW,
    ),
    Case(
        "getitem",
        _getitem,
        reference.getitem,
        _reading,
        strides=False,  # PyTorch gathers a permuted tensor into its order of dimensions; nabi's result is contiguous
        bad=[
            Bad(
                "outside",
                lambda m, t: t(2, 3)[2],
                IndexError,
                "index: expected|index: index 2 is out of bounds",
            ),
            Bad("too many entries", lambda m, t: t(2, 3)[0, 0, 0], IndexError, "index: "),
            Bad(
                "a float tensor",
                lambda m, t: t(2, 3)[t(2)],
                IndexError,
                "index: expected tensors",
            ),
            Bad("a string", lambda m, t: t(2, 3)["a"], TypeError, "index: expected", torch=False),
            Bad(
                "a mask of another shape", lambda m, t: t(2, 3)[t(3, 3, dtype="bool")], IndexError, "index: "
            ),
            Bad("a negative step", lambda m, t: t(2, 3)[::-1], ValueError, "step greater than zero"),
            Bad("a position outside", lambda m, t: t(2, 3)[t.of(np.array([0, 2]))], IndexError, "index: "),
            Bad(
                "indices that do not broadcast",
                lambda m, t: t(5, 5)[t.of(np.array([0, 2])), t.of(np.array([0, 2, 3]))],
                IndexError,
                "index: ",
            ),
        ],
        **_VIEW,
    ),
    Case("getitem rows", _getitem, reference.getitem, _reading_vectors, **_VIEW),
    Case(
        "setitem",
        _setitem,
        reference.setitem,
        _writing,
        bad=[
            Bad("outside", lambda m, t: _assign(t(2, 3), 2, 1.0), IndexError, "index: "),
            Bad(
                "a value too large",
                lambda m, t: _assign(t(2, 3), 0, t(4)),
                RuntimeError,
                r"setitem: expected a value that broadcasts to shape \(3,\)",
            ),
            Bad("a string", lambda m, t: _assign(t(2, 3), 0, "a"), TypeError, "setitem: expected"),
            Bad(
                "a position outside",
                lambda m, t: _assign(t(2, 3), t.of(np.array([0, 2])), 1.0),
                IndexError,
                "index: ",
            ),
            Bad(
                "a leaf that requires grad",
                lambda m, t: _assign(t(2, 3, requires_grad=True), 0, 1.0),
                RuntimeError,
                "leaf",
            ),
            Bad(
                "repeated elements",
                lambda m, t: _assign(t(1, 3).expand(2, 3), slice(None), 1.0),
                RuntimeError,
                "expected",
                torch=False,
            ),
        ],
        **_VIEW,
    ),
    Case(
        "cat",
        "cat",
        reference.cat,
        _cat_samples,
        bad=[
            Bad("no tensors", lambda m, t: m.cat([]), ValueError, "cat: expected a non-empty"),
            Bad(
                "sizes differ",
                lambda m, t: m.cat([t(2, 3), t(2, 4)]),
                RuntimeError,
                r"cat: expected .*got shape \(2, 4\)",
            ),
            Bad(
                "numbers of dimensions differ",
                lambda m, t: m.cat([t(2, 3), t(2, 3, 1)]),
                RuntimeError,
                "cat: expected",
            ),
            Bad("one tensor", lambda m, t: m.cat(t(2, 3)), TypeError, "cat: expected a sequence"),
            Bad(
                "a dimension outside",
                lambda m, t: m.cat([t(2, 3)], 2),
                IndexError,
                "cat: expected a dimension",
            ),
        ],
        **_EXACT,
    ),
    Case(
        "stack",
        "stack",
        reference.stack,
        _stack_samples,
        bad=[
            Bad("shapes differ", lambda m, t: m.stack([t(2, 3), t(3, 2)]), RuntimeError, "stack: expected"),
            Bad("no tensors", lambda m, t: m.stack([]), RuntimeError, "stack: expected"),
        ],
        **_EXACT,
    ),
    Case("clone", "clone", reference.copy, _copy_samples, **_VIEW),
    Case("contiguous", _through_transpose, reference.copy, _copy_samples, **_EXACT),
    Case(
        "copy_",
        lambda m: lambda x, source: x.clone().copy_(source),
        reference.copy_,
        _write_samples,
        bad=[
            Bad("a source too large", lambda m, t: t(3).copy_(t(2, 3)), RuntimeError, r"copy_: expected"),
            Bad("no tensor", lambda m, t: t(3).copy_([1.0, 2.0, 3.0]), TypeError, "copy_: expected"),
            Bad(
                "repeated elements",
                lambda m, t: t(1, 3).expand(2, 3).copy_(t(2, 3)),
                RuntimeError,
                "copy_: expected",
            ),
        ],
        **_VIEW,
    ),
    Case("setitem from behind", _overlapping(_shift_up), _overlapped(_shift_up), _vectors, **_OVERLAP),
    Case("setitem from before", _overlapping(_shift_down), _overlapped(_shift_down), _vectors, **_OVERLAP),
    Case("add_ shifted", _overlapping(_add_shifted), _overlapped(_add_shifted), _vectors, **_OVERLAP),
    Case("copy_ transposed", _overlapping(_turn), _overlapped(_turn), _squares, **_OVERLAP),
]

KERNELS = {
    "copy": lambda draw: (draw(3, 4),),
    "take_rows": lambda draw: (draw(4, 3), draw.labels(5, classes=4)),
}
