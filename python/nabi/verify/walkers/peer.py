# SPDX-License-Identifier: Apache-2.0
"""PyTorch where it is installed: values, special values, gradients, strides and the types of exceptions."""

from __future__ import annotations

import numpy as np

import nabi
from nabi.tensor import Tensor

from ..case import Case
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import as_tensors, backward, kinds, samples, upstream
from .bad_input import Maker
from .layout import permuted, repeated, sliced, transposed


def straight(x: np.ndarray) -> np.ndarray:
    """As it is."""
    return x


def peer(case: Case, log: Log, settings: Settings, torch) -> None:
    """The case in both libraries."""
    if case.torch:
        with switched():
            for dtype in settings.dtypes:
                for kind in (*kinds(case), *(["special"] if case.special else [])):
                    for number, sample in enumerate(samples(case, kind, dtype, settings.quick)):
                        _values(case, sample, kind, dtype, number, log, torch)
            for sample in samples(case, "random", "float32", settings.quick):
                _strides(case, sample, log, torch)
    _exceptions(case, log, torch)


def theirs(case: Case, sample, torch, wanting=()):
    """The results of PyTorch, and its leaves."""
    leaves = {}

    def tensor(path, array):
        # Not a copy: strides matter.
        leaves[path] = torch.from_numpy(array).requires_grad_(path in wanting)
        return leaves[path]

    return case.call(torch, sample.map(tensor)), leaves


def _values(case, sample, kind, dtype, number, log, torch) -> None:
    where = f"{case.name}{sample} {kind} against PyTorch"
    made, _ = as_tensors(sample)
    ours = case.call(nabi, made)
    outputs, _ = theirs(case, sample, torch)
    if len(ours) != len(outputs):
        log.check(f"expected {len(outputs)} results, got {len(ours)}", where)
        return
    # Both may be off by the tolerance, and PyTorch's vector functions flush what is below the normal numbers to zero.
    flushed = float(np.finfo(dtype).tiny)
    room = [2 * each + flushed for each in case.allowed(sample, case.expected(sample), dtype)]
    for got, wanted, limit in zip(ours, outputs, room):
        if not isinstance(got, Tensor):
            log.check(None if got == wanted else f"expected {wanted}, got {got}", where)
            continue
        if str(wanted.dtype) != repr(got.dtype):
            log.check(f"expected {wanted.dtype}, got {got.dtype!r}", where)
        wide = wanted.numpy().astype(np.float64) if wanted.dtype.is_floating_point else wanted.numpy()
        log.check(difference(got._array, wide, limit), where)
    if kind == "special":
        return
    paths = case.differentiable(sample)
    if not paths:
        return
    seeds = upstream(case.expected(sample), kind, dtype, number)
    found = backward(case, sample, paths, seeds)
    outputs, leaves = theirs(case, sample, torch, set(paths))
    wanted = torch.autograd.grad(
        outputs,
        [leaves[path] for path in paths],
        [torch.from_numpy(each) for each in seeds],
        allow_unused=True,
    )
    terms = 1 if case.terms is None else case.terms(sample)
    reach = sum(each.size for each in seeds)
    for got, correct in zip(found, wanted):
        correct = np.zeros(got.shape) if correct is None else correct.numpy().astype(np.float64)
        largest = max(float(np.abs(correct).max(initial=0)), 1e-2)
        limit = 32 * np.finfo(dtype).eps * np.sqrt(terms + reach) * largest
        log.check(difference(got, correct, limit), f"{where}, gradient")


def _strides(case, sample, log, torch) -> None:
    for relaid in (straight, transposed, permuted, sliced, repeated):
        if relaid is not straight and not (case.layouts and case.strides):
            continue
        other = sample.map(lambda path, x: relaid(x))  # noqa: B023
        made, _ = as_tensors(other)
        for got, wanted in zip(case.call(nabi, made), theirs(case, other, torch)[0]):
            if isinstance(got, Tensor) and got.numel() > 0:
                # The stride of a dimension of size 1 is never used.
                used = [d for d, size in enumerate(got.shape) if size > 1]
                same = [got.stride(d) for d in used] == [wanted.stride(d) for d in used]
                fault = None if same else f"expected strides {wanted.stride()}, got {got.stride()}"
                log.check(fault, f"{case.name}{sample} with {relaid.__name__} arrays")


def _exceptions(case, log, torch) -> None:
    for bad in case.bad:
        if not bad.torch:
            continue
        try:
            found = bad.run(torch, Maker(torch.from_numpy))
        except Exception as error:
            # PyTorch's own classes below the built-in ones count as those.
            fault = None if isinstance(error, bad.kind) else f"PyTorch raises {type(error).__name__}: {error}"
        else:
            fault = f"PyTorch takes it: {found}"
        log.check(fault, f"{case.name}, {bad.label}")
