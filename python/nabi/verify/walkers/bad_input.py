# SPDX-License-Identifier: Apache-2.0
"""Calls that must be refused: with the right exception, a message in the project's form, and nothing changed."""

from __future__ import annotations

import re

import numpy as np

import nabi
from nabi.tensor import from_array

from ..case import Case
from ..settings import Log, Settings
from ._run import as_tensors, path_text, samples

# `op: expected ..., got ...`, or after the op's name a sentence of PyTorch's that people search for.
FORM = re.compile(r"[\w.]+: .*(expected|not support|got shape|leaf Variable|can't be cast)", re.DOTALL)


class Maker:
    """``t(2, 3)`` makes a tensor and remembers it, so that one can see later that nobody wrote into it."""

    def __init__(self, convert=from_array):
        self.convert = convert
        self.random = np.random.default_rng(0)
        self.made: list[tuple[np.ndarray, bytes]] = []

    def __call__(self, *shape, dtype="float32", requires_grad=False):
        """Random values, or zeros for other dtypes than floats."""
        array = np.zeros(shape, dtype)
        if array.dtype.kind == "f":
            array[...] = self.random.uniform(0.1, 0.9, shape)
        return self.of(array, requires_grad)

    def of(self, array, requires_grad=False):
        """A tensor on these values."""
        array = np.array(array)
        self.made.append((array, array.tobytes()))
        tensor = self.convert(array)
        return tensor.requires_grad_(True) if requires_grad else tensor

    def changed(self) -> str | None:
        """What was written into, if anything."""
        for array, before in self.made:
            if array.tobytes() != before:
                return f"the argument of shape {array.shape} was changed"
        return None


def bad_input(case: Case, log: Log, settings: Settings) -> None:
    """The case's own bad calls, and things that are no tensors in every tensor's place."""
    for bad in case.bad:
        t = Maker()
        log.check(_refused(bad.run, t, bad.kind, bad.match), f"{case.name}, {bad.label}")
        log.check(t.changed(), f"{case.name}, {bad.label}")
    if not isinstance(case.public, str) or case.public.startswith("Tensor."):
        return
    sample = samples(case, "random", "float32", True)[0]
    for path, array in sample.leaves():
        for thing in ("text", array, array.tolist(), object()):
            wrong, _ = as_tensors(sample)
            _put(wrong, path, thing)
            # In place of another operand a number's relatives may be taken: numpy scalars of 0-d arrays.
            if array.ndim == 0 and not isinstance(thing, str):
                continue
            fault = _refused(lambda m, t, s=wrong: case.call(m, s), None, TypeError, "expected")
            log.check(fault, f"{case.name}, {type(thing).__name__} as argument {path_text(path)}")


def _put(sample, path, thing) -> None:
    if len(path) > 1:
        group = sample.args if isinstance(path[0], int) else sample.options
        group[path[0]][path[1]] = thing
    elif isinstance(path[0], int):
        sample.args = (*sample.args[: path[0]], thing, *sample.args[path[0] + 1 :])
    else:
        sample.options[path[0]] = thing


def _refused(run, t, kind, match) -> str | None:
    try:
        found = run(nabi, t)
    except Exception as error:
        name = getattr(kind, "__name__", kind)
        if type(error) is not kind:
            return f"expected {name}, got {type(error).__name__}: {error}"
        if not re.search(match, str(error)):
            return f"expected a message with {match!r}, got {str(error)!r}"
        if not FORM.match(str(error)):
            return f"expected a message of the form 'op: expected ..., got ...', got {str(error)!r}"
        return None
    return f"expected {getattr(kind, '__name__', kind)}, got the result {str(found)[:60]!r}"
