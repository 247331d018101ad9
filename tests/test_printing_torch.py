# SPDX-License-Identifier: Apache-2.0
"""Printed tensors against PyTorch's own text, over random values, shapes, layouts and options."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi.dtype import from_numpy
from nabi.printing import format_scalar, format_tensor, get_printoptions, printoptions, set_printoptions

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
SPECIALS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 1e-45, 1e-310]
SPECIALS += [1e8, 100000001.0, 1e-4, 9.9e-5, 3e38]
EMPTY = [(0,), (0, 3), (3, 0), (2, 0, 2)]
SMALL = [
    (),
    (1,),
    (2,),
    (7,),
    (40,),
    (1, 1),
    (2, 3),
    (7, 7),
    (3, 4, 5),
    (1, 1, 1, 2),
    (2, 2, 2, 2),
    (1,) * 20,
]
LARGE = [(1000,), (1001,), (25, 41), (2, 600), (600, 2), (9, 9, 15), (1, 1200, 1), (7, 6, 5, 8), (2,) * 10]
SHAPES = EMPTY + SMALL + LARGE
KINDS = ["integers", "whole", "specials", "normal", "wide"]
KINDS += ["threshold", "bits", "sparse", "large", "boundary"]


def values(rng, dtype, shape, kind):
    """Random values of one of the kinds that lead the formatter to different decisions."""
    size = int(np.prod(shape, dtype=np.int64))
    if np.dtype(dtype).kind != "f":
        if dtype == "bool":
            return np.asarray(rng.random(shape) < 0.5)
        limits = np.iinfo(dtype)
        low, high = (limits.min, limits.max) if kind in ("wide", "bits") else (max(-9, limits.min), 120)
        return np.asarray(rng.integers(low, high, size=shape, dtype=dtype, endpoint=True))
    with np.errstate(over="ignore"):
        if kind == "integers":
            array = rng.integers(-1000, 1000, size=shape)
        elif kind == "whole":
            array = np.trunc(rng.standard_normal(shape) * 10.0 ** rng.integers(0, 12))
        elif kind == "specials":
            array = rng.choice(SPECIALS, size=shape)
        elif kind == "normal":
            array = rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 10)
        elif kind == "wide":
            array = 10.0 ** rng.uniform(-320, 308, size=shape) * rng.choice([-1, 1], size=shape)
        elif kind == "threshold":
            array = rng.choice([1e-4, 1e-1, 0.1001, 1e8, 1e5, 99.99999, 1000.0, 1.0], size=shape)
        elif kind == "bits":
            bits = rng.bytes(size * np.dtype(dtype).itemsize)
            return np.frombuffer(bits, dtype=dtype).reshape(shape).copy()
        elif kind == "sparse":
            array = rng.standard_normal(shape) * (rng.random(shape) < 0.05)
        elif kind == "large":
            array = rng.uniform(0, 2, size=shape) * 1e8
        else:
            # values that the precision rounds up to one more digit
            array = rng.choice([9.99996, 9.99994, 99.99996, 0.99995, 0.00005, 999.99999], size=shape)
        return np.asarray(array).astype(dtype)


def layout(rng, array):
    """The same number of dimensions in another layout: transposed, stepped, reversed or broadcast."""
    choice = rng.integers(6)
    if choice == 1:
        return array.transpose(rng.permutation(array.ndim))
    if choice == 2 and array.ndim:
        return array[..., :: int(rng.choice([2, -1, -3]))]
    if choice == 3 and array.ndim:
        return np.broadcast_to(array[:1], (5, *array.shape[1:])) if array.shape[0] else array
    if choice == 4 and array.ndim > 1:
        return array[:, -1:]
    return array


def torch_text(array, options, requires_grad=False, default="float32"):
    before = torch.get_default_dtype()
    old = torch._tensor_str.get_printoptions()
    torch.set_default_dtype(getattr(torch, default))
    torch.set_printoptions(**options)
    try:
        tensor = torch.from_numpy(array.copy())
        return repr(tensor.requires_grad_() if requires_grad else tensor)
    finally:
        torch.set_default_dtype(before)
        torch.set_printoptions(**old)


def nabi_text(array, options, requires_grad=False, default="float32"):
    before = nabi.get_default_dtype()
    nabi.set_default_dtype(getattr(nabi, default))
    try:
        with printoptions(**options):
            return format_tensor(array, dtype=from_numpy(array.dtype), requires_grad=requires_grad)
    finally:
        nabi.set_default_dtype(before)


def random_options(rng):
    options = {}
    if rng.random() < 0.3:
        options["profile"] = str(rng.choice(["default", "short", "full"]))
    if rng.random() < 0.3:
        options["precision"] = int(rng.integers(0, 12))
    if rng.random() < 0.3:
        options["threshold"] = int(rng.choice([0, 5, 30, 500]))
    if rng.random() < 0.3:
        options["edgeitems"] = int(rng.integers(0, 6))
    if rng.random() < 0.3:
        options["linewidth"] = int(rng.choice([0, 10, 20, 40, 60, 79, 81, 120, 10000]))
    if rng.random() < 0.3:
        options["sci_mode"] = bool(rng.integers(2))
    return options


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_tensors_print_like_torch(dtype):
    rng = np.random.default_rng(DTYPES.index(dtype))
    for turn in range(300):
        kind = KINDS[turn % len(KINDS)]
        array = layout(rng, values(rng, dtype, SHAPES[rng.integers(len(SHAPES))], kind))
        options = random_options(rng) if turn % 3 else {}
        requires_grad = np.dtype(dtype).kind == "f" and bool(rng.integers(2))
        default = "float64" if turn % 5 == 0 else "float32"
        got = nabi_text(array, options, requires_grad, default)
        expected = torch_text(array, options, requires_grad, default)
        assert got == expected, (kind, array.shape, options)


def test_line_breaks_of_the_notes():
    # every length of the last line around the width, with one and with two notes
    for length in range(1, 40):
        for dtype in ("float32", "float64"):
            array = np.arange(length).astype(dtype) / 4
            for linewidth in range(20, 100, 11):
                options = {"linewidth": linewidth}
                got = nabi_text(array, options, requires_grad=True)
                assert got == torch_text(array, options, requires_grad=True), (length, linewidth)


def test_grad_fn_and_class_name():
    class Named(torch.Tensor):
        pass

    leaf = torch.arange(30.0, dtype=torch.float64).reshape(5, 6).requires_grad_()
    result = leaf + 1
    array = result.detach().numpy()
    got = format_tensor(array, dtype=nabi.float64, requires_grad=True, grad_fn_name="AddBackward0")
    assert got == repr(result)
    named = leaf.detach().as_subclass(Named)
    got = format_tensor(leaf.detach().numpy(), dtype=nabi.float64, class_name="Named")
    assert got == repr(named)


def test_options_follow_torch():
    steps = [
        {"precision": 2},
        {"sci_mode": True},
        {"profile": "short"},
        {"profile": "full", "precision": 7},
        {"threshold": 3.5, "linewidth": 33.5},
        {"edgeitems": 0},
        {"profile": "default"},
    ]
    before = torch._tensor_str.get_printoptions()
    try:
        assert list(get_printoptions().items()) == list(before.items())
        for step in steps:
            torch.set_printoptions(**step)
            set_printoptions(**step)
            assert get_printoptions() == torch._tensor_str.get_printoptions()
            array = np.linspace(-3, 9, 23).reshape(1, 23)
            assert format_tensor(array, dtype=nabi.float64) == repr(torch.from_numpy(array))
    finally:
        torch.set_printoptions(**before)
        set_printoptions(**before)


@pytest.mark.parametrize("spec", ["", ".3f", "10.4e", ">12", "05.1f", "+.2g", "%"])
@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(-2 / 3), np.int64(12), np.uint8(7)])
def test_format_of_a_scalar(spec, value):
    array = np.asarray(value)
    assert format_scalar(array, spec) == format(torch.from_numpy(array), spec)


@pytest.mark.parametrize("value, spec", [(np.int64(1), ".3q"), (np.bool_(True), "x?"), (np.float32(1), "d")])
def test_format_of_a_scalar_fails_as_in_torch(value, spec):
    array = np.asarray(value)
    with pytest.raises(ValueError) as theirs:
        format(torch.from_numpy(array), spec)
    with pytest.raises(ValueError) as ours:
        format_scalar(array, spec)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_repr_and_str_of_tensors(dtype):
    rng = np.random.default_rng(5)
    for kind in KINDS:
        for shape in SHAPES:
            array = layout(rng, values(rng, dtype, shape, kind))
            ours, theirs = nabi.from_numpy(array.copy()), torch.from_numpy(array.copy())
            assert repr(ours) == str(ours) == repr(theirs), (kind, shape)


def test_repr_with_a_gradient():
    def texts(library):
        leaf = library.tensor([[0.5, -2.0], [3.0, 1e-3]], requires_grad=True)
        views = [leaf.detach(), leaf.t().detach(), leaf.detach()[0], leaf.detach()[:, 1], leaf.grad]
        made = [leaf * 2, leaf + 1, leaf.sum(), leaf.mean(), leaf[0], leaf.t(), leaf.view(4), leaf @ leaf]
        (leaf * leaf).sum().backward()
        return [repr(each) for each in (leaf, *views, *made, leaf.grad, leaf.new_zeros(0, 3))]

    assert texts(nabi) == texts(torch)


def test_repr_of_parameters():
    def texts(library):
        parameter = library.nn.Parameter(library.tensor([[1.0, 2.0], [3.0, 4.5]]))
        scalar = library.nn.Parameter(library.tensor(2.5))
        return [repr(parameter), repr(parameter.detach()), repr(parameter * 1), f"{parameter} {scalar}"]

    assert texts(nabi) == texts(torch)


def test_repr_of_a_subclass():
    class Ours(nabi.Tensor):
        pass

    ours = nabi.tensor([[1.0], [2.5]])
    ours.__class__ = Ours
    theirs = torch.tensor([[1.0], [2.5]]).as_subclass(type("Ours", (torch.Tensor,), {}))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("spec", ["", ".3f", "10.4e", ">12", "+.2g", "%"])
def test_format_of_tensors(spec):
    for value in (2.0 / 3, 12, True):
        assert format(nabi.tensor(value), spec) == format(torch.tensor(value), spec)
    ours, theirs = nabi.tensor(1.5, requires_grad=True), torch.tensor(1.5, requires_grad=True)
    assert format(ours, spec) == format(theirs, spec)
    assert f"{nabi.tensor([1.5])}" == f"{torch.tensor([1.5])}"
    if spec:
        with pytest.raises(TypeError, match="unsupported format string"):
            format(nabi.tensor([1.5]), spec)
