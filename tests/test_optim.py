# SPDX-License-Identifier: Apache-2.0
"""Optimizers on their own: one kernel call, nothing half-written, layouts, lean steps."""

from __future__ import annotations

import copy
import pickle
import time

import numpy as np
import pytest

import nabi
import nabi.nn as nn
from nabi import optim


def parameters(*shapes, dtype=None):
    rng = np.random.default_rng(3)
    result = []
    for shape in shapes:
        p = nn.Parameter(nabi.from_numpy(rng.standard_normal(shape).astype(dtype or np.float32)))
        p.grad = nabi.from_numpy(rng.standard_normal(shape).astype(dtype or np.float32))
        result.append(p)
    return result


def values(params):
    return [p.detach().numpy().copy() for p in params]


def formula(p, g, buffer, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    """One step in float64: (new parameter, new buffer)."""
    p, g = p.astype(np.float64), g.astype(np.float64) * (-1 if maximize else 1)
    g = g + weight_decay * p
    if momentum:
        buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
        g = g + momentum * buffer if nesterov else buffer
    return p - lr * g, buffer


OPTIONS = [
    {},
    {"weight_decay": 0.1, "maximize": True},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01, "maximize": True},
    {"momentum": 0.8, "nesterov": True, "weight_decay": 0.05},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_is_the_formula(options, dtype):
    params = parameters((3,), (17, 5), (1,), (0,), (), (70, 41), dtype=dtype)
    optimizer = optim.SGD(params, lr=0.1, **options)
    expected = [(p.detach().numpy().astype(np.float64), None) for p in params]
    for _ in range(3):
        grads = [p.grad.numpy().copy() for p in params]
        optimizer.step()
        expected = [formula(p, g, b, 0.1, **options) for (p, b), g in zip(expected, grads, strict=True)]
        for p, (value, _) in zip(params, expected, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), value, rtol=20 * np.finfo(dtype).eps, atol=1e-6)
            assert p.is_leaf and p.requires_grad
    if options.get("momentum"):
        for p, (_, buffer) in zip(params, expected, strict=True):
            stored = optimizer.state[p]["momentum_buffer"].numpy()
            np.testing.assert_allclose(stored, buffer, rtol=20 * np.finfo(dtype).eps, atol=1e-6)


def test_threads_do_not_change_bits():
    def run():
        params = parameters((33, 129), (7,), (1000, 11))
        optimizer = optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01)
        for _ in range(3):
            optimizer.step()
        return values(params)

    before = nabi._C.get_num_threads()
    results = []
    try:
        nabi._C.set_grain_override(1)
        regions = nabi._C.parallel_stats()["threaded_regions"]
        for threads in (1, 2, 3, 7):
            nabi._C.set_num_threads(threads)
            results.append(run())
        assert nabi._C.parallel_stats()["threaded_regions"] > regions
    finally:
        nabi._C.set_grain_override(0)
        nabi._C.set_num_threads(before)
    for result in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_one_kernel_call_a_group(monkeypatch):
    calls = []
    kernel = nabi._C.sgd_step
    monkeypatch.setattr(nabi._C, "sgd_step", lambda *args: (calls.append(len(args[0])), kernel(*args)))
    params = parameters((2, 2), (3,), (4,))
    optimizer = optim.SGD([{"params": params[:2]}, {"params": params[2:]}], lr=0.1, momentum=0.9)
    optimizer.step()
    optimizer.step()
    assert calls == [2, 1, 2, 1]


def test_parameters_without_gradient_are_skipped_and_start_their_momentum_later():
    a, b = parameters((2,), (2,))
    optimizer = optim.SGD([a, b], lr=0.5, momentum=0.9)
    grad = b.grad
    b.grad = None
    before = values([b])[0]
    optimizer.step()
    assert np.array_equal(values([b])[0], before)
    assert "momentum_buffer" not in optimizer.state.get(b, {})
    b.grad = grad
    optimizer.step()
    np.testing.assert_array_equal(optimizer.state[b]["momentum_buffer"].numpy(), grad.numpy())
    np.testing.assert_allclose(values([b])[0], before - 0.5 * grad.numpy(), rtol=1e-6)


def strided(array, kind):
    """The same values in another layout."""
    if kind == "transposed":
        return np.ascontiguousarray(array.T).T
    if kind == "gaps":
        wide = np.zeros((array.shape[0], 2 * array.shape[1]), array.dtype)
        wide[:, ::2] = array
        return wide[:, ::2]
    return np.ascontiguousarray(array)


@pytest.mark.parametrize("layout", ["dense", "transposed", "gaps"])
@pytest.mark.parametrize("grad_layout", ["dense", "transposed", "gaps"])
def test_every_layout_gives_the_same_numbers(layout, grad_layout):
    def run(p_layout, g_layout):
        rng = np.random.default_rng(1)
        value, grad = (rng.standard_normal((5, 7)).astype(np.float32) for _ in range(2))
        p = nn.Parameter(nabi.from_numpy(strided(value, p_layout)))
        strides = p.stride()
        optimizer = optim.SGD([p, *parameters((3,))], lr=0.1, momentum=0.9)
        for _ in range(3):
            p.grad = nabi.from_numpy(strided(grad, g_layout))
            optimizer.step()
        assert p.stride() == strides
        return p.tolist(), optimizer.state[p]["momentum_buffer"].tolist()

    assert run(layout, grad_layout) == run("dense", "dense")


def test_tensors_of_both_float_types_in_one_group():
    params = [*parameters((3,)), *parameters((3,), dtype=np.float64)]
    start, grads = values(params), [p.grad.numpy().copy() for p in params]
    optim.SGD(params, lr=0.1).step()
    for p, value, grad in zip(params, start, grads, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), value - 0.1 * grad, rtol=1e-6)


