# SPDX-License-Identifier: Apache-2.0
"""Planted faults: each is found by the walker that is there for it, and the message names the operation."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import nabi
from nabi import _C
from nabi.tensor import Tensor, bump, from_array
from nabi.verify import cases
from nabi.verify.case import Bad, Case, Sample
from nabi.verify.settings import Log, Settings
from nabi.verify.walkers import WALKERS, arguments

F = nabi.nn.functional
BY_NAME = {case.name: case for case in cases.CASES}


def planted(name: str, fault, **changes) -> Case:
    """The case with fault(true function, *arguments) in place of the operation."""
    true = BY_NAME[name]
    wrong = Case.__new__(Case)
    wrong.__dict__.update(true.__dict__, **changes)

    def call(module, sample):
        found = fault(
            lambda *args, **options: true.call(module, _sample(args, options)), *sample.args, **sample.options
        )
        return list(found) if isinstance(found, (list, tuple)) else [found]

    wrong.call = call
    return wrong


def _sample(args, options) -> Sample:
    return Sample(*args, **options)


def found_by(walker: str, case: Case) -> str:
    log = Log()
    WALKERS[walker](case, log, Settings(quick=True))
    assert log.faults, f"{walker} saw nothing wrong"
    assert case.name in log.faults[0]
    return log.faults[0]


def wrong_last_element(true, *args, **options):
    (out,) = true(*args, **options)
    if out.numel():
        out.detach()._array.reshape(-1)[-1] += 1
    return out


def dropped_bias(true, input, weight, bias=None):
    return true(input, weight)


def one_ulp(true, *args, **options):
    (out,) = true(*args, **options)
    return from_array(np.asarray(np.nextafter(out._array, np.inf, dtype=out._array.dtype)))


def transposed_result(true, *args, **options):
    (out,) = true(*args, **options)
    return from_array(np.ascontiguousarray(out._array.T))


def float32_always(true, *args, **options):
    (out,) = true(*args, **options)
    return from_array(np.asarray(out._array, np.float32))


def writes_its_input(true, *args, **options):
    (out,) = true(*args, **options)
    args[0]._array[...] = 0
    return out


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("linear", wrong_last_element),
        ("linear", dropped_bias),
        ("add", one_ulp),
        ("mm", transposed_result),
        ("relu", float32_always),
        ("mul", writes_its_input),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_wrong_value_is_found(name, fault):
    found_by("value", planted(name, fault))


def assigns_instead_of_adding(true, a, b):
    """The product of only the last panel of K, as `=` where `+=` belongs would leave it."""
    (out,) = true(a, b)
    k = a.shape[1]
    return true(a[:, k // 5 * 5 :], b[k // 5 * 5 :])[0] if k > 5 and k % 5 else out


def test_assigning_for_adding_is_found():
    found_by("value", planted("mm", assigns_instead_of_adding))


class Halved(nabi.autograd.Function):
    """The right value, half the gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * 0.5


def test_a_wrong_gradient_is_found():
    found_by("gradient", planted("sigmoid", lambda true, x: true(Halved.apply(x))[0]))


def test_a_lost_gradient_is_found():
    found_by("gradient", planted("add", lambda true, a, b: true(a.detach(), b)[0] + 0 * a))


def test_two_backwards_that_differ_are_found(monkeypatch):
    node = type(nabi.ones(1, requires_grad=True).sigmoid().grad_fn)
    monkeypatch.setattr(node, "backward_plain", lambda self, grad: (grad * self.tensors()[0],))
    found_by("plain", BY_NAME["sigmoid"])


def strides_ignored(true, x):
    """Reads memory in order, whatever the strides."""
    array = x._array
    if array.flags.c_contiguous or array.size == 0 or 0 in array.strides:
        return true(x)[0]
    flat = np.lib.stride_tricks.as_strided(array, (array.size,), (array.itemsize,))
    return true(from_array(flat.reshape(array.shape).copy()))[0]


def test_ignored_strides_are_found():
    found_by("layout", planted("relu", strides_ignored, fixed=(0,)))


def swallowed_nan(true, x):
    (out,) = true(x)
    return from_array(np.asarray(np.nan_to_num(out._array, nan=0.0)))


def flushed_denormals(true, x):
    array = true(x)[0]._array
    return from_array(np.asarray(np.where(np.abs(array) < np.finfo(array.dtype).tiny, 0, array)))


@pytest.mark.parametrize("fault", [swallowed_nan, flushed_denormals])
def test_lost_special_values_are_found(fault):
    found_by("special", planted("relu", fault))


def test_a_wrong_kink_is_found():
    class Leaky(nabi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return nabi.relu(x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * (x >= 0).to(grad.dtype)

    found_by("stored", planted("relu", lambda true, x: Leaky.apply(x)))


def test_bits_that_depend_on_threads_are_found():
    def fault(true, x, *args, **options):
        (out,) = true(x, *args, **options)
        return from_array(
            np.asarray(out._array + np.finfo(out._array.dtype).eps * (_C.get_num_threads() == 3))
        )

    found_by("threads", planted("sigmoid", fault, fixed=(0,)))


def in_numpy(true, x):
    return from_array(np.asarray(1 / (1 + np.exp(-np.minimum(np.abs(x._array), 80)))))


def test_a_walk_on_one_thread_is_found():
    fault = found_by("threads", planted("sigmoid", in_numpy, fixed=(0,)))
    assert "no region" in fault


@pytest.mark.parametrize(
    "bad",
    [
        Bad("taken", lambda m, t: t(2) + t(2), RuntimeError, "expected"),
        Bad("another class", lambda m, t: m.mm(t(2, 3), t(2, 3)), ValueError, "expected"),
        Bad("another message", lambda m, t: m.mm(t(2, 3), t(2, 3)), RuntimeError, "features"),
        Bad("no form", lambda m, t: _raise(RuntimeError("no idea")), RuntimeError, "idea"),
        Bad("half-written", lambda m, t: _half(m, t(2, 3)), RuntimeError, "expected"),
    ],
    ids=lambda bad: bad.label,
)
def test_a_bad_refusal_is_found(bad):
    case = planted("relu", lambda true, x: true(x)[0], bad=[bad])
    found_by("bad_input", case)


def _raise(error):
    raise error


def _half(m, x: Tensor):
    x._array[0] = 0
    bump(x)
    return m.mm(x, x)


def test_a_kernel_that_takes_anything_is_found(monkeypatch):
    class Module:
        def __getattr__(self, name):
            return getattr(_C, name)

        @staticmethod
        def relu(*args):
            return np.zeros(3, np.float32)

    Module.relu.__doc__ = _C.relu.__doc__
    monkeypatch.setattr(importlib.import_module("nabi.verify.walkers.arguments"), "_C", Module())
    log = Log()
    arguments("relu", cases.KERNELS["relu"], log, Settings(quick=True))
    assert any("expected an exception, got a result" in fault for fault in log.faults)


def test_a_write_behind_the_output_is_found(monkeypatch):
    class Module:
        def __getattr__(self, name):
            return getattr(_C, name)

        @staticmethod
        def block_tail(array):
            return b"\xff\xff\x00\xff"

    monkeypatch.setattr(importlib.import_module("nabi.verify.walkers.value"), "_C", Module())
    assert "behind the output" in found_by("value", BY_NAME["relu"])
