# SPDX-License-Identifier: Apache-2.0
"""The kernels' own bindings with bad arrays: every argument is checked there, too, whatever Python did before.

Big-endian, misaligned, read-only, negative-stride, repeated and overlapping arrays, dtypes nabi lacks or that do not
agree, wrong shapes, things that are no arrays, too few and too many arguments: an exception that begins with the
kernel's name and nothing changed, or, where a layout may be taken, the same result as from a contiguous copy.
"""

from __future__ import annotations

import numpy as np

from nabi import _C

from ..compare import same_bits
from ..draw import Draw
from ..settings import Log, Settings, switched
from .layout import permuted, repeated, sliced, transposed

ERRORS = (TypeError, ValueError, RuntimeError, IndexError, OverflowError, MemoryError)


def big_endian(x: np.ndarray) -> np.ndarray:
    """The same values in the other byte order."""
    return x.astype(x.dtype.newbyteorder())


def misaligned(x: np.ndarray) -> np.ndarray:
    """The same values one byte off."""
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = memory[1:].view(x.dtype).reshape(x.shape) if x.nbytes else x
    view[...] = x
    return view


def read_only(x: np.ndarray) -> np.ndarray:
    """The same values, not to be written."""
    x = x.copy()
    x.flags.writeable = False
    return x


def backwards(x: np.ndarray) -> np.ndarray:
    """The same values by negative strides."""
    if x.ndim == 0:
        return x
    return x[tuple(slice(None, None, -1) for _ in x.shape)].copy()[
        tuple(slice(None, None, -1) for _ in x.shape)
    ]


LAYOUTS = (transposed, permuted, sliced, backwards, read_only, repeated)


def arguments(name: str, make, log: Log, settings: Settings) -> None:
    """``make(draw)`` gives valid arguments of the kernel ``name``; each array in turn is replaced."""
    rule = getattr(_C, name).__doc__
    for isa in settings.plainest_and_best if settings.quick else settings.isas:
        with switched(isa=isa):
            _shapes_and_counts(name, make, log)
            for dtype in settings.dtypes:
                if rule == "broadcasts":
                    _destinations(name, make, dtype, log)
                for position in _places(_fresh(make, dtype)):
                    _refusals(name, rule, make, dtype, position, log)
                    _layouts(name, rule, make, dtype, position, log)


def _fresh(make, dtype="float32") -> list:
    # Small integers: a sum over memory in another order has the same bits.
    return list(make(Draw("integers", dtype, seed=1)))


def _places(args) -> list[tuple]:
    places = []
    for i, each in enumerate(args):
        if isinstance(each, np.ndarray):
            places.append((i,))
        elif isinstance(each, list):
            places += [(i, j) for j in range(len(each))]
    return places


def _get(args, place):
    return args[place[0]] if len(place) == 1 else args[place[0]][place[1]]


def _with(args, place, thing) -> list:
    args = [list(each) if isinstance(each, list) else each for each in args]
    if len(place) == 1:
        args[place[0]] = thing
    else:
        args[place[0]][place[1]] = thing
    return args


def _arrays(args) -> list[np.ndarray]:
    flat = [each for arg in args for each in (arg if isinstance(arg, list) else [arg])]
    return [each for each in flat if isinstance(each, np.ndarray)]


def _call(name, args):
    """The result, or the exception; and what a refused call changed."""
    before = [array.tobytes() for array in _arrays(args)]
    try:
        return getattr(_C, name)(*args), None
    except ERRORS as error:
        if [array.tobytes() for array in _arrays(args)] != before:
            return error, "was refused, but arguments were changed"
        if not str(error).startswith(f"{name}: "):
            return (
                error,
                f"expected a message that begins with '{name}: ', got {type(error).__name__}: {error}",
            )
        return error, None


def _must_refuse(name, args, log, where) -> None:
    found, fault = _call(name, args)
    if fault is None and not isinstance(found, Exception):
        fault = "expected an exception, got a result"
    log.check(fault, where)


def _refusals(name, rule, make, dtype, place, log) -> None:
    array = _get(_fresh(make, dtype), place)
    broadcasts = rule == "broadcasts"
    wrong = {
        "text": "text",
        "a list": array.tolist() if array.ndim else [0.0],
        "an object": object(),
        "float16": array.astype(np.float16),
        "complex": array.astype(np.complex64),
        "objects": array.astype(object),
        "unsigned 64-bit": array.astype(np.uint64),
        "20 dimensions": array.reshape((1,) * (20 - array.ndim) + array.shape),
    }
    if array.size:
        wrong["big-endian"] = big_endian(array) if array.itemsize > 1 else "text"
        wrong["misaligned"] = misaligned(array) if array.itemsize > 1 else "text"
    if array.dtype.kind == "f" and ":any" not in rule:
        wrong["integers"] = array.astype(np.int32)
        if len([each for each in _arrays(_fresh(make, dtype)) if each.dtype == array.dtype]) > 1:
            wrong["the other float"] = array.astype(np.float64 if dtype == "float32" else np.float32)
    if len(place) > 1:
        del wrong["20 dimensions"]  # lists are walked flat
    if name == "copy":
        del wrong["integers"]
    for label, thing in wrong.items():
        if broadcasts and label == "text":
            thing = None
        _must_refuse(
            name, _with(_fresh(make, dtype), place, thing), log, f"{name} {dtype}, argument {place}: {label}"
        )


