# SPDX-License-Identifier: Apache-2.0
"""Optimizers against PyTorch's: the same steps, the same state_dict, the same exceptions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import nabi

torch = pytest.importorskip("torch")

OPTIONS = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
    {"lr": 0.05, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
    {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "maximize": True},
    {"lr": 0.05, "momentum": 0.9, "foreach": True},
    {"lr": 0.05, "momentum": 0.9, "fused": True},
]
SHAPES = [(3,), (17, 5), (), (1,), (70, 41)]


def arrays(seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.standard_normal(shape), dtype=dtype) for shape in SHAPES]


def pair(dtype=np.float32):
    mine = [nabi.nn.Parameter(nabi.from_numpy(a.copy())) for a in arrays(0, dtype)]
    theirs = [torch.nn.Parameter(torch.from_numpy(a.copy())) for a in arrays(0, dtype)]
    return mine, theirs


def set_gradients(mine, theirs, seed, dtype=np.float32):
    for p, q, grad in zip(mine, theirs, arrays(seed, dtype), strict=True):
        p.grad, q.grad = nabi.from_numpy(grad.copy()), torch.from_numpy(grad.copy())


def assert_close(mine, theirs, dtype=np.float32):
    for p, q in zip(mine, theirs, strict=True):
        p, q = p.detach().numpy(), q.detach().numpy()
        np.testing.assert_allclose(p, q, rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_steps(options, dtype):
    mine, theirs = pair(dtype)
    a, b = nabi.optim.SGD(mine, **options), torch.optim.SGD(theirs, **options)
    assert repr(a) == repr(b)
    for step in range(5):
        set_gradients(mine, theirs, step + 1, dtype)
        if step == 3:
            mine[1].grad = theirs[1].grad = None
        a.step()
        b.step()
        assert_close(mine, theirs, dtype)


def as_torch(value):
    """nabi's tensors as PyTorch's, containers walked."""
    if isinstance(value, nabi.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: as_torch(item) for key, item in value.items()}
    return [as_torch(item) for item in value] if isinstance(value, list) else value


def as_nabi(value):
    """PyTorch's tensors as nabi's, containers walked."""
    if isinstance(value, torch.Tensor):
        return nabi.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: as_nabi(item) for key, item in value.items()}
    return [as_nabi(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("options", OPTIONS[:5])
def test_state_dicts_travel_both_ways(options):
    mine, theirs = pair()
    a, b = nabi.optim.SGD(mine, **options), torch.optim.SGD(theirs, **options)
    set_gradients(mine, theirs, 1)
    a.step()
    b.step()
    assert a.state_dict()["param_groups"] == b.state_dict()["param_groups"]
    assert list(a.state_dict()["state"]) == list(b.state_dict()["state"])
    fresh_a, fresh_b = nabi.optim.SGD(mine, lr=9.0), torch.optim.SGD(theirs, lr=9.0)
    fresh_a.load_state_dict(as_nabi(b.state_dict()))
    fresh_b.load_state_dict(as_torch(a.state_dict()))
    set_gradients(mine, theirs, 2)
    fresh_a.step()
    fresh_b.step()
    assert_close(mine, theirs)
    assert repr(fresh_a) == repr(fresh_b)


def outcome(function, lib):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(lib, lib.optim.SGD, lib.nn.Parameter(lib.zeros(2)))
        except Exception as error:
            result = type(error)
    return result, [warning.category for warning in caught]


def stepped(optimizer):
    """Something that can be compared, of an optimizer that could be made."""
    return [{k: v for k, v in group.items() if k not in ("params", "lr")} for group in optimizer.param_groups]


CASES = {
    "negative lr": lambda lib, sgd, p: sgd([p], lr=-1),
    "negative momentum": lambda lib, sgd, p: sgd([p], lr=1, momentum=-1),
    "negative decay": lambda lib, sgd, p: sgd([p], lr=1, weight_decay=-1),
    "text lr": lambda lib, sgd, p: sgd([p], lr="1"),
    "wide lr": lambda lib, sgd, p: sgd([p], lr=lib.zeros(2)),
    "tensor lr": lambda lib, sgd, p: stepped(sgd([p], lr=lib.tensor(0.5))),
    "nesterov without momentum": lambda lib, sgd, p: sgd([p], lr=1, nesterov=True),
    "nesterov with dampening": lambda lib, sgd, p: sgd([p], lr=1, momentum=0.9, dampening=0.1, nesterov=True),
    "fused and differentiable": lambda lib, sgd, p: sgd([p], lr=1, fused=True, differentiable=True),
    "fused and foreach": lambda lib, sgd, p: sgd([p], lr=1, fused=True, foreach=True),
    "empty": lambda lib, sgd, p: sgd([], lr=1),
    "a tensor": lambda lib, sgd, p: sgd(p, lr=1),
    "a number": lambda lib, sgd, p: sgd(3, lr=1),
    "numbers": lambda lib, sgd, p: sgd([3], lr=1),
    "a set in a group": lambda lib, sgd, p: sgd([{"params": {p}}], lr=1),
    "no params in a group": lambda lib, sgd, p: sgd([{"lr": 3}], lr=1),
    "a computed tensor": lambda lib, sgd, p: sgd([p * 2], lr=1),
    "a tensor that needs no gradient": lambda lib, sgd, p: stepped(sgd([lib.zeros(2)], lr=1)),
    "twice in a group": lambda lib, sgd, p: stepped(sgd([p, p], lr=1)),
    "in two groups": lambda lib, sgd, p: sgd([{"params": [p]}, {"params": [p]}], lr=1),
    "a group is a list": lambda lib, sgd, p: sgd([{"params": [p]}, [p]], lr=1),
    "a tensor as group": lambda lib, sgd, p: stepped(sgd([{"params": p, "lr": 3}], lr=1)),
    "named": lambda lib, sgd, p: stepped(sgd([("w", p)], lr=1)),
    "half named": lambda lib, sgd, p: sgd([("w", p), lib.nn.Parameter(lib.zeros(1))], lr=1),
    "named and unnamed groups": lambda lib, sgd, p: sgd(
        [{"params": [("w", p)]}, {"params": [lib.nn.Parameter(lib.zeros(1))]}], lr=1
    ),
    "options of its own": lambda lib, sgd, p: stepped(sgd([{"params": [p], "momentum": 0.5, "x": 1}], lr=1)),
    "base class": lambda lib, sgd, p: lib.optim.Optimizer([p], {}).step(),
    "closure": lambda lib, sgd, p: sgd([p], lr=1).step(lambda: lib.is_grad_enabled()),
    "closure without grad": lambda lib, sgd, p: closure_without_grad(lib, sgd([p], lr=1)),
    "no gradient": lambda lib, sgd, p: (sgd([p], lr=1, momentum=0.9).step(), p.tolist()),
    "state": lambda lib, sgd, p: list(sgd([p], lr=1).state_dict()),
    "added group": lambda lib, sgd, p: added_group(lib, sgd([p], lr=1)),
    "zero_grad": lambda lib, sgd, p: zeroed(lib, sgd([p], lr=1), p),
    "hooks": lambda lib, sgd, p: hooks(lib, sgd([p], lr=1)),
    "bad hook": lambda lib, sgd, p: bad_hook(sgd([p], lr=1)),
}


def closure_without_grad(lib, optimizer):
    with lib.no_grad():
        return optimizer.step(lib.is_grad_enabled), lib.is_grad_enabled()


def added_group(lib, optimizer):
    optimizer.add_param_group({"params": lib.nn.Parameter(lib.zeros(1)), "lr": 5})
    return [group["lr"] for group in optimizer.param_groups], optimizer.state_dict()["param_groups"][1][
        "params"
    ]


def zeroed(lib, optimizer, p):
    (p * 2).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    zeros = p.grad.tolist()
    optimizer.zero_grad()
    return zeros, p.grad


def hooks(lib, optimizer):
    seen = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append((len(args), kwargs)))
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o, lambda: 7), {}))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(len(args)))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("state"))
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append(sorted(state)), prepend=True)
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append("load"))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    result = optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return result, seen


def bad_hook(optimizer):
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    optimizer.step()


@pytest.mark.parametrize("name", CASES)
def test_same(name):
    assert outcome(CASES[name], nabi) == outcome(CASES[name], torch)


def test_learning_rate_in_a_tensor():
    mine, theirs = pair()
    a = nabi.optim.SGD(mine, lr=nabi.tensor(0.25))
    b = torch.optim.SGD(theirs, lr=torch.tensor(0.25))
    set_gradients(mine, theirs, 1)
    a.step()
    b.step()
    assert_close(mine, theirs)
