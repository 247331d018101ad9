# SPDX-License-Identifier: Apache-2.0
"""Random programs of views and in-place operations: values, versions, strides and gradients as PyTorch's."""

from __future__ import annotations

import random

import pytest

import nabi
from twins import attempt, compare

torch = pytest.importorskip("torch")


def program(seed: int):
    """A scenario: a leaf, a tensor made of it, views of views of it, changed through each other in any order."""

    def scenario(T):
        pick = random.Random(seed)
        shape = pick.choice([(4,), (3, 4), (2, 3, 4), (1, 3), (2, 1, 3), (4, 4)])
        count = 1
        for size in shape:
            count *= size
        leaf = (T.arange(count, dtype=T.float64).view(shape) / 7 + 0.5).requires_grad_()
        other = T.linspace(0.5, 1.5, count, dtype=T.float64).view(shape).requires_grad_()
        made = leaf * 1.5 if pick.random() < 0.7 else T.zeros(shape, dtype=T.float64)
        if pick.random() < 0.3 and len(shape) > 1:
            made = (
                made.transpose(0, 1).contiguous().transpose(0, 1)
                if pick.random() < 0.5
                else made.transpose(0, -1).clone()
            )
        pool = [made]
        log = []
        for _ in range(pick.randint(3, 9)):
            step(T, pick, pool, leaf, other, log)
        total = sum((each * (i + 1)).sum() for i, each in enumerate(pool))
        log.append([each._version for each in pool])
        log.append([each.requires_grad for each in pool])
        log.append([each.detach() for each in pool])
        log.append([each.is_leaf for each in pool])
        if total.requires_grad:
            log.append(attempt(lambda: total.backward()))
        if log[-1] is None:  # after an error PyTorch leaves some leaves with gradients, nabi none
            log.extend([leaf.grad, other.grad])
        return log

    return scenario


def step(T, pick, pool, leaf, other, log):
    target = pick.choice(pool)
    shape = tuple(target.shape)
    for each in pool:
        _ = each.grad_fn  # PyTorch takes a view for a leaf until its node is asked for after its base changed
    what = pick.randrange(16)
    number = pick.choice([2.0, -0.5, 3.0])
    log.append(f"step {what}")
    if what == 0 and shape:
        pool.append(target[pick.randrange(shape[0])])
    elif what == 1 and shape:
        dim = pick.randrange(len(shape))
        start = pick.randrange(shape[dim])
        index = [slice(None)] * dim + [slice(start, None, pick.choice([1, 2]))]
        pool.append(target[tuple(index)])
    elif what == 2 and len(shape) > 1:
        pool.append(target.transpose(0, pick.randrange(1, len(shape))))
    elif what == 3:
        made = attempt(lambda: target.view(-1))
        log.append(isinstance(made, str))
        if not isinstance(made, str):
            pool.append(made)
    elif what == 4:
        pool.append(target.unsqueeze(pick.randrange(len(shape) + 1)))
    elif what == 5:
        log.append(attempt(lambda: pool.append(target.expand(2, *shape))))
    elif what == 6:
        log.append(plain_change(lambda: target.mul_(number)))
    elif what == 7:
        log.append(plain_change(lambda: target.add_(number)))
    elif what == 8:
        source = fitting(T, pick, leaf if pick.random() < 0.5 else other, shape)
        log.append(plain_change(lambda: target.mul_(source)))
    elif what == 9:
        source = fitting(T, pick, leaf if pick.random() < 0.5 else other, shape)
        log.append(plain_change(lambda: target.add_(source)))
    elif what == 10 and shape:
        where = pick.randrange(shape[0])
        source = fitting(T, pick, other, shape[1:])
        log.append(plain_change(lambda: target.__setitem__(where, source)))
    elif what == 11 and shape and not repeats(target):
        where = pick.choice([slice(0, 1), Ellipsis, (Ellipsis, 0), slice(None, None, 2)])
        log.append(plain_change(lambda: target.__setitem__(where, number)))
    elif what == 12 and shape and not repeats(target):
        chosen = T.tensor([pick.randrange(shape[0])])
        source = fitting(T, pick, other, (1, *shape[1:]))
        log.append(plain_change(lambda: target.__setitem__(chosen, source)))
    elif what == 13:
        source = fitting(T, pick, other, shape)
        log.append(plain_change(lambda: target.copy_(source)))
    elif what == 14:
        log.append(plain_change(lambda: target.zero_()) if not repeats(target) else None)
    elif what == 15:
        # A value computed from what is there, so that later changes may spoil it.
        if repeats(target):
            target = target.contiguous()
        kept = pick.choice(
            [lambda: target * target, lambda: target.sigmoid(), lambda: target + 1, lambda: target.relu()]
        )()
        pool.append(kept)


def repeats(tensor):
    """True after expand. PyTorch allows some writes to such tensors and refuses others; test_views.py says what nabi does."""
    return any(step == 0 and size > 1 for size, step in zip(tensor.shape, tensor.stride(), strict=True))


def fitting(T, pick, tensor, shape):
    """A tensor of the shape made of the other's elements, with its history."""
    count = 1
    for size in shape:
        count *= size
    flat = tensor.reshape(-1)
    pieces = [flat] * (count // flat.shape[0] + 1)
    return T.cat(pieces)[:count].reshape(shape)


def plain_change(function):
    found = attempt(function)
    return found if isinstance(found, str) else "done"


@pytest.mark.parametrize("seed", range(600))
def test_random_programs(seed):
    compare(torch, nabi, program(seed), tolerance=1e-9)
