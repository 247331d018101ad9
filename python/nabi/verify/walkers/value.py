# SPDX-License-Identifier: Apache-2.0
"""Values against the reference, on every set, split and in small blocks, from memory that was NaN, with a guard band."""

from __future__ import annotations

import numpy as np

from nabi import _C

from ..case import Case
from ..compare import difference, same_bits
from ..settings import Log, Settings, switched
from ._run import changed, copies, forward, kinds, samples


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
    where = f"{case.name}{sample} {kind} {isa}"
    before = copies(sample)
    floats = any(array.dtype.kind == "f" for _, array in sample.leaves())
    whole = None
    # Blocks decide bits, splitting does not.
    for small, split in ((False, False), (False, True), (True, True))[: 3 if case.blocks else 2]:
        with switched(isa=isa, split=split, small_blocks=small, threads=2 if split else None):
            found = forward(case, sample)
            tails = [_C.block_tail(each) for each in found]
        how = f"{where}{' split' if split else ''}{' small blocks' if small else ''}"
        if len(found) != len(expected):
            log.check(f"expected {len(expected)} results, got {len(found)}", how)
            continue
        for got, wanted, room, tail in zip(found, expected, allowed, tails):
            if floats and wanted.dtype.kind == "f" and got.dtype != np.dtype(dtype):
                log.check(f"expected a result of dtype {dtype}, got {got.dtype}", how)
            log.check(difference(got, wanted, room, case.signs), how)
            if any(byte != 0xFF for byte in tail):
                log.check("bytes behind the output's end were written", how)
        log.check(changed(sample, before), how)
        if not small:
            if whole is None:
                whole = found
            else:
                for got, wanted in zip(found, whole):
                    log.check(same_bits(got, wanted), f"{how}, against one thread")
