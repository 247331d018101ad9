# SPDX-License-Identifier: Apache-2.0
"""Values against the reference, on every set and in small blocks, into memory that was NaN, with a guard band behind it.

Splitting over threads is the threads walker's: it demands the bits of one thread.
"""

from __future__ import annotations

import numpy as np

from nabi import _C

from ..case import Case
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import changed, copies, forward, kinds, samples

OVERRUN = "bytes behind the output's end were written"


def value(case: Case, log: Log, settings: Settings) -> None:
    """Every sample's result: == the rounded reference where the case promises it, else within its tolerance."""
    for dtype in settings.dtypes:
        for kind in kinds(case):
            for sample in samples(case, kind, dtype, settings.quick):
                expected = case.expected(sample)
                exact = kind in case.exact
                allowed = [0.0] * len(expected) if exact else case.allowed(sample, expected, dtype)
                for isa in settings.isas:
                    _on_one_set(case, sample, expected, allowed, isa, dtype, kind, log)


def _on_one_set(case, sample, expected, allowed, isa, dtype, kind, log) -> None:
    before = copies(sample)
    floats = any(array.dtype.kind == "f" for _, array in sample.leaves())
    for small in (False, True)[: 2 if case.blocks else 1]:
        with switched(isa=isa, small_blocks=small):
            found = forward(case, sample)
            tails = [_C.block_tail(each) for each in found]
        where = f"{case.name}{sample} {kind} {isa}{' small blocks' if small else ''}"
        if len(found) != len(expected):
            log.check(f"expected {len(expected)} results, got {len(found)}", where)
            continue
        for got, wanted, room, tail in zip(found, expected, allowed, tails):
            if floats and wanted.dtype.kind == "f" and got.dtype != np.dtype(dtype):
                log.check(f"expected a result of dtype {dtype}, got {got.dtype}", where)
            log.check(difference(got, wanted, room, case.signs), where)
            log.check(OVERRUN if tail.strip(b"\xff") else None, where)
        log.check(changed(sample, before), where)
