# SPDX-License-Identifier: Apache-2.0
"""How a walk runs, and the switches of the runtime that it turns and turns back."""

from __future__ import annotations

import os
from contextlib import contextmanager

import numpy as np

import nabi
from nabi import _C


class Settings:
    """quick: tiny samples. isas, dtypes, threads: what to walk over."""

    def __init__(self, quick: bool = True, isas=None, dtypes=("float32", "float64"), threads=(1, 2, 3, 7)):
        self.quick = quick
        self.isas = list(isas or _C.available_isas())
        self.dtypes, self.threads = dtypes, threads

    @property
    def plainest_and_best(self) -> list[str]:
        """Two sets that between them have the narrowest and the widest vectors."""
        return list(dict.fromkeys((self.isas[0], self.isas[-1])))


class Log:
    """What walkers found: how much was checked, and a sentence for each fault."""

    def __init__(self):
        self.checks = 0
        self.faults: list[str] = []

    def check(self, fault: str | None, where: str) -> None:
        """Counts one check; ``fault`` says what is wrong, or is None."""
        self.checks += 1
        if fault is not None:
            self.faults.append(f"{where}: {fault}")


def _fills_with_nan() -> bool:
    # A new block's tail shows it; a sanitized pool's blocks have none, and it fills unless told otherwise.
    tail = _C.block_tail(_C.add(np.zeros(5, np.float32), 0.0))
    return all(byte == 0xFF for byte in tail)


@contextmanager
def switched(isa=None, threads=None, split=False, small_blocks=None, fill_nan=True):
    """The runtime switched for a while: instruction set, thread count, splitting from two items, small blocks; fresh
    memory is NaN. Says so with an AssertionError if the set asked for does not run."""
    before = _C.get_isa(), _C.get_num_threads(), _fills_with_nan()
    try:
        if isa is not None:
            nabi.backends.cpu.set_isa(isa)
            if _C.get_isa() != isa:
                raise AssertionError(f"set_isa: expected {isa} to run, got {_C.get_isa()}")
        if threads is not None and threads != before[1]:
            nabi.set_num_threads(threads)
        if split:
            _C.set_grain_override(1)
        if small_blocks is not None:
            _C.set_small_blocks(small_blocks)
        _C.set_fill_nan(fill_nan)
        yield
    finally:
        _C.set_isa(before[0])
        if _C.get_num_threads() != before[1]:
            nabi.set_num_threads(before[1])
        _C.set_grain_override(int(os.environ.get("NABI_GRAIN") or 0))
        _C.set_small_blocks(os.environ.get("NABI_BLOCKS") == "small")
        _C.set_fill_nan(before[2])
