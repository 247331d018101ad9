# SPDX-License-Identifier: Apache-2.0
"""Where samples get their arrays: random values, small integers or special values, by the walker's choice."""

from __future__ import annotations

import numpy as np

SPECIALS = ("nan", "inf", "-inf", "-0.0", "0.0")


class Draw:
    """Makes the arrays of one case's samples.

    ``kind`` is "random", "integers" (sums of products stay exact in float32) or "special". Everything comes from one
    seed, so a sample is the same on every instruction set. ``extremes`` adds the largest numbers to the special ones: only
    where their overflow does not depend on the order of a sum. Values are float32's even for float64, so that one reference
    serves both.
    """

    def __init__(
        self, kind: str, dtype="float32", quick: bool = True, kinks=(), seed: int = 0, extremes=False
    ):
        self.extremes = extremes
        self.kind, self.dtype, self.quick, self.kinks = kind, np.dtype(dtype), quick, kinks
        self.random = np.random.default_rng(seed)

    def __call__(self, *shape) -> np.ndarray:
        """Any values."""
        if self.kind == "integers":
            return np.asarray(self.random.integers(-4, 5, shape), self.dtype)
        x = np.asarray(self.random.standard_normal(shape), np.float32)
        for kink in self.kinks:
            near = np.abs(x - kink) < 2e-3
            x = np.where(near, np.float32(kink + 4e-3), x)
        return self._sprinkle(x.astype(self.dtype), SPECIALS)

    def nonzero(self, *shape) -> np.ndarray:
        """Values to divide by: apart from zero, powers of two among integers."""
        if self.kind == "integers":
            return np.asarray(self.random.choice([-4, -2, -1, 1, 2, 4], shape), self.dtype)
        x = np.asarray(self.random.standard_normal(shape), np.float32)
        return self._sprinkle(np.asarray(x + np.copysign(np.float32(0.25), x), self.dtype), SPECIALS)

    def probability(self, *shape) -> np.ndarray:
        """Values in [0, 1]: both ends among special ones."""
        if self.kind == "integers":
            return np.asarray(self.random.choice([0.25, 0.5, 0.75], shape), self.dtype)
        x = np.asarray(self.random.uniform(0.02, 0.98, shape), np.float32)
        return self._sprinkle(x.astype(self.dtype), ("0.0", "1.0", "1e-30"))

    def share(self, shape, dim: int) -> np.ndarray:
        """Probabilities that add up to 1 along dim, some of them 0."""
        x = self.random.uniform(0.1, 1, shape) * (self.random.uniform(size=shape) < 0.8) + 1e-3
        return (x / x.sum(dim, keepdims=True)).astype(np.float32).astype(self.dtype)

    def positive(self, *shape) -> np.ndarray:
        """Weights: positive, never special."""
        if self.kind == "integers":
            return np.asarray(self.random.integers(1, 4, shape), self.dtype)
        return np.asarray(self.random.uniform(0.5, 2, shape), np.float32).astype(self.dtype)

    def labels(self, *shape, classes: int) -> np.ndarray:
        """Class indices."""
        return np.asarray(self.random.integers(0, classes, shape), np.int64)

    def _sprinkle(self, x: np.ndarray, values) -> np.ndarray:
        """Special values and denormals, all of them in turn, in some of the places."""
        if self.kind != "special" or x.size == 0:
            return x
        limits = np.finfo(self.dtype)
        specials = [float(value) for value in values]
        tiny = [float(limits.smallest_subnormal), float(limits.tiny) / 4]
        specials += tiny if values is not SPECIALS else [*tiny, -tiny[1]]
        if self.extremes and values is SPECIALS:
            specials += [float(limits.max), -float(limits.max), float(limits.tiny)]
        flat = x.reshape(-1)
        # One in ten, so that a sum is not NaN everywhere; one in two where elements don't meet.
        count = max(1, x.size // (2 if self.extremes else 10))
        places = self.random.choice(x.size, count, replace=False)
        flat[places] = np.resize(self.random.permutation(specials), count)
        return flat.reshape(x.shape)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Lengths around every set's vector width, four vectors (an unrolled loop), and a block of a sum."""
        if self.quick:
            return (0, 1, 7, 9, 33, 65)
        around = sorted({w * m + d for w in (4, 8, 16) for m in (1, 2, 4) for d in (-1, 0, 1)})
        return (0, 1, 2, *around, 255, 257, 1023, 1024, 1025, 4097)

    @property
    def products(self) -> tuple[tuple[int, int, int], ...]:
        """(m, k, n) of matrix products: around MR (2, 4, 8), NR (4 to 48 columns), and, blocks being small, KC (5) and
        NC (two panels); empty sums and outputs."""
        few = ((0, 3, 2), (2, 0, 3), (1, 1, 1), (3, 5, 4), (5, 11, 13), (9, 6, 49))
        if self.quick:
            return few
        sizes = [
            (m, k, n) for m in (1, 2, 3, 7, 8, 9, 17) for k in (1, 4, 5, 6, 11) for n in (1, 3, 7, 8, 9, 17)
        ]
        wide = [
            (m, k, n)
            for m in (3, 9)
            for k in (6,)
            for n in (11, 12, 13, 23, 24, 25, 47, 48, 49, 95, 96, 97, 193)
        ]
        deep = [(m, k, n) for m in (9,) for k in (383, 384, 385, 769) for n in (5, 50)]
        return (*few, (3, 2, 0), *sizes, *wide, *deep)
