# SPDX-License-Identifier: Apache-2.0
"""Runs walkers over the table and says what they found."""

from __future__ import annotations

import os
import time
import traceback

from .case import Case
from .cases import CASES, KERNELS
from .settings import Log, Settings
from .walkers import WALKERS, applies, arguments


def walk(name: str, case: Case, log: Log, settings: Settings) -> None:
    """One walker over one case; what it raises is a fault like any other."""
    try:
        WALKERS[name](case, log, settings)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(last.filename)}:{last.lineno}"
        log.check(f"{type(error).__name__} at {place}: {error}", f"{case.name} {name}")


def run(quick: bool = True, walkers=None, names=None, write=print) -> int:
    """Walks, writes a line a walker and a line a fault, and returns the number of faults.

    Args:
        quick: tiny samples, under a minute; else every size around vectors, tiles and blocks.
        walkers: their names; all unless given.
        names: of cases or kernels; all unless given.
        write: where lines go.
    """
    settings = Settings(quick=quick)
    wanted = walkers or [*WALKERS, "arguments"]
    faults = 0
    for name in wanted:
        log, begin = Log(), time.perf_counter()
        if name == "arguments":
            for kernel, make in KERNELS.items():
                if not names or kernel in names:
                    arguments(kernel, make, log, settings)
        else:
            for case in CASES:
                if (not names or case.name in names) and applies(name, case):
                    walk(name, case, log, settings)
        for fault in log.faults:
            write(f"  {fault}")
        seconds = time.perf_counter() - begin
        write(f"{name}: {log.checks} checks, {len(log.faults)} faults, {seconds:.1f} s")
        faults += len(log.faults)
    return faults
