# SPDX-License-Identifier: Apache-2.0
"""Printed tensors against recorded text, the printing options, and what a large tensor costs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import nabi
from nabi.dtype import from_numpy
from nabi.printing import format_scalar, format_tensor, get_printoptions, printoptions, set_printoptions

GOLDEN = Path(__file__).with_name("printing_golden.txt")
ENTRIES = [entry.rstrip("\n").split("\n", 1) for entry in GOLDEN.read_text().split("\n>>> ")[1:]]


@pytest.fixture(autouse=True)
def unchanged_options():
    before = get_printoptions()
    yield
    set_printoptions(**before)


def f32(values):
    return np.array(values, np.float32)


def f64(values):
    return np.array(values, np.float64)


def show(array, **options):
    with printoptions(**options):
        return format_tensor(array, dtype=from_numpy(array.dtype))


@pytest.mark.parametrize("call, text", ENTRIES, ids=[call for call, _ in ENTRIES])
def test_golden(call, text):
    names = {"np": np, "f32": f32, "f64": f64, "nan": np.nan, "inf": np.inf, "show": show}
    assert eval(call, names) == text


def test_golden_still_is_what_torch_prints():
    torch = pytest.importorskip("torch")

    def torch_shows(array, **options):
        torch.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        return repr(torch.from_numpy(array))

    names = {"np": np, "f32": f32, "f64": f64, "nan": np.nan, "inf": np.inf, "show": torch_shows}
    try:
        for call, text in ENTRIES:
            assert eval(call, names) == text
    finally:
        torch.set_printoptions(profile="default")


def test_notes():
    text = format_tensor(f32([1]), dtype=nabi.float32, requires_grad=True)
    assert text == "tensor([1.], requires_grad=True)"
    # a node is shown instead of the flag, and a subclass by its name
    notes = {"requires_grad": True, "grad_fn_name": "MulBackward0", "class_name": "Mine"}
    text = format_tensor(f64([[1], [2]]), dtype=nabi.float64, **notes)
    assert text == "Mine([[1.],\n      [2.]], dtype=torch.float64, grad_fn=<MulBackward0>)"
    text = format_tensor(f64(np.zeros((0, 3))), dtype=nabi.float64, requires_grad=True)
    assert text == "tensor([], size=(0, 3), dtype=torch.float64, requires_grad=True)"


def test_default_dtype_is_not_shown():
    before = nabi.get_default_dtype()
    nabi.set_default_dtype(nabi.float64)
    try:
        assert show(f64([1])) == "tensor([1.])"
        assert show(f32([1])) == "tensor([1.], dtype=torch.float32)"
        assert show(np.zeros(0, np.int64)) == "tensor([], dtype=torch.int64)"
    finally:
        nabi.set_default_dtype(before)


def test_options_and_profiles():
    default = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert get_printoptions() == default
    set_printoptions(profile="short", linewidth=60)
    assert get_printoptions() == {**default, "precision": 2, "edgeitems": 2, "linewidth": 60}
    set_printoptions(profile="full", sci_mode=True)
    assert get_printoptions() == {**default, "threshold": float("inf"), "sci_mode": True}
    # every call sets sci_mode, as in PyTorch
    set_printoptions(profile="default")
    assert get_printoptions() == default
    set_printoptions(1, 2, 3, 4, "short", False)
    assert list(get_printoptions().values()) == [1, 2, 3, 4, False]


def test_what_is_returned_is_a_copy():
    get_printoptions()["precision"] = 9
    assert get_printoptions()["precision"] == 4


def test_context_manager_puts_back_after_an_error():
    before = get_printoptions()
    with pytest.raises(KeyError), printoptions(precision=1, sci_mode=True):
        assert format_tensor(f32([0.25]), dtype=nabi.float32) == "tensor([2.5e-01])"
        raise KeyError
    assert get_printoptions() == before

    @printoptions(precision=1)
    def decorated():
        return show(f32([0.25]))

    assert decorated() == decorated() == "tensor([0.2])"


@pytest.mark.parametrize(
    "options, kind, message",
    [
        ({"precision": -1}, ValueError, "expected precision >= 0, got -1"),
        ({"precision": True}, ValueError, "expected precision >= 0, got True"),
        ({"precision": 2.5}, TypeError, "expected precision to be an integer, got 2.5"),
        ({"edgeitems": -3}, ValueError, "expected edgeitems >= 0, got -3"),
        ({"edgeitems": "3"}, TypeError, "expected edgeitems to be an integer, got '3'"),
        ({"threshold": float("nan")}, ValueError, "expected threshold to be a number, got nan"),
        ({"threshold": "many"}, TypeError, "expected threshold to be a number, got 'many'"),
        ({"linewidth": [80]}, TypeError, "expected linewidth to be a number, got [80]"),
        ({"sci_mode": "yes"}, ValueError, "expected sci_mode True, False or None, got 'yes'"),
        ({"profile": "long"}, ValueError, "expected profile in ['default', 'full', 'short'], got 'long'"),
    ],
)
def test_bad_options_change_nothing(options, kind, message):
    before = get_printoptions()
    with pytest.raises(kind) as error:
        set_printoptions(**{"precision": 7, "linewidth": 33, "threshold": 2, **options})
    assert str(error.value) == f"set_printoptions: {message}"
    assert get_printoptions() == before


def test_unbounded_line():
    text = show(np.arange(500), linewidth=float("inf"))
    assert "\n" not in text and text.endswith("498, 499])")


def test_format_scalar():
    assert format_scalar(np.array(2 / 3), ".3f") == "0.667"
    assert format_scalar(np.array(2 / 3, np.float32), "") == "0.6666666865348816"
    assert format_scalar(np.array(5, np.int8), "03d") == "005"
    with pytest.raises(ValueError, match="Unknown format code 'd'"):
        format_scalar(np.array(1.0), "d")


def test_cost_does_not_grow_with_the_tensor():
    # 64 TB of elements that exist once: anything that visits them all would never end
    huge = np.broadcast_to(f32([1.5]), (1 << 12, 1 << 16, 1 << 16))
    start = time.perf_counter()
    text = show(huge)
    assert time.perf_counter() - start < 1
    assert text.count("1.5000") == 6**3 and text.count("...") == 6 * 6 + 6 + 1
