# SPDX-License-Identifier: Apache-2.0
"""Thread counts: the same bits from 1, 2, 3 and 7, with regions that really ran on several."""

from __future__ import annotations

from nabi import _C

from ..case import Case
from ..compare import same_bits
from ..settings import Log, Settings, switched
from ._run import backward, forward, samples, upstream
from .value import OVERRUN


def threads(case: Case, log: Log, settings: Settings) -> None:
    """Forward and backward of every random sample, split from two items, on every set."""
    if not case.splits:
        return
    for isa in settings.plainest_and_best if settings.quick else settings.isas:
        for small in (False, True)[: 2 if case.blocks else 1]:
            first = None
            for count in settings.threads:
                with switched(isa=isa, threads=count, split=True, small_blocks=small):
                    before = _C.parallel_stats()
                    found = _all_results(case, settings, log)
                    after = _C.parallel_stats()
                where = f"{case.name} {isa} {count} threads"
                ran = after["threaded_regions"] - before["threaded_regions"]
                if count > 1:
                    log.check(None if ran else "no region ran on several threads", where)
                    fault = (
                        None if after["max_team"] >= count else f"the largest team was {after['max_team']}"
                    )
                    log.check(fault, where)
                if first is None:
                    first = found
                    continue
                for (label, got), (_, wanted) in zip(found, first):
                    log.check(same_bits(got, wanted), f"{where}, {label}")


def _all_results(case, settings, log) -> list:
    found = []
    for number, sample in enumerate(samples(case, "random", settings.dtypes[0], settings.quick)):
        outputs = forward(case, sample)
        found += [(f"{sample}", each) for each in outputs]
        if any(_C.block_tail(each).strip(b"\xff") for each in outputs):
            log.check(OVERRUN, f"{case.name}{sample} {_C.get_num_threads()} threads")
        paths = case.differentiable(sample)
        if paths:
            seeds = upstream(outputs, "random", settings.dtypes[0], number)
            found += [(f"{sample} backward", each) for each in backward(case, sample, paths, seeds)]
    return found
