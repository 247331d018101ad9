# SPDX-License-Identifier: Apache-2.0
"""NaN, infinities, signed zeros and denormals among ordinary values: the result has them where the reference has."""

from __future__ import annotations

from ..case import Case
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import forward, samples


def special(case: Case, log: Log, settings: Settings) -> None:
    """Special values in every array that may have them, one array at a time and all together."""
    if not case.special:
        return
    for dtype in settings.dtypes:
        ordinary = samples(case, "random", dtype, settings.quick)
        for sample, plain in zip(samples(case, "special", dtype, settings.quick), ordinary):
            keys = [
                path
                for path, array in sample.leaves()
                if array.dtype.kind == "f" and (case.special_keys is None or path[0] in case.special_keys)
            ]
            leaves = dict(sample.leaves())
            for paths in [keys] if len(keys) < 2 else [keys, *([key] for key in keys)]:
                mixed = plain.map(lambda path, x: leaves[path] if path in paths else x)  # noqa: B023
                expected = case.expected(mixed)
                exact = "random" in case.exact
                allowed = [0.0] * len(expected) if exact else case.allowed(mixed, expected, dtype)
                for isa in settings.isas:
                    with switched(isa=isa):
                        found = forward(case, mixed)
                    for got, wanted, room in zip(found, expected, allowed):
                        fault = difference(got, wanted, room, case.signs)
                        log.check(fault, f"{case.name}{sample} special {isa}")
