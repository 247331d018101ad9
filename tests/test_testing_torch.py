# SPDX-License-Identifier: Apache-2.0
"""`assert_close` against PyTorch's: the same verdict, the same exception type, the same report."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import nabi
from nabi.testing import assert_close

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]
nan, inf = float("nan"), float("inf")


def outcome(check, actual, expected, options):
    """The exception type of a comparison with its text, None where both agree."""
    try:
        check(actual, expected, **options)
    except Exception as error:
        return type(error), str(error)
    return None


def both(make, options):
    """What nabi and PyTorch say about the pair that `make` builds from a library."""
    ours = outcome(assert_close, *make(nabi), options)
    theirs = outcome(torch.testing.assert_close, *make(torch), options)
    return ours, theirs


def tensors(actual, expected):
    return lambda library: (library.from_numpy(actual.copy()), library.from_numpy(expected.copy()))


def random_options(rng):
    options = {}
    if rng.random() < 0.5:
        options["rtol"] = float(rng.choice([0, 1e-7, 1e-3, 0.5, 1e300]))
        options["atol"] = float(rng.choice([0, 1e-7, 1e-3, 2, inf]))
    for name in ("equal_nan", "check_dtype", "allow_subclasses"):
        if rng.random() < 0.4:
            options[name] = bool(rng.integers(2))
    return options


def perturbed(rng, dtype, shape):
    """A pair of arrays that is equal, nearly equal or different in some elements."""
    if np.dtype(dtype).kind != "f":
        limits = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        low, high = (max(limits[0], -20), min(limits[1], 20)) if rng.random() < 0.7 else limits
        actual = np.asarray(rng.integers(low, high, size=shape, endpoint=True)).astype(dtype)
        other = np.asarray(rng.integers(low, high, size=shape, endpoint=True)).astype(dtype)
        return actual, np.asarray(np.where(rng.random(shape) < 0.3, other, actual))
    actual = np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 8)).astype(dtype)
    noise = 10.0 ** rng.integers(-10, 1)
    expected = np.asarray(actual * (1 + noise * rng.standard_normal(shape))).astype(dtype)
    for array in (actual, expected):
        array[rng.random(shape) < 0.05] = rng.choice([nan, inf, -inf, 0.0])
    return actual, np.asarray(np.where(rng.random(shape) < 0.5, actual, expected))


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_tensors(dtype):
    rng = np.random.default_rng(DTYPES.index(dtype))
    verdicts = set()
    for _ in range(250):
        shape = [(), (1,), (5,), (3, 4), (2, 3, 2), (0,), (40,)][rng.integers(7)]
        actual, expected = perturbed(rng, dtype, shape)
        if rng.random() < 0.2:
            with np.errstate(all="ignore"):
                expected = expected.astype(DTYPES[rng.integers(8)])
        options = random_options(rng)
        ours, theirs = both(tensors(actual, expected), options)
        assert ours == theirs, (actual, expected, options)
        verdicts.add(ours and ours[0])
    assert verdicts == {None, AssertionError}


def test_random_numbers():
    rng = np.random.default_rng(0)
    pool = [
        0,
        1,
        -1,
        3,
        2**40,
        10**15,
        0.0,
        -0.0,
        1.0,
        1 + 5e-8,
        1 + 5e-7,
        -1.5,
        1e300,
        -1e300,
        nan,
        inf,
        -inf,
    ]
    pool += [np.float32(0.1), np.float64(0.1), np.int16(3), np.uint8(1), 1j, 1 + 1j, complex(nan, 0)]
    for _ in range(3000):
        actual, expected = pool[rng.integers(len(pool))], pool[rng.integers(len(pool))]
        options = random_options(rng)
        ours, theirs = both(lambda _, pair=(actual, expected): pair, options)
        assert ours == theirs, (actual, expected, options)


STRUCTURES = {
    "lists": lambda lib: ([lib.tensor([1.0]), 2.0], [lib.tensor([1.0]), 2.5]),
    "list and tuple": lambda lib: ([lib.tensor([1.0]), 2], (lib.tensor([1.0]), 2)),
    "other length": lambda lib: ([[1, 2], [3]], [[1, 2], [3, 4]]),
    "mapping": lambda lib: ({"b": 1.0, "a": lib.tensor([1, 2])}, OrderedDict(a=lib.tensor([1, 3]), b=2.0)),
    "mapping agrees": lambda lib: ({"b": 1.0, "a": 2}, OrderedDict(a=2, b=1.0)),
    "other keys": lambda lib: ({"w": {"b": 1, "a": 2}}, {"w": {"c": 1, "a": 2}}),
    "keys without order": lambda lib: ({1: 1.0}, {1: 1.5}),
    "nested": lambda lib: (
        {"w": [0, {"x": lib.tensor([1.0, 2.0])}]},
        {"w": [0, {"x": lib.tensor([1.0, 9.0])}]},
    ),
    "first of two": lambda lib: ([1.0, 2.0], [1.5, 2.5]),
    "none": lambda lib: ([None, None], [None, None]),
    "none against number": lambda lib: (None, 3),
    "number against none": lambda lib: (3, None),
    "bools": lambda lib: ([True, np.bool_(False)], [np.bool_(True), False]),
    "other bools": lambda lib: (True, np.bool_(False)),
    "shapes": lambda lib: (lib.tensor([1.0]), lib.tensor([[1.0]])),
    "types": lambda lib: (lib.tensor([1.0]), lib.tensor([1.0], dtype=lib.float64)),
    "strides": lambda lib: (lib.tensor([[1.0, 2.0], [3.0, 4.0]]), lib.tensor([[1.0, 3.0], [2.0, 4.0]]).t()),
    "arrays": lambda lib: (np.array([1.0, 2.0]), np.array([1.0, 2.1])),
    "arrays agree": lambda lib: (np.array([[1, 2]]), np.array([[1, 2]])),
    "array without dimensions": lambda lib: (np.array(1.0), np.array(2.0)),
    "empty": lambda lib: ([], ()),
    "parameter": lambda lib: (lib.nn.Parameter(lib.tensor([1.0])), lib.tensor([1.0])),
    "other length at the top": lambda lib: ([1.0], [1.0, 2.0]),
    "bytes": lambda lib: (b"ab", b"ac"),
    "ranges": lambda lib: (range(3), [0, 1, 3]),
}
CHOICES = [
    {},
    {"check_stride": True},
    {"msg": "another text"},
    {"msg": lambda text: f"before\n{text}\nafter"},
    {"rtol": 0, "atol": 0},
    {"rtol": 0.5, "atol": 1},
    {"check_dtype": False, "check_device": False, "check_layout": False},
]


@pytest.mark.parametrize("choice", range(len(CHOICES)))
@pytest.mark.parametrize("name", STRUCTURES)
def test_structures(name, choice):
    ours, theirs = both(STRUCTURES[name], CHOICES[choice])
    assert ours == theirs


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: (lib.tensor([1.0]), np.array([1.0])),
        lambda lib: (np.array([1.0]), lib.tensor([1.0])),
        lambda lib: (lib.tensor(1.0), 1.0),
        lambda lib: ([1.0, "a"], [2.0, "a"]),
        lambda lib: ({1}, {1}),
        lambda lib: (object(), object()),
        lambda lib: (np.array(["a"]), np.array(["a"])),
        lambda lib: (np.array([1.0]), np.array([1.0], dtype=">f8")),
        lambda lib: ([1.0], lib.tensor([1.0])),
        lambda lib: ({"a": 1.0}, [1.0]),
    ],
)
def test_inputs_that_cannot_be_compared(make):
    ours, theirs = both(make, {})
    assert ours[0] is theirs[0] is TypeError
    assert ours[1].startswith(
        "assert_close: expected two tensors, arrays, numbers or containers of one kind, got <"
    )


def test_subclasses_on_request():
    ours, theirs = both(STRUCTURES["parameter"], {"allow_subclasses": False})
    assert ours[0] is theirs[0] is TypeError


@pytest.mark.parametrize(
    "options", [{"rtol": 1.0}, {"atol": 1.0}, {"rtol": -1.0, "atol": 0.0}, {"rtol": 0.0, "atol": nan}]
)
def test_bad_tolerances(options):
    ours, theirs = both(tensors(np.ones(2), np.ones(2)), options)
    assert ours[0] is theirs[0]
    assert ours[1].startswith("assert_close: expected ")


def test_default_type_decides_how_integers_are_compared():
    before = torch.get_default_dtype()
    make = tensors(np.array([2**30 + 1, 3]), np.array([2**30, 5]))
    options = {"rtol": 0.0, "atol": 0.5}
    try:
        for name in ("float32", "float64"):
            torch.set_default_dtype(getattr(torch, name))
            nabi.set_default_dtype(getattr(nabi, name))
            ours, theirs = both(make, options)
            assert ours == theirs
    finally:
        torch.set_default_dtype(before)
        nabi.set_default_dtype(nabi.float32)