def _layouts(name, rule, make, dtype, place, log) -> None:
    expected_args = _fresh(make, dtype)
    changes_it = "!" in rule and place[0] in _in_place(rule, expected_args)
    expected = getattr(_C, name)(*expected_args)
    # Draws and mask bits follow memory, and so do lists: there the values depend on the layout.
    in_memory = "dropout" in name or name.startswith("random_") or len(place) > 1
    for relaid in (sliced, backwards, read_only) if in_memory else LAYOUTS:
        where = f"{name} {dtype}, argument {place}: {relaid.__name__}"
        args = _fresh(make, dtype)
        array = relaid(_get(args, place))
        if relaid is repeated:
            if array.ndim == 0 or array.shape[0] < 2:
                continue
            straight = _with(_fresh(make, dtype), place, np.ascontiguousarray(array))
            wanted = None if changes_it else getattr(_C, name)(*straight)
        else:
            wanted = expected
        found, fault = _call(name, _with(args, place, array))
        if isinstance(found, Exception):
            # What is written may be asked to be dense; what is only read may have any strides.
            if not changes_it and fault is None and "/8]" not in rule:
                fault = f"expected the layout to be taken, got {type(found).__name__}: {found}"
            log.check(fault, where)
            continue
        if changes_it:
            if relaid is read_only or relaid is repeated:
                fault = "expected an exception, got a result"
            else:
                fault = same_bits(array, _get(expected_args, place))
            log.check(fault, where)
            continue
        for got, correct in zip(_results(found), _results(wanted)):
            log.check(same_bits(got, correct), where)


def _destinations(name, make, dtype, log) -> None:
    """The output argument of broadcasting kernels: part of a larger array, an input, or an overlapping one."""
    args = _fresh(make, dtype)
    expected = getattr(_C, name)(*args)
    for step in (1, 2):
        around = np.full([step * size + 4 for size in expected.shape], np.nan, dtype)
        inside = tuple(slice(2, 2 + step * size, step) for size in expected.shape)
        _, fault = _call(name, [*args, around[inside]])
        log.check(fault or same_bits(around[inside].copy(), expected), f"{name}: into every {step}. element")
        around[inside] = np.nan
        log.check(
            None if np.isnan(around).all() else "wrote around its output",
            f"{name}: into every {step}. element",
        )
    big = np.arange(20.0).astype(dtype)
    for to, source in (
        (slice(0, 16), slice(4, 20)),
        (slice(4, 20), slice(0, 16)),
        (slice(0, 16), slice(0, 16)),
    ):
        memory, rest = big.copy(), [big[2:18].copy() + 1 for _ in args[1:]]
        wanted = getattr(_C, name)(memory[source].copy(), *rest)
        _, fault = _call(name, [memory[source], *rest, memory[to]])
        log.check(
            fault if fault and "changed" not in fault else same_bits(memory[to].copy(), wanted),
            f"{name}: overlapping",
        )
    shape = expected.shape
    wrong = {
        "another shape": np.zeros((*shape, 2), dtype),
        "fewer elements": np.zeros(shape[1:], dtype),
        "another dtype": np.zeros(shape, np.int32),
        "read-only": read_only(np.zeros(shape, dtype)),
        "repeated": repeated(np.zeros(shape, dtype)),
        "big-endian": big_endian(np.zeros(shape, dtype)),
        "misaligned": misaligned(np.zeros(shape, dtype)),
        "a list": [0.0],
    }
    for label, out in wrong.items():
        _must_refuse(name, [*_fresh(make, dtype), out], log, f"{name} {dtype}: {label} as output")


def _in_place(rule: str, args) -> set[int]:
    """Positions of the arrays that the kernel changes."""
    names = rule.split(" -> ")[0].split()
    given = [i for i, each in enumerate(args) if isinstance(each, (np.ndarray, list)) or each is None]
    return {at for at, word in zip(given, names) if word.startswith("!")}


def _results(found) -> list[np.ndarray]:
    found = found if isinstance(found, tuple) else (found,)
    return [each for each in found if isinstance(each, np.ndarray)]


def _shapes_and_counts(name, make, log) -> None:
    args = _fresh(make)
    _must_refuse(name, args[:-1], log, f"{name}: one argument less")
    _must_refuse(name, [*args, None, None], log, f"{name}: two arguments more")
    _must_refuse(name, [], log, f"{name}: no arguments")
    for place in _places(args):
        array = _get(args, place)
        shapes = [(*array.shape[:d], array.shape[d] + 1, *array.shape[d + 1 :]) for d in range(array.ndim)]
        shapes += [array.shape[1:], (2, *array.shape), (0,) * array.ndim]
        for shape in shapes:
            _, fault = _call(name, _with(_fresh(make), place, np.zeros(shape, array.dtype)))
            log.check(fault, f"{name}, argument {place} of shape {shape}")