def test_versions_count_steps():
    (p,) = parameters((3,))
    out = (p * p).sum()
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()


def test_nan_learning_rate():
    (p,) = parameters((3,))
    with pytest.raises(ValueError, match=r"^SGD: expected lr >= 0, got nan"):
        optim.SGD([p], lr=float("nan"))
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.param_groups[0]["lr"] = float("nan")
    before = values([p])
    with pytest.raises(ValueError, match="lr"):
        optimizer.step()
    assert np.array_equal(values([p])[0], before[0])


@pytest.mark.parametrize("spoil", ["read-only", "buffer shape", "buffer dtype", "integer"])
def test_nothing_is_written_when_one_parameter_is_bad(spoil):
    params = parameters((3,), (4,))
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    optimizer.step()
    bad = params[1]
    if spoil == "read-only":
        bad._array.flags.writeable = False
    elif spoil == "buffer shape":
        optimizer.state[bad]["momentum_buffer"] = nabi.zeros(5)
    elif spoil == "buffer dtype":
        optimizer.state[bad]["momentum_buffer"] = nabi.zeros(4, dtype=nabi.float64)
    else:
        optimizer.param_groups[0]["params"][1] = bad = nabi.zeros(4, dtype=nabi.int64)
        bad._grad = nabi.zeros(4, dtype=nabi.int64)
        optimizer.state[bad]["momentum_buffer"] = nabi.zeros(4, dtype=nabi.int64)
    before = values(params)
    buffers = values([state["momentum_buffer"] for state in optimizer.state.values()])
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        optimizer.step()
    assert all(np.array_equal(a, b) for a, b in zip(values(params), before, strict=True))
    after = values([state["momentum_buffer"] for state in optimizer.state.values()])
    assert all(np.array_equal(a, b) for a, b in zip(after, buffers, strict=True))


def test_a_bad_starting_parameter_leaves_the_others_unchanged():
    params = parameters((3,), (4,))
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    grad, params[1].grad = params[1].grad, None
    optimizer.step()
    params[1].grad = grad
    params[1]._array.flags.writeable = False
    before = values(params)
    with pytest.raises((RuntimeError, ValueError)):
        optimizer.step()
    assert all(np.array_equal(a, b) for a, b in zip(values(params), before, strict=True))


def test_a_parameter_given_twice_is_stepped_twice():
    (p,) = parameters((3,))
    start, grad = values([p])[0], p.grad.numpy().copy()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = optim.SGD([p, p], lr=0.1)
    optimizer.step()
    np.testing.assert_allclose(values([p])[0], start - 0.2 * grad, rtol=1e-6)


def test_hooks_run_once_even_where_a_subclass_calls_super():
    class Mine(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    seen = []
    optimizer = Mine(parameters((2,)), lr=0.1)
    first = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", args[1:], kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))
    everyone = optim.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("all"))
    try:
        assert optimizer.step(closure=lambda: 5) == 5
    finally:
        everyone.remove()
    first.remove()
    optimizer.step()
    assert [s if isinstance(s, str) else s[0] for s in seen] == ["pre", "post", "all", "post"]
    assert list(seen[0][2]) == ["closure"]


def test_copies():
    params = parameters((3,))
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert repr(twin) == repr(optimizer)
        p = twin.param_groups[0]["params"][0]
        assert p is not params[0]
        assert (
            twin.state[p]["momentum_buffer"].tolist()
            == optimizer.state[params[0]]["momentum_buffer"].tolist()
        )
        p.grad = nabi.ones(3)
        twin.step()
        twin.zero_grad()


def test_a_loaded_state_is_a_copy():
    a, b = parameters((3,), (3,))
    first, second = optim.SGD([a], lr=0.1, momentum=0.9), optim.SGD([b], lr=0.5)
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["lr"] == 0.1
    before = first.state[a]["momentum_buffer"].tolist()
    second.step()
    assert first.state[a]["momentum_buffer"].tolist() == before


def test_a_state_that_does_not_fit_changes_nothing():
    params = parameters((3,), (3,))
    optimizer = optim.SGD(params, lr=0.1)
    other = optim.SGD(parameters((3,)), lr=0.7).state_dict()
    with pytest.raises(ValueError, match="2 parameters in group 0"):
        optimizer.load_state_dict(other)
    other["param_groups"] *= 2
    with pytest.raises(ValueError, match="1 parameter groups"):
        optimizer.load_state_dict(other)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_step_after_the_data_was_replaced():
    (p,) = parameters((3,))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    p.data = nabi.zeros(3)
    p.grad = nabi.ones(3)
    optimizer.state.clear()
    optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), np.full(3, -0.1, np.float32))


def test_steps_do_not_leak():
    params = parameters((64, 64))
    optimizer = optim.SGD(params, lr=1e-3, momentum=0.9)
    optimizer.step()
    in_use = nabi.memory_stats()["allocated_bytes"]
    for _ in range(100):
        optimizer.step()
    assert nabi.memory_stats()["allocated_bytes"] == in_use


def test_a_step_costs_little_python():
    model = nn.Sequential(nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 1))
    model(nabi.ones(2, 8)).sum().backward()
    optimizer = optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    optimizer.step()
    times = []
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(500):
            optimizer.step()
        times.append((time.perf_counter() - start) / 500)
    assert min(times) < 30e-6, f"{min(times) * 1e6:.1f} us"  # about 6 us; a busy machine gets room


def test_what_nabi_lacks_says_so():
    with pytest.raises(AttributeError, match="planned"):
        optim.Adam  # noqa: B018
    with pytest.raises(AttributeError, match="not supported"):
        optim.SparseAdam  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Sgd'"):
        optim.Sgd  # noqa: B018
