# SPDX-License-Identifier: Apache-2.0
"""What the table of cases is made of."""

from __future__ import annotations

import numpy as np


class Sample:
    """One call's arguments: numpy arrays stand for tensors, everything else is passed as it is."""

    def __init__(self, *args, **options):
        self.args = args
        self.options = options

    def leaves(self) -> list[tuple]:
        """(path, array) of every array, also of those in lists; a path is a position or a keyword, and an index."""
        found = []
        for key, value in (*enumerate(self.args), *self.options.items()):
            if isinstance(value, np.ndarray):
                found.append(((key,), value))
            elif isinstance(value, list):
                found += [((key, i), each) for i, each in enumerate(value) if isinstance(each, np.ndarray)]
        return found

    def map(self, function) -> Sample:
        """The sample with function(path, array) in place of every array."""

        def one(path, value):
            found = function(path, value) if isinstance(value, np.ndarray) else value
            return np.asarray(found) if isinstance(found, np.generic) else found

        def mapped(key, value):
            if isinstance(value, list):
                return [one((key, i), each) for i, each in enumerate(value)]
            return one((key,), value)

        changed = Sample(*(mapped(key, value) for key, value in enumerate(self.args)))
        changed.options = {key: mapped(key, value) for key, value in self.options.items()}
        return changed

    def __repr__(self) -> str:
        parts = [_short(value) for value in self.args]
        parts += [f"{key}={_short(value)}" for key, value in self.options.items()]
        return f"({', '.join(parts)})"


def _short(value) -> str:
    if isinstance(value, np.ndarray):
        return f"{'x'.join(map(str, value.shape)) or '0-d'} {value.dtype}"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    if isinstance(value, tuple) and any(isinstance(each, np.ndarray) for each in value):
        return f"({', '.join(map(_short, value))})"
    return repr(value)


class Bad:
    """A call that must be refused: ``run(torch, t)`` with nabi or PyTorch as ``torch``; ``t`` makes tensors.

    Args:
        label: what is wrong.
        run: makes the call.
        kind: the exception's class, PyTorch's own where ``torch`` is True.
        match: a regular expression that the message has.
    """

    def __init__(self, label: str, run, kind, match: str, torch: bool = True):
        self.label, self.run, self.kind, self.match, self.torch = label, run, kind, match, torch


class Stored:
    """Values and gradients written down, for ties and kinks, where differences say nothing.

    Args:
        sample: the arguments.
        expected: the result.
        grads: the gradient of the result's sum with respect to each float array, in the order of ``sample.leaves()``.
    """

    def __init__(self, sample: Sample, expected, grads=()):
        self.sample, self.expected, self.grads = sample, expected, grads


class Case:
    """One row of the table.

    Args:
        name: what messages call it, unique.
        public: the callable's path in nabi and in PyTorch alike ("nn.functional.linear"), or a function that takes the
            module and returns the callable.
        reference: the definition; takes the sample's arguments as float64 (labels as integers).
        samples: a generator of Samples from a Draw.
        op: how its messages begin; the last part of ``public`` unless given.
        exact: kinds of data ("integers", "random") on which the result is the rounded reference, with ==.
        linear: linear in each array: differences of whole steps on small integers are then exact, too.
        terms: K, how many rounded terms meet in one element: ``terms(sample)``.
        magnitude: sum of the terms' absolute values, ``magnitude(sample)``; |result| unless given.
        kinks: values that random inputs keep 1e-3 away from.
        fixed: keywords or positions of arrays without a gradient.
        plain: has a ``backward_plain``, checked against ``backward``, with second derivatives.
        splits: runs kernels that can be split over threads.
        blocks: stands on matrix multiplication, so runs with small blocks, too.
        layouts, special: whether those walkers apply.
        special_keys: the arrays (positions or keywords) that take special values; all unless given.
        signs: the sign of a zero result is defined.
        torch: compared with PyTorch. strides: the result's strides are PyTorch's from any layout; else from contiguous
            arrays only.
        stored, bad: see Stored and Bad.
        bench: shapes of the arrays for timing.
        why: the reason for a tolerance that is looser than 4 eps sqrt(K) sum|terms|.
    """

    def __init__(
        self,
        name,
        public,
        reference,
        samples,
        *,
        op=None,
        exact=(),
        linear=False,
        terms=None,
        magnitude=None,
        kinks=(),
        fixed=(),
        plain=True,
        splits=True,
        blocks=False,
        layouts=True,
        special=True,
        special_keys=None,
        signs=False,
        torch=True,
        strides=True,
        stored=(),
        bad=(),
        bench=(),
        why="",
    ):
        self.name, self.public, self.reference, self.samples = name, public, reference, samples
        self.op = op or (public.rsplit(".", 1)[-1] if isinstance(public, str) else name.split()[0])
        self.exact, self.linear, self.kinks, self.fixed = exact, linear, kinks, fixed
        self.terms, self.magnitude, self.why = terms, magnitude, why
        self.plain, self.splits, self.blocks, self.layouts = plain, splits, blocks, layouts
        self.special, self.special_keys, self.signs = special, special_keys, signs
        self.torch, self.strides = torch, strides
        self.stored, self.bad, self.bench = list(stored), list(bad), list(bench)

    def __repr__(self) -> str:
        return f"<case {self.name}>"

    def call(self, module, sample: Sample):
        """Runs the public callable of nabi or PyTorch on tensors; a list of results."""
        if isinstance(self.public, str):
            function = module
            for part in self.public.split("."):
                function = getattr(function, part)
        else:
            function = self.public(module)
        found = function(*sample.args, **sample.options)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    def expected(self, sample: Sample) -> list[np.ndarray]:
        """The reference's results, in float64."""
        with np.errstate(all="ignore"):
            wide = sample.map(lambda path, x: x.astype(np.float64) if x.dtype.kind == "f" else x)
            found = self.reference(*wide.args, **wide.options)
        found = found if isinstance(found, (tuple, list)) else [found]
        return [np.asarray(each) for each in found]

    def allowed(self, sample: Sample, expected: list[np.ndarray], dtype) -> list[np.ndarray]:
        """4 eps sqrt(K) sum|terms| for every element, and K times the smallest denormal for what underflows."""
        limits = np.finfo(dtype)
        count = 1 if self.terms is None else max(self.terms(sample), 1)
        with np.errstate(all="ignore"):
            if self.magnitude is None:
                sizes = [np.abs(each) for each in expected]
            else:
                found = self.magnitude(
                    sample.map(lambda path, x: x.astype(np.float64) if x.dtype.kind == "f" else x)
                )
                sizes = [
                    np.asarray(each) for each in (found if isinstance(found, (tuple, list)) else [found])
                ]
            return [
                4 * limits.eps * np.sqrt(count) * size + count * float(limits.smallest_subnormal)
                for size in sizes
            ]

    def differentiable(self, sample: Sample) -> list[tuple]:
        """Paths of the arrays that have a gradient."""
        return [
            path for path, array in sample.leaves() if array.dtype.kind == "f" and path[0] not in self.fixed
        ]
