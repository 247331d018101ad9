# SPDX-License-Identifier: Apache-2.0
"""Random fills with a fixed seed, against the definition's own stream."""

from __future__ import annotations

import numpy as np

import nabi
from nabi.reference import random as reference

from ..case import Bad, Case, Sample

SEED = 20
# Draws have no gradient, take no tensors, and run on one thread under the generator's lock.
_DRAW = {"plain": False, "splits": False, "layouts": False, "special": False, "torch": False}
_SAME = {**_DRAW, "exact": ("integers", "random")}


def _filled(fill):
    """fill(tensor) into an empty tensor of the sample's shape; the sample's array only gives shape and dtype."""

    def public(m):
        def run(x):
            m.manual_seed(SEED)
            return fill(x.clone())

        return run

    return public


def _sizes(draw):
    for n in draw.lengths:
        yield Sample(draw(n))
    yield Sample(draw(3, 5))


def _stream():
    return reference.Stream(SEED)


def _uniform(x):
    return reference.uniform(_stream(), x.size, -0.5, 2.0, np.float32).reshape(x.shape)


def _normal(x):
    return reference.normal(_stream(), x.size, 0.5, 2.0).reshape(x.shape)


# float32's unit in units of the dtype walked over.
def _unit(x):
    return np.finfo(np.float32).eps / np.finfo(x.dtype).eps


def _normal_size(sample):
    return _unit(sample.args[0]) * (2 + np.abs(_normal(sample.args[0])))


def _exponential_size(sample):
    return _unit(sample.args[0]) * np.abs(_exponential(sample.args[0]))


def _bernoulli(x):
    return reference.bernoulli(_stream(), x.size, 0.3).reshape(x.shape).astype(np.float64)


def _exponential(x):
    return reference.exponential(_stream(), x.size, 1.5).reshape(x.shape)


def _integers(x):
    return np.asarray(reference.integers(_stream(), x.size, -3, 97)).reshape(x.shape).astype(np.float64)


def _permutation(m):
    def run(x):
        m.manual_seed(SEED)
        return m.randperm(x.numel())

    return run


def _permuted(x):
    return np.asarray(reference.permutation(_stream(), x.size))


_NARROW = "drawn in float32 whichever dtype is walked over, so the unit is float32's"
CASES: list[Case] = []


def _case(name, fill, defined, **options):
    # The definitions above draw for float32, whichever dtype is walked over; tests/test_random.py has the others.
    def in_float32(x):
        return fill(x.float()).to(x.dtype)

    CASES.append(Case(name, _filled(in_float32), defined, _sizes, fixed=(0,), **options))


_case("uniform_", lambda x: x.uniform_(-0.5, 2.0), _uniform, **_SAME)
_case("bernoulli_", lambda x: x.bernoulli_(0.3), _bernoulli, **_SAME)
_case("random_", lambda x: x.random_(-3, 97), _integers, **_SAME)
# Logarithm, cosine and square root of float32 round: a few units of the result and of the factors.
_case(
    "normal_",
    lambda x: x.normal_(0.5, 2.0),
    _normal,
    terms=lambda s: 16,
    magnitude=_normal_size,
    why=_NARROW,
    **_DRAW,
)
_case(
    "exponential_",
    lambda x: x.exponential_(1.5),
    _exponential,
    terms=lambda s: 4,
    magnitude=_exponential_size,
    why=_NARROW,
    **_DRAW,
)
CASES.append(Case("randperm", _permutation, _permuted, _sizes, fixed=(0,), **_SAME))
CASES[0].bad = [
    Bad("from above to", lambda m, t: t(3).uniform_(2.0, 1.0), RuntimeError, "uniform_: expected from <= to"),
    Bad("integers", lambda m, t: t(3, dtype="int64").uniform_(), NotImplementedError, "uniform_: expected"),
    Bad(
        "repeated elements", lambda m, t: t(1, 3).expand(2, 3).uniform_(), RuntimeError, "uniform_: expected"
    ),
]


def _generator():
    return nabi.Generator().manual_seed(SEED)


KERNELS = {
    "random_uniform": lambda draw: (_generator(), draw(3, 5), 0.0, 1.0),
    "random_normal": lambda draw: (_generator(), draw(3, 5), 0.0, 1.0),
    "random_integers": lambda draw: (_generator(), draw(3, 5), 0, 9),
    "random_full": lambda draw: (_generator(), draw(3, 5)),
    "random_permutation": lambda draw: (_generator(), draw.labels(7, classes=2)),
    "random_bernoulli": lambda draw: (_generator(), draw(3, 5), 0.5),
    "random_bernoulli_tensor": lambda draw: (_generator(), draw.probability(3, 5), draw(3, 5)),
    "random_exponential": lambda draw: (_generator(), draw(3, 5), 1.0),
}
