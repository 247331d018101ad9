# SPDX-License-Identifier: Apache-2.0
"""Tensor itself: subclasses, numpy, conversions, copies, printing's names."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import nabi


class Mine(nabi.Tensor):
    def total(self):
        return self.sum().item()


class Named(nabi.Tensor):
    _printed_name = "Other"


def test_a_subclass_is_made_from_data():
    mine = Mine([1.0, 2.0])
    assert type(mine) is Mine
    assert mine.total() == 3.0
    assert mine.dtype is nabi.float32
    assert repr(mine) == "Mine([1., 2.])"
    assert repr(Named([1.0])) == "Other([1.])"
    assert Mine(2, 3).shape == (2, 3)
    assert Mine().shape == (0,)
    assert type(copy.deepcopy(mine)) is Mine


def test_a_subclass_shares_a_tensors_memory():
    x = nabi.zeros(2)
    mine, other = Mine(x), x.as_subclass(Mine)
    mine[0] = 5.0
    other[1] = 6.0
    assert x.tolist() == [5.0, 6.0]
    assert x._version == 2
    with pytest.raises(TypeError, match="as_subclass"):
        x.as_subclass(int)


def test_parameters_print_as_pytorchs():
    assert repr(nabi.nn.Parameter(nabi.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(nabi.nn.Buffer(nabi.ones(1))) == "tensor([1.])"
    with pytest.raises(TypeError):
        format(nabi.nn.Parameter(nabi.tensor(1.0)), ".2f")


def test_format():
    assert f"{nabi.tensor(2 / 3):.3f}" == "0.667"
    assert f"{nabi.tensor(7):04d}" == "0007"
    assert f"{nabi.tensor([1.5])}" == "tensor([1.5000])"
    with pytest.raises(TypeError):
        format(nabi.ones(2), ".2f")


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, t: a * t,
        lambda a, t: t * a,
        lambda a, t: a + t,
        lambda a, t: a - t,
        lambda a, t: t - a,
        lambda a, t: a / t,
        lambda a, t: a @ t,
        lambda a, t: a < t,
        lambda a, t: a == t,
        lambda a, t: np.add(a, t),
    ],
)
def test_an_array_and_a_tensor_give_a_tensor(operation):
    array = np.array([1.0, 2.0], np.float32)
    found = operation(array, nabi.tensor([3.0, 2.0]))
    assert type(found) is nabi.Tensor
    np.testing.assert_array_equal(found.numpy(), operation(array, np.array([3.0, 2.0], np.float32)))


def test_arithmetic_with_an_array_is_recorded_and_keeps_its_own_copy():
    array, x = np.array([2.0, 3.0], np.float32), nabi.ones(2, requires_grad=True)
    y = array * x
    array[:] = 0
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 3.0]


def test_numpys_scalars_are_numbers():
    x = nabi.ones(2)
    for scalar in (np.float64(2), np.float32(2), np.int64(2)):
        for found in (scalar * x, x * scalar, scalar + x, x / scalar, scalar - x):
            assert type(found) is nabi.Tensor
            assert found.dtype is nabi.float32


def test_numpys_functions():
    x = nabi.tensor([0.0, 1.0])
    assert type(np.sin(x)) is nabi.Tensor
    np.testing.assert_allclose(np.sin(x).numpy(), np.sin(np.array([0.0, 1.0], np.float32)))
    assert [type(each) for each in np.modf(x)] == [nabi.Tensor, nabi.Tensor]
    assert np.maximum(x, 0.5).tolist() == [0.5, 1.0]
    assert np.add.reduce(x).item() == 1.0
    assert np.mean(np.asarray(x)) == 0.5
    target = np.zeros(2, np.float32)
    target += x
    assert target.tolist() == [0.0, 1.0]
    version = x._version
    np.add(x, 1, out=x)
    assert x.tolist() == [1.0, 2.0]
    assert x._version == version + 1
    wanting = nabi.ones(2, requires_grad=True)
    for refused in (lambda: np.sin(wanting), lambda: np.asarray(wanting), lambda: wanting.numpy()):
        with pytest.raises(RuntimeError, match="detach"):
            refused()
    assert wanting.numpy(force=True).tolist() == [1.0, 1.0]


def test_memory_shared_with_numpy():
    array = np.zeros(3, np.float32)
    x = nabi.from_numpy(array)
    x[0] = 1.0
    array[1] = 2.0
    assert x.tolist() == array.tolist() == [1.0, 2.0, 0.0]
    assert x.numpy() is x.numpy()
    x.numpy()[2] = 3.0
    assert array[2] == 3.0
    assert np.shares_memory(np.asarray(x), array)
    assert not np.shares_memory(np.array(x), array)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert nabi.tensor(array)._array is not array


def test_conversions():
    assert float(nabi.tensor([[2.5]])) == 2.5
    assert int(nabi.tensor(2.7)) == 2
    assert complex(nabi.tensor(1.0)) == 1
    assert [10, 20][nabi.tensor(1)] == 20
    assert list(range(nabi.tensor(2))) == [0, 1]
    assert bool(nabi.tensor(0.0)) is False
    for error, refused in (
        (ValueError, lambda: float(nabi.ones(2))),
        (ValueError, lambda: int(nabi.ones(2))),
        (RuntimeError, lambda: nabi.ones(2).item()),
        (RuntimeError, lambda: bool(nabi.ones(2))),
        (RuntimeError, lambda: bool(nabi.ones(0))),
        (TypeError, lambda: [1, 2][nabi.tensor(1.0)]),
        (TypeError, lambda: [1, 2][nabi.tensor([0, 1])]),
        (TypeError, lambda: len(nabi.tensor(1))),
        (TypeError, lambda: iter(nabi.tensor(1))),
        (TypeError, lambda: round(nabi.tensor(1.5))),
        (RuntimeError, lambda: "a" in nabi.ones(2)),
        (TypeError, lambda: nabi.Tensor(3.0)),
    ):
        with pytest.raises(error):
            refused()


def test_a_number_with_history_warns_once():
    program = (
        "import warnings, nabi\n"
        "x = nabi.ones(1, requires_grad=True)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(3): float(x * 2); x.sum().item()\n"
        "print(len(caught), caught[0].category.__name__, caught[0].filename)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["1", "UserWarning", "<string>"]


def test_iteration():
    x = nabi.arange(6.0).view(2, 3)
    assert [row.tolist() for row in x] == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert reversed(x).tolist() == [[3.0, 4.0, 5.0], [0.0, 1.0, 2.0]]
    assert len(x) == 2
    assert 3.0 in x
    a, b = x
    a.add_(1)
    assert x[0].tolist() == [1.0, 2.0, 3.0]
    assert b.tolist() == [3.0, 4.0, 5.0]


def test_copies_that_share_memory_go_on_sharing_it():
    base = nabi.arange(6.0).view(2, 3).requires_grad_()
    base.grad = nabi.ones(2, 3)
    base.tag = ["kept"]
    row = base.detach()[0]
    twin, twin_row = copy.deepcopy([base, row])
    twin.data[0, 0] = 9.0
    assert twin_row.tolist() == [9.0, 1.0, 2.0]
    assert base.tolist()[0][0] == 0.0
    assert twin.requires_grad
    assert twin.grad.tolist() == base.grad.tolist()
    assert twin.tag == ["kept"]
    assert twin.tag is not base.tag
    turned = nabi.arange(6.0).view(2, 3).t()
    assert copy.deepcopy(turned).stride() == turned.stride()
    assert copy.deepcopy(turned[1:]).tolist() == turned[1:].tolist()
    with pytest.raises(RuntimeError, match="leaf"):
        copy.deepcopy(base * 2)


@pytest.mark.parametrize("make", [lambda x: x, lambda x: nabi.nn.Parameter(x)])
def test_pickle(make):
    x = make(nabi.arange(6.0).view(2, 3).t())
    again = pickle.loads(pickle.dumps(x))
    assert type(again) is type(x)
    assert again.tolist() == x.tolist()
    assert again.stride() == x.stride()
    assert again.requires_grad == x.requires_grad
    assert copy.copy(x).tolist() == x.tolist()


def test_tensor_knows_nothing_above_it():
    text = Path(sys.modules["nabi.tensor"].__file__).read_text()
    imported = [line.strip() for line in text.splitlines() if line.strip().startswith(("import ", "from ."))]
    assert not [
        line for line in imported if any(name in line for name in ("ops", "autograd", "serialization", "nn"))
    ]


def test_messages_have_one_form():
    x = nabi.ones(2, requires_grad=True)
    for refused in (
        lambda: setattr(x, "requires_grad", 1),
        lambda: setattr(x, "grad", 1),
        lambda: x[5],
        lambda: x["a"],
        lambda: nabi.tensor([1]).requires_grad_(),
        lambda: (x * 1).backward(),
        lambda: x.size(3),
        lambda: float(x),
    ):
        with pytest.raises((RuntimeError, TypeError, IndexError, ValueError)) as caught:
            refused()
        assert hasattr(caught.value, "nabi_op")
        assert str(caught.value).startswith(f"{caught.value.nabi_op}: ")


def test_big_endian_arrays_are_converted_beside_a_tensor():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (np.array([1.0, 2.0], ">f4") * nabi.ones(2)).tolist() == [1.0, 2.0]
        assert (np.array([1.0, 2.0, 3.0])[::-1] + nabi.ones(3).double()).tolist() == [4.0, 3.0, 2.0]
