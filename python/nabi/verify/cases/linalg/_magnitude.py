# SPDX-License-Identifier: Apache-2.0
"""How large the terms of a sum of products are together."""

from __future__ import annotations

import numpy as np


def sums(reference):
    """Sum of the terms' absolute values: the reference of absolute values."""

    def magnitude(sample):
        positive = sample.map(lambda path, x: np.abs(x))
        options = {
            key: abs(value) if isinstance(value, (int, float)) else value
            for key, value in positive.options.items()
        }
        return reference(*positive.args, **options)

    return magnitude
