# SPDX-License-Identifier: Apache-2.0
"""The random stream and every draw from it, slow and obvious: what PyTorch does on a CPU without MKL's generators.

mt19937 is seeded with the low 32 bits of the seed; element i of a fill is drawn before element i + 1.
"""

import math

import numpy as np


class Stream:
    """mt19937, and the normal draw that a pair leaves over."""

    def __init__(self, seed):
        key = [seed & 0xFFFFFFFF]
        for i in range(1, 624):
            key.append((1812433253 * (key[-1] ^ key[-1] >> 30) + i) & 0xFFFFFFFF)
        self.bits = np.random.MT19937(0)
        self.bits.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": 624}}
        self.left_over = None

    def word(self):
        """32 bits."""
        return int(self.bits.random_raw())

    def word64(self):
        """64 bits: two words, the first one high."""
        return self.word() << 32 | self.word()

    def uniform24(self):
        """A float32 in [0, 1)."""
        return (self.word() & 0xFFFFFF) / 2**24

    def uniform53(self):
        """A float64 in [0, 1)."""
        return (self.word64() & (2**53 - 1)) / 2**53

    def uniform(self, dtype):
        """A draw from [0, 1) of a floating dtype."""
        return self.uniform24() if np.dtype(dtype) == np.float32 else self.uniform53()


def uniform(stream, n, low=0.0, high=1.0, dtype=np.float32):
    """low + u (high - low)."""
    low, width = dtype(low), dtype(dtype(high) - dtype(low))
    # The product and the sum round once, together; float64 holds float32's exactly.
    exact = np.longdouble if dtype is np.float64 else np.float64
    return np.array(
        [exact(stream.uniform(dtype)) * exact(width) + exact(low) for _ in range(n)], exact
    ).astype(dtype)


def normal(stream, n, mean=0.0, std=1.0, dtype=np.float32, contiguous=True):
    """Box and Muller's pairs: in blocks of 16 from 16 elements up, else one by one."""
    if n < 16 or not contiguous:
        return np.array([mean + std * normal_one(stream) for _ in range(n)], dtype)
    z = np.array([stream.uniform(dtype) for _ in range(n)])
    for start in range(0, n - 15, 16):
        box_muller(z[start : start + 16])
    if n % 16:
        z[n - 16 :] = [stream.uniform(dtype) for _ in range(16)]
        box_muller(z[n - 16 :])
    return (mean + std * z).astype(dtype)


def normal_one(stream):
    """One standard normal draw: a pair's cosine, then its sine."""
    if stream.left_over is not None:
        z, stream.left_over = stream.left_over, None
        return z
    u1, u2 = stream.uniform53(), stream.uniform53()
    radius = math.sqrt(-2 * math.log1p(-u2))
    stream.left_over = radius * math.sin(2 * math.pi * u1)
    return radius * math.cos(2 * math.pi * u1)


def box_muller(block):
    """Eight pairs: radius from the first half, angle from the second."""
    radius = np.sqrt(-2 * np.log1p(-block[:8]))
    angle = 2 * np.pi * block[8:]
    block[:8], block[8:] = radius * np.cos(angle), radius * np.sin(angle)


def integers(stream, n, low, high):
    """low <= draw < high for types of 32 and 64 bits; two words each from a range of 2^28."""
    draw = stream.word64 if high - low >= 2**28 else stream.word
    return np.array([low + draw() % (high - low) for _ in range(n)])


def full(stream, n, dtype):
    """From 0 to the largest value of the dtype, for floats to 2^24 and 2^53."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        count = 2 ** (24 if dtype.itemsize == 4 else 53) + 1
    else:
        count = 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1
    draw = stream.word64 if dtype.itemsize == 8 else stream.word
    return np.array([draw() % count for _ in range(n)], dtype)


def permutation(stream, n):
    """Fisher and Yates from the front."""
    order = list(range(n))
    for i in range(n - 1):
        other = i + stream.word() % (n - i)
        order[i], order[other] = order[other], order[i]
    return np.array(order, np.int64)


def bernoulli(stream, n, p):
    """u < p with 53 bits."""
    return np.array([stream.uniform53() < p for _ in range(n)], bool)


def bernoulli_each(stream, p):
    """u < p[i], with a draw of p's type."""
    return np.array([stream.uniform(p.dtype) < each for each in p], bool)


def exponential(stream, n, lambd=1.0, dtype=np.float32):
    """-log(1 - u) / lambd."""
    return np.array([-math.log1p(-stream.uniform53()) / lambd for _ in range(n)], dtype)


def kept_by_dropout(stream, n, p):
    """Which elements dropout keeps; nothing is drawn for p = 0 and p = 1."""
    return np.full(n, p == 0) if p in (0, 1) else bernoulli(stream, n, 1 - p)
