# SPDX-License-Identifier: Apache-2.0
"""Ties and kinks: values and gradients that are written down in the case."""

from __future__ import annotations

import numpy as np

from ..case import Case
from ..compare import difference
from ..settings import Log, Settings, switched
from ._run import backward, forward


def stored(case: Case, log: Log, settings: Settings) -> None:
    """Every stored value and gradient, on every set and in every dtype."""
    for entry in case.stored:
        for dtype in settings.dtypes:
            sample = entry.sample.map(lambda path, x: x.astype(dtype) if x.dtype.kind == "f" else x)  # noqa: B023
            expected = np.asarray(entry.expected, np.float64)
            for isa in settings.isas:
                where = f"{case.name}{sample} stored {isa}"
                with switched(isa=isa):
                    (found,) = forward(case, sample)
                    room = 8 * np.finfo(dtype).eps * np.abs(expected)
                    log.check(difference(found, expected, np.where(np.isfinite(room), room, 0)), where)
                    if not entry.grads:
                        continue
                    paths = case.differentiable(sample)
                    found = backward(case, sample, paths, [np.ones(expected.shape, dtype)])
                for got, wanted in zip(found, entry.grads):
                    wanted = np.asarray(wanted, np.float64)
                    room = 8 * np.finfo(dtype).eps * np.abs(wanted)
                    log.check(
                        difference(got, wanted, np.where(np.isfinite(room), room, 0)), f"{where}, gradient"
                    )
