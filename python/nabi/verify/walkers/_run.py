# SPDX-License-Identifier: Apache-2.0
"""One call of a case through nabi, forward and backward."""

from __future__ import annotations

import numpy as np

import nabi
from nabi.tensor import Tensor, from_array

from ..case import Case, Sample
from ..draw import Draw


def samples(case: Case, kind: str, dtype: str, quick: bool) -> list[Sample]:
    """The case's samples, the same ones whoever asks."""
    seed = sum(case.name.encode()) * 4 + ("random", "integers", "special").index(kind)
    extremes = "random" in case.exact
    return list(case.samples(Draw(kind, dtype, quick, case.kinks, seed, extremes)))


def kinds(case: Case) -> tuple[str, ...]:
    """Random data, and small integers where they promise equality."""
    return ("integers", "random") if "integers" in case.exact else ("random",)


def as_tensors(sample: Sample, wanting=()) -> tuple[Sample, dict]:
    """The sample with Tensors on the arrays; the leaves whose paths are in ``wanting`` require grad."""
    leaves = {}

    def tensor(path, array):
        leaves[path] = from_array(array, requires_grad=path in wanting)
        return leaves[path]

    return sample.map(tensor), leaves


def forward(case: Case, sample: Sample) -> list[np.ndarray]:
    """The results' arrays; what is not a Tensor is an error of its own."""
    made, _ = as_tensors(sample)
    return [each._array if isinstance(each, Tensor) else np.asarray(each) for each in case.call(nabi, made)]


def upstream(outputs, kind: str, dtype: str, seed: int) -> list[np.ndarray]:
    """Gradients to start from, one an output: small integers for integers, else any."""
    draw = Draw("integers" if kind == "integers" else "random", dtype, seed=seed)
    return [draw(*each.shape) for each in outputs]


def backward(case: Case, sample: Sample, paths, seeds) -> list[np.ndarray]:
    """The gradients of sum(seed * output) with respect to the leaves at ``paths``."""
    made, leaves = as_tensors(sample, set(paths))
    outputs = case.call(nabi, made)
    found = nabi.autograd.grad(
        outputs, [leaves[path] for path in paths], [from_array(seed) for seed in seeds], allow_unused=True
    )
    return [
        np.zeros_like(leaves[path]._array) if each is None else each._array
        for path, each in zip(paths, found)
    ]


def copies(sample: Sample) -> dict:
    """Every array's bytes, to see later that nobody wrote into them."""
    return {path: array.tobytes() for path, array in sample.leaves()}


def changed(sample: Sample, before: dict) -> str | None:
    """Which argument is not what it was."""
    for path, array in sample.leaves():
        if array.tobytes() != before[path]:
            return f"argument {path_text(path)} was changed"
    return None


def path_text(path: tuple) -> str:
    """A leaf's place, for a message."""
    return f"{path[0]}[{path[1]}]" if len(path) > 1 else str(path[0])
